"""The numbers of a report: the verdict in large type, and the full tables beside their floors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from unpaired.metrics import catalogue
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement
from unpaired.records.runs import Run
from unpaired.report.html.tables import NOTHING, Cell, Column, HtmlTable, Row, flatten
from unpaired.report.metric_text import Wording, doubt, in_order, wording
from unpaired.report.names import Names

_MOST_HEADLINES = 6
_MOST_COLUMNS = 3
_BETTER = {"higher": "higher is better", "lower": "lower is better", "unknown": ""}


def protocols(run: Run) -> list[list[EvaluationRecord]]:
    """The evaluations of a run, one list per protocol and split; test data first, newest first.

    Numbers of different lists must not be compared: they were measured differently.
    """
    ordered = sorted(run.evaluations, key=lambda e: (e.split != "test", e.split, e.fingerprint))
    groups = [list(group) for _, group in groupby(ordered, lambda e: (e.split, e.fingerprint))]
    return sorted(
        groups, key=lambda g: (g[0].split != "test", g[0].added_extractor != "", -g[-1].images)
    )


@dataclass(frozen=True, kw_only=True)
class Card:
    """A number in large type."""

    name: str
    figure: str
    unit: str
    sentence: str
    evidence: str
    beside: tuple[tuple[str, str], ...]
    """What it is read against, and the number of that."""
    doubt: str
    """What it does not prove, in words; empty where it is clearly better than what it must beat."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The headline numbers of a run, and what they rest on."""

    basis: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """All that was measured under one protocol."""

    title: str
    table: HtmlTable
    notes: tuple[str, ...]
    protocol: list[tuple[str, str]]


def verdict(run: Run, names: Names) -> Verdict | None:
    """The headline numbers of the last evaluation, each with what it means; None before any."""
    groups = protocols(run)
    if not groups:
        return None
    final = groups[0][-1]
    chosen = [n for n in in_order(final.metrics, names) if wording(n, names).headline]
    cards: list[Card] = []
    # A kind is shown with all its directions or not at all.
    for _, kind in groupby(chosen, lambda name: wording(name, names).kind):
        of_kind = [_card(name, final, names) for name in kind]
        if len(cards) + len(of_kind) <= _MOST_HEADLINES:
            cards += of_kind
    return Verdict(basis=_basis(run, final, names), cards=tuple(cards))


def title_of(evaluation: EvaluationRecord) -> str:
    """The data and the protocol behind an evaluation: "Test data, protocol 3f9a"."""
    data = f"{evaluation.split or 'unnamed'} data".capitalize()
    return f"{data}, protocol {evaluation.fingerprint or 'not recorded'}"


def tables(run: Run, names: Names) -> list[Numbers]:
    """One table per protocol, those of test data first."""
    shown = []
    for group in protocols(run):
        columns = _columns(run, group)
        shown.append(
            Numbers(
                title=title_of(group[0]),
                table=_table(columns, names),
                notes=tuple(dict.fromkeys(note for _, e in columns for note in e.notes)),
                protocol=flatten(group[0].protocol.as_json()),
            )
        )
    return shown


def _basis(run: Run, final: EvaluationRecord, names: Names) -> str:
    weights = {"ema": "averaged (EMA) weights"}.get(
        final.weights, f"{final.weights} weights".strip()
    )
    sentences = [
        f"Measured on {final.split or 'unnamed'} data, with the {weights} "
        f"after {final.images:,} images seen{names.per_domain}."
    ]
    if final.images == run.best_images != run.images:
        sentences.append(
            f"They were the best on validation data; training went on to {run.images:,}."
        )
    elif final.images < run.images:
        sentences.append(f"Training went on to {run.images:,}.")
    if final.split != "test":
        sentences.append("Not the final verdict: no test data has been measured yet.")
    return " ".join(sentences)


def _card(metric: str, final: EvaluationRecord, names: Names) -> Card:
    words, number = wording(metric, names), final.metrics[metric]
    return Card(
        name=words.name,
        figure=words.number(number.value),
        unit=words.unit,
        sentence=words.sentence,
        evidence=_evidence(words, number),
        beside=tuple(
            (catalogue.COMPANIONS[suffix].title, words.value(beside.value))
            for suffix, beside in catalogue.companions(metric, final.metrics).items()
        ),
        doubt=doubt(metric, final.metrics),
    )


def _evidence(words: Wording, number: Measurement) -> str:
    interval = words.interval(number)
    parts = [f"95 %: {interval}" if interval else "no interval"]
    if number.n:
        parts.append(f"n = {number.n:,}")
    return ", ".join(parts)


def _columns(run: Run, group: Sequence[EvaluationRecord]) -> list[tuple[str, EvaluationRecord]]:
    """The evaluations shown beside each other: the newest, the best, and others on test data."""
    newest, *older = reversed(group)
    shown = [e for e in older if e.split == "test" or e.images == run.best_images]
    roles = {run.best_images: "Best", run.images: "Final"}
    return [(roles.get(e.images, "Earlier"), e) for e in (newest, *shown[: _MOST_COLUMNS - 1])]


def _table(columns: Sequence[tuple[str, EvaluationRecord]], names: Names) -> HtmlTable:
    metrics = {name: number for _, e in reversed(columns) for name, number in e.metrics.items()}
    beside = {
        suffix: companion.title
        for suffix, companion in catalogue.COMPANIONS.items()
        if any(f"{name}/{suffix}" in metrics for name in metrics)
    }
    rows = []
    for name in in_order(metrics, names):
        words = wording(name, names)
        cells = [_cell(words, e.metrics.get(name), _doubt(name, e)) for _, e in columns]
        cells += [_cell(words, metrics.get(f"{name}/{suffix}")) for suffix in beside]
        rows.append(
            Row(
                head=[words.kind],
                small=" · ".join(filter(None, [words.about, _BETTER[words.better]])),
                cells=cells,
            )
        )
    return HtmlTable(
        columns=[
            Column(text="Measure"),
            *(Column(text=label, small=_column(e)) for label, e in columns),
            *(Column(text=meaning) for meaning in beside.values()),
        ],
        rows=rows,
    )


def _column(evaluation: EvaluationRecord) -> str:
    """What was measured: "20 images seen, ema weights, in bfloat16"."""
    shown = f"{evaluation.images:,} images seen, {evaluation.weights} weights"
    return f"{shown}, in {evaluation.precision}" if evaluation.precision else shown


def _doubt(metric: str, evaluation: EvaluationRecord) -> str:
    return doubt(metric, evaluation.metrics) if metric in evaluation.metrics else ""


def _cell(words: Wording, number: Measurement | None, doubt: str = "") -> Cell:
    if number is None:
        return NOTHING
    details = [words.interval(number), f"n = {number.n:,}" if number.n else "", doubt]
    return Cell(text=words.value(number.value), small=" · ".join(filter(None, details)))
