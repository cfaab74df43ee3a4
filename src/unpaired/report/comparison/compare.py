"""Comparison: runs grouped by their settings, measured under one protocol at a time."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unpaired.core.errors import SettingError, check_choice
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement
from unpaired.report.comparison.entries import Entry, find_entries
from unpaired.report.comparison.groups import Group, group
from unpaired.report.comparison.numbers import Row, Table
from unpaired.report.metric_text import in_order, wording
from unpaired.report.names import Names, names_of


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Runs beside each other; see `compare_runs`."""

    groups: tuple[Group, ...]
    split: str
    tables: tuple[Table, ...]
    """Final numbers on the images of `split`: one table a protocol."""
    others: tuple[Table, ...]
    """The same under protocols whose runs all stand in one of `tables` as well, such as older
    ones, before the runs were measured anew."""
    courses: tuple[Table, ...]
    """Numbers on validation images over the training: one table a protocol."""
    differing: Mapping[str, tuple[str, ...]]
    """Every setting that differs, by its full path, with its value in each group."""
    notes: tuple[str, ...]
    """What could not be read, in words for people."""

    @property
    def entries(self) -> list[Entry]:
        """All runs."""
        return [entry for group in self.groups for entry in group.entries]

    @property
    def names(self) -> Names:
        """What people call the domains, where all runs agree, and the directions of any run."""
        all_names = [names_of(entry.run.config, entry.run.directions) for entry in self.entries]
        if len({(names.a, names.b) for names in all_names}) > 1:
            return Names()
        return max(all_names, key=lambda names: len(names.directions))

    @property
    def divided(self) -> tuple[Table, ...]:
        """Tables that say the same of different runs under different protocols: these runs cannot
        be compared. What an extractor adds is no other protocol for what trainings measure."""
        counts = Counter(table.extractor for table in self.tables)
        return tuple(table for table in self.tables if counts[table.extractor] > 1)


def compare_runs(paths: Iterable[str | Path], split: str = "test") -> Comparison:
    """Read runs, and put what was measured under one protocol beside each other.

    `paths`: run folders, sweep folders, folders of either, patterns such as "runs/digits-*".

    Raises:
        RunError: when a path does not exist, or none holds a run.
        SettingError: for a split that there is not.
    """
    check_choice("split", split, Literal["validation", "test"])
    entries, notes = find_entries(paths)
    groups, differing = group(entries)
    for entry in entries:
        notes += [f"{entry.name}: {note}" for note in entry.run.notes]
    tables, others = _without_covered(_tables(groups, split))
    # A curve of many moments tells more of a training than a late measurement of its end.
    measured = [table for table in _tables(groups, "validation") if not table.extractor]
    by_moments = sorted(measured, key=lambda table: -table.num_moments)
    courses, _ = _without_covered(by_moments)
    return Comparison(
        groups=groups,
        split=split,
        tables=tuple(tables),
        others=tuple(others),
        courses=tuple(courses),
        differing=differing,
        notes=tuple(notes),
    )


def choose_metrics(comparison: Comparison, wanted: Sequence[str]) -> list[str]:
    """The metrics that are `wanted`, by full name or by the first parts of it
    ("translation_accuracy"); without a wish the headline numbers, or all where none is one.

    Raises:
        SettingError: with the nearest name, when no run has such a metric.
    """
    names = comparison.names
    measured: dict[str, Measurement] = {}
    for table in (*comparison.tables, *comparison.courses):
        measured = {**table.metrics, **measured}
    if not wanted:
        ordered = in_order(measured, names)
        return [name for name in ordered if wording(name, names).headline] or ordered
    chosen: list[str] = []
    for wish in wanted:
        matching = [n for n in measured if n == wish] or [
            n for n in in_order(measured, names) if n.startswith(f"{wish.rstrip('/')}/")
        ]
        if not matching:
            near = difflib.get_close_matches(wish, measured, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            listed = ", ".join(in_order(measured, names)) or "none: nothing has been measured yet"
            raise SettingError(
                f"no run has a metric {wish!r}.{hint} Metrics: {listed}.",
                code="unknown-metric",
                setting="metrics",
            )
        chosen += matching
    return list(dict.fromkeys(chosen))


def _tables(groups: Sequence[Group], split: str) -> list[Table]:
    """One table for each protocol: that of most runs first, of equally many the newest; what
    extractors have added last."""
    by_protocol: dict[str, dict[tuple[int, int], list[EvaluationRecord]]] = {}
    places: dict[str, int] = {}
    for place, runs in enumerate(groups):
        for index, entry in enumerate(runs.entries):
            for order, evaluation in enumerate(entry.run.evaluations):  # sorted by images seen
                if evaluation.split == split:
                    series = by_protocol.setdefault(evaluation.fingerprint, {})
                    series.setdefault((place, index), []).append(evaluation)
                    newest = max(order, places.get(evaluation.fingerprint, 0))
                    places[evaluation.fingerprint] = newest
    tables = []
    for fingerprint in sorted(by_protocol, key=lambda f: (-len(by_protocol[f]), -places[f])):
        series = by_protocol[fingerprint]
        rows = [
            Row(
                group=runs,
                series={i: tuple(records) for (p, i), records in series.items() if p == place},
            )
            for place, runs in enumerate(groups)
        ]
        tables.append(
            Table(
                split=split,
                fingerprint=fingerprint,
                protocol=next(iter(series.values()))[0].protocol,
                rows=tuple(row for row in rows if row.series),
            )
        )
    return sorted(tables, key=lambda table: table.extractor)


def _without_covered(tables: Sequence[Table]) -> tuple[list[Table], list[Table]]:
    """The tables that are needed to have every run in one, and those that add none."""
    needed: list[Table] = []
    covered: list[Table] = []
    for table in tables:
        runs = {entry.name for entry in table.entries}
        is_covered = any(
            table.extractor == other.extractor and runs <= {entry.name for entry in other.entries}
            for other in needed
        )
        (covered if is_covered else needed).append(table)
    return needed, covered
