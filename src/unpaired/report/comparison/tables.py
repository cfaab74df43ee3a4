"""Tables of a comparison: final numbers, final and best moments, and the runs themselves."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from urllib.parse import quote

from unpaired.core.setting_names import text_of
from unpaired.metrics.catalogue import COMPANIONS
from unpaired.metrics.ranking import meaning_of_score, score
from unpaired.records.evaluation import EvaluationRecord
from unpaired.report.comparison.compare import Comparison
from unpaired.report.comparison.numbers import Row as GroupRow
from unpaired.report.comparison.numbers import Spread, Table, images_text, leaders
from unpaired.report.html.tables import NOTHING, Cell, Column, HtmlTable, Row, flatten
from unpaired.report.metric_text import Wording, in_order, wording
from unpaired.report.names import Names

_FIRST = (Column(text="Settings"), Column(text="Runs"))
_BETTER = {"higher": "higher is better", "lower": "lower is better"}
_MOST_VALUES = 5
_MOST_METRICS = 5
"""Metrics of one table: more do not find room beside each other."""


@dataclass(frozen=True, kw_only=True)
class FinalNumbers:
    """All numbers of one protocol: as many tables as it takes, and those that are folded."""

    title: str
    fingerprint: str
    protocol: list[tuple[str, str]]
    shown: list[HtmlTable]
    more: list[HtmlTable]
    num_more: int
    """Metrics that are folded."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Final and best moments under one protocol."""

    title: str
    meaning: str
    """What the score is."""
    table: HtmlTable


def final_numbers(table: Table, metrics: Sequence[str], names: Names) -> FinalNumbers:
    """`metrics` in the foreground, and all others folded below."""
    shown = [metric for metric in metrics if metric in table.metrics]
    rest = [metric for metric in in_order(table.metrics, names) if metric not in shown]
    return FinalNumbers(
        title=title_of(table),
        fingerprint=table.fingerprint,
        protocol=flatten(table.protocol.as_json()),
        shown=_numbers(table, shown, names),
        more=_numbers(table, rest, names) if rest else [],
        num_more=len(rest),
    )


def title_of(table: Table) -> str:
    """The images and the protocol behind a table: "Test data, protocol 3f9a"."""
    return f"{table.split} data, protocol {table.fingerprint or 'not recorded'}".capitalize()


def _numbers(table: Table, metrics: Sequence[str], names: Names) -> list[HtmlTable]:
    """As many tables as it takes for no column to stand beyond the edge of the page."""
    count = max(1, -(-len(metrics) // _MOST_METRICS))
    length = -(-len(metrics) // count)
    starts = range(0, max(1, len(metrics)), max(1, length))
    return [_columns(table, metrics[start : start + length], names) for start in starts]


def _columns(table: Table, metrics: Sequence[str], names: Names) -> HtmlTable:
    words = {metric: wording(metric, names) for metric in metrics}
    bold = {metric: leaders(table, metric, names) for metric in metrics}
    rows = []
    for row in table.rows:
        cells = [
            _number(
                words[metric],
                row.spread(metric),
                row.doubt(metric),
                strong=row.group in bold[metric],
            )
            for metric in metrics
        ]
        rows.append(Row(head=row.group.parts, cells=[_runs_of(row), _images_of(row), *cells]))
    for suffix, kind in COMPANIONS.items():
        beside = {metric: companion(table, metric, suffix) for metric in metrics}
        if any(value is not None for value in beside.values()):
            blank = Cell(text="", style="absent")
            cells = [
                NOTHING if value is None else Cell(text=words[metric].value(value))
                for metric, value in beside.items()
            ]
            rows.append(Row(head=[kind.title], cells=[blank, blank, *cells], style="companion"))
    return HtmlTable(
        columns=[*_FIRST, Column(text="Images seen"), *map(_column, words.values())],
        rows=rows,
        style="group",
    )


def _column(words: Wording) -> Column:
    details = " · ".join(filter(None, [words.about, _BETTER.get(words.better, "")]))
    return Column(text=words.kind, small=details, label=words.name)


def _number(words: Wording, spread: Spread | None, doubt: str, *, strong: bool) -> Cell:
    if spread is None:
        return NOTHING
    values = [words.number(number.value) for number in spread.numbers]
    small = ", ".join(values) if len(values) <= _MOST_VALUES else f"{len(values)} runs"
    if len(values) == 1:
        small = words.interval(spread.numbers[0])
    text = words.with_deviation(spread.mean, spread.deviation)
    return Cell(text=text, small=" · ".join(filter(None, [small, doubt])), strong=strong)


def companion(table: Table, metric: str, suffix: str) -> float | None:
    """The number of the unchanged input ("input") or of real images ("floor"), beside a metric."""
    spreads = [row.spread(f"{metric}/{suffix}") for row in table.rows]
    means = [spread.mean for spread in spreads if spread is not None]
    return statistics.fmean(means) if means and all(map(isfinite, means)) else None


def final_and_best(table: Table) -> Moments:
    """Both moments of each group, so that nobody reports the best alone."""
    rows = []
    for row in table.rows:
        cells = [_runs_of(row)]
        for moment in (row.final, row.best):
            images = images_text(e.images for e in moment.values())
            text = _score_text(*mean_score(moment.values()))
            cells.append(Cell(text=text, small=f"after {images} images seen"))
        count = {len(evaluations) for evaluations in row.series.values()}
        moments = f"{min(count)}" if len(count) == 1 else f"{min(count)}–{max(count)}"
        rows.append(Row(head=row.group.parts, cells=[*cells, Cell(text=moments)]))
    columns = [*_FIRST, *(Column(text=text) for text in ("Final", "Best", "Moments"))]
    values = {name: number.value for name, number in table.metrics.items()}
    return Moments(
        title=title_of(table),
        meaning=meaning_of_score(values),
        table=HtmlTable(columns=columns, rows=rows, style="group"),
    )


def mean_score(evaluations: Iterable[EvaluationRecord]) -> tuple[float, float | None]:
    """Mean and standard deviation of the scores of several runs; no deviation for one."""
    scores = [score(evaluation) for evaluation in evaluations]
    deviation = statistics.stdev(scores) if len(scores) > 1 and all(map(isfinite, scores)) else None
    return sum(scores) / len(scores), deviation


def _score_text(mean: float, deviation: float | None) -> str:
    if not isfinite(mean):
        return "not known"
    spread = "" if deviation is None else f" ± {deviation:.2g}"
    return f"{mean:.4g}{spread}".replace("-", "−")


def all_runs(comparison: Comparison, folder: Path) -> HtmlTable:
    """Every run, how far it came, and a link to its report as seen from `folder`."""
    rows = []
    for entry in comparison.entries:
        training = entry.run.config.get("training")
        seed = training.get("seed") if isinstance(training, dict) else None
        report = entry.run.folder / "report.html"
        cells = [
            Cell(text=text_of(seed)),
            Cell(text=f"{entry.run.images:,}"),
            Cell(text=entry.state or "finished", style="state prose"),
        ]
        link = quote(os.path.relpath(report, folder)) if report.is_file() else ""
        rows.append(Row(head=[entry.name], cells=cells, link=link))
    columns = [Column(text=text) for text in ("Run", "Seed", "Images seen", "State")]
    return HtmlTable(columns=columns, rows=rows, style="group")


def differences(comparison: Comparison) -> HtmlTable | None:
    """All settings that differ, in full, with their values in each group; None where none does."""
    if not comparison.differing:
        return None
    rows = [
        Row(head=[path], cells=[Cell(text=value, style="prose") for value in values])
        for path, values in comparison.differing.items()
    ]
    groups = [Column(text=group.label) for group in comparison.groups]
    return HtmlTable(columns=[Column(text="Setting"), *groups], rows=rows, style="group")


def _runs_of(row: GroupRow) -> Cell:
    """How many seeds the numbers rest on, and how many are missing."""
    count, planned = len(row.series), len(row.group.entries)
    return Cell(text=str(count), small=f"of {planned}" if count < planned else "")


def _images_of(row: GroupRow) -> Cell:
    trained = images_text(row.group.entries[index].run.images for index in row.series)
    measured = images_text(e.images for e in row.final.values())
    return Cell(text=measured, small=f"of {trained} trained" if trained != measured else "")
