"""Measures a trained model, on the images that were kept from its training."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from unpaired.core.config import encode
from unpaired.core.devices import Device, choose_device
from unpaired.core.errors import DataError, SettingError, check_choice
from unpaired.core.files import at_home
from unpaired.core.torch_state import plain_torch
from unpaired.data.domain import OTHER
from unpaired.data.index import opened_once
from unpaired.data.sources import describe
from unpaired.evaluation import extractor_records as any_extractor
from unpaired.evaluation.content import Pretrained
from unpaired.evaluation.model import Evaluator, Result
from unpaired.experiment.experiment import Experiment, load
from unpaired.features import Extractor, parse_extractor
from unpaired.metrics.faithfulness import faithfulness
from unpaired.models.folder import load_model
from unpaired.records.lines import append_line
from unpaired.records.protocol import Split
from unpaired.report.faithfulness import write_faithfulness
from unpaired.report.names import names_of

logger = logging.getLogger(__name__)


@plain_torch()
@opened_once()
def evaluate(
    folder: str | Path,
    split: Split = "test",
    output: str | Path | None = None,
    pretrained: Callable[[torch.device], Pretrained] | None = None,
    extractors: str | Sequence[Extractor | str] = (),
    *,
    classifier: bool | None = None,
    adaptation: bool | None = None,
    device: Device | None = None,
) -> list[dict[str, Any]]:
    """Measure a run folder's model, or a model folder; returns lines of evaluations.jsonl.

    The first line holds all that needs no download; each of `extractors`, which may be written as
    on the command line ("dinov2"), adds a line with the distances that it finds. With `output`, a
    folder, the page on the faithfulness of translations is written there. `pretrained` gives, on a
    device, distances to take in addition. `classifier`, `adaptation` and `device` replace the
    settings of that name that the model was trained with.

    A run's sources are known in full; a model folder's only by name, so that its images must lie
    where it is evaluated. In a run folder, the lines are also appended to evaluations.jsonl
    (a warning says where that cannot be).

    Raises:
        ModelError, RunError, DataError: when the model or the images cannot be used, and when a
            classifier is asked for and an image set has no labels for it to learn.
        SettingError, MissingExtra: for an extractor that cannot be loaded, and for settings
            without meaning.
    """
    check_choice("split", split, Split)
    folder = Path(folder)
    is_run = (folder / "model").is_dir()
    model = load_model(folder / "model" if is_run else folder)
    experiment = load(folder / "config.json") if is_run else model.experiment
    if adaptation and split != "test":
        raise SettingError(
            "adaptation is measured on test images. Leave --split out.",
            code="adaptation-needs-test",
            setting="evaluation.adaptation",
        )
    experiment = _with(experiment, classifier=classifier, adaptation=adaptation)
    where = choose_device(device or experiment.training.device)
    extractors = [extractors] if isinstance(extractors, str) else extractors
    parsed = [parse_extractor(e) if isinstance(e, str) else e for e in extractors]
    loaded = [extractor.load(where) for extractor in parsed]  # before anything long begins
    if output is not None and not experiment.directions:
        raise SettingError(
            "-o writes how faithful translations are; this model makes images from noise and "
            "translates none. Leave it out.",
            code="page-without-translations",
            setting="output",
        )
    _check_images_are_here(experiment, is_run=is_run)
    evaluator = Evaluator(experiment, split, where, pretrained(where) if pretrained else None)
    if classifier and evaluator.missing.sentences:
        raise DataError(
            " ".join(evaluator.missing.sentences),
            code="classifier-not-trained",
            setting="evaluation.classifier",
        )
    unlabelled = any(images.labels is None for images in evaluator.images.values())
    if (classifier and evaluator.classifiers is None) or (
        adaptation and (unlabelled or not evaluator.classes.shared)
    ):
        why = "; ".join(evaluator.classes.notes) or "these images have none."
        raise DataError(
            f"a task classifier learns from labels, and {why} Leave --classifier and --adaptation "
            "out, or train on labelled images: folders with a subfolder for each class, the same "
            "in both, or data sets with a column `label`.",
            code="no-labels-to-learn",
            setting="evaluation.classifier",
        )
    evaluator.notes += evaluator.left_out
    result = evaluator.measure(model.networks.to(where), model.images)
    if output is not None:
        _write_faithfulness(evaluator, result, Path(output))
    measured = [result.record, *any_extractor.records(evaluator, result, loaded)]
    lines = [record.as_json() for record in measured]
    try:
        for line in lines if is_run else ():
            append_line(folder / "evaluations.jsonl", line)
    except OSError as error:  # another's run, say: minutes of measuring are not thrown away
        logger.warning("the numbers are not kept with the run: %s", error)
    return lines


def _with(experiment: Experiment, **wanted: bool | None) -> Experiment:
    """The experiment, with the evaluation's settings that are not None."""
    changes: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    return replace(experiment, evaluation=replace(experiment.evaluation, **changes))


def _check_images_are_here(experiment: Experiment, *, is_run: bool) -> None:
    """A run keeps the paths of its images as they were given, a model folder their names alone."""
    sources = [domain.source for domain in experiment.domains.values()]
    absent = [
        name
        for name in map(describe, sources)
        if not name.startswith(("hf:", "builtin:")) and not at_home(name).exists()
    ]
    if absent and is_run:
        raise DataError(
            f"{absent[0]!r} does not exist here. The run keeps the paths of its images as they "
            "were given: go to the folder in which it was trained, or bring the images back.",
            code="images-of-run-missing",
        )
    if absent:
        raise DataError(
            f"{absent[0]!r} does not exist. A model folder knows its images by name only: give its "
            "run folder, or go where they lie. To measure it on others, translate these, then: "
            "unpaired evaluate --generated out/ --real photos/",
            code="images-of-model-missing",
        )
    for domain in () if is_run else experiment.domains.values():
        if domain.source in (domain.test_source, domain.validation_source):
            raise DataError(
                f"{describe(domain.source)!r} is the name of training images and of those kept "
                "from it, which lay in different folders: a model folder knows no more. Give its "
                "run folder.",
                code="splits-not-distinguished",
            )


def _write_faithfulness(evaluator: Evaluator, result: Result, folder: Path) -> None:
    names = names_of(encode(evaluator.experiment), evaluator.experiment.directions)
    directions = {
        names.path(domain, OTHER[domain]): faithfulness(
            images.source, images.translations, evaluator.images[domain].names
        )
        for domain, images in result.translated.items()
    }
    hidden = {names.path(d, OTHER[d], d): signal for d, signal in result.hidden.items()}
    write_faithfulness(directions, folder, evaluator.experiment.name, hidden)
