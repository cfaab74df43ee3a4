"""Simulated studies whose truth is known.

A judgement is a latent quality cut at thresholds: the mean of its method, plus the rater, plus the
image, plus noise, each normal and all independent. The latent quality is scaled to variance 1, so
that the share above a threshold t is Φ(mean − t) over all raters and images there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from unpaired.study.two_way import Crossed

Floats = NDArray[np.float64]

THRESHOLDS = {"rating": (-1.2, -0.4, 0.4, 1.2), "2afc": (0.0,)}
LOWEST = {"rating": 1, "2afc": 0}
BOUNDS = {"rating": (1.0, 5.0), "2afc": (0.0, 1.0)}


@dataclass(frozen=True)
class Design:
    """A study: who judges how many images, and how strongly judgements cluster."""

    num_raters: int
    num_images: int
    of_raters: float
    """Standard deviation between raters; that of all judgements is 1."""
    of_images: float
    per_rater: int | None = None
    """Images that each rater sees, drawn at random; None: all."""


def true_mean(kind: str, quality: float) -> float:
    """Mean over all raters and images there are."""
    return float(LOWEST[kind] + sum(norm.cdf(quality - t) for t in THRESHOLDS[kind]))


def simulate(
    kind: str, design: Design, qualities: tuple[float, ...], random: np.random.Generator
) -> Crossed:
    """Judgements of one or two methods.

    Half of the variance between raters, and between images, is the same for all methods.
    """
    shape = (len(qualities), design.num_raters, design.num_images)
    noise = np.sqrt(1 - design.of_raters**2 - design.of_images**2)
    latent = np.array(qualities)[:, None, None] + noise * random.normal(size=shape)
    for deviation, axis in ((design.of_raters, 2), (design.of_images, 1)):
        common = np.delete(shape, axis)
        effect = random.normal(size=common[1:]) + random.normal(size=common)
        latent += deviation * np.sqrt(0.5) * np.expand_dims(effect, axis)
    values = LOWEST[kind] + sum((latent > t).astype(float) for t in THRESHOLDS[kind])
    counts = np.ones(shape)
    if design.per_rater is not None:
        order = random.random((design.num_raters, design.num_images)).argsort(1).argsort(1)
        counts *= order < design.per_rater
    seen = counts.any((0, 1))
    return Crossed((values * counts)[:, :, seen], counts[:, :, seen])
