"""Distances between two piles of images, seen as features: Fréchet and kernel, in float64.

Features come from one extractor, which names the number: FD-<extractor>, KD-<extractor>; only with
Inception's features are they called FID and KID.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unpaired.errors import DataError
from unpaired.evaluate.intervals import (
    Measurement,
    mean_over_pairs,
    percentile_interval,
    resample_counts,
)

Features = NDArray[np.floating[Any]]
"""(n, d): one row per image."""

_BLOCK_ROWS = 1024  # rows of a kernel matrix that are held at once


class Distance(Protocol):
    """`frechet` and `kernel`: a distance with its interval; resamples 0 asks for no interval."""

    def __call__(
        self, x: Features, y: Features, resamples: int = ..., seed: int = ...
    ) -> Measurement: ...


def frechet_distance(x: Features, y: Features) -> float:
    """Fréchet distance of Gaussians fitted to x (n, d) and y (m, d) (Heusel et al. 2017, eq. 6).

    ‖μ₁−μ₂‖² + tr(S₁ + S₂ − 2(S₁S₂)^½), covariances with n−1, in squared units of the features.
    Biased upwards, by an amount that falls as 1/n: it means something beside the `floor` at that n.
    Raises DataError for fewer than two rows, different widths, and values that are not finite.
    """
    return _frechet(*_checked(x, y))


def frechet(x: Features, y: Features, resamples: int = 200, seed: int = 0) -> Measurement:
    """`frechet_distance` with a bootstrap interval over both sets; n is the number of rows of x.

    A resample holds fewer different images, so its distance carries more of the bias: the interval
    is the spread of the resamples, moved to be centred on the value. It tells how the number would
    vary with other images at this n, not what it would be without bias.
    """
    x, y = _checked(x, y)
    value = _frechet(x, y)
    random = np.random.default_rng(seed)
    resampled = [
        _frechet(x[random.integers(0, len(x), len(x))], y[random.integers(0, len(y), len(y))])
        for _ in range(resamples)
    ]
    if not resampled:
        return Measurement(value, value, value, len(x))
    low, high = percentile_interval(value + np.array(resampled) - np.mean(resampled))
    return Measurement(value, max(low, 0.0), high, len(x))


def kernel_distance(x: Features, y: Features) -> float:
    """Squared maximum mean discrepancy of x (n, d) and y (m, d) (KID; Bińkowski et al. 2018, §4).

    Unbiased over the whole of both sets, with the kernel (xᵀy/d + 1)³; may be negative.
    Raises DataError as `frechet_distance` does.
    """
    return kernel(x, y, resamples=0).value


def kernel(x: Features, y: Features, resamples: int = 200, seed: int = 0) -> Measurement:
    """`kernel_distance` with a percentile bootstrap interval over both sets; n is x's rows.

    Pairs of one image with its own copy are left out of each resample, as the unbiased estimate
    leaves out an image with itself. Where both sets come from one distribution the interval is
    wider than it need be; with fewer than 200 images of features with long tails, which the cubic
    kernel lengthens, it is narrower.
    """
    x, y = _checked(x, y)
    random = np.random.default_rng(seed)
    # The first row of counts takes each image once: the value itself, from the same pass.
    counts_x = np.vstack([np.ones(len(x)), resample_counts(len(x), resamples, random)])
    counts_y = np.vstack([np.ones(len(y)), resample_counts(len(y), resamples, random)])
    across = _kernel_sums(x, y, counts_x, counts_y) / (len(x) * len(y))
    value, *resampled = _within(x, counts_x) + _within(y, counts_y) - 2 * across
    low, high = percentile_interval(np.array(resampled)) if resampled else (value, value)
    return Measurement(float(value), float(low), float(high), len(x))


def floor(
    features: Features, n: int, seed: int, distance: Distance, splits: int = 10
) -> Measurement:
    """What `distance` gives between two disjoint sets of n *real* images: zero to the eye.

    Mean over random splits, and the middle 95 % of them. When fewer than 2n rows are at hand the
    sets are halves of what there is; the n of the result is the one that was used.
    Raises DataError for fewer than four rows.
    """
    used = min(n, len(features) // 2)
    if used < 2:
        raise DataError(
            f"The real-against-real floor needs at least 4 real images, and there are "
            f"{len(features)}. Give a larger set of real images."
        )
    random = np.random.default_rng(seed)
    orders = (random.permutation(len(features)) for _ in range(splits))
    values = np.array(
        [
            distance(features[order[:used]], features[order[used : 2 * used]], 0, 0).value
            for order in orders
        ]
    )
    return Measurement(float(values.mean()), *percentile_interval(values), used)


def _frechet(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    mean_x, factor_x = _gaussian(x)
    mean_y, factor_y = _gaussian(y)
    # With S₁ = AᵀA and S₂ = BᵀB, the eigenvalues of S₁S₂ are the squared singular values of ABᵀ.
    cross = np.linalg.svd(factor_x @ factor_y.T, compute_uv=False).sum()
    shift = np.sum((mean_x - mean_y) ** 2)
    traces = np.sum(factor_x**2) + np.sum(factor_y**2)
    return max(float(shift + traces - 2 * cross), 0.0)  # rounding may leave −1e-13


def _gaussian(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (d,), and a matrix A of at most d rows such that AᵀA is the covariance."""
    mean = x.mean(0)
    centred = (x - mean) / np.sqrt(len(x) - 1)
    if len(x) <= x.shape[1]:
        return mean, centred
    variances, axes = np.linalg.eigh(centred.T @ centred)
    # Variances that are rounding of zero, as a constant feature leaves, would add their roots.
    variances[variances < variances[-1] * len(variances) * np.finfo(np.float64).eps] = 0
    return mean, np.sqrt(variances)[:, None] * axes.T


def _within(x: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean kernel over the pairs of different rows of x, for each row of counts."""
    diagonal = (np.sum(x**2, 1) / x.shape[1] + 1) ** 3
    return mean_over_pairs(counts, _kernel_sums(x, x, counts, counts) - counts**2 @ diagonal)


def _kernel_sums(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    counts_x: NDArray[np.float64],
    counts_y: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Σᵢⱼ k(xᵢ, yⱼ), each term as often as the counts say, for each row of counts."""
    sums = np.zeros(len(counts_x))
    scaled = x / x.shape[1]
    for first in range(0, len(x), _BLOCK_ROWS):
        rows = slice(first, first + _BLOCK_ROWS)
        linear = scaled[rows] @ y.T
        linear += 1
        cubic = linear * linear  # `** 3` takes ten times as long
        cubic *= linear
        sums += np.sum(counts_x[:, rows] @ cubic * counts_y, 1)
    return sums


def _checked(x: Features, y: Features) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise DataError(
            f"Features of shapes {x.shape} and {y.shape} cannot be compared: both must be "
            "(images, features) from the same extractor."
        )
    if min(len(x), len(y)) < 2:
        raise DataError(
            f"A distance between sets of {len(x)} and {len(y)} images is not defined: each needs "
            "at least two, and hundreds to mean something."
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError("The features hold NaN or infinity: the extractor or its input is broken.")
    return x.astype(np.float64), y.astype(np.float64)
