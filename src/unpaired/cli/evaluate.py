"""`unpaired evaluate`: measure a run's model, or a model folder, on images kept from training."""

from __future__ import annotations

from pathlib import Path

from unpaired.cli.arguments import Parser, print_json


def run(arguments: list[str]) -> int:
    """The verb."""
    flags = Parser(prog="unpaired evaluate", description=__doc__)
    flags.add_argument("model", type=Path, help="run folder or model folder")
    flags.add_argument("--split", choices=["test", "validation"], default="test")
    flags.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = flags.parse_args(arguments)
    from unpaired.cli.tables import print_metrics
    from unpaired.training import evaluate

    record = evaluate(given.model, given.split)
    if given.json:
        print_json(record)
    else:
        print_metrics(record)
    return 0
