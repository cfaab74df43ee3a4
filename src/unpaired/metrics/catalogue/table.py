"""Table of all metrics, for the documentation: python -m unpaired.metrics.catalogue.table FILE."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from unpaired.metrics import catalogue
from unpaired.metrics.catalogue import Metric

BEGIN, END = "<!-- metrics: begin -->", "<!-- metrics: end -->"

_WORDS = {
    "source": "source",
    "target": "target",
    "generated": "generated",
    "extractor": "the extractor",
}


def name_in_words(metric: Metric) -> str:
    """Its name with what stands in the braces in capitals: "fd/EXTRACTOR/TARGET"."""
    return re.sub(r"{(\w+)}", lambda match: match[1].upper(), metric.pattern)


def lines_for_help() -> list[str]:
    """A line for each metric: its name, what it measures, which way is better."""
    names = [name_in_words(metric) for metric in catalogue.METRICS]
    width = max(map(len, names))
    return [
        f"  {name:{width}}  {_heading(metric)}; {metric.better} is better"
        for name, metric in zip(names, catalogue.METRICS, strict=True)
    ]


def markdown_table() -> str:
    """Name, meaning, unit, which way is better, and what stands beside it, of every metric."""
    rows = ["| metric | what it says | unit | better | beside it |", "|---|---|---|---|---|"]
    for metric in catalogue.METRICS:
        sentence = metric.sentence.format(**_WORDS)
        share = "share " if metric.unit == "%" else ""
        beside = ", ".join(f"`{suffix}`" for suffix in metric.companions)
        cells = [
            f"`{name_in_words(metric)}`",
            f"**{_heading(metric)}**: {share}{sentence}",
            metric.unit,
            metric.better,
            beside,
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _heading(metric: Metric) -> str:
    """What is measured; scores of one title are told apart by what they are about."""
    title = metric.title.replace(" ({extractor})", "")
    return title if "{" in metric.about else f"{title}, {metric.about}"


def write_table(path: Path) -> None:
    """Replace what stands between the marks in a file by today's table."""
    before, rest = path.read_text("utf-8").split(BEGIN)
    _, after = rest.split(END)
    path.write_text(f"{before}{BEGIN}\n\n{markdown_table()}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    write_table(Path(sys.argv[1]))
