"""Axes of plots, their round values, and the colours of groups."""

from __future__ import annotations

import math
from dataclasses import dataclass

WIDTH = 360
"""Of every drawing; the page scales it."""

_TONES = 24
"""The highest number of a class `tone-…` in the style sheet."""


@dataclass(frozen=True)
class Axis:
    """Where values lie in a drawing: `low` at the place `start`, `high` at the place `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def ticks(low: float, high: float) -> list[float]:
    """Three to six round values that enclose the range; zero is one of them where it is near."""
    if low > 0 and low < 0.5 * high:
        low = 0.0
    spread = (high - low) or abs(high) or 1.0
    magnitude = 10.0 ** math.floor(math.log10(spread / 4))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if spread / (m * magnitude) <= 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, max(last, first + 1) + 1)]


def tick_text(value: float, unit: str) -> str:
    """A round value at an axis."""
    return f"{value:.6g} {unit}".strip().replace("-", "−")


def tone(place: int, num_places: int) -> str:
    """The class with the colour of the group or method at `place`, from 0, among `num_places`."""
    return f"tone-{round(_TONES * place / max(1, num_places - 1))}"


def cut(text: str, num_characters: int) -> str:
    """A text that finds room for so many characters."""
    return text if len(text) <= num_characters else f"{text[: num_characters - 1]}…"
