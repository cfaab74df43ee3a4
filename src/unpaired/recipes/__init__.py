"""Recipes: functions that return one complete `Experiment`. Their docstrings are the catalogue.

To add one: a function in a file here, and its name in `RECIPES`.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable

from unpaired.errors import SettingError
from unpaired.experiment import Experiment
from unpaired.recipes.data import require
from unpaired.recipes.demo import demo
from unpaired.recipes.digits import (
    mnist_usps,
    mnist_usps_128,
    mnist_usps_128_cycle_30,
    mnist_usps_128_fast,
    mnist_usps_128_fastest,
    mnist_usps_128_no_cycle,
)
from unpaired.recipes.noise import dcgan_mnist, wgan_gp_mnist, wgan_mnist
from unpaired.recipes.svhn_mnist import (
    svhn_mnist_resnet_ns,
    svhn_mnist_unet_ls,
    svhn_mnist_unet_ns,
)
from unpaired.recipes.transfer import dtn_faces, dtn_mnist_svhn, dtn_svhn_mnist

Recipe = Callable[[], Experiment]

RECIPES: dict[str, Recipe] = {
    function.__name__.replace("_", "-"): function
    for function in (
        demo,
        mnist_usps,
        mnist_usps_128,
        mnist_usps_128_no_cycle,
        mnist_usps_128_cycle_30,
        mnist_usps_128_fast,
        mnist_usps_128_fastest,
        svhn_mnist_unet_ls,
        svhn_mnist_unet_ns,
        svhn_mnist_resnet_ns,
        dtn_svhn_mnist,
        dtn_mnist_svhn,
        dtn_faces,
        dcgan_mnist,
        wgan_mnist,
        wgan_gp_mnist,
    )
}

__all__ = ["RECIPES", "Recipe", "describe", "find", "recipe", "require"]


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
