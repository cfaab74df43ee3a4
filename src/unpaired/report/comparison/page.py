"""Comparison page: one self-contained file of tables and plots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unpaired.core.errors import RunError
from unpaired.core.files import write_atomically
from unpaired.report.comparison.compare import Comparison, choose_metrics, compare_runs
from unpaired.report.comparison.grids import newest_pictures
from unpaired.report.comparison.plots import courses, final_dots
from unpaired.report.comparison.protocols import division
from unpaired.report.comparison.tables import all_runs, differences, final_and_best, final_numbers
from unpaired.report.html.assets import INLINE, Assets
from unpaired.report.html.render import render
from unpaired.report.metric_text import in_order
from unpaired.report.names import Names

PAGE = "compare.html"


def compare(
    runs: str | Path | Sequence[str | Path],
    output: str | Path | None = None,
    *,
    split: str = "test",
    metrics: str | Sequence[str] = (),
) -> Comparison:
    """Compare runs, and write the page of it to `output`, a page or a folder, where one is given.

    `runs`: run folders, sweep folders, folders of either, patterns such as "runs/digits-*"; one or
    several. `metrics`: those in the foreground, by name; default: the headline numbers.

    Raises:
        RunError: when a path does not exist, or none holds a run.
        SettingError: when no run has one of the metrics.
    """
    runs = [runs] if isinstance(runs, (str, Path)) else runs
    metrics = [metrics] if isinstance(metrics, str) else metrics
    comparison = compare_runs(runs, split)
    chosen = choose_metrics(comparison, metrics)
    if output is not None:
        write_comparison(comparison, Path(output), chosen)
    return comparison


def write_comparison(comparison: Comparison, path: Path, metrics: Sequence[str]) -> Path:
    """Write the page to `path`, or as compare.html into it where it is no name of a page; returns
    where it lies.

    Raises:
        RunError: when the file cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        path = path / PAGE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, page(comparison, path.parent, metrics))
    except OSError as error:
        raise RunError(
            f"{path} cannot be written: {error.strerror}. Choose another -o.",
            code="output-unwritable",
        ) from error
    return path


def page(
    comparison: Comparison, folder: Path, metrics: Sequence[str], assets: Assets = INLINE
) -> str:
    """The whole page, with links to the runs' reports as seen from `folder`."""
    names, groups = comparison.names, comparison.groups
    counts = f"{len(comparison.entries)} runs of {len(groups)} setting{'s' * (len(groups) > 1)}"
    are_named = (names.a, names.b) != (Names.a, Names.b)
    content = {
        "assets": assets,
        "above": f"{names.title}: {counts}" if are_named else counts,
        "title": _title(comparison),
        "notes": comparison.notes,
        "warnings": _warnings(comparison),
        "split": comparison.split,
        "has_seeds": any(len(row.series) > 1 for t in comparison.tables for row in t.rows),
        "label_parts": list(groups[0].settings),
        "final": [final_numbers(table, metrics, names) for table in comparison.tables],
        "others": [
            final_numbers(table, in_order(table.metrics, names), names)
            for table in comparison.others
        ],
        "dots": final_dots(comparison, metrics),
        "pictures": newest_pictures(comparison),
        "best": [final_and_best(table) for table in comparison.courses],
        "courses": courses(comparison, metrics),
        "runs": all_runs(comparison, folder),
        "differing": differences(comparison),
    }
    return render("comparison.html", content)


def _title(comparison: Comparison) -> str:
    """The experiment's name where all runs share it."""
    names = {str(entry.run.config.get("name") or "") for entry in comparison.entries}
    return f"{names.pop()}, compared" if len(names) == 1 and all(names) else "Runs, compared"


def _warnings(comparison: Comparison) -> list[str]:
    """What a reader must know before the numbers."""
    warnings = []
    if comparison.divided:
        text = division(comparison.divided)
        warnings.append(f"{text[0].upper()}{text[1:]}")
    if missing := [entry for entry in comparison.entries if entry.state]:
        states = "\n".join(f"  - {entry.name}: {entry.state}" for entry in missing)
        warnings.append(
            f"{len(missing)} of {len(comparison.entries)} runs have not come to their end; a mean "
            f"over those that have may flatter a setting:\n{states}"
        )
    return warnings
