"""Recipes: functions that return one complete `Experiment`. Their docstrings are the catalogue.

To add one: a function in a file here, and its name in `RECIPES`.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable

from unpaired.errors import SettingError
from unpaired.experiment import Experiment
from unpaired.recipes.demo import demo
from unpaired.recipes.digits import mnist_usps
from unpaired.recipes.emoji import (
    emoji_no_cycle,
    emoji_ours,
    emoji_residual_cnn,
    emoji_residual_patch,
    emoji_unet_patch,
)
from unpaired.recipes.mnist_fashion import mnist_fashion, mnist_fashion_ours

Recipe = Callable[[], Experiment]

RECIPES: dict[str, Recipe] = {
    function.__name__.replace("_", "-"): function
    for function in (
        demo,
        mnist_usps,
        mnist_fashion,
        mnist_fashion_ours,
        emoji_residual_cnn,
        emoji_residual_patch,
        emoji_unet_patch,
        emoji_no_cycle,
        emoji_ours,
    )
}


def find(name: str) -> Recipe:
    """The recipe of a name.

    Raises:
        SettingError: with the nearest name, when there is none.
    """
    if name not in RECIPES:
        close = difflib.get_close_matches(name, RECIPES, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise SettingError(f"there is no recipe {name!r}.{hint} Recipes: {', '.join(RECIPES)}.")
    return RECIPES[name]


def recipe(name: str) -> Experiment:
    """The experiment of a recipe; see `find`."""
    return find(name)()


def describe(function: Recipe) -> str:
    """A recipe's docstring."""
    return inspect.getdoc(function) or ""
