"""What `compare` and `sweep` print: tables for people, or one object for programs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table as Printed

from unpaired.metrics.catalogue import COMPANIONS
from unpaired.metrics.ranking import meaning_of_score
from unpaired.records.evaluation import EvaluationRecord
from unpaired.report.comparison.compare import Comparison
from unpaired.report.comparison.numbers import Row, Table, images_text, leaders
from unpaired.report.comparison.protocols import differing_parts, division
from unpaired.report.comparison.tables import companion, mean_score, title_of

_HEAD = 14
"""Characters of a line in the head of a column."""
_MOST_METRICS = 6


def print_comparison(comparison: Comparison, metrics: Sequence[str], *, whole: bool) -> None:
    """Final numbers, a table for each protocol; final and best; what is missing.

    Unless `whole`, metrics that find no room are left to the page.
    """
    console = Console(highlight=False)
    room = console.width if console.is_terminal else 1000  # a pipe has no width
    for table in comparison.tables:
        shown = [metric for metric in metrics if metric in table.metrics]
        count = len(shown) if whole else min(len(shown), _MOST_METRICS)
        printed = _final(table, shown[:count], comparison)
        while count > 1 and not whole and _width(printed) > room:
            count -= 1
            printed = _final(table, shown[:count], comparison)
        print(f"{title_of(table)}: final weights, {_spread(table)}")
        _print(printed)
        _print_doubts(table, shown[:count])
        if left := shown[count:]:
            print(f"also measured: {', '.join(left)} (--metric NAME, or the page)")
    if not comparison.tables:
        print(f"no run has been measured on {comparison.split} images yet")
    for table in comparison.others:
        print(f"also measured under protocol {table.fingerprint}: see the page")
    for table in comparison.courses:
        meaning = meaning_of_score({name: n.value for name, n in table.metrics.items()})
        print(f"{title_of(table)}: {meaning}, final and best (the best flatters: report both)")
        _print(_final_and_best(table))
    for entry in comparison.entries:
        if entry.state:
            print(f"{entry.name}: {entry.state}")
    for note in comparison.notes:
        print(note)
    if comparison.divided:
        print(f"warning: {division(comparison.divided)}")


def comparison_as_json(comparison: Comparison, metrics: Sequence[str]) -> dict[str, Any]:
    """The same as one object: all numbers of `metrics`, run by run."""
    return {
        "split": comparison.split,
        "comparable": not comparison.divided,
        "tables": [
            {
                "split": table.split,
                "fingerprint": table.fingerprint,
                "protocol": table.protocol.as_json(),
                "rows": [_row_as_json(row, metrics) for row in table.rows],
            }
            for table in comparison.tables
        ],
        "protocols_differ_in": differing_parts(comparison.divided) if comparison.divided else {},
        "final_and_best": [
            {
                "fingerprint": table.fingerprint,
                "score": meaning_of_score({name: n.value for name, n in table.metrics.items()}),
                "rows": [
                    {
                        "settings": dict(row.group.settings),
                        "final": _moment_as_json(row, row.final),
                        "best": _moment_as_json(row, row.best),
                    }
                    for row in table.rows
                ],
            }
            for table in comparison.courses
        ],
        "unfinished": {entry.name: entry.state for entry in comparison.entries if entry.state},
        "notes": list(comparison.notes),
    }


def _row_as_json(row: Row, metrics: Sequence[str]) -> dict[str, Any]:
    columns = {}
    companions = [f"{metric}/{suffix}" for metric in metrics for suffix in COMPANIONS]
    for name in (*metrics, *companions):
        if (spread := row.spread(name)) is not None:
            numbers = [
                {key: _finite(value) for key, value in vars(number).items()}
                for number in spread.numbers
            ]
            mean, deviation = _finite(spread.mean), spread.deviation
            columns[name] = {"mean": mean, "sd": deviation, "runs": numbers}
    return {
        "settings": dict(row.group.settings),
        "runs": [row.group.entries[index].name for index in row.series],
        "of": len(row.group.entries),
        "images": [evaluation.images for evaluation in row.final.values()],
        "metrics": columns,
    }


def _moment_as_json(row: Row, moment: dict[int, EvaluationRecord]) -> dict[str, Any]:
    mean, deviation = mean_score(moment.values())
    images = {row.group.entries[index].name: e.images for index, e in moment.items()}
    return {"mean": _finite(mean), "sd": deviation, "images": images}


def _finite(value: float | None) -> float | None:
    """JSON has no NaN."""
    return value if value is not None and math.isfinite(value) else None


def _final(table: Table, metrics: Sequence[str], comparison: Comparison) -> Printed:
    settings = table.rows[0].group.settings
    printed = Printed()
    for name in settings:
        printed.add_column(_folded(name), no_wrap=True)
    for name in ("runs", "images seen", *metrics):
        printed.add_column(_folded(name), justify="right", no_wrap=True)
    best = {metric: leaders(table, metric, comparison.names) for metric in metrics}
    for row in table.rows:
        cells = [_runs(row), images_text(e.images for e in row.final.values())]
        for metric in metrics:
            spread = row.spread(metric)
            text = "" if spread is None else _value(spread.mean, spread.deviation)
            if spread is not None and len(spread.numbers) == 1:
                low, high = spread.bounds
                text += f" [{_value(low, None)}, {_value(high, None)}]"
            cells.append(
                f"[bold]{_escape(text)}[/bold]" if row.group in best[metric] else _escape(text)
            )
        printed.add_row(*map(_escape, row.group.settings.values()), *cells)
    for suffix, beside_metric in COMPANIONS.items():
        beside = [companion(table, metric, suffix) for metric in metrics]
        if any(value is not None for value in beside):
            blank = [""] * (len(settings) - 1)
            values = ["" if value is None else _value(value, None) for value in beside]
            printed.add_row(beside_metric.label, *blank, "", "", *values, style="dim")
    return printed


def _print_doubts(table: Table, metrics: Sequence[str]) -> None:
    """Say of which numbers of the table nothing follows, and for which of its rows."""
    for metric in metrics:
        doubts: dict[str, list[str]] = {}
        for row in table.rows:
            if doubt := row.doubt(metric):
                doubts.setdefault(doubt, []).append(", ".join(row.group.parts))
        for doubt, groups in doubts.items():
            where = "" if len(groups) == len(table.rows) else f" ({'; '.join(groups)})"
            print(f"{metric} is {doubt}{where}")


def _final_and_best(table: Table) -> Printed:
    printed = Printed()
    for name in table.rows[0].group.settings:
        printed.add_column(_folded(name), no_wrap=True)
    for name in ("runs", "final", "after images", "best", "after images"):
        printed.add_column(name, justify="right", no_wrap=True)
    for row in table.rows:
        cells = [_runs(row)]
        for moment in (row.final, row.best):
            cells.append(_value(*mean_score(moment.values())))
            cells.append(images_text(e.images for e in moment.values()))
        printed.add_row(*map(_escape, row.group.settings.values()), *cells)
    return printed


def _spread(table: Table) -> str:
    most = max(len(row.series) for row in table.rows)
    return "mean ± standard deviation over seeds" if most > 1 else "with 95 % intervals"


def _runs(row: Row) -> str:
    count, planned = len(row.series), len(row.group.entries)
    return str(count) if count == planned else f"{count} of {planned}"


def _value(mean: float, deviation: float | None) -> str:
    """Both with the same digits, four of which count."""
    size = max(abs(mean), deviation or 0.0)
    if not math.isfinite(size) or not size:
        return f"{mean:.4g}"
    decimals = max(0, min(6, 3 - math.floor(math.log10(size))))
    return f"{mean:.{decimals}f}" + ("" if deviation is None else f" ± {deviation:.{decimals}f}")


def _escape(text: str) -> str:
    """Text in which rich finds no markup."""
    return text.replace("[", r"\[")


def _folded(name: str) -> str:
    """A long name over several lines: "translation_", "accuracy/", "a2b"."""
    lines = [""]
    for part in re.split(r"(?<=[_/.])", name):
        if lines[-1] and len(lines[-1]) + len(part) > _HEAD:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _width(printed: Printed) -> int:
    """Characters of a line in which nothing is cut."""
    return Console(width=10_000).measure(printed).maximum


def _print(printed: Printed) -> None:
    """Print whole lines, on a narrow terminal too: a table that is cut loses numbers."""
    Console(highlight=False, width=_width(printed)).print(printed)
