"""U-Net generator: an encoder and a decoder joined at every size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import Tensor, nn

from unpaired.core.config import Natural, Positive, Values, config
from unpaired.networks.layers import (
    Layer,
    Norm,
    ResidualBlock,
    Upsampling,
    conv3x3,
    halving_problems,
    initialise,
    named,
    output_activation,
    outputs_of,
    upsampling_convolution,
)

leaky_relu = partial(F.leaky_relu, negative_slope=0.2)


@config
class UNet:
    """Strided encoder and decoder with skip connections (Ronneberger 2015; pix2pix; Cardace)."""

    kind: Literal["unet"] = "unet"
    width: Positive = 64
    """Channels after the first convolution; doubled at each halving of the size, up to 8×."""
    downsamplings: Annotated[int, Ge(0), Le(16)] = 2
    """Halvings of the size: 2 takes 32×32 to 8×8 (Cardace), 7 suits 128×128, 8 256×256."""
    blocks: Natural = 0
    """Residual blocks at the smallest size."""
    norm: Norm = "none"
    """Normalisation of every layer but the first and the last."""
    upsampling: Upsampling = "transposed"
    """How the decoder doubles the size."""
    full_size_skip: bool = False
    """Join at full size too (one more layer of `width` channels there): keeps sharp edges sharp."""

    @property
    def size_multiple(self) -> int:
        """Image sides must be multiples of this."""
        return int(2**self.downsamplings)

    def problems(self, size: int) -> list[str]:
        """Why this network cannot translate images of `size`×`size`, and what to do; empty: can."""
        if self.downsamplings < 1:
            return ["downsamplings is 0: a U-Net halves the size at least once."]
        # One pixel has no variance to normalise by, and nothing to reflect at its border.
        smallest = 2 if self.norm != "none" or self.blocks else 1
        return halving_problems(size, self.downsamplings, smallest)

    def build(
        self, in_channels: int, out_channels: int, values: Values, style_channels: int = 0
    ) -> nn.Module:
        """The network, initialised: images [N, in_channels, H, W] => [N, out_channels, H, W]."""
        return UNetGenerator(self, in_channels, out_channels, values, style_channels)


class UNetGenerator(nn.Module):
    """See `UNet`."""

    def __init__(
        self,
        settings: UNet,
        in_channels: int,
        out_channels: int,
        values: Values,
        style_channels: int,
    ) -> None:
        super().__init__()
        norm = settings.norm
        widths = [settings.width * min(2**i, 8) for i in range(settings.downsamplings)]
        self.stem = (
            Layer(conv3x3(in_channels, settings.width), settings.width, "none", leaky_relu)
            if settings.full_size_skip
            else None
        )
        channels = settings.width if self.stem else in_channels
        skips = [settings.width if self.stem else 0]
        self.encoder = nn.ModuleList()
        for i, width in enumerate(widths):
            down = nn.Conv2d(channels, width, 4, stride=2, padding=1)
            self.encoder.append(Layer(down, width, norm if i else "none", leaky_relu))
            skips.append(width)
            channels = width
        self.blocks = nn.ModuleList(
            ResidualBlock(channels, norm, style_channels) for _ in range(settings.blocks)
        )
        skips.pop()  # the smallest features are the decoder's input, not a skip
        self.decoder = nn.ModuleList()
        for width in [*reversed(widths[:-1]), settings.width]:
            up = upsampling_convolution(channels, width, settings.upsampling)
            self.decoder.append(Layer(up, width, norm, leaky_relu, style_channels))
            channels = width + skips.pop()
        self.to_image = conv3x3(channels, out_channels)
        self.activation = output_activation(values)
        initialise(self)

    @property
    def feature_layers(self) -> dict[str, nn.Module]:
        """The layers whose output `features` gives: "stem", "encoder.0", … and "blocks.0", …."""
        stem = {} if self.stem is None else {"stem": self.stem}
        return stem | named("encoder", self.encoder) | named("blocks", self.blocks)

    def features(
        self, images: Tensor, layers: Sequence[str], style: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The outputs of some `feature_layers` for images NCHW; see `layers.outputs_of`."""
        return outputs_of(self.feature_layers, images, layers, style)

    def forward(self, images: Tensor, style: Tensor | None = None) -> Tensor:
        features = images if self.stem is None else self.stem(images)
        skips: list[Tensor | None] = [None if self.stem is None else features]
        for layer in self.encoder:
            features = layer(features)
            skips.append(features)
        skips.pop()
        for block in self.blocks:
            features = block(features, style)
        for layer in self.decoder:
            features = layer(features, style)
            skip = skips.pop()
            if skip is not None:
                features = torch.cat([features, skip], dim=1)
        # In float32: bfloat16 has 8 bits, too few to tell neighbouring grey levels apart.
        output: Tensor = self.activation(self.to_image(features).float())
        return output
