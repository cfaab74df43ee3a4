"""`unpaired report`: (re)write a run's report.html."""

from __future__ import annotations

from pathlib import Path

from unpaired.cli.flags.arguments import Parser, print_json


def run(arguments: list[str]) -> int:
    """The verb."""
    flags = Parser(prog="unpaired report", description=__doc__)
    flags.add_argument("run", type=Path, help="run folder")
    flags.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = flags.parse_args(arguments)
    from unpaired.report.run.page import write_report

    path = write_report(options.run)
    if options.json:
        print_json({"report": str(path)})
    else:
        print(path)
    return 0
