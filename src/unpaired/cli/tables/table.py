"""Tables on the terminal."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from unpaired.metrics import catalogue
from unpaired.records.measurement import measurements
from unpaired.report.metric_text import doubt


def print_metrics(record: dict[str, Any]) -> None:
    """The numbers of one evaluation, each with its interval, and its companions below it."""
    metrics = record["metrics"]
    table = Table(title=_title(record))
    for column in ("metric", "value", "95 % interval", "n"):
        table.add_column(column, justify="left" if column == "metric" else "right", no_wrap=True)
    for name, metric in metrics.items():
        if catalogue.is_companion(name, metrics):
            continue
        table.add_row(name, *_numbers(metric))
        for suffix, beside in catalogue.companions(name, metrics).items():
            words = catalogue.COMPANIONS[suffix].title.lower()
            table.add_row(f"  {words}", *_numbers(beside), style="dim")
    # A pipe has no width of its own: a table that is cut there would lose numbers.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    console.print(table)
    measured = measurements(metrics)
    for name in measured:
        if doubt_about := doubt(name, measured):
            console.print(f"{name} is {doubt_about}", soft_wrap=True, markup=False)
    weights = f", {record['weights']} weights" if "weights" in record else ""
    precision = f" in {record['precision']}" if "precision" in record else ""
    console.print(f"protocol {record['fingerprint']}{weights}{precision}")


def _numbers(metric: dict[str, Any]) -> tuple[str, str, str]:
    return (
        f"{metric['value']:.4g}",
        f"{metric['low']:.4g} … {metric['high']:.4g}",
        str(metric["n"]),
    )


def _title(record: dict[str, Any]) -> str:
    if "generated" in record:
        return f"{record['generated']} against {record['against']}"
    return f"{record['split']} images, weights after {record['images']:,} images seen"
