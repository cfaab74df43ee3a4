"""Metric wording: how the catalogue's metrics are written for people, with their domains' names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from unpaired.metrics import catalogue
from unpaired.metrics.catalogue.metric import Better
from unpaired.metrics.catalogue.verdicts import verdict
from unpaired.records.measurement import Measurement
from unpaired.report.names import Names


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How one metric is written: its values are shown as `value * scale`, then `unit`."""

    kind: str
    """What is measured; metrics of one kind share a chart."""
    about: str = ""
    """Which direction or domain it is measured on."""
    sentence: str = ""
    """What the number means, without a full stop; a small first letter continues "98.4 % …"."""
    better: Better = "unknown"
    unit: str = ""
    scale: float = 1.0
    decimals: int | None = None
    """None: three significant digits."""
    headline: bool = False
    """Belongs to the few numbers in large type."""

    @property
    def name(self) -> str:
        """A short name for tables."""
        return f"{self.kind}, {self.about}" if self.about else self.kind

    def number(self, value: float) -> str:
        """The value without its unit."""
        return self._write(value, value)

    def value(self, value: float) -> str:
        """The value with its unit."""
        return f"{self.number(value)} {self.unit}".strip()

    def interval(self, number: Measurement) -> str:
        """ "97.1–99.2", with as many digits as the value; empty without an interval."""
        if not number.has_interval:
            return ""
        low, high = (self._write(bound, number.value) for bound in (number.low, number.high))
        return f"{low} to {high}" if "−" in low + high else f"{low}–{high}"

    def with_deviation(self, mean: float, deviation: float | None) -> str:
        """ "97.6 ± 0.2 %": as many digits as the deviation needs for one of its own to show."""
        if deviation is None or not math.isfinite(mean):
            return self.value(mean)
        decimals = self._decimals(mean)
        size = deviation * self.scale
        if 0 < size < 0.5 * 10.0**-decimals:
            decimals = min(decimals + 3, -math.floor(math.log10(size)))
        both = f"{mean * self.scale:,.{decimals}f} ± {size:,.{decimals}f}".replace("-", "−")
        return f"{both} {self.unit}".strip()

    def _write(self, value: float, like: float) -> str:
        if not math.isfinite(value):
            return "not finite"
        return f"{value * self.scale:,.{self._decimals(like)}f}".replace("-", "−")

    def _decimals(self, value: float) -> int:
        if self.decimals is not None:
            return self.decimals
        size = abs(value * self.scale)
        return max(0, min(6, 2 - math.floor(math.log10(size)))) if size > 0 else 3


def wording(metric: str, names: Names) -> Wording:
    """How `metric` is written; one that is not in the catalogue keeps its own name."""
    if (known := catalogue.find(metric)) is None:
        return Wording(kind=metric)
    entry, slots = known
    words = _words(slots, names)
    return Wording(
        kind=entry.title.format(**words),
        about=entry.about.format(**words),
        sentence=entry.sentence.format(**words),
        better=entry.better,
        unit=entry.unit,
        scale=entry.scale,
        decimals=entry.decimals,
        headline=entry.headline,
    )


def _words(slots: Mapping[str, str], names: Names) -> dict[str, str]:
    """What the braces in a metric's texts stand for."""
    backwards = "b2a" in slots.values() or slots.get("source") == "b" or slots.get("target") == "a"
    source, target = (names.b, names.a) if backwards else (names.a, names.b)
    return {
        "source": source,
        "target": target,
        "generated": "translated" if names.directions else "generated",
        "extractor": slots.get("extractor", ""),
    }


def doubt(metric: str, metrics: Mapping[str, Measurement]) -> str:
    """What a number of `metrics` does not prove: "no better than the unchanged input"; or ""."""
    known = catalogue.find(metric)
    return verdict(metric, known[0].better, metrics) if known else ""


def in_order(metrics: Mapping[str, Measurement], names: Names) -> list[str]:
    """The names of `metrics` in the order of the catalogue, without the companions of others."""
    own = [name for name in metrics if not catalogue.is_companion(name, metrics)]
    return sorted(own, key=catalogue.rank)
