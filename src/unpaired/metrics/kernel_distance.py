"""Kernel distances between two sets of features, in float64: squared maximum mean discrepancies.

The extractor names the number: KD-<extractor>; only with Inception's features is it called KID.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unpaired.core.errors import DataError
from unpaired.metrics.feature_sets import Features, check
from unpaired.metrics.intervals import mean_over_pairs, percentile_interval, resample_counts
from unpaired.records.measurement import Measurement

MOST_ROWS = 5000
"""Rows of each set that `kernel` compares: its time grows with their square."""

_BLOCK_ROWS = 1024  # rows of a kernel matrix that are held at once
_CMMD_SIGMA, _CMMD_SCALE = 10.0, 1000.0


def kernel_distance(x: Features, y: Features) -> float:
    """Squared maximum mean discrepancy of x (n, d) and y (m, d) (KID; Bińkowski et al. 2018, §4).

    Unbiased over the whole of both sets, with the kernel (xᵀy/d + 1)³; may be negative.
    Raises DataError as `frechet_distance` does.
    """
    return kernel(x, y, resamples=0).value


def kernel(x: Features, y: Features, resamples: int = 200, seed: int = 0) -> Measurement:
    """`kernel_distance` with a percentile bootstrap interval over both sets; n is x's rows.

    Of more than `MOST_ROWS`, that many are drawn: the estimate has no bias to lose by it. Pairs of
    one image with its own copy are left out of each resample, as the unbiased estimate leaves out
    an image with itself. Where both sets come from one distribution the interval is wider than it
    need be; with fewer than 200 images of features with long tails, which the cubic kernel
    lengthens, it is narrower.
    """
    check(x, y)
    random = np.random.default_rng(seed)
    x, y = (_at_most(features, random).astype(np.float64) for features in (x, y))
    # The first row of counts takes each image once: the value itself, from the same pass.
    counts_x = np.vstack([np.ones(len(x)), resample_counts(len(x), resamples, random)])
    counts_y = np.vstack([np.ones(len(y)), resample_counts(len(y), resamples, random)])
    across = _kernel_sums(x, y, counts_x, counts_y) / (len(x) * len(y))
    value, *resampled = _within(x, counts_x) + _within(y, counts_y) - 2 * across
    low, high = percentile_interval(np.array(resampled)) if resampled else (value, value)
    return Measurement(float(value), float(low), float(high), len(x))


def subset_kernel_distance(
    x: Features, y: Features, subsets: int = 100, subset_size: int = 1000, seed: int = 2020
) -> tuple[float, float]:
    """KID as tables in papers have it: mean and deviation over random subsets of both sets.

    Equal to torch-fidelity's, its random numbers included. With at most `subset_size` images each
    subset is the whole set, and the deviation 0 says nothing; `kernel` has an interval.

    Raises:
        DataError: when a set is smaller than the subsets.
    """
    check(x, y)
    if min(len(x), len(y)) < subset_size:
        raise DataError(
            f"Subsets of {subset_size} images cannot be drawn from {len(x)} and {len(y)}: choose "
            "smaller ones, or the distance of the whole sets.",
            code="subsets-too-large",
        )
    random = np.random.RandomState(seed)
    values = []
    for _ in range(subsets):
        parts = (f[random.choice(len(f), subset_size, replace=False)] for f in (x, y))
        values.append(kernel_distance(*parts))
    return float(np.mean(values)), float(np.std(values))


def cmmd(x: Features, y: Features) -> float:
    """CMMD of CLIP's image embeddings x (n, d) and y (m, d) (Jayasumana et al. 2024, section 5).

    1000 times the squared maximum mean discrepancy with the kernel exp(−‖x−y‖² / 2·10²), over rows
    of length 1, to which they are brought. Biased, as published: an image is compared with itself
    too, which adds about 1000·(1/n + 1/m)·(1 − mean kernel).
    Raises DataError as `frechet_distance` does.
    """
    check(x, y)
    u, v = _directions(x), _directions(y)
    distance = _mean_gaussian(u, u) + _mean_gaussian(v, v) - 2 * _mean_gaussian(u, v)
    return _CMMD_SCALE * distance


def cmmd_measured(x: Features, y: Features) -> Measurement:
    """`cmmd`, as a measurement without an interval; n is the number of rows of x."""
    value = cmmd(x, y)
    return Measurement(value, value, value, len(x))


def _at_most(x: Features, random: np.random.Generator) -> Features:
    return x if len(x) <= MOST_ROWS else x[random.permutation(len(x))[:MOST_ROWS]]


def _directions(x: Features) -> NDArray[np.float64]:
    """The rows, brought to length 1."""
    rows = x.astype(np.float64)
    unit: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def _mean_gaussian(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Mean of exp(−‖x−y‖² / 2σ²) over all pairs of rows of length 1."""
    total = 0.0
    for first in range(0, len(x), _BLOCK_ROWS):
        squares = 2 - 2 * (x[first : first + _BLOCK_ROWS] @ y.T)
        total += float(np.exp(-squares / (2 * _CMMD_SIGMA**2)).sum())
    return total / (len(x) * len(y))


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
