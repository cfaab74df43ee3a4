"""Study plots: means with intervals, differences, the five steps, and the raters."""

from __future__ import annotations

import statistics
from itertools import accumulate

from markupsafe import Markup

from unpaired.report.html.render import render
from unpaired.report.plots.axes import WIDTH, cut, tone
from unpaired.report.plots.dots import Dot, Reference, Strip, dot_plot
from unpaired.study import wording
from unpaired.study.analysis import Analysis, MethodResult
from unpaired.study.judgements import STEPS

_ROW, _BAR, _TOP = 40, 18, 6
_LABEL_CHARACTERS = 44
_ROOM = 28
"""A share that is narrower than this is not written into its part of a bar."""


def means(analysis: Analysis) -> Markup:
    """The mean of each method with its interval."""
    strips = [
        _strip(analysis, m.method, _role(analysis, m.method), m.mean.value, m.mean.low, m.mean.high)
        for m in analysis.methods
    ]
    # A rater who sees a real and a translated image and can but guess is fooled half the time.
    guessing = Reference(label="guessing", value=50.0, text="50 %")
    references = [] if analysis.study.kind == "rating" else [guessing]
    title = wording.measure(analysis).capitalize()
    note = "higher is better; the line is the 95 % interval"
    return dot_plot(title, strips, references, _unit(analysis), note, _ends(analysis))


def differences(analysis: Analysis) -> Markup:
    """The difference of every two methods with its interval; empty for a single method."""
    strips = []
    for difference in analysis.differences:
        mean, label = difference.interval, f"{difference.first} − {difference.second}"
        role = _role(analysis, difference.first)
        strips.append(_strip(analysis, label, role, mean.value, mean.low, mean.high, sign=True))
    zero = Reference(label="no difference", value=0.0, text="0")
    note = "an interval without 0 is a difference, before Holm's correction"
    title = "Differences" if analysis.study.kind == "rating" else "Differences in percentage points"
    return dot_plot(title, strips, [zero], "", note)


def raters(analysis: Analysis) -> Markup:
    """Each rater's mean of each method, with the spread over raters."""
    scale = _scale(analysis)
    strips = []
    for result in analysis.methods:
        values = [rater.mean for rater in result.raters]
        mean = statistics.fmean(values)
        deviation = statistics.stdev(values) if len(values) > 1 else None
        text = wording.number(analysis, mean)
        if deviation is not None:
            text += f" ± {wording.number(analysis, deviation)}"
        dots = [
            Dot(
                name=f"{r.rater}: {wording.number(analysis, r.mean)}, n = {r.num_judgements}",
                value=r.mean * scale,
            )
            for r in result.raters
        ]
        strips.append(
            Strip(
                label=result.method,
                role=_role(analysis, result.method),
                dots=dots,
                mean=mean * scale,
                deviation=None if deviation is None else deviation * scale,
                text=text,
            )
        )
    note = "a dot is a rater; stroke and bar: mean ± standard deviation"
    return dot_plot("Raters", strips, [], _unit(analysis), note, _ends(analysis))


def steps(analysis: Analysis) -> Markup:
    """How the judgements of each method spread over the five steps; empty for 2AFC."""
    rows = [(m, m.steps) for m in analysis.methods if m.steps is not None]
    if not rows:
        return Markup()
    summary = "; ".join(
        f"{result.method}: "
        + ", ".join(f"{step}: {n}" for step, n in zip(STEPS, counts, strict=True))
        for result, counts in rows
    )
    drawing = {
        "title": "The five steps",
        "description": f"Judgements of each step. {summary}.",
        "width": WIDTH,
        "height": _TOP + _ROW * len(rows),
        "bar_height": _BAR,
        "legend": [(step, _meaning(step)) for step in STEPS],
        "bars": [
            _bar(result, counts, _TOP + _ROW * row) for row, (result, counts) in enumerate(rows)
        ],
    }
    return render("charts/steps.html", drawing)


def _bar(result: MethodResult, counts: tuple[int, ...], top: int) -> dict[str, object]:
    """One method: five parts side by side, as wide as their shares."""
    total = sum(counts)
    starts = accumulate(counts, initial=0)
    return {
        "method": result.method,
        "shown": cut(result.method, _LABEL_CHARACTERS),
        "top": top,
        "total": f"{total:,}",
        "parts": [
            _part(step, count, start, total)
            for step, count, start in zip(STEPS, counts, starts, strict=False)
        ],
    }


def _part(step: int, count: int, start: int, total: int) -> dict[str, object]:
    x, width = (round(WIDTH * n / total, 1) for n in (start, count))
    share = 100 * count / total
    return {
        "step": step,
        "x": x,
        "width": width,
        "middle": round(x + width / 2, 1),
        "tip": f"{step}: {count:,} of {total:,} ({share:.1f} %)",
        "share": f"{share:.0f} %" if width >= _ROOM else "",
    }


def _strip(
    analysis: Analysis,
    label: str,
    role: str,
    value: float,
    low: float,
    high: float,
    *,
    sign: bool = False,
) -> Strip:
    ends = wording.interval(analysis, low, high, sign=sign)
    text = f"{wording.number(analysis, value, sign=sign)}  [{ends}]"
    text = text.replace(" points", "")  # the title says so once
    scale = _scale(analysis)
    dot = Dot(name=f"{label}: {text}", value=value * scale, low=low * scale, high=high * scale)
    return Strip(label=label, role=role, dots=[dot], mean=value * scale, deviation=None, text=text)


def _role(analysis: Analysis, method: str) -> str:
    """The colour of a method, the same in all plots."""
    place = [result.method for result in analysis.methods].index(method)
    return tone(place, len(analysis.methods))


def _scale(analysis: Analysis) -> float:
    return 1.0 if analysis.study.kind == "rating" else 100.0


def _ends(analysis: Analysis) -> tuple[float, float]:
    """Of the scale, as it is drawn."""
    low, high = analysis.study.bounds
    return low * _scale(analysis), high * _scale(analysis)


def _unit(analysis: Analysis) -> str:
    return "" if analysis.study.kind == "rating" else "%"


def _meaning(step: int) -> str:
    return {STEPS[0]: " worst", STEPS[-1]: " best"}.get(step, "")
