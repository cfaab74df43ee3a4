"""Segmentation scores: pixel accuracy, class accuracy and IoU of label maps against the truth.

The definitions are those of the reference (Isola et al. 2017, pix2pix, evaluation of Cityscapes),
which the reports use: there a class that does not occur counts as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.errors import DataError
from unpaired.metrics.intervals import percentile_interval, resample_counts
from unpaired.records.measurement import Measurement

Absent = Literal["zero", "skip"]
"""What a class that does not occur counts in a mean over the classes.

"zero": 0, the reference's rule (it adds 1e-12 to every denominator). "skip": it is left out, as a
0/0 has no value. Per class, a class is absent without a pixel of truth; for intersection over
union, without a pixel of truth or prediction.
"""

SCORES = ("pixel", "class", "iou")

_NAMES: dict[Absent, str] = {"zero": "", "skip": "_present"}
_BLOCK_IMAGES = 64  # images whose distances to a colour are held at once


def nearest_colour(images: Tensor, palette: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """The class of each pixel: the place in the palette of the colour nearest in L2 over RGB.

    images: (N, 3, H, W) uint8. palette: K colours (R, G, B), 0…255. Returns (N, H, W), 0…K−1; of
    colours equally near, the first.
    """
    colours = torch.tensor(palette, dtype=torch.int32, device=images.device)
    if images.dtype != torch.uint8 or images.shape[1:2] != (3,) or colours.shape[1:] != (3,):
        raise DataError(
            f"Classes are read from RGB images of 8 bits by a palette of RGB colours, not from "
            f"{images.dtype} of shape {tuple(images.shape)} by {tuple(colours.shape)}.",
            code="images-unfit-for-palette",
        )
    classes = torch.zeros(len(images), *images.shape[2:], dtype=torch.int64, device=images.device)
    for part, of_part in zip(
        torch.split(images, _BLOCK_IMAGES), torch.split(classes, _BLOCK_IMAGES), strict=True
    ):
        nearest = torch.full_like(of_part, 4 * 255**2)
        for k, colour in enumerate(colours):
            distance = (part.int() - colour.view(1, 3, 1, 1)).square().sum(1)
            closer = distance < nearest
            nearest[closer] = distance[closer]
            of_part[closer] = k
    array: NDArray[np.int64] = classes.cpu().numpy()
    return array


def confusion(
    truth: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]], num_classes: int
) -> NDArray[np.int64]:
    """One histogram over all pixels of all images, (K, K): rows truth, columns prediction.

    truth, predicted: classes, of one shape. Pixels whose truth is no class (below 0, K or more)
    are not counted.

    Raises:
        DataError: for other shapes, and for a predicted class outside 0…K−1, where the reference
            would silently drop the image.
    """
    histogram: NDArray[np.int64] = confusions(truth[None], predicted[None], num_classes)[0]
    return histogram


def confusions(
    truth: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]], num_classes: int
) -> NDArray[np.int64]:
    """The histogram of each image, (N, K, K), whose sum is that of all; see `confusion`."""
    if truth.shape != predicted.shape:
        raise DataError(
            f"Label maps of shapes {truth.shape} and {predicted.shape} cannot be compared pixel by "
            "pixel: bring both to one size first.",
            code="label-maps-of-other-form",
        )
    if predicted.size and not (predicted.min() >= 0 and predicted.max() < num_classes):
        raise DataError(
            f"Predicted classes reach from {predicted.min()} to {predicted.max()}, but there are "
            f"{num_classes}, from 0 on: every pixel must have one of them.",
            code="predicted-class-out-of-range",
        )
    histograms = np.zeros((len(truth), num_classes, num_classes), np.int64)
    for histogram, true, guess in zip(histograms, truth, predicted, strict=True):
        real = (true >= 0) & (true < num_classes)
        cells = true[real].astype(np.int64) * num_classes + guess[real]
        histogram += np.bincount(cells, minlength=num_classes**2).reshape(histogram.shape)
    return histograms


def scores(
    histogram: NDArray[np.number[Any]], absent: Absent = "zero"
) -> dict[str, NDArray[np.float64]]:
    """Accuracy per pixel and per class, and intersection over union, each 0…1.

    With rows truth: pixel = Σ diagonal / Σ; class = mean over the classes of diagonal / row;
    iou = mean of diagonal / (row + column − diagonal). `histogram`: (…, K, K) => each (…); NaN
    where nothing was counted.
    """
    right = np.diagonal(histogram, axis1=-2, axis2=-1).astype(np.float64)
    truth, predicted = histogram.sum(-1), histogram.sum(-2)
    shares = {"class": _share(right, truth), "iou": _share(right, truth + predicted - right)}
    results = {"pixel": _share(right.sum(-1), truth.sum(-1))}
    for name, share in shares.items():
        occurs = ~np.isnan(share)
        counted = occurs.sum(-1) if absent == "skip" else occurs.any(-1) * share.shape[-1]
        results[name] = _share(np.where(occurs, share, 0.0).sum(-1), counted)
    return results


def measure(
    truth: NDArray[np.integer[Any]],
    predicted: NDArray[np.integer[Any]],
    num_classes: int,
    resamples: int = 200,
    seed: int = 0,
) -> dict[str, Measurement]:
    """All scores of N label maps (N, H, W), with percentile intervals by a bootstrap over images.

    The names are `pixel`, `class` and `iou` where an absent class counts as 0, and `class_present`
    and `iou_present` where it is skipped; see `Absent`.
    """
    histograms = confusions(truth, predicted, num_classes)
    n = len(histograms)
    if not histograms.any():
        raise DataError(
            "A segmentation score needs a pixel whose true class is known: none is.",
            code="no-true-class-known",
        )
    counts = resample_counts(n, resamples, np.random.default_rng(seed))
    resampled = np.tensordot(counts, histograms, 1)  # (resamples, K, K)
    measurements: dict[str, Measurement] = {}
    for absent, suffix in _NAMES.items():
        values, bootstrapped = scores(histograms.sum(0), absent), scores(resampled, absent)
        for name in SCORES if absent == "zero" else SCORES[1:]:
            interval = percentile_interval(bootstrapped[name])
            measurements[name + suffix] = Measurement(float(values[name]), *interval, n)
    return measurements


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """part / whole, NaN where whole is 0."""
    undefined = np.full(np.shape(whole), np.nan)
    share: NDArray[np.float64] = np.divide(part, whole, out=undefined, where=np.asarray(whole) > 0)
    return share
