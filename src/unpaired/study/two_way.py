"""Two-way variance: of a mean of judgements that share raters and images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Crossed:
    """Judgements of one or two methods as arrays over raters and images.

    sums: (methods, raters, images), the judgement, 0 where there is none.
    counts: (methods, raters, images), 1 where there is a judgement, else 0.
    Every rater and every image has at least one judgement.
    """

    sums: Floats
    counts: Floats

    @property
    def num_raters(self) -> int:
        """Raters with a judgement."""
        return int(self.counts.shape[1])

    @property
    def num_images(self) -> int:
        """Images with a judgement."""
        return int(self.counts.shape[2])


@dataclass(frozen=True)
class Estimate:
    """For each of B weightings, (B,): the value, its variance, and what that was composed of."""

    value: Floats
    variance: Floats
    by_rater: Floats
    by_image: Floats
    by_cell: Floats


def estimate(
    stacked: Floats, products: Floats, signs: Floats, raters: Floats, images: Floats
) -> Estimate:
    """Value and two-way variance when rater i counts raters[:, i] times, and images alike.

    A mean over judgements is a ratio; linearised, a judgement y of method m adds
    ±(y − mean_m) / n_m to the value. Sums of these over each rater, over each image and over each
    pair of both, squared, give V = V_raters + V_images − V_pairs. In few data the subtraction can
    leave less than one of its parts: the largest is taken (MacKinnon, Nielsen and Webb 2024,
    "Jackknife inference with two-way clustering").

    stacked: (2M, R, C), sums then counts of M methods. products: (2M, 2M, R, C). raters: (B, R),
    images: (B, C). NaN where a weighting leaves a method without judgements.
    """
    num_methods = len(signs)
    num_raters, num_images = raters.shape[1], images.shape[1]
    per_image = raters @ stacked  # (2M, B, C)
    per_rater = images @ stacked.transpose(0, 2, 1)  # (2M, B, R)
    totals = (per_image * images).sum(2)
    n = np.where(totals[num_methods:] > 0, totals[num_methods:], np.nan)
    means = totals[:num_methods] / n
    # Each contribution is a weighted sum of the stacked arrays, with these weights (2M, B).
    weights = np.concatenate([signs[:, None] / n, -signs[:, None] * means / n])
    of_raters = np.einsum("kb,kbr->br", weights, per_rater)
    of_images = np.einsum("kb,kbc->bc", weights, per_image)
    pair_sums = ((raters @ products) * images).sum(3)  # (2M, 2M, B)
    by_rater = (raters * of_raters**2).sum(1) * _unbiased(num_raters)
    by_image = (images * of_images**2).sum(1) * _unbiased(num_images)
    by_cell = np.einsum("kb,lb,klb->b", weights, weights, pair_sums)
    if num_raters == 1 or num_images == 1:
        variance = by_image if num_raters == 1 else by_rater
    else:
        variance = np.maximum(by_rater + by_image - by_cell, np.maximum(by_rater, by_image))
    return Estimate(signs @ means, variance, by_rater, by_image, by_cell)


def freedom(data: Crossed, whole: Estimate) -> float:
    """Degrees of freedom of the two-way variance (Satterthwaite 1946), at least 1."""
    terms = [
        float(part[0]) ** 2 / (n - 1)
        for part, n in ((whole.by_rater, data.num_raters), (whole.by_image, data.num_images))
        if n > 1
    ]
    return max(1.0, float(whole.variance[0]) ** 2 / max(sum(terms), 1e-300))


def _unbiased(n: int) -> float:
    return n / (n - 1) if n > 1 else 1.0
