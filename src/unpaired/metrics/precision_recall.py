"""Precision, recall, density and coverage: how two sets of features lie among each other.

Two numbers instead of one: whether each generated image is like a real one, and whether each real
one has a generated one like it. A sphere around each image, as wide as the distance to its k-th
neighbour in its own set, stands for what is like it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances

from unpaired.metrics.feature_sets import Features, check
from unpaired.metrics.intervals import bootstrap_mean
from unpaired.records.measurement import Measurement

NEAREST = 5
"""k: the neighbour whose distance is the radius of a sphere (Naeem et al. 2020 use 5)."""

MOST_ROWS = 10_000
"""Rows of each set that are compared: the time grows with their square."""

_BLOCK_ROWS = 512


def neighbours(
    real: Features, generated: Features, seed: int = 0, nearest: int = NEAREST
) -> dict[str, Measurement]:
    """`precision`, `recall` (Kynkäänniemi et al. 2019), `density`, `coverage` (Naeem et al. 2020).

    real: (n, d), generated: (m, d). precision: share of generated images within the sphere of a
    real one; recall: share of real images within the sphere of a generated one; density: in how
    many spheres of real images a generated one lies, over k, which may exceed 1; coverage: share of
    real images whose sphere holds a generated one. Equal to the package `prdc`. For one
    distribution, coverage comes near 1 − 2⁻ᵏ for large n = m, and precision and recall depend on n
    and d: compare with the floor.

    Of more than `MOST_ROWS`, that many are drawn by `seed`. The intervals are percentile
    bootstraps over the images that are counted, with the spheres held fixed.
    Raises DataError for sets of at most k images, and as `frechet_distance` does.
    """
    check(real, generated, fewest=nearest + 1)
    random = np.random.default_rng(seed)
    real, generated = (
        f[np.sort(random.permutation(len(f))[:MOST_ROWS])] for f in (real, generated)
    )
    radii_of_real, radii_of_generated = _radii(real, nearest), _radii(generated, nearest)
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    spheres = np.zeros(len(generated))
    for first in range(0, len(real), _BLOCK_ROWS):
        rows = slice(first, first + _BLOCK_ROWS)
        distances = pairwise_distances(real[rows], generated)
        inside = distances < radii_of_real[rows, None]
        spheres += inside.sum(0)
        covered[rows] = inside.any(1)
        recalled[rows] = (distances < radii_of_generated).any(1)
    counted = {
        "precision": spheres > 0,
        "recall": recalled,
        "density": spheres / nearest,
        "coverage": covered,
    }
    return {name: bootstrap_mean(each, seed) for name, each in counted.items()}


def _radii(x: Features, nearest: int) -> NDArray[np.float64]:
    """Distance of each row to its k-th neighbour; the row itself is the nearest, at 0."""
    radii = np.zeros(len(x))
    for first in range(0, len(x), _BLOCK_ROWS):
        distances = pairwise_distances(x[first : first + _BLOCK_ROWS], x)
        radii[first : first + _BLOCK_ROWS] = np.partition(distances, nearest, axis=1)[:, nearest]
    return radii
