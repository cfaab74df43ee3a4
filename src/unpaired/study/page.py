"""Study page: one self-contained file of tables and plots."""

from __future__ import annotations

import json
from pathlib import Path

from unpaired.core.errors import DataError
from unpaired.core.files import write_atomically
from unpaired.report.html.assets import INLINE, Assets
from unpaired.report.html.render import render
from unpaired.report.html.tables import Cell, Column, HtmlTable, Row
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
            f"{folder} cannot be written to: {error.strerror}. Choose another -o.",
            code="output-unwritable",
        ) from error
    return page


def study_page(analysis: Analysis, source: str, assets: Assets = INLINE) -> str:
    """The whole page."""
    study = analysis.study
    kind = "five-step ratings" if study.kind == "rating" else "real or fake (2AFC)"
    has_pooled = study.kind == "2afc" and not analysis.is_independent
    content = {
        "assets": assets,
        "above": f"Human study, {kind}: {wording.size(analysis)}",
        "title": source,
        "notes": [f"{analysis.resamples:,} bootstrap resamples, seed {analysis.seed}."],
        "warnings": wording.warnings(analysis),
        "methods": _methods(analysis, has_pooled=has_pooled),
        "has_effective_n": any("effective n" in m.mean.basis for m in analysis.methods),
        "has_pooled": has_pooled,
        "drawings": list(filter(None, [plots.means(analysis), plots.steps(analysis)])),
        "differences": _differences(analysis) if analysis.differences else None,
        "drawn_differences": plots.differences(analysis),
        "alpha": "" if analysis.alpha is None else wording.alpha_text(analysis.alpha),
        "level": "ordinal" if study.kind == "rating" else "nominal",
        "drawn_raters": plots.raters(analysis),
        "left_out": wording.left_out(study.left_out),
    }
    return render("study.html", content)


def _methods(analysis: Analysis, *, has_pooled: bool) -> HtmlTable:
    heads = ["Method", wording.measure(analysis).capitalize(), "95 % interval", "Judgements"]
    heads += ["Raters", "Images", "Agreement α"] + ["Pooled Wilson"] * has_pooled
    rows = []
    for m in analysis.methods:
        ends = wording.interval(analysis, m.mean.low, m.mean.high)
        texts = [f"{n:,}" for n in (m.num_judgements, m.num_raters, m.num_images)]
        texts.append(wording.alpha_text(m.alpha))
        if has_pooled and m.pooled is not None:
            texts.append(wording.interval(analysis, m.pooled.low, m.pooled.high))
        cells = [
            Cell(text=wording.number(analysis, m.mean.value), strong=True),
            Cell(text=ends, small=f"over {m.mean.basis}"),
            *(Cell(text=text) for text in texts),
        ]
        rows.append(Row(head=[m.method], cells=cells))
    return HtmlTable(columns=[Column(text=head) for head in heads], rows=rows)


def _differences(analysis: Analysis) -> HtmlTable:
    heads = ["Methods", "Difference", "95 % interval", "p", "p, Holm", "At the 5 % level"]
    rows = []
    for d in analysis.differences:
        ends = wording.interval(analysis, d.interval.low, d.interval.high, sign=True)
        cells = [
            Cell(text=wording.number(analysis, d.interval.value, sign=True), strong=True),
            Cell(text=ends, small=f"over {d.interval.basis}"),
            Cell(text=wording.p_text(d.p_value)),
            Cell(text=wording.p_text(d.p_holm)),
            Cell(text=wording.verdict(d), style="prose"),
        ]
        rows.append(Row(head=[f"{d.first} − {d.second}"], cells=cells))
    return HtmlTable(columns=[Column(text=head) for head in heads], rows=rows)
