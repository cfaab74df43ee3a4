"""Line charts as inline SVG: no script, no request, colours that follow the page's theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from unpaired.report.markup import Html, join, tag

_WIDTH, _HEIGHT = 360, 200
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
    scale = _Scale(most_images, y_ticks[0], y_ticks[-1])

    marks = [_y_tick(scale, tick, unit) for tick in y_ticks]
    marks += [_x_tick(scale, tick) for tick in x_ticks]
    marks += [_band(scale, line) for line in lines]
    marks += [_stroke(scale, line) for line in lines]
    summary = "; ".join(f"{line.label}: {line.last}" for line in lines)
    drawing = tag(
        "svg",
        *marks,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"{title} over images seen. At the end {summary}.",
    )
    caption = tag("figcaption", tag("strong", title), _legend(lines))
    return tag("figure", caption, drawing, class_="chart")


@dataclass(frozen=True)
class _Scale:
    most_images: int
    low: float
    high: float

    def x(self, images: float) -> float:
        share = images / self.most_images
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


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


def ticks(low: float, high: float) -> list[float]:
    """Three to six round values that enclose the range; zero is one of them where it is near."""
    if low > 0 and low < 0.5 * high:
        low = 0.0
    spread = (high - low) or abs(high) or 1.0
    magnitude = 10.0 ** math.floor(math.log10(spread / 4))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if spread / (m * magnitude) <= 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, max(last, first + 1) + 1)]


def short_count(count: float) -> str:
    """A number of images for an axis: 51200 is 51.2k."""
    for size, suffix in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.4g}{suffix}"
    return f"{count:.4g}"


def tick_text(value: float, unit: str) -> str:
    """A round value at an axis."""
    return f"{value:.6g} {unit}".strip().replace("-", "−")


def _y_tick(scale: _Scale, value: float, unit: str) -> Html:
    y = scale.y(value)
    text = tick_text(value, unit)
    return join(
        tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="rule"),
        tag("text", text, x=_LEFT - 6, y=y + 4, text_anchor="end"),
    )


def _x_tick(scale: _Scale, images: float) -> Html:
    text, x = short_count(images), scale.x(images)
    # Centred on the right edge, the text would stick out of the drawing.
    anchor = "middle" if x < _WIDTH - 2 * _RIGHT else "end"
    return tag("text", text, x=x, y=_HEIGHT - 6, text_anchor=anchor)


def _band(scale: _Scale, line: Line) -> Html:
    """The intervals of a line as one area."""
    bounds = [(p.images, p.low, p.high) for p in line.points]
    upper = [(scale.x(x), scale.y(high)) for x, _, high in bounds if high is not None]
    lower = [(scale.x(x), scale.y(low)) for x, low, _ in bounds if low is not None]
    if len(upper) < 2 or len(upper) != len(lower):
        return Html("")
    outline = " ".join(f"{x},{y}" for x, y in [*upper, *reversed(lower)])
    return tag("polygon", points=outline, class_=f"band {line.role}")


def _stroke(scale: _Scale, line: Line) -> Html:
    path = " ".join(f"{scale.x(p.images)},{scale.y(p.value)}" for p in line.points)
    style = f"line {line.role}" + (" dashed" if line.dashed else "")
    return tag("polyline", points=path, class_=style)


def _legend(lines: Sequence[Line]) -> Html:
    entries = []
    for line in lines:
        swatch = f"swatch {line.role}" + (" dashed" if line.dashed else "")
        label = join(tag("i", class_=swatch), f"{line.label} ", tag("b", line.last))
        entries.append(tag("span", label))
    return tag("span", *entries, class_="legend")
