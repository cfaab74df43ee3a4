"""`unpaired demo`: the built-in example, from nothing to a report."""

from __future__ import annotations

from unpaired.cli import train


def run(arguments: list[str]) -> int:
    """The verb: training with the recipe `demo`, and the same flags."""
    return train.run(arguments, recipe="demo", prog="unpaired demo")
