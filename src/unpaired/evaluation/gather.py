"""Gathering for the metrics of a model: classes, truth and features of one split, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.domain import OTHER, DomainName
from unpaired.evaluation import content
from unpaired.evaluation import encoders as learned
from unpaired.evaluation.measure import Gathered
from unpaired.evaluation.samples import Translated, first, to_eight_bits, translate
from unpaired.features.pixels import averages
from unpaired.inference.applied import AppliedModel
from unpaired.metrics.catalogue.metric import Need

if TYPE_CHECKING:
    from unpaired.evaluation.model import Evaluator

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
    evaluator: Evaluator, model: AppliedModel, domain: DomainName, images: Translated
) -> Gathered:
    """All that metrics need of the translations of a domain's images."""
    labels = evaluator.images[domain].labels
    before = evaluator.unchanged(domain, images.source)
    values = _settings(evaluator) | content.translated(images, evaluator.protocol.style_seed)
    values |= evaluator.pretrained.values | learned.codes(model, domain, images, labels)
    if labels is not None:
        values["labels"] = labels
    unchanged: dict[Need, Any] = {}
    for of_translations, of_unchanged in (
        _classes(evaluator, domain, images.translations, before),
        _truth(evaluator, domain, images.translations, before),
        adaptation(evaluator, model, domain),
    ):
        values |= of_translations
        unchanged |= of_unchanged
    sets = _image_sets(evaluator, OTHER[domain], {"": images.translations, "input": before})
    slots = evaluator.slots(domain) | {"extractor": evaluator.protocol.extractor}
    unchanged["generated_features"] = sets.features["input"]
    return Gathered(slots, values | sets.values, unchanged, sets.more)


def of_noise(
    evaluator: Evaluator, model: AppliedModel, images: Tensor
) -> tuple[Gathered, list[str]]:
    """All that metrics need of images of b from noise; and what there is to note."""
    probed, notes = learned.probed(model, evaluator.training["b"], evaluator.images["b"])
    sets = _image_sets(evaluator, "b", {"": images})
    values = _settings(evaluator) | {"from_noise": images} | probed | sets.values
    slots = {"target": "b", "extractor": evaluator.protocol.extractor}
    return Gathered(slots, values, more_real=sets.more), notes


def _settings(evaluator: Evaluator) -> dict[Need, Any]:
    return {"resamples": evaluator.protocol.resamples, "seed": evaluator.protocol.style_seed}


def _classes(
    evaluator: Evaluator, domain: DomainName, translations: Tensor, unchanged: Tensor
) -> _Parts:
    """Classes that the target's classifier reads in translations, where labels are known."""
    labels, real = evaluator.images[domain].labels, evaluator.images[OTHER[domain]]
    if evaluator.classifiers is None or labels is None:
        return {}, {}
    predicted, before = (
        evaluator.classifiers[OTHER[domain]].predict(images).numpy()
        for images in (translations, unchanged)
    )
    values: dict[Need, Any] = {"predicted_labels": predicted}
    if real.labels is not None:
        values |= {"classes_of_translations": labels, "real_classes": real.labels}
    return values, {"predicted_labels": before}


def _truth(
    evaluator: Evaluator, domain: DomainName, translations: Tensor, unchanged: Tensor
) -> _Parts:
    """Translations whose true counterparts are known."""
    here, truth = _pairs(evaluator, domain)
    if not len(here):
        return {}, {}
    target = to_eight_bits(evaluator.images[OTHER[domain]].pixels)[truth]
    palette = evaluator.experiment.domain(OTHER[domain]).palette
    values, before = (
        content.against_truth(images[here], target, palette) for images in (translations, unchanged)
    )
    return values, before


def adaptation(evaluator: Evaluator, model: AppliedModel, domain: DomainName) -> _Parts:
    """See `learned.adaptation`; only on test images, and where both domains have labels."""
    training, real = evaluator.training[domain], evaluator.images[OTHER[domain]]
    wanted = evaluator.experiment.evaluation.adaptation and evaluator.split == "test"
    if not wanted or training.labels is None or real.labels is None:
        return {}, {}
    seed = evaluator.protocol.style_seed
    images = translate(model, training.pixels, domain, seed, and_back=False)
    unchanged = evaluator.unchanged(domain, images.source)
    labels = training.labels
    return learned.adaptation(images.translations, unchanged, labels, real, evaluator.device)


def _image_sets(
    evaluator: Evaluator, domain: DomainName, generated: Mapping[str, Tensor]
) -> _ImageSets:
    """Image sets beside real ones of `domain`, and as many of all as there are of the fewest:
    distances depend on n."""
    real = to_eight_bits(evaluator.images[domain].pixels)
    count, seed = min(len(real), len(generated[""])), evaluator.protocol.style_seed
    training = to_eight_bits(evaluator.training[domain].pixels)
    sets = {**generated, "real": real, "training": training}
    features = {
        kind: _features(evaluator, domain, first(images, count, seed))
        for kind, images in sets.items()
    }
    return _ImageSets(real, features)


def _pairs(evaluator: Evaluator, domain: DomainName) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of this split's images whose true counterpart is known, and of those."""
    ids, others = evaluator.images[domain].ids, evaluator.images[OTHER[domain]].ids
    if ids is None or others is None:
        return np.array([], int), np.array([], int)
    place = {identity: i for i, identity in enumerate(others)}
    matches = [(i, place[identity]) for i, identity in enumerate(ids) if identity in place]
    here, there = np.array(matches, int).reshape(-1, 2).T
    return here, there


def _features(evaluator: Evaluator, domain: DomainName, images: Tensor) -> NDArray[np.float64]:
    """(N, d) of the domain's classifier; without one, the image averaged to 8×8."""
    if evaluator.classifiers is not None:
        features = evaluator.classifiers[domain].features(images)
    else:
        features = averages(images)
    array: NDArray[np.float64] = features.double().numpy()
    return array
