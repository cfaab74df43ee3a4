"""Crossed means: of judgements that share raters and images, with 95 % intervals.

A rater who judges many images is strict or mild in all of them, and an image that many raters see
is good or bad for all of them. Judgements are therefore not independent: an interval that counts
them as if they were is several times too narrow. Raters and images are crossed random effects,
both drawn from more than were asked and shown, and the truth meant here is the mean over all of
those.

The interval is a *studentised pigeonhole bootstrap*:

- Raters and images are resampled separately (Owen 2007, "The pigeonhole bootstrap"; Annals of
  Applied Statistics 1, 386–411): a judgement counts as often as its rater was drawn times as often
  as its image was.
- Percentiles of those means are not used as they are. This bootstrap counts the noise of single
  judgements up to three times (Owen 2007; Owen and Eckles 2012, "Bootstrapping data arrays of
  arbitrary order"), which makes them too wide where each rater saw few images; and with R raters
  it knows neither the factor R/(R−1) nor the tails of Student's t, which makes them too narrow
  where there are few raters. On simulated studies they covered the truth between 90 % (5 raters)
  and 99.9 % (10 of 50 images a rater) of the time.
- Instead each resample is studentised, t* = (mean* − mean) / error*, with the standard error for
  two-way clusters (Cameron, Gelbach and Miller 2011, "Robust inference with multiway clustering"),
  and the interval is [mean − q(97.5 %) error, mean − q(2.5 %) error] with quantiles q of t* (Efron
  and Tibshirani 1993, "An introduction to the bootstrap", section 12.5). Numerator and denominator
  carry the same surplus of noise, which cancels.
- Where resamples say too little (fewer than 15 raters or images, a share near 0 or 1, raters who
  agree in everything), the interval is Wilson's for an *effective number of judgements*: as many
  independent ones as would vary as much. On simulated studies with 3 to 12 raters it covered the
  truth 94 to 97 % of the time, the bootstrap 90 to 96 %. With two raters it is 88 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from unpaired.metrics.intervals import percentile_interval, resample_counts
from unpaired.study.two_way import Crossed, Estimate, Floats, estimate, freedom

RESAMPLES = 10_000
_MOST_UNDEFINED = 0.01
"""Share of resamples without a spread that the quantiles at 2.5 % and 97.5 % can bear."""
_FEWEST = 15
"""Raters, or images, that the bootstrap needs: fewer make resamples that are too much alike."""
_BATCH_NUMBERS = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A mean or a difference of two means, its 95 % interval, and what was resampled for it."""

    value: float
    low: float
    high: float
    basis: str
    p_value: float | None = None
    """Two-sided, of the hypothesis that a difference is 0; None for a mean."""


def mean_interval(
    data: Crossed, bounds: tuple[float, float], *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Mean over all judgements of one method, on a scale that ends at `bounds`."""
    assert len(data.sums) == 1
    return _interval(data, np.ones(1), bounds, None, resamples, seed)


def difference_interval(
    data: Crossed, bounds: tuple[float, float], *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Mean of the first method minus mean of the second, and the p-value of no difference.

    Both methods share the draws of raters and images: what a rater or an image adds to both
    cancels, as in the mean of paired differences, which this is where every rater judged the same
    images of both methods. It holds as well where each rater saw an image by one method only.
    """
    assert len(data.sums) == 2
    width = bounds[1] - bounds[0]
    return _interval(data, np.array([1.0, -1.0]), (-width, width), 0.0, resamples, seed)


def _interval(
    data: Crossed,
    signs: Floats,
    bounds: tuple[float, float],
    null: float | None,
    resamples: int,
    seed: int,
) -> Interval:
    stacked = np.concatenate([data.sums, data.counts])
    products = stacked[:, None] * stacked
    ones = np.ones((1, data.num_raters)), np.ones((1, data.num_images))
    whole = estimate(stacked, products, signs, *ones)
    value, variance = float(whole.value[0]), float(whole.variance[0])
    if data.num_raters == data.num_images == 1:
        unknown = None if null is None else 1.0
        return Interval(value, *bounds, "one judgement: no interval", unknown)
    basis = _basis(data)
    smallest = min(n for n in (data.num_raters, data.num_images) if n > 1)
    if variance <= 1e-12 or smallest < _FEWEST:
        return _effective(data, whole, bounds, null, basis)
    studentised = []
    for raters, images in _draws(data, len(stacked), resamples, seed):
        drawn = estimate(stacked, products, signs, raters, images)
        spread = np.sqrt(np.where(drawn.variance > 1e-12, drawn.variance, np.nan))
        studentised.append((drawn.value - value) / spread)
    t = np.concatenate(studentised)
    t = t[np.isfinite(t)]
    if len(t) < (1 - _MOST_UNDEFINED) * resamples:
        return _effective(data, whole, bounds, null, basis)
    error = math.sqrt(variance)
    lower, upper = percentile_interval(t)
    low = float(np.clip(value - upper * error, bounds[0], value))
    high = float(np.clip(value - lower * error, value, bounds[1]))
    p_value = None if null is None else _two_sided(t, (value - null) / error)
    return Interval(value, low, high, basis, p_value)


def _draws(
    data: Crossed, num_arrays: int, resamples: int, seed: int
) -> Iterator[tuple[Floats, Floats]]:
    """Batches of resamples: how often each rater, and each image, was drawn."""
    random = np.random.default_rng(seed)
    size = num_arrays**2 * data.num_images + num_arrays * data.num_raters
    batch = max(1, min(resamples, _BATCH_NUMBERS // size))
    for start in range(0, resamples, batch):
        count = min(batch, resamples - start)
        yield (
            resample_counts(data.num_raters, count, random),
            resample_counts(data.num_images, count, random),
        )


def _two_sided(resampled: Floats, observed: float) -> float:
    """Twice the smaller tail of resampled t values, never 0: it agrees with the interval."""
    tail = min(np.sum(resampled >= observed), np.sum(resampled <= observed))
    return float(min(1.0, 2 * (tail + 1) / (len(resampled) + 1)))


def _effective(
    data: Crossed, whole: Estimate, bounds: tuple[float, float], null: float | None, basis: str
) -> Interval:
    """Wilson's interval for as many independent judgements as would vary as much.

    With the share p of the scale and the two-way variance V, n = p (1 − p) / V (Franco, Little,
    Louis and Slud 2019, "Comparative study of confidence intervals for proportions in complex
    sample surveys", who recommend Wilson's form). Student's t stands in the place of the normal. A
    V of 0 must not be read as certainty: n is then the number of raters or of images, whichever is
    smaller, as if each had been asked once.
    """
    width = bounds[1] - bounds[0]
    share = (float(whole.value[0]) - bounds[0]) / width
    variance = float(whole.variance[0]) / width**2
    smallest = min(n for n in (data.num_raters, data.num_images) if n > 1)
    n, degrees = float(smallest), math.inf
    if variance > 1e-12 and 0 < share < 1:
        n, degrees = share * (1 - share) / variance, freedom(data, whole)
    q = float(stats.t.ppf(0.975, degrees))
    centre = (share + q**2 / (2 * n)) / (1 + q**2 / n)
    half = q / (1 + q**2 / n) * math.sqrt(share * (1 - share) / n + q**2 / (4 * n**2))
    p_value = None
    if null is not None:
        centre_null = (null - bounds[0]) / width
        score = (share - centre_null) / math.sqrt(centre_null * (1 - centre_null) / n)
        p_value = float(2 * stats.t.sf(abs(score), degrees))
    low, high = (bounds[0] + width * end for end in (centre - half, centre + half))
    value = float(whole.value[0])
    basis += ", effective n"
    low, high = max(bounds[0], min(low, value)), min(bounds[1], max(high, value))
    return Interval(value, low, high, basis, p_value)


def _basis(data: Crossed) -> str:
    if data.num_raters == 1:
        return "images only (one rater)"
    if data.num_images == 1:
        return "raters only (one image)"
    return "raters and images"
