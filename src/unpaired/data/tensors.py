"""Between stored integers and the values inside networks; luma, and statistics of channels."""

from __future__ import annotations

import torch
from torch import Tensor

from unpaired.core.config import ValueRange

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma of a colour (ITU-R BT.601)."""

PIXELS_AT_ONCE = 4 * 256**2
"""What networks are given at a time where nothing is learned: enough to keep a processor busy; more
gains no speed there, and memory grows with it."""


def images_at_once(height: int, width: int, pixels: int = PIXELS_AT_ONCE) -> int:
    """How many images of a size have so many pixels together, at least one."""
    return max(1, pixels // (height * width))


def to_network(images: Tensor, value_range: ValueRange) -> Tensor:
    """NCHW uint8 (0…255) or uint16 (0…65535) => float32 in [-1, 1] or [0, 1]."""
    levels = 255.0 if images.dtype == torch.uint8 else 65535.0
    unit = images.float() / levels
    return unit * 2 - 1 if value_range == "signed" else unit


def to_unit(values: Tensor, value_range: ValueRange) -> Tensor:
    """A network's values => float32 in [0, 1], clipped."""
    values = values.float()
    return ((values + 1) / 2 if value_range == "signed" else values).clamp(0, 1)


def to_pixels(values: Tensor, value_range: ValueRange, levels: int = 255) -> Tensor:
    """A network's values => uint8 (levels 255) or uint16 (levels 65535), rounded to nearest."""
    dtype = torch.uint8 if levels == 255 else torch.uint16
    return (to_unit(values, value_range) * levels).round().to(torch.int32).to(dtype)


def luma(images: Tensor) -> Tensor:
    """(N, 3, H, W) floats => (N, 1, H, W): colour to grey, on whatever scale."""
    return (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def channel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel of (N, C, H, W) uint8, as floats in 0…1.

    Both (1, C, 1, 1) float64. By histogram: the images are never held as floats. No deviation is
    below 0.001, so that one may divide by it.
    """
    counts = torch.stack([torch.bincount(c.flatten(), minlength=256) for c in images.unbind(1)])
    share = counts.double() / counts.sum(1, keepdim=True)
    levels = (torch.arange(256) / 255.0).double()  # in float32 first, as networks see them
    mean = share @ levels
    deviation = (share @ levels.square() - mean.square()).clamp_min(1e-6).sqrt()
    return mean.view(1, -1, 1, 1), deviation.view(1, -1, 1, 1)
