"""Line charts as inline SVG: no script, no request, colours that follow the page's theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from unpaired.report.html.markup import Html, join, tag
from unpaired.report.plots.axes import WIDTH, Axis, figure, tick_text, ticks

_HEIGHT = 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 10, 24
_MOST_POINTS = 200


@dataclass(frozen=True, kw_only=True)
class Point:
    """A value after `images` images, with its interval where there is one."""

    images: int
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart."""

    label: str
    role: str
    """Chooses the colour: domain "a", domain "b", "other", or a class of the page's own style."""
    points: Sequence[Point]
    last: str
    """The last value in words, for the legend."""
    dashed: bool = False


def chart(title: str, lines: Sequence[Line], unit: str = "") -> Html:
    """A titled chart over images seen. `unit` is written at the ticks of the values.

    Values that are not finite are left out. Empty if no line keeps two points.
    """
    lines = [_drawable(line) for line in lines]
    lines = [line for line in lines if len(line.points) > 1]
    if not lines:
        return Html("")
    points = [point for line in lines for point in line.points]
    values = [v for p in points for v in (p.value, p.low, p.high) if v is not None]
    y_ticks = ticks(min(values), max(values))
    most_images = max(point.images for point in points)
    x_ticks = [tick for tick in ticks(0, most_images) if tick <= most_images]
    x = Axis(0, most_images, start=_LEFT, end=WIDTH - _RIGHT)
    y = Axis(y_ticks[0], y_ticks[-1], start=_HEIGHT - _BOTTOM, end=_TOP)

    marks = [_y_tick(y, tick, unit) for tick in y_ticks]
    marks += [_x_tick(x, tick) for tick in x_ticks]
    marks += [_band(x, y, line) for line in lines]
    marks += [_stroke(x, y, line) for line in lines]
    summary = "; ".join(f"{line.label}: {line.last}" for line in lines)
    description = f"{title} over images seen. At the end {summary}."
    return figure(title, _legend(lines), marks, _HEIGHT, description)


def _drawable(line: Line) -> Line:
    """The line with finite points only, averaged to a number that a screen can show."""
    finite = [point for point in line.points if math.isfinite(point.value)]
    step = -(-len(finite) // _MOST_POINTS)
    if step > 1:
        groups = [finite[start : start + step] for start in range(0, len(finite), step)]
        finite = [
            Point(images=group[-1].images, value=sum(p.value for p in group) / len(group))
            for group in groups
        ]
    return replace(line, points=finite)


def short_count(count: float) -> str:
    """A number of images for an axis: 51200 is 51.2k."""
    for size, suffix in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.4g}{suffix}"
    return f"{count:.4g}"


def _y_tick(y: Axis, value: float, unit: str) -> Html:
    place = y(value)
    return join(
        tag("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=place, y2=place, class_="rule"),
        tag("text", tick_text(value, unit), x=_LEFT - 6, y=place + 4, text_anchor="end"),
    )


def _x_tick(x: Axis, images: float) -> Html:
    place = x(images)
    # Centred on the right edge, the text would stick out of the drawing.
    anchor = "middle" if place < WIDTH - 2 * _RIGHT else "end"
    return tag("text", short_count(images), x=place, y=_HEIGHT - 6, text_anchor=anchor)


def _band(x: Axis, y: Axis, line: Line) -> Html:
    """The intervals of a line as one area."""
    bounds = [(p.images, p.low, p.high) for p in line.points]
    upper = [(x(images), y(high)) for images, _, high in bounds if high is not None]
    lower = [(x(images), y(low)) for images, low, _ in bounds if low is not None]
    if len(upper) < 2 or len(upper) != len(lower):
        return Html("")
    outline = " ".join(f"{left},{top}" for left, top in [*upper, *reversed(lower)])
    return tag("polygon", points=outline, class_=f"band {line.role}")


def _stroke(x: Axis, y: Axis, line: Line) -> Html:
    path = " ".join(f"{x(p.images)},{y(p.value)}" for p in line.points)
    style = f"line {line.role}" + (" dashed" if line.dashed else "")
    return tag("polyline", points=path, class_=style)


def _legend(lines: Sequence[Line]) -> Html:
    entries = []
    for line in lines:
        swatch = f"swatch {line.role}" + (" dashed" if line.dashed else "")
        label = join(tag("i", class_=swatch), f"{line.label} ", tag("b", line.last))
        entries.append(tag("span", label))
    return tag("span", *entries, class_="legend")
