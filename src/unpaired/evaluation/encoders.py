"""Classes and codes, gathered: what a method's own networks have learned, and what teaches others.

Each function gives values by the needs of metrics, and the same of unchanged images.
"""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.domain import OTHER, DomainName
from unpaired.evaluation.samples import Sample, Translated, to_eight_bits
from unpaired.features.classifier import train_classifier
from unpaired.features.probe import probe
from unpaired.inference.applied import AppliedModel
from unpaired.metrics.catalogue.metric import Need

Values = dict[Need, Any]


def codes(
    model: AppliedModel,
    domain: DomainName,
    images: Translated,
    labels: NDArray[Any] | None,
) -> Values:
    """Images and their translations in the features of the method's own encoder, where it has one;
    and the classes that it predicts, where it has learned them."""
    values: Values = {}
    source = model.encode(images.source, domain)
    translations = model.encode(images.translations, OTHER[domain])
    if source is not None and translations is not None:
        values["source_codes"] = source.double().numpy()
        values["translation_codes"] = translations.double().numpy()
    if labels is not None and (classes := model.classify(images.source)) is not None:
        values["encoder_labels"] = classes.numpy()
    return values


def adaptation(
    training: Tensor, unchanged: Tensor, labels: NDArray[Any], real: Sample, device: torch.device
) -> tuple[Values, Values]:
    """Classes of real images, by a classifier of translated images with the source's labels.

    `training` are translated training images, uint8, with their `labels`; `unchanged` the same
    before.
    """
    assert real.labels is not None
    target = to_eight_bits(real.pixels)
    num_classes = 1 + max(int(labels.max()), int(real.labels.max()))
    predicted = []
    for images in (training, unchanged):
        student = train_classifier(images, torch.from_numpy(labels), num_classes, device=device)
        predicted.append(student.predict(target).numpy())
    values: Values = {"student_labels": predicted[0], "real_labels": real.labels}
    return values, {"student_labels": predicted[1]}


def probed(model: AppliedModel, training: Sample, test: Sample) -> tuple[Values, list[str]]:
    """Classes of labelled images of b, by a linear classifier of the discriminator's features.

    Where there are labels and no discriminator, a note says so in place of the number.
    """
    if training.labels is None or test.labels is None:
        return {}, []
    discriminators = model.networks.discriminators
    if "b" not in discriminators:
        why = (
            "feature_accuracy/b is missing: it is of the discriminator's features, and these "
            "weights come from a model folder, which has no discriminator. Evaluations during "
            "training have it."
        )
        return {}, [why]
    batches = [model.batches(images.pixels, "b") for images in (training, test)]
    predicted = probe(discriminators["b"], batches[0], training.labels, batches[1])
    return {"probe_labels": predicted, "real_labels": test.labels}, []
