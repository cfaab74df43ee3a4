"""Fréchet distance between two sets of features, in float64.

The extractor names the number: FD-<extractor>; only with Inception's features is it called FID.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from unpaired.metrics.feature_sets import Features, blocks, check
from unpaired.metrics.intervals import percentile_interval
from unpaired.records.measurement import Measurement

MOST_RESAMPLED = 512
"""Largest rank of the covariances whose distance is bootstrapped; beyond, it is jackknifed."""

_GROUPS = 20  # of each set, left out in turn by the jackknife


def frechet_distance(x: Features, y: Features) -> float:
    """Fréchet distance of Gaussians fitted to x (n, d) and y (m, d) (Heusel et al. 2017, eq. 6).

    ‖μ₁−μ₂‖² + tr(S₁ + S₂ − 2(S₁S₂)^½), covariances with n−1, in squared units of the features.
    Biased upwards, by an amount that falls as 1/n: it means something beside the `floor` at that n.
    Raises DataError for fewer than two rows, different widths, and values that are not finite.
    """
    check(x, y)
    return _between(_gaussian(x), _gaussian(y))


def frechet(x: Features, y: Features, resamples: int = 200, seed: int = 0) -> Measurement:
    """`frechet_distance` with an interval over both sets; n is the number of rows of x.

    A bootstrap up to `MOST_RESAMPLED` rows or features. A resample holds fewer different images, so
    its distance carries more of the bias: the interval is the spread of the resamples, moved to be
    centred on the value. Beyond, where each distance takes seconds, a jackknife that leaves out a
    twentieth of one set at a time (Efron and Tibshirani 1993, section 11.5).

    Either says how the number would vary with other images at this n, not what it would be without
    bias. `resamples` 0 asks for no interval.
    """
    check(x, y)
    gaussian_x, gaussian_y = _gaussian(x), _gaussian(y)
    value = _between(gaussian_x, gaussian_y)
    random = np.random.default_rng(seed)
    if not resamples:
        low, high = value, value
    elif min(len(x), len(y), x.shape[1]) > MOST_RESAMPLED:
        variance = _jackknifed(x, gaussian_y, random) + _jackknifed(y, gaussian_x, random)
        half = stats.t.ppf(0.975, _GROUPS - 1) * np.sqrt(variance)
        low, high = value - half, value + half
    else:
        resampled = [
            _between(_gaussian(_drawn(x, random)), _gaussian(_drawn(y, random)))
            for _ in range(resamples)
        ]
        low, high = percentile_interval(value + np.array(resampled) - np.mean(resampled))
    return Measurement(value, max(low, 0.0), high, len(x))


@dataclass(frozen=True)
class _Gaussian:
    """A mean (d,), and a matrix A of at most d rows such that AᵀA is the covariance (d, d)."""

    mean: NDArray[np.float64]
    factor: NDArray[np.float64]


@dataclass(frozen=True)
class _Moments:
    """Number of rows, their mean (d,), and the sum of outer products of what they differ by."""

    n: int
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]

    def without(self, part: _Moments) -> _Moments:
        """The moments of the other rows."""
        n = self.n - part.n
        mean = (self.n * self.mean - part.n * part.mean) / n
        shift = part.mean - mean
        scatter = self.scatter - part.scatter - np.outer(shift, shift) * (n * part.n / self.n)
        return _Moments(n, mean, scatter)

    def gaussian(self) -> _Gaussian:
        variances, axes = np.linalg.eigh(self.scatter / (self.n - 1))
        # Variances that are rounding of zero, as a constant feature leaves, would add their roots.
        variances[variances < variances[-1] * self.n * np.finfo(np.float64).eps] = 0
        return _Gaussian(self.mean, np.sqrt(variances)[:, None] * axes.T)


def _moments(x: Features) -> _Moments:
    """Block by block: float64 of the whole set would take twice the memory of its storage."""
    mean = x.mean(0, dtype=np.float64)
    scatter = np.zeros((x.shape[1], x.shape[1]))
    for block in blocks(x):
        block -= mean
        scatter += block.T @ block
    return _Moments(len(x), mean, scatter)


def _gaussian(x: Features) -> _Gaussian:
    if len(x) > x.shape[1]:
        return _moments(x).gaussian()
    rows = x.astype(np.float64)
    mean = rows.mean(0)
    return _Gaussian(mean, (rows - mean) / np.sqrt(len(rows) - 1))


def _between(x: _Gaussian, y: _Gaussian) -> float:
    # With S₁ = AᵀA and S₂ = BᵀB, the eigenvalues of S₁S₂ are the squared singular values of ABᵀ.
    cross = np.linalg.svd(x.factor @ y.factor.T, compute_uv=False).sum()
    shift = np.sum((x.mean - y.mean) ** 2)
    traces = np.sum(x.factor**2) + np.sum(y.factor**2)
    return max(float(shift + traces - 2 * cross), 0.0)  # rounding may leave −1e-13


def _jackknifed(x: Features, other: _Gaussian, random: np.random.Generator) -> float:
    """Variance of the distance over draws of x, `other` held fixed."""
    groups = np.array_split(random.permutation(len(x)), _GROUPS)
    if len(x) - len(groups[0]) > x.shape[1]:
        whole = _moments(x)
        rest = (whole.without(_moments(x[group])).gaussian() for group in groups)
    else:
        rest = (_gaussian(np.delete(x, group, axis=0)) for group in groups)
    values = np.array([_between(gaussian, other) for gaussian in rest])
    return float((_GROUPS - 1) * values.var())


def _drawn(x: Features, random: np.random.Generator) -> Features:
    """A bootstrap resample."""
    return x[random.integers(0, len(x), len(x))]
