"""Measurement: a number with its 95 % interval and the number of images behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from unpaired.records.json_values import numbers


@dataclass(frozen=True)
class Measurement:
    """A number, its 95 % interval, and the number of images behind it.

    Where a file holds the value alone, the ends are NaN and n is 0.
    """

    value: float
    low: float
    high: float
    n: int

    @property
    def has_interval(self) -> bool:
        """Whether both ends of the interval are known."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def as_json(self) -> dict[str, Any]:
        """The fields under their names, as JSON stores them."""
        return asdict(self)

    @staticmethod
    def without_interval(value: float) -> Measurement:
        """A number of which nothing else is known."""
        return Measurement(value, math.nan, math.nan, 0)

    @staticmethod
    def from_json(content: object) -> Measurement | None:
        """What `as_json` wrote, or None where there is no value."""
        entries = numbers(content)
        if "value" not in entries:
            return None
        low, high = entries.get("low", math.nan), entries.get("high", math.nan)
        return Measurement(entries["value"], low, high, int(entries.get("n", 0)))


def measurements(content: object) -> dict[str, Measurement]:
    """Measurements by the names of their metrics; those without a value are left out."""
    entries = content.items() if isinstance(content, Mapping) else ()
    read = {str(name): Measurement.from_json(entry) for name, entry in entries}
    return {name: measurement for name, measurement in read.items() if measurement is not None}
