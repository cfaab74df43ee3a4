"""The numbers of a report: the verdict in large type, and the full tables beside their floors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from unpaired.metrics import catalogue
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement
from unpaired.records.runs import Run
from unpaired.report.html.markup import Html, absent, definitions, flatten, join, tag
from unpaired.report.metric_text import Wording, in_order, wording
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


def verdict(run: Run, names: Names) -> Html:
    """The headline numbers of the last evaluation, each with what it means."""
    groups = protocols(run)
    if not groups:
        return absent(
            "Nothing has been measured yet. The first evaluation brings the first numbers; "
            "until then look at the pictures rather than at the losses."
        )
    final = groups[0][-1]
    metrics = final.metrics
    chosen = [name for name in in_order(metrics, names) if wording(name, names).headline]
    cards: list[Html] = []
    # A kind is shown with all its directions or not at all.
    for _, kind in groupby(chosen, lambda name: wording(name, names).kind):
        of_kind = [_card(name, final, names) for name in kind]
        if len(cards) + len(of_kind) <= _MOST_HEADLINES:
            cards += of_kind
    return join(
        tag("p", _basis(run, final, names), class_="basis"),
        tag("div", *cards, class_="cards") if cards else absent("All numbers are listed below."),
    )


def title_of(evaluation: EvaluationRecord) -> str:
    """The data and the protocol behind an evaluation: "Test data, protocol 3f9a"."""
    data = f"{evaluation.split or 'unnamed'} data".capitalize()
    return f"{data}, protocol {evaluation.fingerprint or 'not recorded'}"


def tables(run: Run, names: Names) -> Html:
    """One table per protocol; those on other than test data are folded."""
    groups = protocols(run)
    if not groups:
        return absent("No evaluation has been written yet.")
    several = tag(
        "p",
        "Numbers in different tables were measured under different protocols "
        "and must not be compared.",
    )
    parts = [several] if len(groups) > 1 else []
    for position, group in enumerate(groups):
        title = title_of(group[0])
        columns = _columns(run, group)
        said = dict.fromkeys(note for _, e in columns for note in e.notes)
        notes = [tag("p", f"Note: {note}", class_="note") for note in said]
        body = join(_table(columns, names), *notes, _protocol(group[0]))
        parts.append(tag("details", tag("summary", title), body, open=position == 0))
    return join(*parts)


def _protocol(evaluation: EvaluationRecord) -> Html:
    """The protocol behind a fingerprint."""
    note = tag("p", "Small print: 95 % interval and number of images. The protocol:", class_="note")
    return join(note, definitions(flatten(evaluation.protocol.as_json())))


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


def _card(metric: str, final: EvaluationRecord, names: Names) -> Html:
    words, number = wording(metric, names), final.metrics[metric]
    figure = [tag("span", words.number(number.value), class_="figure")]
    if words.unit:
        figure.append(tag("span", f" {words.unit}", class_="unit"))
    lines = [
        tag("h3", words.name),
        tag("p", *figure, class_="value"),
        tag("p", f"{words.sentence}."),
        tag("p", f"({_evidence(words, number)})", class_="evidence"),
    ]
    for suffix, beside in catalogue.companions(metric, final.metrics).items():
        title = catalogue.COMPANIONS[suffix].title
        lines.append(tag("p", f"{title}: ", tag("b", words.value(beside.value)), class_="beside"))
    return tag("article", *lines, class_="card")


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


def _table(columns: Sequence[tuple[str, EvaluationRecord]], names: Names) -> Html:
    metrics = {name: number for _, e in reversed(columns) for name, number in e.metrics.items()}
    beside = {
        suffix: companion.title
        for suffix, companion in catalogue.COMPANIONS.items()
        if any(f"{name}/{suffix}" in metrics for name in metrics)
    }
    titles = [
        "Measure",
        *(join(label, tag("small", _column(e))) for label, e in columns),
        *beside.values(),
    ]
    head = tag("tr", *(tag("th", title, scope="col") for title in titles))
    rows = []
    for name in in_order(metrics, names):
        words = wording(name, names)
        details = " · ".join(filter(None, [words.about, _BETTER[words.better]]))
        measure = join(words.kind, tag("small", details))
        cells = [
            *((label, e.metrics.get(name)) for label, e in columns),
            *((meaning, metrics.get(f"{name}/{suffix}")) for suffix, meaning in beside.items()),
        ]
        numbers = [_cell(label, words, number) for label, number in cells]
        rows.append(tag("tr", tag("th", measure, scope="row"), *numbers))
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="numbers")
    return tag("div", table, class_="scroll")


def _column(evaluation: EvaluationRecord) -> str:
    """What was measured: "20 images seen, ema weights, in bfloat16"."""
    shown = f"{evaluation.images:,} images seen, {evaluation.weights} weights"
    return f"{shown}, in {evaluation.precision}" if evaluation.precision else shown


def _cell(label: str, words: Wording, number: Measurement | None) -> Html:
    if number is None:
        return tag("td", "–", data_label=label, class_="without")
    details = [words.interval(number), f"n = {number.n:,}" if number.n else ""]
    small = tag("small", " · ".join(part for part in details if part))
    return tag("td", words.value(number.value), small, data_label=label)
