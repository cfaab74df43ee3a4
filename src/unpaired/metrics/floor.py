"""Floor of a distance between two sets of features, and its limit for many images (FID∞).

The distances themselves: `frechet`, `kernels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy import stats

from unpaired.core.errors import DataError
from unpaired.metrics.feature_sets import Features, check
from unpaired.metrics.frechet import frechet
from unpaired.metrics.intervals import percentile_interval
from unpaired.records.measurement import Measurement

FEWEST_EXTRAPOLATED = 60
"""Images of each set below which a distance is not extrapolated."""

_SIZES = 15  # of the subsets that a line is fitted to, as Chong and Forsyth have it
_SMALLEST_SHARE = 0.25


class Distance(Protocol):
    """`frechet` and `kernel`: a distance with its interval; resamples 0 asks for no interval."""

    def __call__(
        self, x: Features, y: Features, resamples: int = ..., seed: int = ...
    ) -> Measurement: ...


def floor(
    features: Features, sizes: tuple[int, int], seed: int, distance: Distance, splits: int = 10
) -> Measurement:
    """What `distance` gives between two disjoint sets of *real* images: zero to the eye.

    `sizes` are those of the two sets whose distance it is to stand beside, for a distance depends
    on both. Mean over random splits, and the middle 95 % of them; n is the size of the first set
    that was used. Raises DataError as `disjoint` does.
    """
    pairs = disjoint_pairs(features, sizes, seed, splits)
    return over_splits([distance(*pair, 0, 0) for pair in pairs], len(pairs[0][0]))


def over_splits(measurements: Sequence[Measurement], n: int) -> Measurement:
    """Mean of a metric over random splits, and the middle 95 % of them."""
    values = np.array([measurement.value for measurement in measurements])
    return Measurement(float(values.mean()), *percentile_interval(values), n)


def disjoint_pairs(
    features: Features, sizes: tuple[int, int], seed: int, splits: int
) -> list[tuple[Features, Features]]:
    """Random splits of a set, each as `disjoint` gives it."""
    random = np.random.default_rng(seed)
    return [disjoint(features, sizes, random) for _ in range(splits)]


def disjoint(
    features: Features, sizes: tuple[int, int], random: np.random.Generator
) -> tuple[Features, Features]:
    """Two sets of these sizes without a common row; all rows in that proportion if they are fewer.

    Raises DataError for fewer than four rows.
    """
    available, wanted = len(features), sum(sizes)
    if available < 4:
        raise DataError(
            f"The real-against-real floor needs at least 4 real images, and there are {available}. "
            "Give a larger set of real images.",
            code="too-few-for-floor",
        )
    first, second = sizes
    if wanted > available:
        first, second = (max(size * available // wanted, 2) for size in sizes)
        first = min(first, available - 2)
    order = random.permutation(available)
    return features[order[:first]], features[order[first : first + second]]


def extrapolated(x: Features, y: Features, distance: Distance, seed: int = 0) -> Measurement:
    """The limit of `distance` for n => ∞ (FID∞; Chong and Forsyth 2020): where a line in 1/n ends.

    Subsets of both sets, at 15 sizes evenly spaced from a quarter of the smaller set to all of it,
    are drawn anew for each size. The interval is that of the intercept of the fit: how well the
    line is known, not how the images would vary. A line is right once the bias falls as 1/n, for
    the Fréchet distance from about as many images as features on; before, the limit is still too
    large.
    Raises DataError for fewer than `FEWEST_EXTRAPOLATED` rows.
    """
    check(x, y, FEWEST_EXTRAPOLATED)
    most = min(len(x), len(y))
    random = np.random.default_rng(seed)
    sizes = np.linspace(_SMALLEST_SHARE * most, most, _SIZES).astype(int)
    values = [
        distance(x[random.permutation(len(x))[:n]], y[random.permutation(len(y))[:n]], 0, 0).value
        for n in sizes
    ]
    line = stats.linregress(1 / sizes, values)
    half = stats.t.ppf(0.975, len(sizes) - 2) * line.intercept_stderr
    limit = float(line.intercept)
    return Measurement(limit, limit - half, limit + half, most)


def frechet_limit(x: Features, y: Features, seed: int = 0) -> Measurement:
    """The Fréchet distance for n => ∞; see `extrapolated`."""
    return extrapolated(x, y, frechet, seed)
