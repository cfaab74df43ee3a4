"""Tables on the terminal."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.table import Table

_COMPANIONS = {"input": "input", "floor": "floor", "shuffled": "another's"}
"""What stands beside a number, by the ends of its name, and how it is called."""


def print_metrics(record: dict[str, Any]) -> None:
    """The numbers of one evaluation, each with its interval, and its companions beside it."""
    metrics = record["metrics"]
    table = Table(title=_title(record))
    for column in ("metric", "value", "95 % interval", "n", "beside"):
        table.add_column(column, justify="left" if column == "metric" else "right", no_wrap=True)
    for name, m in metrics.items():
        if name.endswith(tuple(f"/{companion}" for companion in _COMPANIONS)):
            continue
        others = {c: metrics[f"{name}/{c}"] for c in _COMPANIONS if f"{name}/{c}" in metrics}
        table.add_row(
            name,
            f"{m['value']:.4g}",
            f"{m['low']:.4g} … {m['high']:.4g}",
            str(m["n"]),
            ", ".join(_beside(m, c, others[c]) for c in others),
        )
    # A pipe has no width of its own: a table that is cut there would lose numbers.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    console.print(table)
    weights = f", {record['weights']} weights" if "weights" in record else ""
    console.print(f"protocol {record['fingerprint']}{weights}")


def _beside(metric: dict[str, Any], companion: str, other: dict[str, Any]) -> str:
    """A companion's value; and its n, if that is another."""
    n = f" (n {other['n']})" if other["n"] != metric["n"] else ""
    return f"{_COMPANIONS[companion]} {other['value']:.4g}{n}"


def _title(record: dict[str, Any]) -> str:
    if "generated" in record:
        return f"{record['generated']} against {record['against']}"
    return f"{record['split']} images, weights after {record['images']:,} images seen"
