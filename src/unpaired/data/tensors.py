"""Between stored integers and the values inside networks."""

from __future__ import annotations

import torch
from torch import Tensor

from unpaired.config import ValueRange

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
