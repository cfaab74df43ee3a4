"""Label maps inside networks: one channel per class instead of three of colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from unpaired.core.config import ValueRange

SHARPNESS: Final = 10.0
"""Logits of the classes are within ± this: the generator's own output, within ±1, times this."""

SOFTNESS: Final = 8.0
"""How fast a class's share falls with the squared distance to its colour, in [-1, 1]³: of the
facades' palette, a pure colour counts as its own class by 0.95 or more."""


class PaletteOutput(nn.Module):
    """A generator of label maps: its softmax over the classes mixes the colours of the palette.

    In training the mixture keeps gradients; in evaluation the largest share wins, so that every
    translation is a valid label map.
    """

    colours: Tensor

    def __init__(
        self, classes: nn.Module, palette: Sequence[Sequence[int]], value_range: ValueRange
    ) -> None:
        """`classes` gives one channel in -1…1 for each colour of the palette."""
        super().__init__()
        self.classes = classes
        self.register_buffer("colours", colours_of(palette, value_range))

    def forward(self, images: Tensor, style: Tensor | None = None) -> Tensor:
        """Images NCHW => label maps [N, 3, H, W] in the value range."""
        return self.paint(self.classes(images, style))

    def paint(self, scores: Tensor) -> Tensor:
        """What `classes` gives => label maps."""
        if not self.training:
            return self.colours[scores.argmax(1)].movedim(-1, 1)
        with torch.autocast(scores.device.type, enabled=False):  # bfloat16 would shift the colours
            shares = (SHARPNESS * scores.float()).softmax(1)
            return torch.einsum("nkhw,kc->nchw", shares, self.colours)


class PaletteInput(nn.Module):
    """A network that sees label maps, shown the classes and not the colours.

    Of twelve colours in three channels some are all but alike, and others lie between two more:
    what a class is, each network would have to learn first.
    """

    colours: Tensor
    looks: Tensor

    def __init__(
        self,
        network: nn.Module,
        palette: Sequence[Sequence[int]],
        value_range: ValueRange,
        looks: Tensor | None = None,
    ) -> None:
        """`network` takes one channel in -1…1 for each colour of the palette.

        `looks`: for `look`, [K, 3] in the value range of the other domain.
        """
        super().__init__()
        self.network = network
        self.value_range = value_range
        self.register_buffer("colours", colours_of(palette, "signed"))
        if looks is not None:
            self.register_buffer("looks", looks)

    def forward(self, labels: Tensor, *rest: Tensor | None) -> Tensor:
        """Label maps [N, 3, H, W] in the value range => what the network gives."""
        output: Tensor = self.network(self.shares(labels) * 2 - 1, *rest)
        return output

    def look(self, labels: Tensor, channels: int) -> Tensor:
        """Label maps [N, 3, H, W] => what their classes look like, [N, channels, H, W]."""
        looks = self.looks if channels == 3 else self.looks.mean(1, keepdim=True)
        return torch.einsum("nkhw,kc->nchw", self.shares(labels), looks)

    def shares(self, labels: Tensor) -> Tensor:
        """[N, 3, H, W] => [N, K, H, W], which sums to 1 over the classes."""
        signed = labels if self.value_range == "signed" else labels * 2 - 1
        distances = [(signed - c.view(1, 3, 1, 1)).square().sum(1) for c in self.colours]
        return (-SOFTNESS * torch.stack(distances, 1)).softmax(1)


def colours_of(palette: Sequence[Sequence[int]], value_range: ValueRange) -> Tensor:
    """(K, 3) colours of 0…255 in a value range."""
    unit = torch.tensor(palette, dtype=torch.float32) / 255
    return unit * 2 - 1 if value_range == "signed" else unit
