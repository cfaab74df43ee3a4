"""`unpaired compare`: one table and one page of plots for several runs.

Runs whose settings differ in nothing but the seed are one row: mean ± standard deviation over
seeds. Numbers that were measured under different protocols never share a column: they stand in
tables of their own, with the parts in which the protocols differ. Beside the final numbers, the
best moment of each training is shown, never alone.
"""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import TYPE_CHECKING

from unpaired.cli.flags.arguments import Parser, print_json
from unpaired.core.errors import RunError

if TYPE_CHECKING:
    from unpaired.report.comparison.compare import Comparison

EPILOG = """\
examples:
  unpaired compare runs/sweep-demo
  unpaired compare runs/digits-* -o digits.html --metric translation_accuracy
  unpaired compare results/
"""


def run(arguments: list[str]) -> int:
    """The verb."""
    flags = Parser(prog="unpaired compare", description=__doc__, epilog=EPILOG)
    add = flags.add_argument
    add("runs", nargs="+", help="run folders, sweep folders, folders of either, patterns")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="folder of the page, compare.html, or a page by its name, digits.html (default: "
        "beside the runs)",
    )
    add(
        "--metric",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="those to show, such as diversity/a2b, or translation_accuracy for both directions",
    )
    add("--split", choices=["test", "validation"], default="test")
    add(
        "--strict",
        action="store_true",
        help="exit code 2 when runs were measured under different protocols",
    )
    add("--json", action="store_true", help="one JSON object on standard output")
    options = flags.parse_args(arguments)
    from unpaired.report.comparison.compare import choose_metrics, compare_runs
    from unpaired.report.comparison.page import write_comparison
    from unpaired.report.comparison.protocols import division

    comparison = compare_runs(options.runs, options.split)
    metrics = choose_metrics(comparison, options.metric)
    if options.strict and comparison.divided:
        raise RunError(
            f"{division(comparison.divided)} Compare those of one protocol at a time.",
            code="protocols-differ",
            setting="strict",
        )
    page = write_comparison(comparison, options.output or beside(comparison), metrics)
    show(comparison, metrics, page, as_json=options.json, whole=bool(options.metric))
    return 0


def show(
    comparison: Comparison, metrics: list[str], page: Path, *, as_json: bool, whole: bool = False
) -> None:
    """Print a comparison, and where its page lies."""
    from unpaired.cli.tables.comparison import comparison_as_json, print_comparison
    from unpaired.core.console import say

    if as_json:
        print_json(comparison_as_json(comparison, metrics) | {"page": str(page)})
    else:
        print_comparison(comparison, metrics, whole=whole)
        say(f"page: {page}")


def beside(comparison: Comparison) -> Path:
    """compare.html in the folder that holds all runs, or here where there is none."""
    parents = [os.path.dirname(os.path.abspath(entry.run.folder)) for entry in comparison.entries]
    common = Path(os.path.commonpath(parents))
    here = Path.cwd()
    if common == common.parent:
        return Path("compare.html")
    return (common.relative_to(here) if common.is_relative_to(here) else common) / "compare.html"
