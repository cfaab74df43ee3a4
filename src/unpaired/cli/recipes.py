"""`unpaired recipes`: what is known to work, at what cost, with what score."""

from __future__ import annotations

from unpaired.cli.arguments import Parser, print_json


def run(arguments: list[str]) -> int:
    """The verb."""
    flags = Parser(prog="unpaired recipes", description=__doc__)
    flags.add_argument("name", nargs="?", help="show one recipe in full")
    flags.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = flags.parse_args(arguments)
    from unpaired.recipes import RECIPES, describe, find

    if given.name:
        found = {given.name: describe(find(given.name))}
    else:
        found = {name: describe(function) for name, function in RECIPES.items()}
    if given.json:
        print_json({"recipes": found})
        return 0
    for name, text in found.items():
        print(
            f"{name}\n    "
            + (text if given.name else text.split("\n\n")[0]).replace("\n", "\n    ")
        )
    if not given.name:
        print("\nunpaired recipes NAME says more; unpaired train --recipe NAME trains one.")
    return 0
