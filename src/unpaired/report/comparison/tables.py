"""The tables of a comparison: final numbers, final and best moments, and the runs themselves."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path
from urllib.parse import quote

from unpaired.core.setting_names import text_of
from unpaired.metrics.catalogue import COMPANIONS
from unpaired.metrics.ranking import meaning_of_score
from unpaired.records.evaluation import EvaluationRecord
from unpaired.report.comparison.compare import Comparison
from unpaired.report.comparison.groups import Group
from unpaired.report.comparison.numbers import Row, Table, images_text, leaders, score
from unpaired.report.html.markup import Html, absent, definitions, flatten, join, tag
from unpaired.report.metric_text import Wording, in_order, wording
from unpaired.report.names import Names

_MOST_VALUES = 5
_MOST_METRICS = 5
"""Metrics of one table: more do not find room beside each other."""


def final_numbers(comparison: Comparison, metrics: Sequence[str]) -> Html:
    """One table per protocol, with all other metrics folded below."""
    names = comparison.names
    if not comparison.tables:
        return absent(f"No run has been measured on {comparison.split} images yet.")
    parts = [tag("p", _basis(comparison), class_="basis")]
    for table in comparison.tables:
        if len(comparison.tables) > 1:
            parts.append(tag("h3", title_of(table)))
        shown = [metric for metric in metrics if metric in table.metrics]
        parts += _numbers(table, shown, names)
        if rest := [m for m in in_order(table.metrics, names) if m not in shown]:
            more = tag("summary", f"{len(rest)} more measures")
            parts.append(tag("details", more, *_numbers(table, rest, names)))
        parts.append(_protocol(table, f"Protocol {table.fingerprint}"))
    for table in comparison.others:
        shown = in_order(table.metrics, names)
        title = f"The same runs under another protocol, {table.fingerprint}: not to be compared"
        parts.append(_protocol(table, title, *_numbers(table, shown, names)))
    return join(*parts)


def _protocol(table: Table, title: str, *above: Html) -> Html:
    content = definitions(flatten(table.protocol.as_json()))
    return tag("details", tag("summary", title), *above, content)


def title_of(table: Table) -> str:
    """The images and the protocol behind a table: "Test data, protocol 3f9a"."""
    return f"{table.split} data, protocol {table.fingerprint or 'not recorded'}".capitalize()


def _basis(comparison: Comparison) -> str:
    most = max(len(row.series) for table in comparison.tables for row in table.rows)
    spread = (
        "± is the standard deviation over the seeds of a setting; small print: each run."
        if most > 1
        else "One run a setting; small print: its 95 % interval over images. Whether another seed "
        "would repeat a difference is not known: train several."
    )
    return (
        f"Final weights on {comparison.split} images. {spread} Bold: the best mean, and those that "
        "cannot be told from it because their ± or interval reaches the best's."
    )


def _numbers(table: Table, metrics: Sequence[str], names: Names) -> list[Html]:
    """As many tables as it takes for no column to stand beyond the edge of the page."""
    count = max(1, -(-len(metrics) // _MOST_METRICS))
    length = -(-len(metrics) // count)
    starts = range(0, max(1, len(metrics)), max(1, length))
    return [_columns(table, metrics[start : start + length], names) for start in starts]


def _columns(table: Table, metrics: Sequence[str], names: Names) -> Html:
    words = {metric: wording(metric, names) for metric in metrics}
    better = {"higher": "higher is better", "lower": "lower is better"}
    heads = [
        join(w.kind, tag("small", " · ".join(filter(None, [w.about, better.get(w.better, "")]))))
        for w in words.values()
    ]
    bold = {metric: leaders(table, metric, names) for metric in metrics}
    rows = []
    for row in table.rows:
        cells = [
            tag("td", _runs_of(row), data_label="Runs"),
            tag("td", _images_of(row), data_label="Images seen"),
        ]
        for metric, w in words.items():
            spread = row.spread(metric)
            if spread is None:
                cells.append(tag("td", "–", data_label=w.name, class_="without"))
                continue
            text = w.with_deviation(spread.mean, spread.deviation)
            values = [w.number(number.value) for number in spread.numbers]
            small = ", ".join(values) if len(values) <= _MOST_VALUES else f"{len(values)} runs"
            if len(values) == 1:
                small = w.interval(spread.numbers[0])
            value = tag("b", text) if row.group in bold[metric] else tag("span", text)
            cells.append(tag("td", value, tag("small", small), data_label=w.name))
        rows.append(tag("tr", _head(row.group), *cells))
    for suffix, beside in COMPANIONS.items():
        found = {metric: companion(table, metric, suffix) for metric in metrics}
        if any(value is not None for value in found.values()):
            head = tag("th", beside.title, scope="row")
            blank = tag("td", "", class_="without")
            cells = [_beside(words[metric], value) for metric, value in found.items()]
            rows.append(tag("tr", head, blank, blank, *cells, class_="companion"))
    return _table(["Settings", "Runs", "Images seen", *heads], rows)


def _beside(words: Wording, value: float | None) -> Html:
    text = "–" if value is None else words.value(value)
    return tag("td", text, data_label=words.name, class_="without" if value is None else None)


def companion(table: Table, metric: str, suffix: str) -> float | None:
    """The number of the unchanged input ("input") or of real images ("floor"), beside a metric."""
    spreads = [row.spread(f"{metric}/{suffix}") for row in table.rows]
    means = [spread.mean for spread in spreads if spread is not None]
    return statistics.fmean(means) if means and all(map(isfinite, means)) else None


def final_and_best(comparison: Comparison) -> Html:
    """Both moments of each group, so that nobody reports the best alone."""
    if not comparison.courses:
        return absent("No run has been measured on validation images yet.")
    parts: list[Html] = []
    for table in comparison.courses:
        meaning = meaning_of_score({name: n.value for name, n in table.metrics.items()})
        if len(comparison.courses) > 1:
            parts.append(tag("h3", title_of(table)))
        sentence = (
            f"Score: {meaning}, on validation images; its highest is called best. A best moment is "
            "chosen by looking at many: it flatters, and the more moments the more. Report the "
            "final numbers, or both."
        )
        parts.append(tag("p", sentence, class_="basis"))
        rows = []
        for row in table.rows:
            cells = [tag("td", _runs_of(row), data_label="Runs")]
            for role, moment in (("Final", row.final), ("Best", row.best)):
                mean, deviation = mean_score(moment.values())
                text = _score_text(mean, deviation)
                images = images_text(e.images for e in moment.values())
                small = tag("small", f"after {images} images seen")
                cells.append(tag("td", text, small, data_label=role))
            count = {len(evaluations) for evaluations in row.series.values()}
            moments = f"{min(count)}" if len(count) == 1 else f"{min(count)}–{max(count)}"
            cells.append(tag("td", moments, data_label="Moments"))
            rows.append(tag("tr", _head(row.group), *cells))
        parts.append(_table(["Settings", "Runs", "Final", "Best", "Moments"], rows))
    return join(*parts)


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


def all_runs(comparison: Comparison, folder: Path) -> Html:
    """Every run, how far it came, and a link to its report as seen from `folder`."""
    rows = []
    for group in comparison.groups:
        for entry in group.entries:
            training = entry.run.config.get("training")
            seed = training.get("seed") if isinstance(training, dict) else None
            report = entry.run.folder / "report.html"
            name: str = entry.name
            if report.is_file():
                name = tag("a", entry.name, href=quote(os.path.relpath(report, folder)))
            rows.append(
                tag(
                    "tr",
                    tag("th", name, scope="row"),
                    tag("td", text_of(seed), data_label="Seed"),
                    tag("td", f"{entry.run.images:,}", data_label="Images seen"),
                    tag("td", entry.state or "finished", data_label="State", class_="state"),
                )
            )
    return _table(["Run", "Seed", "Images seen", "State"], rows)


def differences(comparison: Comparison) -> Html:
    """All settings that differ, in full, with their values in each group."""
    if not comparison.differing:
        return absent("All runs have the same settings, but for the seed.")
    rows = [
        tag(
            "tr",
            tag("th", path, scope="row"),
            *(
                tag("td", value, data_label=group.label)
                for group, value in zip(comparison.groups, values, strict=True)
            ),
        )
        for path, values in comparison.differing.items()
    ]
    return _table(["Setting", *(group.label for group in comparison.groups)], rows)


def _head(group: Group) -> Html:
    return tag("th", *(tag("span", part) for part in group.parts), scope="row")


def _runs_of(row: Row) -> Html:
    """How many seeds the numbers rest on, and how many are missing."""
    count, planned = len(row.series), len(row.group.entries)
    missing = tag("small", f"of {planned}") if count < planned else ""
    return join(str(count), missing)


def _images_of(row: Row) -> Html:
    trained = images_text(row.group.entries[index].run.images for index in row.series)
    measured = images_text(e.images for e in row.final.values())
    return join(measured, tag("small", f"of {trained} trained") if trained != measured else "")


def _table(heads: Sequence[str], rows: Sequence[Html]) -> Html:
    head = tag("tr", *(tag("th", title, scope="col") for title in heads))
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="numbers group")
    return tag("div", table, class_="scroll")
