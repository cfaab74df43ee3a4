"""unpaired: two piles of images in, a translator out, and honest evidence of how well it works.

    import unpaired

    experiment = unpaired.recipe("demo")
    run = unpaired.train(experiment, "runs/demo")
    translator = unpaired.load(run / "model")
    translator.translate(image, to="b")

Names are loaded when they are first used, so that `import unpaired` costs nothing.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from unpaired.errors import UnpairedError as UnpairedError
    from unpaired.evaluate.given_images import evaluate_images as evaluate_images
    from unpaired.evaluation import evaluate as evaluate
    from unpaired.experiment import Experiment as Experiment
    from unpaired.generate import Noise as Noise
    from unpaired.inspect_data import check_data as check_data
    from unpaired.recipes import recipe as recipe
    from unpaired.report.comparison_page import compare as compare
    from unpaired.report.html import write_report as write_report
    from unpaired.sweep.sweep import sweep as sweep
    from unpaired.training import train as train
    from unpaired.translate import Translator as Translator
    from unpaired.translate import load as load
    from unpaired.translate_files import translate_files as translate_files

_HOMES = {
    "Experiment": "unpaired.experiment",
    "Noise": "unpaired.generate",
    "Translator": "unpaired.translate",
    "UnpairedError": "unpaired.errors",
    "check_data": "unpaired.inspect_data",
    "compare": "unpaired.report.comparison_page",
    "evaluate": "unpaired.evaluation",
    "evaluate_images": "unpaired.evaluate.given_images",
    "load": "unpaired.translate",
    "recipe": "unpaired.recipes",
    "sweep": "unpaired.sweep.sweep",
    "train": "unpaired.training",
    "translate_files": "unpaired.translate_files",
    "write_report": "unpaired.report.html",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'unpaired' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps `unpaired.evaluate` the verb: importing the folder of that name would replace it, and
    so with `unpaired.translate_files`."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
