"""Numbers of a comparison: rows of runs under one protocol, and what they come to."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from unpaired.metrics.catalogue import COMPANIONS
from unpaired.metrics.ranking import score
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol
from unpaired.report.comparison.entries import Entry
from unpaired.report.comparison.groups import Group
from unpaired.report.metric_text import doubt, wording
from unpaired.report.names import Names


@dataclass(frozen=True)
class Spread:
    """One metric of a group: a number for each run that has it."""

    numbers: tuple[Measurement, ...]

    @property
    def mean(self) -> float:
        """Over the runs."""
        return sum(number.value for number in self.numbers) / len(self.numbers)

    @property
    def deviation(self) -> float | None:
        """Standard deviation over the runs (n − 1); None for a single run."""
        values = [number.value for number in self.numbers]
        return statistics.stdev(values) if len(values) > 1 and math.isfinite(self.mean) else None

    @property
    def bounds(self) -> tuple[float, float]:
        """Mean ± standard deviation; of a single run, its 95 % interval over images."""
        if self.deviation is not None:
            return self.mean - self.deviation, self.mean + self.deviation
        first = self.numbers[0]
        return (first.low, first.high) if first.has_interval else (first.value, first.value)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A group, with what was measured of its runs under the protocol of a table."""

    group: Group
    series: Mapping[int, tuple[EvaluationRecord, ...]]
    """For each measured run, by its index in the group: its evaluations, by images seen."""

    def spread(self, metric: str) -> Spread | None:
        """The last number of each run; None where no run has one."""
        last = (evaluations[-1].metrics.get(metric) for evaluations in self.series.values())
        numbers = tuple(number for number in last if number is not None)
        return Spread(numbers) if numbers else None

    def doubt(self, metric: str) -> str:
        """What the mean over the runs does not prove, in words; empty where it does."""
        names = [metric, *(f"{metric}/{suffix}" for suffix in COMPANIONS)]
        means = {
            name: Measurement(spread.mean, *spread.bounds, 0)
            for name in names
            if (spread := self.spread(name)) is not None
        }
        return doubt(metric, means) if metric in means else ""

    @property
    def final(self) -> dict[int, EvaluationRecord]:
        """The last evaluation of each measured run."""
        return {index: evaluations[-1] for index, evaluations in self.series.items()}

    @property
    def best(self) -> dict[int, EvaluationRecord]:
        """The evaluation of each measured run with the highest score, the first of equal ones."""
        return {index: max(evaluations, key=score) for index, evaluations in self.series.items()}


@dataclass(frozen=True, kw_only=True)
class Table:
    """All that was measured under one protocol: the only numbers that may share a column."""

    split: str
    fingerprint: str
    protocol: Protocol
    rows: tuple[Row, ...]

    @property
    def extractor(self) -> str:
        """That a user has asked for after the training; empty for what trainings measure."""
        return next(iter(self.rows[0].series.values()))[0].added_extractor

    @property
    def metrics(self) -> dict[str, Measurement]:
        """Every metric that was measured at last, with the number of the first run that has it."""
        latest: dict[str, Measurement] = {}
        for row in self.rows:
            for evaluation in row.final.values():
                latest = {**evaluation.metrics, **latest}
        return latest

    @property
    def num_moments(self) -> int:
        """How often runs were measured, all together."""
        return sum(len(evaluations) for row in self.rows for evaluations in row.series.values())

    @property
    def entries(self) -> list[Entry]:
        """The runs that were measured."""
        return [row.group.entries[index] for row in self.rows for index in row.series]


def leaders(table: Table, metric: str, names: Names) -> list[Group]:
    """The group with the best mean, and those that cannot be told from it: their mean ± deviation
    (of a single run, its interval) reaches that of the best. None where better has no meaning."""
    better = wording(metric, names).better
    spreads = [(row.group, row.spread(metric)) for row in table.rows]
    known = [(g, s) for g, s in spreads if s is not None and math.isfinite(s.mean)]
    if better == "unknown" or len(known) < 2:
        return []
    sign = 1 if better == "higher" else -1
    low, high = max(known, key=lambda pair: sign * pair[1].mean)[1].bounds
    return [g for g, s in known if s.bounds[0] <= high and low <= s.bounds[1]]


def images_text(images: Iterable[int]) -> str:
    """Images seen, of one run or of several: "16,000", "8,000–16,000"."""
    few, many = min(images := list(images)), max(images)
    return f"{few:,}" if few == many else f"{few:,}–{many:,}"
