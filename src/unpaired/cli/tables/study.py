"""What `study` prints for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from unpaired.study import wording
from unpaired.study.analysis import Analysis


def print_study(analysis: Analysis) -> None:
    """What was left out, the methods, their differences, the raters' agreement."""
    for sentence in wording.left_out(analysis.study.left_out):
        print(sentence)
    for sentence in wording.warnings(analysis):
        print(f"warning: {sentence}")
    print(wording.size(analysis))
    _print_methods(analysis)
    if analysis.differences:
        _print_differences(analysis)
    print(f"Krippendorff's alpha over all methods: {wording.alpha_text(analysis.alpha)}")


def _print_methods(analysis: Analysis) -> None:
    is_rating = analysis.study.kind == "rating"
    heads = [wording.measure(analysis), "95 % interval", "over", "n", "raters", "images", "alpha"]
    heads += ["1 / 2 / 3 / 4 / 5"] if is_rating else ["pooled Wilson"]
    rows = []
    for m in analysis.methods:
        cells = [
            m.method,
            wording.number(analysis, m.mean.value),
            wording.interval(analysis, m.mean.low, m.mean.high),
            m.mean.basis,
            *(f"{n:,}" for n in (m.num_judgements, m.num_raters, m.num_images)),
            wording.alpha_text(m.alpha),
        ]
        if m.steps is not None:
            cells.append(" / ".join(map(str, m.steps)))
        if m.pooled is not None:
            cells.append(wording.interval(analysis, m.pooled.low, m.pooled.high))
        rows.append(cells)
    _print("method", heads, rows)


def _print_differences(analysis: Analysis) -> None:
    heads = ["difference", "95 % interval", "p", "p (Holm)", "at the 5 % level"]
    rows = [
        [
            f"{d.first} − {d.second}",
            wording.number(analysis, d.interval.value, sign=True),
            wording.interval(analysis, d.interval.low, d.interval.high, sign=True),
            wording.p_text(d.p_value),
            wording.p_text(d.p_holm),
            wording.verdict(d),
        ]
        for d in analysis.differences
    ]
    _print("methods", heads, rows)


def _print(first: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Whole lines, on a narrow terminal too: a table that is cut loses numbers."""
    table = Table()
    table.add_column(first, no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))
    width = Console(width=10_000).measure(table).maximum
    Console(highlight=False, width=width).print(table)
