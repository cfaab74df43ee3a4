"""The page of a study: one self-contained file of tables and plots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from unpaired.core.errors import DataError
from unpaired.core.files import write_atomically
from unpaired.report.comparison.theme import comparison_style
from unpaired.report.html.markup import Html, absent, join, tag
from unpaired.report.html.page import Section, document
from unpaired.study import plots, wording
from unpaired.study.analysis import Analysis


def write_study(analysis: Analysis, folder: Path, source: str) -> Path:
    """Write `study.html` and `study.json` into `folder`; returns the page's path.

    source: name of the table, the title of the page.

    Raises:
        DataError: when the files cannot be written.
    """
    page = folder / "study.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(wording.as_json(analysis), indent=2)
        write_atomically(folder / "study.json", content + "\n")
        write_atomically(page, study_page(analysis, source))
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written to: {error.strerror}. Choose another -o."
        ) from error
    return page


def study_page(analysis: Analysis, source: str) -> str:
    """The whole page."""
    study = analysis.study
    kind = "five-step ratings" if study.kind == "rating" else "real or fake (2AFC)"
    counts = f"Human study, {kind}: {wording.size(analysis)}"
    pictures = [plots.means(analysis), plots.steps(analysis)]
    sections = [
        Section("numbers", "Methods", join(*_warnings(analysis), _methods(analysis))),
        Section("plots", "Methods, drawn", tag("div", *filter(None, pictures), class_="charts")),
        Section("differences", "Differences", _differences(analysis)),
        Section("raters", "Raters", _raters(analysis)),
        Section("left-out", "What was left out", _left_out(analysis)),
    ]
    style = comparison_style(len(analysis.methods)) + plots.STYLE
    notes = [
        f"{analysis.resamples:,} bootstrap resamples, seed {analysis.seed}.",
        "Written by unpaired study.",
    ]
    return document(source, counts, sections, notes, style=style)


def _warnings(analysis: Analysis) -> list[Html]:
    return [tag("p", text, class_="warning") for text in wording.warnings(analysis)]


def _methods(analysis: Analysis) -> Html:
    pooled = [m.pooled for m in analysis.methods]
    show_pooled = any(pooled) and not analysis.is_independent
    heads = [wording.measure(analysis).capitalize(), "95 % interval", "Judgements", "Raters"]
    heads += ["Images", "Agreement α"] + ["Pooled Wilson"] * show_pooled
    rows = []
    for m in analysis.methods:
        cells = [
            tag("b", wording.number(analysis, m.mean.value)),
            join(
                wording.interval(analysis, m.mean.low, m.mean.high),
                tag("small", f"over {m.mean.basis}"),
            ),
            *(f"{n:,}" for n in (m.num_judgements, m.num_raters, m.num_images)),
            wording.alpha_text(m.alpha),
        ]
        if show_pooled and m.pooled is not None:
            cells.append(wording.interval(analysis, m.pooled.low, m.pooled.high))
        rows.append((m.method, cells))
    notes = []
    if any("effective n" in m.mean.basis for m in analysis.methods):
        notes.append(
            "Effective n: Wilson's interval for as many independent judgements as would vary as "
            "much, where there are few raters or images, or hardly any variation."
        )
    if show_pooled:
        notes.append(
            "Pooled Wilson: for comparison with other work; too narrow where raters repeat."
        )
    return join(_table("Method", heads, rows), *(tag("p", n, class_="note") for n in notes))


def _differences(analysis: Analysis) -> Html:
    if not analysis.differences:
        return absent("There is one method: nothing to compare.")
    heads = ["Difference", "95 % interval", "p", "p, Holm", "At the 5 % level"]
    rows = [
        (
            f"{d.first} − {d.second}",
            [
                tag("b", wording.number(analysis, d.interval.value, sign=True)),
                join(
                    wording.interval(analysis, d.interval.low, d.interval.high, sign=True),
                    tag("small", f"over {d.interval.basis}"),
                ),
                wording.p_text(d.p_value),
                wording.p_text(d.p_holm),
                tag("span", wording.verdict(d), class_="words"),
            ],
        )
        for d in analysis.differences
    ]
    note = (
        "Methods share the draws of raters and images, so that what a strict rater or a difficult "
        "image does to both cancels. Holm's p-values allow for the number of comparisons; the "
        "intervals stand each for itself."
    )
    plot = tag("div", plots.differences(analysis), class_="charts")
    return join(_table("Methods", heads, rows), tag("p", note, class_="note"), plot)


def _raters(analysis: Analysis) -> Html:
    level = "ordinal" if analysis.study.kind == "rating" else "nominal"
    alpha = (
        f"Agreement of raters over all images of all methods: Krippendorff's α = "
        f"{wording.alpha_text(analysis.alpha)} ({level}; 1 is full agreement, 0 what chance gives)."
        if analysis.alpha is not None
        else "Agreement of raters is not defined: no image was judged by two raters, or all "
        "judgements are alike."
    )
    return join(tag("p", alpha), tag("div", plots.raters(analysis), class_="charts"))


def _left_out(analysis: Analysis) -> Html:
    sentences = wording.left_out(analysis.study.left_out)
    if not sentences:
        return absent("Nothing: every row of the table counts.")
    return join(*(tag("p", sentence) for sentence in sentences))


def _table(first: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> Html:
    head = tag("tr", *(tag("th", name, scope="col") for name in (first, *heads)))
    body = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            *(tag("td", cell, data_label=label) for label, cell in zip(heads, cells, strict=True)),
        )
        for name, cells in rows
    ]
    table = tag("table", tag("thead", head), tag("tbody", *body), class_="numbers")
    return tag("div", table, class_="scroll")
