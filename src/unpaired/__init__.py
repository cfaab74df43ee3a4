"""unpaired: two piles of images in, a translator out, and honest evidence of how well it works.

    import unpaired

    experiment = unpaired.recipe("demo")
    run = unpaired.train(experiment, "runs/demo")
    translator = unpaired.load(run / "model")
    translator.translate(image, to="b")

Names are loaded when they are first used, so that `import unpaired` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from unpaired.core.errors import UnpairedError as UnpairedError
    from unpaired.data.inspect import check_data as check_data
    from unpaired.evaluation.evaluate import evaluate as evaluate
    from unpaired.evaluation.files import evaluate_images as evaluate_images
    from unpaired.experiment.experiment import Experiment as Experiment
    from unpaired.inference.files import translate_files as translate_files
    from unpaired.inference.noise import Noise as Noise
    from unpaired.inference.translator import Translator as Translator
    from unpaired.inference.translator import load as load
    from unpaired.recipes import recipe as recipe
    from unpaired.report.comparison.page import compare as compare
    from unpaired.report.run.page import write_report as write_report
    from unpaired.sweeps.sweep import sweep as sweep
    from unpaired.training.train import train as train

_HOMES = {
    "Experiment": "unpaired.experiment.experiment",
    "Noise": "unpaired.inference.noise",
    "Translator": "unpaired.inference.translator",
    "UnpairedError": "unpaired.core.errors",
    "check_data": "unpaired.data.inspect",
    "compare": "unpaired.report.comparison.page",
    "evaluate": "unpaired.evaluation.evaluate",
    "evaluate_images": "unpaired.evaluation.files",
    "load": "unpaired.inference.translator",
    "recipe": "unpaired.recipes",
    "sweep": "unpaired.sweeps.sweep",
    "train": "unpaired.training.train",
    "translate_files": "unpaired.inference.files",
    "write_report": "unpaired.report.run.page",
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
