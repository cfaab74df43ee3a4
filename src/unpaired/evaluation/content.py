"""What must survive a translation: structure, the known truth, classes, an honest cycle."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.domain import DomainName
from unpaired.evaluation.samples import Sample, Translated, Translating, first, to_eight_bits
from unpaired.metrics import paired, segmentation
from unpaired.metrics.diversity import diversity
from unpaired.metrics.hidden_signal import HiddenSignal, hidden_signal
from unpaired.metrics.intervals import bootstrap_mean
from unpaired.metrics.paired import PairDistance
from unpaired.metrics.structure import others, structure
from unpaired.records.measurement import Measurement

Metrics = dict[str, Measurement]

MOST_IMAGES = 1000
"""Images whose structure and hidden signal are measured: enough for intervals of a percent."""

_FEWEST_OF_CLASS = 8
"""Images of a class, translated and real, that its diversity is taken of."""


@dataclass(frozen=True)
class Pretrained:
    """Distances by networks that others have trained: asked for, as their weights may be large."""

    perceptual: dict[str, PairDistance] = field(default_factory=dict)
    """Perceptual distances, by name: "lpips"."""
    structures: dict[str, PairDistance] = field(default_factory=dict)
    """How different their structure is, by name: "dino_structure"."""


def structures(
    direction: str, source: Tensor, translations: Tensor, more: dict[str, PairDistance], seed: int
) -> Metrics:
    """How far structure has moved; beside it, the same of other images' translations.

    Of at most `MOST_IMAGES`, drawn by `seed`.
    """
    source, translations = (first(images, MOST_IMAGES, seed) for images in (source, translations))
    sets = {"": translations, "/shuffled": translations[others(len(translations), seed)]}
    distances = {"structure": structure} | more
    return {
        f"{name}/{direction}{kind}": bootstrap_mean(distance(source, images))
        for name, distance in distances.items()
        for kind, images in sets.items()
    }


def against_truth(
    direction: str, truth: Tensor, sets: dict[str, Tensor], perceptual: dict[str, PairDistance]
) -> Metrics:
    """Images against their true counterparts; `sets` by suffix: "" and "/input"."""
    return {
        f"truth_{kind}/{direction}{suffix}": bootstrap_mean(measure(images, truth))
        for kind, measure in (paired.MEASURES | perceptual).items()
        for suffix, images in sets.items()
    }


def label_maps(
    palette: tuple[tuple[int, int, int], ...],
    truth: Tensor,
    sets: dict[str, Tensor],
    resamples: int,
    seed: int,
) -> Metrics:
    """Whether each pixel of label maps has its true class; nothing without a palette."""
    if not palette:
        return {}
    true = segmentation.nearest_colour(truth, palette)
    metrics: Metrics = {}
    for suffix, pixels in sets.items():
        guess = segmentation.nearest_colour(pixels, palette)
        scores = segmentation.measure(true, guess, len(palette), resamples, seed)
        metrics |= {f"segmentation/{name}{suffix}": scores[name] for name in scores}
    return metrics


def honesty(
    translating: Translating, domain: DomainName, images: Translated, seed: int
) -> HiddenSignal:
    """See `hidden_signal`; of at most `MOST_IMAGES`, and where there is a way back."""
    source, translations = (
        first(images, MOST_IMAGES, seed) for images in (images.source, images.translations)
    )

    def way_back(translations: Tensor) -> Tensor:
        return translating.translate_back(translations, source, domain)

    return hidden_signal(translations, source, way_back, seed)


def diversity_within_classes(
    direction: str, translations: Tensor, labels: NDArray[np.int64], real: Sample
) -> Metrics:
    """Diversity of the translations of each class, to real images of that class; the mean of all.

    A generator that makes one image a class has a diverse set; here it has 0. n is the number of
    classes, over which the interval goes. Nothing where fewer than two classes have enough images.
    """
    if real.labels is None:
        return {}
    pixels = to_eight_bits(real.pixels)
    diversities = []
    for c in np.intersect1d(labels, real.labels):
        of_class, like = translations[labels == c], pixels[real.labels == c]
        if min(len(of_class), len(like)) >= _FEWEST_OF_CLASS:
            diversities.append(diversity(of_class, like, resamples=1).value)
    return (
        {f"diversity_within_classes/{direction}": bootstrap_mean(diversities)}
        if len(diversities) > 1
        else {}
    )
