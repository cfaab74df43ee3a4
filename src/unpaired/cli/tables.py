"""Tables on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table


def print_metrics(record: dict[str, Any]) -> None:
    """The numbers of one evaluation, each with its interval, and its companions beside it."""
    metrics = record["metrics"]
    suffixes = ("/input", "/floor", "/shuffled")
    table = Table(title=f"{record['split']} images, weights after {record['images']:,} images seen")
    for column in ("metric", "value", "95 % interval", "n", "beside"):
        table.add_column(column, justify="left" if column == "metric" else "right", no_wrap=True)
    for name, m in metrics.items():
        if name.endswith(suffixes):
            continue
        other = next((metrics[name + s] for s in suffixes if name + s in metrics), None)
        table.add_row(
            name,
            f"{m['value']:.4g}",
            f"{m['low']:.4g} … {m['high']:.4g}",
            str(m["n"]),
            f"{other['value']:.4g}" if other else "",
        )
    console = Console(highlight=False)
    # A pipe has no width of its own: a table that is cut there would lose numbers.
    console.print(table, width=None if console.is_terminal else 110)
    console.print(f"protocol {record['fingerprint']}, {record['weights']} weights")
