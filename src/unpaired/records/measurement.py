"""A measured number with its 95 % interval and the number of images behind it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """A number, its 95 % interval, and the number of images behind it."""

    value: float
    low: float
    high: float
    n: int

    def as_json(self) -> dict[str, Any]:
        """The fields under their names, as JSON stores them."""
        return asdict(self)
