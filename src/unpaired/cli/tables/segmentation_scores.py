"""Segmentation scores on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from unpaired.metrics.catalogue import find


def print_scores(title: str, columns: dict[str, dict[str, Any]]) -> None:
    """Scores with their intervals, a column for each set of photos."""
    # A pipe has no width of its own: a table that is cut there would lose numbers.
    width = None if Console().is_terminal else 110
    table = Table(title=title, title_justify="left")
    table.add_column("score", no_wrap=True)
    for heading, found in columns.items():
        number = next(iter(found.values()))["n"]
        table.add_column(f"{heading}\n{number} photos", justify="right", no_wrap=True)
    for name in next(iter(columns.values())):
        cells = [
            f"{found[name]['value']:.3f} ({found[name]['low']:.3f} … {found[name]['high']:.3f})"
            for found in columns.values()
        ]
        table.add_row(_words(name), *cells)
    Console(highlight=False, width=width).print(table)


def _words(score: str) -> str:
    """How the catalogue calls a segmentation score."""
    known = find(f"fcn_score/{score}")
    assert known is not None
    return known[0].about
