"""Segmentation scores on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table


def print_scores(title: str, columns: dict[str, dict[str, Any]]) -> None:
    """Scores with their intervals, a column for each set of photos."""
    meaning = {
        "pixel": "per pixel",
        "class": "per class",
        "iou": "intersection over union",
        "class_present": "class, present only",
        "iou_present": "IoU, present only",
    }
    # A pipe has no width of its own: a table that is cut there would lose numbers.
    width = None if Console().is_terminal else 110
    table = Table(title=title, title_justify="left")
    table.add_column("score", no_wrap=True)
    for heading, scores in columns.items():
        number = next(iter(scores.values()))["n"]
        table.add_column(f"{heading}\n{number} photos", justify="right", no_wrap=True)
    for name in next(iter(columns.values())):
        cells = [
            f"{scores[name]['value']:.3f} ({scores[name]['low']:.3f} … {scores[name]['high']:.3f})"
            for scores in columns.values()
        ]
        table.add_row(meaning[name], *cells)
    Console(highlight=False, width=width).print(table)
