"""The page of a comparison: one self-contained file of tables and plots."""

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
from unpaired.report.comparison.theme import comparison_style
from unpaired.report.html.markup import Html, join, tag
from unpaired.report.html.page import Section, document
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
        write_atomically(path, _page(comparison, path.parent, metrics))
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}. Choose another -o.") from error
    return path


def _page(comparison: Comparison, folder: Path, metrics: Sequence[str]) -> str:
    names, groups = comparison.names, comparison.groups
    counts = f"{len(comparison.entries)} runs of {len(groups)} setting{'s' * (len(groups) > 1)}"
    sections = [
        Section(
            "numbers",
            "Final numbers",
            join(*_warnings(comparison), final_numbers(comparison, metrics)),
        ),
        Section("plots", "Final numbers, drawn", final_dots(comparison, metrics)),
        Section("pictures", "Pictures", newest_pictures(comparison)),
        Section("best", "Final and best", final_and_best(comparison)),
        Section("course", "Over the training", courses(comparison, metrics)),
        Section("runs", "Runs", all_runs(comparison, folder)),
        Section("settings", "Settings that differ", differences(comparison)),
    ]
    return document(
        _title(comparison),
        counts if (names.a, names.b) == (Names.a, Names.b) else f"{names.ways}: {counts}",
        sections,
        [*comparison.notes, "Written by unpaired compare."],
        style=comparison_style(len(groups)),
    )


def _title(comparison: Comparison) -> str:
    """The experiment's name where all runs share it."""
    names = {str(entry.run.config.get("name") or "") for entry in comparison.entries}
    return f"{names.pop()}, compared" if len(names) == 1 and all(names) else "Runs, compared"


def _warnings(comparison: Comparison) -> list[Html]:
    """What a reader must know before the numbers."""
    found = []
    if comparison.divided:
        text = division(comparison.divided)
        found.append(f"{text[0].upper()}{text[1:]}")
    if missing := [entry for entry in comparison.entries if entry.state]:
        states = "\n".join(f"  - {entry.name}: {entry.state}" for entry in missing)
        found.append(
            f"{len(missing)} of {len(comparison.entries)} runs have not come to their end; a mean "
            f"over those that have may flatter a setting:\n{states}"
        )
    return [tag("p", text, class_="warning") for text in found]
