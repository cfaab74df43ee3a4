"""Confidence intervals: Wilson for shares, percentile bootstrap for means."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from unpaired.core.errors import DataError
from unpaired.records.measurement import Measurement

_QUANTILES = (0.025, 0.975)
_BATCH_NUMBERS = 4_000_000  # drawn at once


def wilson(successes: int, n: int) -> Measurement:
    """Share of `successes` among `n` independent trials, in 0…1 (Wilson 1927).

    Unlike the textbook interval it stays within 0…1, and is honest near both ends and at small n.
    Raises DataError when there are no trials.
    """
    if n < 1:
        raise DataError(
            "A share needs at least one image, and there is none to count.", code="share-of-nothing"
        )
    assert 0 <= successes <= n
    share, ends = successes / n, stats.binomtest(successes, n).proportion_ci(method="wilson")
    # Rounding may push an end of 0 or 1 past the share itself.
    return Measurement(share, min(float(ends.low), share), max(float(ends.high), share), n)


def bootstrap_mean(values: ArrayLike, seed: int = 0, resamples: int = 1000) -> Measurement:
    """Mean of independent per-image numbers (N,), with a percentile bootstrap interval.

    Raises DataError when there are no numbers.
    """
    array = np.asarray(values, np.float64)
    n = len(array)
    if n < 1:
        raise DataError(
            "A mean needs at least one image, and there is none to measure.", code="mean-of-nothing"
        )
    value = float(array.mean())
    if n == 1:
        return Measurement(value, value, value, 1)
    ends = stats.bootstrap(
        (array,),
        np.mean,
        n_resamples=resamples,
        batch=max(1, _BATCH_NUMBERS // n),
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Measurement(value, float(ends.low), float(ends.high), n)


def percentile_interval(resampled: NDArray[np.float64]) -> tuple[float, float]:
    """Ends of the middle 95 % of resampled statistics (R,); NaN marks a resample without one."""
    low, high = np.nanquantile(resampled, _QUANTILES)
    return float(low), float(high)


def resample_counts(n: int, resamples: int, random: np.random.Generator) -> NDArray[np.float64]:
    """How often each of n images occurs in each bootstrap resample, (resamples, n)."""
    return random.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)


def mean_over_pairs(
    counts: NDArray[np.float64], pair_sums: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean over the pairs of *different* images, for each resample (R,).

    A resample draws some images twice, and an image paired with its own copy says nothing about
    two draws: distance 0, similarity at its largest. Counting such pairs would bias the mean by a
    share 1/n of all pairs, as much as the quantity that the unbiased mean was made to remove.

    counts: (R, n) from `resample_counts`. pair_sums: (R,) sums over ordered pairs of different
    images, each weighted by the product of their counts. NaN where a resample holds one image only.
    """
    num_pairs = counts.sum(1) ** 2 - (counts**2).sum(1)
    undefined = np.full_like(num_pairs, np.nan)
    means: NDArray[np.float64] = np.divide(pair_sums, num_pairs, out=undefined, where=num_pairs > 0)
    return means
