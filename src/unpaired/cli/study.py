"""`unpaired study`: what a human study says, from a plain table of judgements.

`analyse` reads five-step ratings or real-or-fake choices (2AFC). Every mean has a 95 % interval
that knows that raters judge many images, and images are judged by many raters; every two methods
are compared, with p-values corrected for their number; agreement is Krippendorff's alpha.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unpaired.cli.flags.arguments import Parser, count, print_json

if TYPE_CHECKING:
    from unpaired.study.analysis import Analysis

EXAMPLES = """
examples:
  unpaired study analyse ratings.csv
  unpaired study analyse fooled.csv -o results/ --json
"""


def run(arguments: list[str]) -> int:
    """The verb."""
    from unpaired.study import columns

    epilog = f"{columns.__doc__}{EXAMPLES}"
    flags = Parser(prog="unpaired study", description=__doc__, epilog=epilog)
    add = flags.add_argument
    # Both are asked for below, so that a mistyped flag is named before a missing file.
    add("action", nargs="?", choices=["analyse", "analyze"], help="write study.html and study.json")
    add("ratings", nargs="?", type=Path, metavar="RATINGS", help="CSV, one row per judgement")
    add("-o", "--output", type=Path, metavar="FOLDER", help="default: the folder of RATINGS")
    add(
        "--kind",
        choices=["auto", "rating", "2afc"],
        default="auto",
        help="five-step ratings or real-or-fake choices; auto goes by the columns",
    )
    add(
        "--catch-threshold",
        type=float,
        default=0.25,
        metavar="SHARE",
        help="raters who fail more than this share of their catch trials are excluded "
        "(default: 0.25)",
    )
    add("--resamples", type=count, default=10_000, help="bootstrap resamples (default: 10000)")
    add("--seed", type=int, default=0, help="of the bootstrap (default: 0)")
    add("--json", action="store_true", help="one JSON object on standard output")
    options = flags.parse_args(arguments)
    if options.action is None or options.ratings is None:
        flags.error("a table is missing: unpaired study analyse RATINGS.csv")
    if options.resamples < 100:
        flags.error(f"--resamples is {options.resamples}: an interval needs at least 100")
    if options.seed < 0:
        flags.error(f"--seed is {options.seed}, and must not be negative")
    from unpaired.study.analysis import analyse
    from unpaired.study.page import write_study
    from unpaired.study.ratings import read_study

    study = read_study(options.ratings, options.kind, options.catch_threshold)
    analysis = analyse(study, resamples=options.resamples, seed=options.seed)
    page = write_study(analysis, options.output or options.ratings.parent, options.ratings.name)
    show(analysis, page, as_json=options.json)
    return 0


def show(analysis: Analysis, page: Path, *, as_json: bool) -> None:
    """Print an analysis, and where its page lies."""
    from unpaired.core.console import say
    from unpaired.study.wording import as_json as as_object

    if as_json:
        print_json(as_object(analysis) | {"page": str(page)})
    else:
        from unpaired.cli.tables.study import print_study

        print_study(analysis)
        say(f"page: {page}")
