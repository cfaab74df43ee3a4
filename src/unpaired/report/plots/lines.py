"""Line charts as inline SVG: no script, no request, colours that follow the page's theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from unpaired.report.html.render import render
from unpaired.report.plots.axes import WIDTH, Axis, tick_text, ticks

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
    """Chooses the colour: domain "a", domain "b", "other", or a `tone`."""
    points: Sequence[Point]
    last: str
    """The last value in words, for the legend."""
    dashed: bool = False


def chart(title: str, lines: Sequence[Line], unit: str = "") -> Markup:
    """A titled chart over images seen. `unit` is written at the ticks of the values.

    Values that are not finite are left out. Empty if no line keeps two points.
    """
    lines = [_drawable(line) for line in lines]
    lines = [line for line in lines if len(line.points) > 1]
    if not lines:
        return Markup()
    points = [point for line in lines for point in line.points]
    values = [v for p in points for v in (p.value, p.low, p.high) if v is not None]
    y_ticks = ticks(min(values), max(values))
    most_images = max(point.images for point in points)
    x_ticks = [tick for tick in ticks(0, most_images) if tick <= most_images]
    x = Axis(0, most_images, start=_LEFT, end=WIDTH - _RIGHT)
    y = Axis(y_ticks[0], y_ticks[-1], start=_HEIGHT - _BOTTOM, end=_TOP)
    summary = "; ".join(f"{line.label}: {line.last}" for line in lines)
    drawing = {
        "title": title,
        "description": f"{title} over images seen. At the end {summary}.",
        "width": WIDTH,
        "height": _HEIGHT,
        "left": _LEFT,
        "right": WIDTH - _RIGHT,
        "x_ticks": [_x_tick(x, tick) for tick in x_ticks],
        "y_ticks": [{"place": y(tick), "text": tick_text(tick, unit)} for tick in y_ticks],
        "lines": [_stroke(x, y, line) for line in lines],
    }
    return render("charts/lines.html", drawing)


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


def _x_tick(x: Axis, images: float) -> dict[str, object]:
    place = x(images)
    # Centred on the right edge, the text would stick out of the drawing.
    anchor = "middle" if place < WIDTH - 2 * _RIGHT else "end"
    return {"place": place, "text": short_count(images), "anchor": anchor}


def _stroke(x: Axis, y: Axis, line: Line) -> dict[str, object]:
    return {
        "label": line.label,
        "last": line.last,
        "role": line.role,
        "dashed": line.dashed,
        "path": " ".join(f"{x(p.images)},{y(p.value)}" for p in line.points),
        "band": _band(x, y, line),
    }


def _band(x: Axis, y: Axis, line: Line) -> str:
    """The outline of the intervals of a line, as one area."""
    bounds = [(p.images, p.low, p.high) for p in line.points]
    upper = [(x(images), y(high)) for images, _, high in bounds if high is not None]
    lower = [(x(images), y(low)) for images, low, _ in bounds if low is not None]
    if len(upper) < 2 or len(upper) != len(lower):
        return ""
    return " ".join(f"{left},{top}" for left, top in [*upper, *reversed(lower)])
