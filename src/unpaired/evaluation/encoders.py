"""What the networks of a method have learned beside translating, and what others learn from it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.domain import DIRECTION, OTHER, DomainName
from unpaired.evaluation.samples import Sample, Translated, Translating, to_eight_bits
from unpaired.features.classifier import train_classifier
from unpaired.features.probe import probe
from unpaired.metrics.intervals import bootstrap_mean, wilson
from unpaired.metrics.structure import others
from unpaired.records.measurement import Measurement


def encoded(
    translating: Translating,
    domain: DomainName,
    images: Translated,
    labels: NDArray[np.int64] | None,
) -> dict[str, Measurement]:
    """What the method's own encoder makes of images and their translations, and of labels.

    `embedding_similarity`: the mean cosine of an image's features and its translation's; its
    companion `shuffled` takes another image's translation. `encoder_accuracy`: of an encoder that
    was trained.
    """
    described = translating.describe(images.source, domain)
    if described is None:
        return {}
    translated = translating.describe(images.translations, OTHER[domain])
    assert translated is not None
    name = f"embedding_similarity/{DIRECTION[domain]}"
    another = translated[others(len(translated))]
    metrics = {
        name: bootstrap_mean(cosines(described, translated)),
        f"{name}/shuffled": bootstrap_mean(cosines(described, another)),
    }
    if translating.experiment.method.pretraining is not None and labels is not None:
        right = int((translating.classify(images.source) == labels).sum())
        metrics[f"encoder_accuracy/{domain}"] = wilson(right, len(labels))
    return metrics


def adaptation(
    training: Tensor,
    unchanged: Tensor,
    labels: NDArray[np.int64],
    real: Sample,
    name: str,
    device: torch.device,
) -> dict[str, Measurement]:
    """How well a classifier of translated images, with the source's labels, reads real ones.

    `seen` are translated training images, uint8, with their `labels`; `unchanged` the same before.
    """
    assert real.labels is not None
    target = to_eight_bits(real.pixels)
    num_classes = 1 + max(int(labels.max()), int(real.labels.max()))
    metrics = {}
    for key, images in ((name, training), (f"{name}/input", unchanged)):
        student = train_classifier(images, torch.from_numpy(labels), num_classes, device=device)
        right = int((student.predict(target).numpy() == real.labels).sum())
        metrics[key] = wilson(right, len(real.labels))
    return metrics


def probed(
    translating: Translating, training: Sample, test: Sample
) -> tuple[dict[str, Measurement], list[str]]:
    """How well a linear classifier of the discriminator's features reads labelled images of b.

    Where there are labels and no discriminator, a note says so in place of the number.
    """
    if training.labels is None or test.labels is None:
        return {}, []
    name, discriminators = "feature_accuracy/b", translating.networks.discriminators
    if "b" not in discriminators:
        why = (
            f"{name} is missing: it is of the discriminator's features, and these weights come "
            "from a model folder, which has no discriminator. Evaluations during training have it."
        )
        return {}, [why]
    batches = [translating.values(images.pixels, "b") for images in (training, test)]
    predicted = probe(discriminators["b"], batches[0], training.labels, batches[1])
    return {name: wilson(int((predicted == test.labels).sum()), len(test.labels))}, []


def cosines(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of each row of x and the same row of y; (N, d) twice => (N,)."""
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    predicted: NDArray[np.float64] = np.sum(x * y, 1) / np.maximum(lengths, 1e-12)
    return predicted
