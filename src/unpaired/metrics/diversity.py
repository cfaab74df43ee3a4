"""Diversity of generated images relative to real ones: the number that shows mode collapse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.errors import DataError
from unpaired.metrics.intervals import mean_over_pairs, percentile_interval, resample_counts
from unpaired.records.measurement import Measurement

MAX_IMAGES = 1000
"""Images drawn from each set: half a million pairs."""

FEWEST_OF_CLASS = 8
"""Images of a class, generated and real, that its diversity is taken of."""

_BLOCK_VALUES = 4096  # values of each image that are held in float64 at once
_BLOCK_IMAGES = 64  # images that are pooled at once


@dataclass(frozen=True)
class Diversity(Measurement):
    """1 is as diverse as real images, 0 is one image for all; `scale` is where it is smallest."""

    scale: str


def diversity(outputs: Tensor, real: Tensor, seed: int = 0, resamples: int = 200) -> Diversity:
    """How much `outputs` differ among each other, relative to `real` test images of their domain.

    Both (N, C, H, W) uint8 on the CPU, of the same C, H, W. At full size, averaged down to 1/4 and
    to 1/16, and as one pixel (the mean colour): the mean root-mean-square distance over all pairs
    of n outputs, over the same for n real images. The smallest ratio counts, for a collapse may
    show at one scale only: when every output has the same colour, only the mean colour tells. n is
    the size of the smaller set, at most `MAX_IMAGES`, drawn by `seed`.

    The interval is a percentile bootstrap over both sets; each resample takes its own smallest
    ratio. Real images that do not differ at a scale leave it out.
    Raises DataError for sets of different shapes, of fewer than two images, and for real images
    that are all alike.
    """
    _check(outputs, real)
    random = np.random.default_rng(seed)
    n = min(len(outputs), len(real), MAX_IMAGES)
    outputs, real = (x[torch.from_numpy(random.permutation(len(x))[:n])] for x in (outputs, real))
    # The first row of counts takes each image once: the value itself, from the same pass.
    ones = np.ones((1, n))
    output_counts = np.vstack([ones, resample_counts(n, resamples, random)])
    real_counts = np.vstack([ones, resample_counts(n, resamples, random)])
    scales, ratios = [], []
    for scale, size in _scales(*real.shape[2:]).items():
        spread = _mean_distances(_pooled(outputs, size), output_counts)
        real_spread = _mean_distances(_pooled(real, size), real_counts)
        if real_spread[0] > 0:
            scales.append(scale)
            undefined = np.full_like(spread, np.nan)
            ratios.append(np.divide(spread, real_spread, out=undefined, where=real_spread > 0))
    if not scales:
        raise DataError(
            f"The {n} real images are all alike, so diversity relative to them has no meaning. "
            "Check the folder of real test images.",
            code="real-images-alike",
        )
    value, *resampled = np.min(ratios, axis=0)
    low, high = percentile_interval(np.array(resampled))
    return Diversity(float(value), low, high, n, scales[int(np.argmin([r[0] for r in ratios]))])


def diversity_within_classes(
    outputs: Tensor,
    labels: NDArray[np.int64],
    real: Tensor,
    real_labels: NDArray[np.int64],
) -> NDArray[np.float64] | None:
    """Diversity of the outputs of each class, relative to real images of that class; (classes,).

    A generator that makes one image a class has a diverse set; here it has 0. None where fewer than
    two classes have `FEWEST_OF_CLASS` images of either kind.
    """
    diversities = []
    for c in np.intersect1d(labels, real_labels):
        of_class, like = outputs[labels == c], real[real_labels == c]
        if min(len(of_class), len(like)) >= FEWEST_OF_CLASS:
            diversities.append(diversity(of_class, like, resamples=1).value)
    return np.array(diversities) if len(diversities) > 1 else None


def _scales(height: int, width: int) -> dict[str, tuple[int, int]]:
    """Name and size of each averaged version; those of one pixel are the mean colour."""
    scales = {"full size": (height, width)}
    for factor in (4, 16):
        if min(height, width) // factor > 1:
            scales[f"1/{factor}"] = (height // factor, width // factor)
    return scales | {"mean colour": (1, 1)}


def _pooled(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(n, C, H, W) uint8, averaged down to `size` => (n, values); uint8 where nothing changes."""
    if images.shape[2:] == size:
        return images.flatten(1)
    parts = torch.split(images, _BLOCK_IMAGES)
    return torch.cat([F.adaptive_avg_pool2d(part.double(), size).flatten(1) for part in parts])


def _mean_distances(values: Tensor, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean RMS distance over the pairs of different images, for each row of counts (R, n)."""
    n, num_values = values.shape
    products = torch.zeros(n, n, dtype=torch.float64)
    for block in torch.split(values, _BLOCK_VALUES, dim=1):
        block = block.double()  # exact: products of 8-bit values
        products += block @ block.T
    norms = products.diagonal()
    squares = (norms[:, None] + norms[None, :] - 2 * products).clamp_min(0)
    squares.fill_diagonal_(0)
    distances = (squares / num_values).sqrt().numpy()
    return mean_over_pairs(counts, np.sum(counts @ distances * counts, 1))


def _check(outputs: Tensor, real: Tensor) -> None:
    if outputs.shape[1:] != real.shape[1:]:
        raise DataError(
            f"Outputs of {tuple(outputs.shape[1:])} (channels, height, width) cannot be compared "
            f"with real images of {tuple(real.shape[1:])}: bring both to one size and colour "
            "first.",
            code="images-of-other-form",
        )
    if min(len(outputs), len(real)) < 2:
        raise DataError(
            f"Diversity needs at least two images of each kind; there are {len(outputs)} outputs "
            f"and {len(real)} real images.",
            code="too-few-for-diversity",
        )
