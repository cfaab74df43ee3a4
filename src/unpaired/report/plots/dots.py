"""Dot plots as inline SVG: every run a dot with its interval, every group its mean and spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from unpaired.report.html.render import render
from unpaired.report.plots.axes import WIDTH, Axis, cut, tick_text, ticks

_LEFT, _RIGHT = 8, 14
_ROW, _TOP, _BOTTOM = 38, 6, 22
_WRITTEN = 16  # of a row, for its label and numbers
_CHARACTERS = 54
"""Room for the label of a strip and its numbers beside it."""
_STRETCH = 2.0
"""A reference may widen the scale by this factor; further away, it is in words alone."""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """The number of one run, with its interval where there is one."""

    name: str
    """The run, and the number in words: shown when a reader points at the dot."""
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The runs of one group."""

    label: str
    role: str
    """Class that chooses the colour."""
    dots: Sequence[Dot]
    mean: float
    deviation: float | None
    text: str
    """Mean and deviation in words."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A value that all groups are read against: that of the unchanged input, or the floor."""

    label: str
    value: float
    text: str
    style: Literal["dashed", "dotted"] = "dashed"


def dot_plot(
    title: str,
    strips: Sequence[Strip],
    references: Sequence[Reference],
    unit: str,
    note: str = "",
    scale: tuple[float, float] = (-math.inf, math.inf),
) -> Markup:
    """A titled plot with one strip a group; numbers that are not finite are left out.

    The axis ends where the `scale` of the numbers does. Empty if there is nothing to draw.
    """
    strips = [s for s in strips if math.isfinite(s.mean)]
    ends = [
        value
        for strip in strips
        for dot in strip.dots
        for value in (dot.value, dot.low, dot.high)
        if value is not None and math.isfinite(value)
    ]
    if not ends:
        return Markup()
    low, high = min(ends), max(ends)
    near = [r for r in references if _widening(low, high, r.value) <= _STRETCH]
    around = ticks(min([low, *(r.value for r in near)]), max([high, *(r.value for r in near)]))
    marks = sorted({min(max(mark, scale[0]), scale[1]) for mark in around})
    if len(marks) == 1:  # all numbers lie at the upper end of the scale
        marks = [marks[0] - (around[1] - around[0]), marks[0]]
    x = Axis(marks[0], marks[-1], start=_LEFT, end=WIDTH - _RIGHT)
    height = _TOP + _ROW * len(strips) + _BOTTOM
    summary = "; ".join(f"{strip.label}: {strip.text}" for strip in strips)
    drawing = {
        "title": title,
        "note": note,
        "description": f"{title} of each group. {summary}.",
        "width": WIDTH,
        "height": height,
        "left": _LEFT,
        "right": WIDTH - _RIGHT,
        "top": _TOP,
        "bottom": height - _BOTTOM,
        "ticks": [_tick(x, mark, unit) for mark in marks],
        "references": [
            {
                "label": reference.label,
                "text": reference.text,
                "style": reference.style,
                "drawn": reference in near,
                "path": _reference(x, reference, len(strips)) if reference in near else "",
            }
            for reference in references
        ],
        "strips": [_strip(x, strip, _TOP + _ROW * row) for row, strip in enumerate(strips)],
    }
    return render("charts/dots.html", drawing)


def _widening(low: float, high: float, value: float) -> float:
    """By which factor the range grows if it has to hold `value`."""
    if not math.isfinite(value):
        return math.inf
    spread = (high - low) or 0.05 * abs(high) or 1.0
    return (max(high, value) - min(low, value)) / spread


def _tick(x: Axis, value: float, unit: str) -> dict[str, object]:
    place = x(value)
    # Centred on an edge, the text would stick out of the drawing.
    anchor = {x.low: "start", x.high: "end"}.get(value, "middle")
    at = {"start": place - _LEFT, "end": place + _RIGHT}.get(anchor, place)
    return {"place": place, "text": tick_text(value, unit), "text_at": at, "anchor": anchor}


def _reference(x: Axis, reference: Reference, num_strips: int) -> str:
    """A stroke beside the dots of each strip, lest it strike through what is written above."""
    place = x(reference.value)
    tops = [_TOP + _ROW * row + _WRITTEN for row in range(num_strips)]
    return " ".join(f"M{place} {top}V{top + _ROW - _WRITTEN}" for top in tops)


def _strip(x: Axis, strip: Strip, top: int) -> dict[str, object]:
    middle = top + 26
    dots = [dot for dot in strip.dots if math.isfinite(dot.value)]
    return {
        "label": strip.label,
        "shown": cut(strip.label, _CHARACTERS - len(strip.text)),
        "text": strip.text,
        "role": strip.role,
        "top": top,
        "middle": middle,
        "spread": _spread(x, strip),
        "dots": [
            _dot(x, dot, _height_of(place, len(dots), middle)) for place, dot in enumerate(dots)
        ],
        "mean": x(strip.mean) if len(dots) > 1 else None,
    }


def _height_of(place: int, num_dots: int, middle: int) -> float:
    """Where a dot lies: runs of equal numbers must not hide each other."""
    step = min(4, 10 / max(1, num_dots - 1))
    return round(middle + (place - (num_dots - 1) / 2) * step, 1)


def _spread(x: Axis, strip: Strip) -> tuple[float, float] | None:
    """Left end and width of mean ± deviation, as far as it lies in the drawing."""
    if strip.deviation is None:
        return None
    start, end = (
        max(_LEFT, min(WIDTH - _RIGHT, x(strip.mean + sign * strip.deviation))) for sign in (-1, 1)
    )
    return start, round(max(end - start, 0.5), 1)


def _dot(x: Axis, dot: Dot, y: float) -> dict[str, object]:
    bounds = [b for b in (dot.low, dot.high) if b is not None and math.isfinite(b)]
    bar = (x(bounds[0]), x(bounds[1])) if len(bounds) == 2 else None
    return {"name": dot.name, "x": x(dot.value), "y": y, "bar": bar}
