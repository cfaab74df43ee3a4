"""Structure distance by histograms of oriented gradients: what a translation kept of an image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.errors import DataError
from unpaired.core.progress import report

SIDE = 64
"""Side, in pixels, that both images are brought to."""

CELLS = 16
"""Cells along each side: of 4 pixels, so that an edge may move by about as much."""

ORIENTATIONS = 8
"""Bins of the direction of an edge, over 180°. Eight, so that turning an image by 90° or mirroring
it only reorders them.
"""

_FAINT = 0.2  # share of the mean cell's norm that softens the division: flat cells stay faint
_FLAT = 1e-6  # grey levels per pixel: far above what rounding makes of a flat image
_BLOCK_IMAGES = 16  # images that are held in float64 at once


@dataclass(frozen=True)
class Edges:
    """The edges of N images, by `edges_of`: of images that are compared more than once."""

    descriptors: Tensor
    """(N, 16·16·8) float64 of mean 0 and norm 1; all 0 for a flat image."""
    amounts: Tensor
    """(N, 16, 16) float64: how much edge there is in each cell, in units of the cell that has the
    most."""

    def __len__(self) -> int:
        return len(self.descriptors)

    def __getitem__(self, places: NDArray[np.int64]) -> Edges:
        return Edges(self.descriptors[places], self.amounts[places])


def edges_of(images: Tensor) -> Edges:
    """Describe (N, C, H, W) uint8 images, a few at a time."""
    described = []
    for part in torch.split(images, _BLOCK_IMAGES):
        described.append(_described(part))
        report("edges of images", len(described) * _BLOCK_IMAGES, len(images))
    descriptors, amounts = zip(*described, strict=True)
    return Edges(torch.cat(descriptors), torch.cat(amounts))


def structure(x: Tensor | Edges, y: Tensor | Edges) -> NDArray[np.float64]:
    """Structure distance of each pair, 0…2: 0 is the same structure, 1 nothing in common.

    x: (N, C, H, W) uint8, y: (N, C', H', W') uint8, or what `edges_of` made of them => (N,).
    Channels and sizes may differ: both are brought to 64×64 by anti-aliased bilinear interpolation,
    stretched if they are not square.

    One minus the correlation of two histograms of oriented gradients (Dalal and Triggs 2005): in
    each of 16×16 overlapping cells, how much edge there is in each of 8 directions, divided by the
    cell's norm, so that faint edges count like strong ones. Gradients are those of the colour
    structure tensor (Di Zenzo 1986), which adds up over channels: they have no sign, and do not
    change when colours are inverted, exchanged or turned in hue. With the division, neither do
    they with brightness and contrast, but for what rounds, or clips at black and white.

    Images of one set have some structure in common, so that pairs of different ones lie below 1:
    show the distance to another image's translation beside it (`others`). An image without any
    edge is at 0 from another such and at 1 from the rest.
    Raises DataError for image sets of different sizes.
    """
    check_pairs(x, y)
    both_sets = (torch.split(_edges(each).descriptors, _BLOCK_IMAGES) for each in (x, y))
    blocks = [_distance(a, b) for a, b in zip(*both_sets, strict=True)]
    distances: NDArray[np.float64] = torch.cat(blocks).numpy()
    return distances


def check_pairs(x: Tensor | Edges, y: Tensor | Edges) -> None:
    """Raise DataError for image sets of different sizes."""
    if len(x) != len(y):
        raise DataError(
            f"{len(x)} images and {len(y)} translations cannot be compared one by one: give each "
            "image its own translation.",
            code="images-without-translation",
        )


def others(num_images: int, seed: int = 0) -> NDArray[np.int64]:
    """For each of N ≥ 2 images the index of another one, each taken once; (N,).

    `structure(x, y[others(len(x))])` is what a translation scores that ignores its input.
    Raises DataError for fewer than two images.
    """
    if num_images < 2:
        raise DataError(
            f"Another image's translation needs two images at least, and there is {num_images}.",
            code="no-other-image",
        )
    # Along one ring through all images, in random order: nobody meets itself, as in a permutation.
    ring = np.random.default_rng(seed).permutation(num_images)
    following = np.empty_like(ring)
    following[ring] = np.roll(ring, 1)
    return following


def nearer(x: Tensor | Edges, y: Tensor | Edges) -> NDArray[np.float64]:
    """For each image, the share of *other* images' translations that are nearer to it; 0…1, (N,).

    x, y: as in `structure`, N ≥ 2; translations as near as its own count half. 0: nothing fits an
    image better than its own translation; 0.5: its own is like any other's.
    """
    a, b = (_edges(each).descriptors for each in (x, y))
    flat_a, flat_b = ~a.any(1), ~b.any(1)
    shares = []
    for first in range(0, len(a), _BLOCK_IMAGES):
        rows = slice(first, first + _BLOCK_IMAGES)
        distances = 1 - a[rows] @ b.T
        distances[flat_a[rows, None] & flat_b] = 0
        own = distances.diagonal(first)[:, None]
        closer = (distances < own).double() + (distances == own).double() / 2
        shares.append((closer.sum(1) - 0.5) / (len(a) - 1))  # its own was counted as half
    result: NDArray[np.float64] = torch.cat(shares).numpy()
    return result


def moved_edges(
    x: Tensor | Edges, y: Tensor | Edges
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where a translation has edges that its image has not, and the other way round.

    x, y: as in `structure`. Both (N, 16, 16): how much edge there is in each cell, in units of the
    cell that has the most, less that of the other; 0…1.
    """
    differences = _edges(y).amounts - _edges(x).amounts
    return differences.clamp_min(0).numpy(), (-differences).clamp_min(0).numpy()


def _edges(images: Tensor | Edges) -> Edges:
    return images if isinstance(images, Edges) else edges_of(images)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    """Of descriptors, (N, 16·16·8) both => (N,)."""
    both_flat = ~(a.any(1) | b.any(1))
    return (1 - (a * b).sum(1)).clamp_min(0).masked_fill(both_flat, 0)


def _described(images: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C, H, W) uint8 => descriptors and amounts; see `Edges`."""
    cells = _cells(images)
    norms = cells.norm(dim=1, keepdim=True)
    mean_norms = norms.mean((2, 3), keepdim=True)
    relative = (cells / (norms + _FAINT * mean_norms + _FLAT)).flatten(1)
    centred = F.normalize(relative - relative.mean(1, keepdim=True))
    descriptors = centred.masked_fill(mean_norms.flatten(1) < _FLAT, 0)
    amounts = norms[:, 0] / norms.amax((1, 2, 3), keepdim=True)[:, 0].clamp_min(_FLAT)
    return descriptors.cpu(), amounts.cpu()


def _cells(images: Tensor) -> Tensor:
    """(N, C, H, W) uint8 => (N, 8, 16, 16) float64: the edge of each direction in each cell."""
    values = images.double()
    if values.shape[2:] != (SIDE, SIDE):
        values = F.interpolate(values, size=(SIDE, SIDE), mode="bilinear", antialias=True)
    histograms = _oriented(*_gradient(values))
    # The triangular window of this interpolation shares each edge between the cells around it.
    return F.interpolate(histograms, size=(CELLS, CELLS), mode="bilinear", antialias=True)


def _gradient(images: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C, H, W) => strength of the edge at each pixel and its direction, 0…2π for 0…180°.

    The structure tensor of one pixel, Σ ∇c ∇cᵀ over the channels c: the root of its trace, and
    twice the angle of its first eigenvector, which has no sign.
    """
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    along_x = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / 2
    along_y = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2
    xx, yy = along_x.square().sum(1), along_y.square().sum(1)
    xy = (along_x * along_y).sum(1)
    return (xx + yy).sqrt(), torch.atan2(2 * xy, xx - yy) % (2 * math.pi)


def _oriented(strength: Tensor, direction: Tensor) -> Tensor:
    """(N, H, W) twice => (N, 8, H, W): strength, shared by the two bins next to the direction."""
    place = direction * (ORIENTATIONS / (2 * math.pi))
    lower = place.floor()
    upper_share = place - lower
    bins = torch.stack([lower, lower + 1], 1).long() % ORIENTATIONS
    shares = torch.stack([1 - upper_share, upper_share], 1) * strength[:, None]
    empty = strength.new_zeros(len(strength), ORIENTATIONS, *strength.shape[1:])
    return empty.scatter_add_(1, bins, shares)
