"""Dot plots as inline SVG: every run a dot with its interval, every group its mean and spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from unpaired.report.html.markup import Html, join, tag
from unpaired.report.plots.axes import WIDTH, Axis, figure, tick_text, ticks

_LEFT, _RIGHT = 8, 14
_ROW, _TOP, _BOTTOM = 38, 6, 22
_WRITTEN = 16  # of a row, for its label and numbers
_CHARACTERS = 54
"""Room for the label of a strip and its numbers beside it."""
_STRETCH = 2.0
"""A reference may widen the scale by this factor; further away, it is told in words alone."""


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
) -> Html:
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
        return Html("")
    low, high = min(ends), max(ends)
    near = [r for r in references if _widening(low, high, r.value) <= _STRETCH]
    around = ticks(min([low, *(r.value for r in near)]), max([high, *(r.value for r in near)]))
    marks = sorted({min(max(mark, scale[0]), scale[1]) for mark in around})
    if len(marks) == 1:  # all numbers lie at the upper end of the scale
        marks = [marks[0] - (around[1] - around[0]), marks[0]]
    x = Axis(marks[0], marks[-1], start=_LEFT, end=WIDTH - _RIGHT)
    height = _TOP + _ROW * len(strips) + _BOTTOM
    content = [_grid(x, tick, unit, height) for tick in marks]
    content += [_reference(x, reference, len(strips)) for reference in near]
    content += [_strip(x, strip, _TOP + _ROW * row) for row, strip in enumerate(strips)]
    summary = "; ".join(f"{strip.label}: {strip.text}" for strip in strips)
    beside = [
        tag(
            "span",
            tag("i", class_=f"swatch {reference.style}") if reference in near else Html(""),
            f"{reference.label} ",
            tag("b", reference.text),
            "" if reference in near else " (off the scale)",
        )
        for reference in references
    ]
    caption = join(tag("span", note), tag("span", *beside, class_="legend"))
    description = f"{title} of each group. {summary}."
    return figure(title, caption, content, height, description, style="chart dots")


def _widening(low: float, high: float, value: float) -> float:
    """By which factor the range grows if it has to hold `value`."""
    if not math.isfinite(value):
        return math.inf
    spread = (high - low) or 0.05 * abs(high) or 1.0
    return (max(high, value) - min(low, value)) / spread


def _grid(x: Axis, value: float, unit: str, height: int) -> Html:
    place = x(value)
    # Centred on an edge, the text would stick out of the drawing.
    anchor = {x.low: "start", x.high: "end"}.get(value, "middle")
    at = {"start": place - _LEFT, "end": place + _RIGHT}.get(anchor, place)
    return join(
        tag("line", x1=place, x2=place, y1=_TOP, y2=height - _BOTTOM, class_="rule"),
        tag("text", tick_text(value, unit), x=at, y=height - 6, text_anchor=anchor),
    )


def _reference(x: Axis, reference: Reference, num_strips: int) -> Html:
    """A stroke beside the dots of each strip, lest it strike through what is written above."""
    place = x(reference.value)
    title = tag("title", f"{reference.label}: {reference.text}")
    tops = [_TOP + _ROW * row + _WRITTEN for row in range(num_strips)]
    path = " ".join(f"M{place} {top}V{top + _ROW - _WRITTEN}" for top in tops)
    return tag("path", title, d=path, class_=f"reference {reference.style}")


def _strip(x: Axis, strip: Strip, top: int) -> Html:
    middle = top + 26
    room = _CHARACTERS - len(strip.text)
    label = strip.label if len(strip.label) <= room else f"{strip.label[: room - 1]}…"
    parts = [
        tag("title", strip.label),
        tag("text", label, x=_LEFT, y=top + 12, class_="label"),
        tag("text", strip.text, x=WIDTH - _RIGHT, y=top + 12, text_anchor="end", class_="label"),
    ]
    if strip.deviation is not None:
        start, end = (
            max(_LEFT, min(WIDTH - _RIGHT, x(strip.mean + sign * strip.deviation)))
            for sign in (-1, 1)
        )
        parts.append(
            tag(
                "rect",
                x=start,
                y=middle - 6,
                width=round(max(end - start, 0.5), 1),
                height=12,
                class_="spread",
            )
        )
    dots = [dot for dot in strip.dots if math.isfinite(dot.value)]
    for place, dot in enumerate(dots):
        # Runs of equal numbers must not hide each other.
        y = round(middle + (place - (len(dots) - 1) / 2) * min(4, 10 / max(1, len(dots) - 1)), 1)
        bounds = [b for b in (dot.low, dot.high) if b is not None and math.isfinite(b)]
        if len(bounds) == 2:
            parts.append(tag("line", x1=x(bounds[0]), x2=x(bounds[1]), y1=y, y2=y, class_="bar"))
        parts.append(tag("circle", tag("title", dot.name), cx=x(dot.value), cy=y, r=3))
    if len(dots) > 1:
        place_of_mean = x(strip.mean)
        parts.append(
            tag(
                "line",
                x1=place_of_mean,
                x2=place_of_mean,
                y1=middle - 9,
                y2=middle + 9,
                class_="mean",
            )
        )
    return tag("g", *parts, class_=f"strip {strip.role}")
