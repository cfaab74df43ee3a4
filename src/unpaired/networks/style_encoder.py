"""Style encoder: an image to a code of its style, apart from its content."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.networks.cnn import CNN

NUM_CODES = 256


class StyleEncoder(nn.Module):
    """Reads the style of an image as a code of unit mean square, and remembers those it has read.

    New styles are drawn from the remembered codes, not from a normal distribution: what styles vary
    in need not fill space evenly (hues form a ring), and a code between all real ones has no
    meaning. The codes are a buffer, so that they are saved, averaged and shared with the weights.
    """

    codes: Tensor

    def __init__(self, in_channels: int, size: int, style_channels: int) -> None:
        super().__init__()
        # Without any normalisation: instance norm would hide the mean colour, batch norm would let
        # the style of one image depend on the others.
        self.network = CNN(width=32).build(in_channels, size, outputs=style_channels)
        self.register_buffer("codes", _unit(torch.randn(NUM_CODES, style_channels)))

    def forward(self, images: Tensor) -> Tensor:
        """NCHW => codes [N, style_channels]. Of fixed length, lest a loss on them shrink them."""
        return _unit(self.network(images))

    @torch.no_grad()
    def remember(self, codes: Tensor) -> None:
        """Keep the newest `NUM_CODES` codes."""
        self.codes.copy_(torch.cat([codes.to(self.codes.dtype), self.codes])[:NUM_CODES])

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """`count` of the remembered codes, chosen by a CPU generator: [count, style_channels]."""
        places = torch.randint(NUM_CODES, (count,), generator=random)
        codes: Tensor = self.codes[places.to(self.codes.device)]
        return codes


def _unit(codes: Tensor) -> Tensor:
    length = codes.shape[1] ** 0.5
    unit: Tensor = F.normalize(codes.float(), dim=1) * length
    return unit
