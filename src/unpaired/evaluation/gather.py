"""Gathering for the metrics of a model: classes, truth and features of one split, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.domain import DIRECTION, OTHER, DomainName
from unpaired.evaluation import content
from unpaired.evaluation import encoders as learned
from unpaired.evaluation.measure import Gathered
from unpaired.evaluation.missing import Missing
from unpaired.evaluation.samples import Translated, first, to_eight_bits, translate
from unpaired.evaluation.split import EvaluatedSplit
from unpaired.features.pixels import averages
from unpaired.inference.applied import AppliedModel
from unpaired.metrics.catalogue.metric import Need

_Parts = tuple[dict[Need, Any], dict[Need, Any]]
"""What metrics need of translations, and the same of unchanged images."""


@dataclass(frozen=True)
class _ImageSets:
    """Real images of a domain, and the features of sets beside them."""

    real: Tensor
    features: dict[str, NDArray[np.float64]]

    @property
    def values(self) -> dict[Need, Any]:
        return {
            "real": self.real,
            "generated_features": self.features[""],
            "real_features": self.features["real"],
        }

    @property
    def more(self) -> NDArray[np.float64]:
        """Features of other real images: what the floor compares those of the split with."""
        return self.features["training"]


def of_translations(
    evaluated: EvaluatedSplit,
    model: AppliedModel,
    domain: DomainName,
    images: Translated,
    missing: Missing,
) -> Gathered:
    """All that metrics need of the translations of a domain's images; what cannot be had is
    `missing`."""
    labels = evaluated.images[domain].labels
    before = evaluated.unchanged(domain, images.source)
    seed = evaluated.protocol.style_seed
    values = _settings(evaluated) | content.translated(images, evaluated.edges(domain), seed)
    values |= evaluated.pretrained.values | learned.codes(model, domain, images, labels)
    if labels is not None:
        values["labels"] = labels
    parts = [
        _classes(evaluated, domain, images.translations, before),
        _truth(evaluated, domain, images.translations, before),
    ]
    with missing.noting(f"adaptation_accuracy/{DIRECTION[domain]}"):
        parts.append(adaptation(evaluated, model, domain))
    unchanged: dict[Need, Any] = {}
    for of_translations, of_unchanged in parts:
        values |= of_translations
        unchanged |= of_unchanged
    sets = _image_sets(evaluated, OTHER[domain], {"": images.translations, "input": before})
    slots = evaluated.slots(domain) | {"extractor": evaluated.protocol.extractor}
    unchanged["generated_features"] = sets.features["input"]
    return Gathered(slots, values | sets.values, unchanged, sets.more)


def of_noise(
    evaluated: EvaluatedSplit, model: AppliedModel, images: Tensor
) -> tuple[Gathered, list[str]]:
    """All that metrics need of images of b from noise; and what there is to note."""
    probed, notes = learned.probed(model, evaluated.training["b"], evaluated.images["b"])
    sets = _image_sets(evaluated, "b", {"": images})
    values = _settings(evaluated) | {"from_noise": images} | probed | sets.values
    slots = {"target": "b", "extractor": evaluated.protocol.extractor}
    return Gathered(slots, values, more_real=sets.more), notes


def _settings(evaluated: EvaluatedSplit) -> dict[Need, Any]:
    return {"resamples": evaluated.protocol.resamples, "seed": evaluated.protocol.style_seed}


def _classes(
    evaluated: EvaluatedSplit, domain: DomainName, translations: Tensor, unchanged: Tensor
) -> _Parts:
    """Classes that the target's classifier reads in translations, where labels are known."""
    labels, real = evaluated.images[domain].labels, evaluated.images[OTHER[domain]]
    if evaluated.classifiers is None or labels is None:
        return {}, {}
    predicted, before = (
        evaluated.classifiers[OTHER[domain]].predict(images).numpy()
        for images in (translations, unchanged)
    )
    values: dict[Need, Any] = {"predicted_labels": predicted}
    if real.labels is not None:
        values |= {"classes_of_translations": labels, "real_classes": real.labels}
    return values, {"predicted_labels": before}


def _truth(
    evaluated: EvaluatedSplit, domain: DomainName, translations: Tensor, unchanged: Tensor
) -> _Parts:
    """Translations whose true counterparts are known."""
    here, truth = _pairs(evaluated, domain)
    if not len(here):
        return {}, {}
    target = to_eight_bits(evaluated.images[OTHER[domain]].pixels)[truth]
    palette = evaluated.experiment.domain(OTHER[domain]).palette
    values, before = (
        content.against_truth(images[here], target, palette) for images in (translations, unchanged)
    )
    return values, before


def adaptation(evaluated: EvaluatedSplit, model: AppliedModel, domain: DomainName) -> _Parts:
    """See `learned.adaptation`; only on test images, and where both domains have labels."""
    training, real = evaluated.training[domain], evaluated.images[OTHER[domain]]
    wanted = evaluated.experiment.evaluation.adaptation and evaluated.split == "test"
    if not (wanted and evaluated.classes.shared):
        return {}, {}
    if training.labels is None or real.labels is None:
        return {}, {}
    seed = evaluated.protocol.style_seed
    images = translate(model, training.pixels, domain, seed, and_back=False)
    unchanged = evaluated.unchanged(domain, images.source)
    labels = training.labels
    return learned.adaptation(images.translations, unchanged, labels, real, evaluated.device)


def _image_sets(
    evaluated: EvaluatedSplit, domain: DomainName, generated: Mapping[str, Tensor]
) -> _ImageSets:
    """Image sets beside real ones of `domain`, and as many of all as there are of the fewest:
    distances depend on n."""
    real = to_eight_bits(evaluated.images[domain].pixels)
    count, seed = min(len(real), len(generated[""])), evaluated.protocol.style_seed
    training = to_eight_bits(evaluated.training[domain].pixels)
    sets = {**generated, "real": real, "training": training}
    features = {
        kind: _features(evaluated, domain, first(images, count, seed))
        for kind, images in sets.items()
    }
    return _ImageSets(real, features)


def _pairs(
    evaluated: EvaluatedSplit, domain: DomainName
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of this split's images whose true counterpart is known, and of those."""
    ids, others = evaluated.images[domain].ids, evaluated.images[OTHER[domain]].ids
    if ids is None or others is None:
        return np.array([], int), np.array([], int)
    place = {identity: i for i, identity in enumerate(others)}
    matches = [(i, place[identity]) for i, identity in enumerate(ids) if identity in place]
    here, there = np.array(matches, int).reshape(-1, 2).T
    return here, there


def _features(evaluated: EvaluatedSplit, domain: DomainName, images: Tensor) -> NDArray[np.float64]:
    """(N, d) of the domain's classifier; without one, the image averaged to 8×8."""
    if evaluated.classifiers is not None:
        features = evaluated.classifiers[domain].features(images)
    else:
        features = averages(images)
    array: NDArray[np.float64] = features.double().numpy()
    return array
