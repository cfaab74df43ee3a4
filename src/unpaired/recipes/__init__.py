"""Recipes: functions that return one complete `Experiment`. Their docstrings are the catalogue.

To add one: a function in a file here, and its name in that file's `RECIPES`; a new file's below.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable

from unpaired.core.errors import SettingError
from unpaired.experiment.experiment import Experiment
from unpaired.recipes import (
    demo,
    digits,
    emoji,
    facades,
    mnist_fashion,
    noise,
    scenes,
    svhn_mnist,
    transfer,
)
from unpaired.recipes.data import require

Recipe = Callable[[], Experiment]

RECIPES: dict[str, Recipe] = {
    function.__name__.replace("_", "-"): function
    for module in (demo, digits, mnist_fashion, emoji, svhn_mnist, transfer, noise, facades, scenes)
    for function in module.RECIPES
}

__all__ = ["RECIPES", "Recipe", "describe", "entry", "find", "recipe", "require"]


def find(name: str) -> Recipe:
    """The recipe of a name.

    Raises:
        SettingError: with the nearest name, when there is none.
    """
    if name not in RECIPES:
        close = difflib.get_close_matches(name, RECIPES, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise SettingError(
            f"there is no recipe {name!r}.{hint} Recipes: {', '.join(RECIPES)}.",
            code="unknown-recipe",
            setting="recipe",
        )
    return RECIPES[name]


def recipe(name: str) -> Experiment:
    """The experiment of a recipe; see `find`."""
    return find(name)()


def describe(function: Recipe) -> str:
    """A recipe's docstring."""
    return inspect.getdoc(function) or ""


def entry(function: Recipe) -> dict[str, str]:
    """A recipe's docstring by its parts: task, paper, command, cost and score."""
    text = describe(function)
    found = {"task": " ".join(text.split("\n\n")[0].split())}
    for name in ("Paper", "Command", "Cost", "Score"):
        # From the name to the next one, or to the end.
        match = re.search(
            rf"^{name}: (.*?)(?=^(?:Paper|Command|Cost|Score): |\Z)", text, re.M | re.S
        )
        found[name.lower()] = " ".join(match[1].split()) if match else ""
    return found
