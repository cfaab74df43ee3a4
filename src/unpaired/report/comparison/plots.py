"""Plots of a comparison: final numbers as dots, and metrics over images seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from unpaired.metrics.catalogue import COMPANIONS
from unpaired.metrics.ranking import score
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement
from unpaired.report.comparison.compare import Comparison
from unpaired.report.comparison.numbers import Row, Spread, Table
from unpaired.report.comparison.tables import companion, title_of
from unpaired.report.metric_text import Wording, in_order, wording
from unpaired.report.names import Names
from unpaired.report.plots.axes import tone
from unpaired.report.plots.dots import Dot, Reference, Strip, dot_plot
from unpaired.report.plots.lines import Line, Point, chart

_BETTER = {"higher": "higher is better", "lower": "lower is better", "unknown": ""}


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The plots of one protocol: those in the foreground, and those that are folded."""

    title: str
    """Empty where there is one protocol."""
    shown: list[Markup]
    more: list[Markup]


def _roles(comparison: Comparison) -> dict[str, str]:
    """The colour of each group by its label, the same in all plots."""
    count = len(comparison.groups)
    return {group.label: tone(place, count) for place, group in enumerate(comparison.groups)}


def final_dots(comparison: Comparison, metrics: Sequence[str]) -> list[Drawn]:
    """A plot for each metric, per protocol."""
    names, roles = comparison.names, _roles(comparison)
    groups = []
    for table in comparison.tables:
        shown = [metric for metric in metrics if metric in table.metrics]
        rest = [metric for metric in in_order(table.metrics, names) if metric not in shown]
        groups.append(
            Drawn(
                title=title_of(table) if len(comparison.tables) > 1 else "",
                shown=[_dots(table, metric, roles, names) for metric in shown],
                more=[_dots(table, metric, roles, names) for metric in rest],
            )
        )
    return groups


def _dots(table: Table, metric: str, roles: Mapping[str, str], names: Names) -> Markup:
    words = wording(metric, names)
    strips = []
    for row in table.rows:
        spread = row.spread(metric)
        if spread is not None:
            mean, deviation = spread.mean * words.scale, spread.deviation
            strip = Strip(
                label=row.group.label,
                role=roles[row.group.label],
                dots=[
                    _dot(row.group.entries[index].name, evaluation.metrics[metric], words)
                    for index, evaluation in row.final.items()
                    if metric in evaluation.metrics
                ],
                mean=mean,
                deviation=None if deviation is None else deviation * words.scale,
                text=words.with_deviation(spread.mean, deviation),
            )
            strips.append(strip)
    references = [
        Reference(
            label=beside.label,
            value=value * words.scale,
            text=words.value(value),
            style=beside.stroke,
        )
        for suffix, beside in COMPANIONS.items()
        if (value := companion(table, metric, suffix)) is not None
    ]
    return dot_plot(words.name, strips, references, words.unit, _BETTER[words.better])


def _dot(run: str, number: Measurement, words: Wording) -> Dot:
    interval = words.interval(number)
    return Dot(
        name=f"{run}: {words.value(number.value)}" + (f" ({interval})" if interval else ""),
        value=number.value * words.scale,
        low=number.low * words.scale if number.has_interval else None,
        high=number.high * words.scale if number.has_interval else None,
    )


def courses(comparison: Comparison, metrics: Sequence[str]) -> list[Drawn]:
    """The score that decides what is best, then each metric, over images seen."""
    names, roles = comparison.names, _roles(comparison)
    groups = []
    for table in comparison.courses:
        charts = [_course(table, "Score that decides what is best", score, roles, Wording(kind=""))]
        shown = [metric for metric in metrics if metric in table.metrics]
        rest = [metric for metric in in_order(table.metrics, names) if metric not in shown]
        charts += [_metric_course(table, metric, roles, names) for metric in shown]
        drawn = Drawn(
            title=title_of(table) if len(comparison.courses) > 1 and any(charts) else "",
            shown=list(filter(None, charts)),
            more=list(filter(None, (_metric_course(table, m, roles, names) for m in rest))),
        )
        if drawn.shown or drawn.more:
            groups.append(drawn)
    return groups


def _metric_course(table: Table, metric: str, roles: Mapping[str, str], names: Names) -> Markup:
    words = wording(metric, names)
    return _course(table, words.name, lambda e: e.metrics.get(metric), roles, words)


def _course(
    table: Table,
    title: str,
    read: Callable[[EvaluationRecord], Measurement | float | None],
    roles: Mapping[str, str],
    words: Wording,
) -> Markup:
    lines = []
    for row in table.rows:
        moments = {images: Spread(numbers) for images, numbers in _moments(row, read).items()}
        if moments:
            last = moments[max(moments)]
            lines.append(
                Line(
                    label=row.group.label,
                    role=roles[row.group.label],
                    points=[_point(images, spread, words) for images, spread in moments.items()],
                    last=words.with_deviation(last.mean, last.deviation),
                )
            )
    return chart(title, lines, words.unit)


def _moments(
    row: Row, read: Callable[[EvaluationRecord], Measurement | float | None]
) -> dict[int, tuple[Measurement, ...]]:
    """The numbers of all runs, by images seen, where every run has a finite one."""
    numbers: dict[int, list[Measurement]] = {}
    for evaluations in row.series.values():
        for evaluation in evaluations:
            value = read(evaluation)
            number = Measurement.without_interval(value) if isinstance(value, float) else value
            if number is not None and math.isfinite(number.value):
                numbers.setdefault(evaluation.images, []).append(number)
    whole = {images: tuple(n) for images, n in numbers.items() if len(n) == len(row.series)}
    return dict(sorted(whole.items()))


def _point(images: int, spread: Spread, words: Wording) -> Point:
    low, high = spread.bounds
    has_band = low < high and math.isfinite(low) and math.isfinite(high)
    return Point(
        images=images,
        value=spread.mean * words.scale,
        low=low * words.scale if has_band else None,
        high=high * words.scale if has_band else None,
    )
