"""Decoder: a vector becomes an image. DCGAN's generator, and g of the transfer network."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.core.config import Natural, Positive, Values, config
from unpaired.networks.layers import (
    Layer,
    Norm,
    Upsampling,
    initialise,
    output_activation,
    upsampling_convolution,
)


@config
class Decoder:
    """Transposed convolutions, norm and ReLU, no dense layer (DCGAN, section 3; Chandar et al.
    2019)."""

    kind: Literal["decoder"] = "decoder"
    width: Positive = 128
    """Channels before the last layer; doubled at each halving of the size below it."""
    max_width: Natural = 512
    """Most channels of a layer."""
    base: Literal[2, 4] = 4
    """Side after the first layer: 4 (a 4×4 kernel of stride 1), or 2 (Chandar et al. 2019's for
    faces)."""
    norm: Norm = "batch"
    """Normalisation of every layer but the last (DCGAN: batch norm)."""
    upsampling: Upsampling = "transposed"
    """How the size is doubled; "transposed" as published."""
    pointwise: bool = False
    """A 1×1 convolution after each layer (Chandar et al. 2019, for faces)."""
    resolution: Natural | None = None
    """Side at which the image is made before it is enlarged bilinearly to the domain's size
    (Chandar et al. 2019: 64, enlarged to 96); none: the domain's size."""

    def problems(self, size: int) -> list[str]:
        """Why this network cannot make images of `size`×`size`, and what to do; empty: it can."""
        side = self.resolution or size
        doublings = side // self.base
        if side > self.base and doublings * self.base == side and doublings & (doublings - 1) == 0:
            return []
        what = "resolution" if self.resolution else "the size"
        return [
            f"it doubles {self.base}×{self.base} until {what} is reached, so {what} must be "
            f"{self.base} times a power of two, not {side}: use 32 or 64."
        ]

    def build(self, features: int, channels: int, size: int, values: Values) -> nn.Module:
        """The network, initialised: vectors [N, features] => images [N, channels, size, size]."""
        return DecoderNetwork(self, features, channels, size, values)


class DecoderNetwork(nn.Module):
    """See `Decoder`."""

    def __init__(
        self, settings: Decoder, features: int, channels: int, size: int, values: Values
    ) -> None:
        super().__init__()
        self.size = size
        sides = [int(settings.base)]
        while sides[-1] * 2 < (settings.resolution or size):
            sides.append(sides[-1] * 2)
        widths = [min(settings.width * sides[-1] // side, settings.max_width) for side in sides]
        first = (
            nn.ConvTranspose2d(features, widths[0], 4)
            if settings.base == 4
            else nn.ConvTranspose2d(features, widths[0], 4, stride=2, padding=1)
        )
        layers: list[nn.Module] = [Layer(first, widths[0], settings.norm, F.relu)]
        for before, after in pairwise(widths):
            if settings.pointwise:
                layers.append(nn.Conv2d(before, before, 1))
            up = upsampling_convolution(before, after, settings.upsampling)
            layers.append(Layer(up, after, settings.norm, F.relu))
        if settings.pointwise:
            layers.append(nn.Conv2d(widths[-1], widths[-1], 1))
        self.layers = nn.Sequential(*layers)
        self.to_image = upsampling_convolution(widths[-1], channels, settings.upsampling)
        self.activation = output_activation(values)
        initialise(self)

    def forward(self, vectors: Tensor) -> Tensor:
        features = self.layers(vectors[:, :, None, None])
        # In float32: bfloat16 has 8 bits, too few to tell neighbouring grey levels apart.
        output: Tensor = self.activation(self.to_image(features).float())
        if output.shape[-1] == self.size:
            return output
        return F.interpolate(output, size=self.size, mode="bilinear", align_corners=False)
