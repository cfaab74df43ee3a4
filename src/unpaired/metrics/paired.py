"""Paired image distances: L1, PSNR and SSIM of an image against its truth, one number per image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.errors import DataError
from unpaired.data.tensors import luma

PairDistance = Callable[[Tensor, Tensor], NDArray[np.float64]]
"""Images (N, C, H, W) uint8 and others like them => (N,), a number for each pair."""

MAX_PSNR = 100.0
"""Decibels of identical images, whose PSNR is infinite and would make every mean so."""

_BLOCK_IMAGES = 16  # images that are held in float64 at once


def l1(x: Tensor, y: Tensor) -> NDArray[np.float64]:
    """Mean absolute difference of each pair, 0…1. x, y: (N, C, H, W) uint8 => (N,)."""
    return _per_image(x, y, lambda a, b: (a - b).abs().mean((1, 2, 3)))


def psnr(x: Tensor, y: Tensor) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each pair in dB, at most `MAX_PSNR`. x, y as in `l1` => (N,).

    10·log₁₀(1/MSE) on values in 0…1. A set's PSNR is the mean of its images' numbers.
    """
    smallest = 10 ** (-MAX_PSNR / 10)

    def score(a: Tensor, b: Tensor) -> Tensor:
        return -10 * (a - b).square().mean((1, 2, 3)).clamp_min(smallest).log10()

    return _per_image(x, y, score)


def ssim(x: Tensor, y: Tensor) -> NDArray[np.float64]:
    """Structural similarity of each pair, −1…1 (Wang et al. 2004, eq. 13). x, y as in `l1` => (N,).

    Gaussian window of 11×11 and σ 1.5, K₁ 0.01, K₂ 0.03, mean over channels and over the places
    where the window fits. Images smaller than 11 get the largest window of odd side that fits.
    """
    return _per_image(x, y, _ssim)


def by_network(x: Tensor, y: Tensor, distance: PairDistance) -> NDArray[np.float64]:
    """Distance of each pair by a pretrained network, such as LPIPS or DINO; (N,)."""
    return distance(x, y)


def to_like(images: Tensor, channels: int, size: int) -> Tensor:
    """Unchanged images in the form of another domain: the baseline of a translation.

    images: (N, 1 or 3, H, W) uint8 => (N, channels, size, size) uint8. Colour becomes luma, grey
    is repeated; another size is reached by anti-aliased bilinear interpolation.
    """
    return torch.cat(
        [_to_like(part, channels, size) for part in torch.split(images, _BLOCK_IMAGES)]
    )


def _to_like(images: Tensor, channels: int, size: int) -> Tensor:
    values = images.double()
    if channels == 1 and images.shape[1] == 3:
        values = luma(values)
    if images.shape[2:] != (size, size):
        values = F.interpolate(values, size=(size, size), mode="bilinear", antialias=True)
    return values.round().clamp(0, 255).to(torch.uint8).expand(-1, channels, -1, -1)


def _per_image(
    x: Tensor, y: Tensor, score: Callable[[Tensor, Tensor], Tensor]
) -> NDArray[np.float64]:
    """`score` of blocks of both, as float64 in 0…1; (N,) on the CPU."""
    if x.shape != y.shape:
        raise DataError(
            f"Images of shapes {tuple(x.shape)} and {tuple(y.shape)} (number, channels, height, "
            "width) cannot be compared pixel by pixel: bring both to one size and colour first.",
            code="pairs-of-other-form",
        )
    blocks = zip(torch.split(x, _BLOCK_IMAGES), torch.split(y, _BLOCK_IMAGES), strict=True)
    scores: NDArray[np.float64] = torch.cat(
        [score(a.double() / 255, b.double() / 255).cpu() for a, b in blocks]
    ).numpy()
    return scores


def _ssim(x: Tensor, y: Tensor) -> Tensor:
    height, width = x.shape[2:]
    window = _gaussian_window(min(11, height, width), sigma=1.5)
    rows, columns = _sliding(window, height).to(x.device), _sliding(window, width).to(x.device)

    def local_mean(values: Tensor) -> Tensor:
        return rows.T @ (values @ columns)

    mean_x, mean_y = local_mean(x), local_mean(y)
    variance_x = local_mean(x * x) - mean_x**2
    variance_y = local_mean(y * y) - mean_y**2
    covariance = local_mean(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return similarity.mean((1, 2, 3))


def _gaussian_window(longest: int, sigma: float) -> Tensor:
    """One axis of the window, of the largest odd length up to `longest`; float64, sums to 1."""
    half = (longest - 1) // 2
    window = torch.exp(-0.5 * (torch.arange(-half, half + 1, dtype=torch.float64) / sigma) ** 2)
    return window / window.sum()


def _sliding(window: Tensor, length: int) -> Tensor:
    """(length, places): column p holds the window at place p. As a product, several times faster
    than a float64 convolution.
    """
    places = length - len(window) + 1
    matrix = window.new_zeros(length, places)
    for offset, weight in enumerate(window):
        matrix.diagonal(-offset).fill_(weight)
    return matrix
