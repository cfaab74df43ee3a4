"""Representation of a domain: what networks see of pixels, and the pixels that values stand for.

Nothing else in the package asks whether images are label maps to bring them to a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unpaired.core import class_channels
from unpaired.core.config import ValueRange
from unpaired.data.tensors import to_network, to_pixels

Palette = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Continuous:
    """Images: the values of their channels, scaled to a range."""

    channels: int
    """Channels that networks see."""
    values: ValueRange
    """"signed" is −1…1, "unit" 0…1."""

    def encode(self, pixels: Tensor) -> Tensor:
        """[N, channels, H, W] uint8 or uint16 => float32 in the range."""
        return to_network(pixels, self.values)

    def decode(self, values: Tensor, levels: int = 255) -> Tensor:
        """[N, channels, H, W] in the range => uint8 (levels 255) or uint16 (levels 65535)."""
        return to_pixels(values, self.values, levels)


@dataclass(frozen=True)
class Classes:
    """Label maps: a channel for each class, by the nearest colour of the palette."""

    palette: Palette
    """The classes' colours. Class ids are greys: (0, 0, 0), (1, 1, 1) and so on."""
    values: Literal["classes"] = "classes"

    @property
    def channels(self) -> int:
        """Channels that networks see."""
        return len(self.palette)

    def encode(self, pixels: Tensor) -> Tensor:
        """[N, 3, H, W] uint8 => class channels [N, K, H, W] float32; see `core.class_channels`."""
        return class_channels.from_classes(nearest_colour(pixels, self.palette), self.channels)

    def decode(self, values: Tensor, levels: int = 255) -> Tensor:
        """[N, K, H, W] => [N, 3, H, W] uint8: the colour of the class with the largest value."""
        assert levels == 255, "palettes are of 8 bits"
        colours = torch.tensor(self.palette, dtype=torch.uint8, device=values.device)
        return colours[values.argmax(1)].movedim(-1, 1)


Representation = Continuous | Classes


def nearest_colour(images: Tensor, palette: Palette) -> Tensor:
    """[N, 3, H, W] uint8 => int64 [N, H, W]: the place in the palette of the colour nearest in L2.

    Of colours equally near, the first.
    """
    colours = torch.tensor(palette, dtype=torch.int32, device=images.device)
    signed = images.int()
    nearest = torch.full_like(signed[:, 0], 4 * 255**2)
    classes = torch.zeros_like(nearest, dtype=torch.int64)
    for k, colour in enumerate(colours):
        distance = (signed - colour.view(1, 3, 1, 1)).square().sum(1, dtype=torch.int32)
        classes = torch.where(distance < nearest, k, classes)
        nearest = torch.minimum(nearest, distance)
    return classes
