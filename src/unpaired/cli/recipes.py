"""`unpaired recipes`: what is known to work: task, paper, cost and measured score."""

from __future__ import annotations

from unpaired.cli.flags.arguments import Parser, print_json


def run(arguments: list[str]) -> int:
    """The verb."""
    flags = Parser(prog="unpaired recipes", description=__doc__)
    flags.add_argument("name", nargs="?", help="show one recipe in full")
    flags.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = flags.parse_args(arguments)
    from unpaired.recipes import RECIPES, describe, entry, find

    shown = {options.name: find(options.name)} if options.name else RECIPES
    if options.json:
        print_json({"recipes": {name: entry(function) for name, function in shown.items()}})
    elif options.name:
        print(f"{options.name}\n" + _indented(describe(shown[options.name])))
    else:
        for name, function in shown.items():
            parts = entry(function)
            print(name)
            print(_indented(parts["task"]))
            print(_indented("\n".join(f"{k}: {parts[k]}" for k in ("paper", "cost", "score"))))
        print("\nunpaired recipes NAME says more; unpaired train --recipe NAME trains one.")
    return 0


def _indented(text: str) -> str:
    return "    " + text.replace("\n", "\n    ")
