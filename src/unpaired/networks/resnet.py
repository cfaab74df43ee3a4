"""ResNet generator: encoder, residual blocks, decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import Tensor, nn

from unpaired.core.config import Natural, Positive, Values, config
from unpaired.networks.layers import (
    Layer,
    Norm,
    ReflectedConv2d,
    ResidualBlock,
    Upsampling,
    halving_problems,
    initialise,
    named,
    output_activation,
    outputs_of,
    upsampling_convolution,
)


@config
class ResNet:
    """Encoder, residual blocks, decoder (Johnson et al. 2016; CycleGAN, appendix 7.2)."""

    kind: Literal["resnet"] = "resnet"
    width: Positive = 64
    """Channels after the first convolution; doubled at each halving of the size."""
    blocks: Natural = 9
    """Residual blocks: 9 at 256×256 and 6 at 128×128 (CycleGAN); 3 at 32×32 (Cardace)."""
    downsamplings: Annotated[int, Ge(0), Le(16)] = 2
    """Halvings of the size before the blocks."""
    norm: Norm = "instance"
    """Normalisation of every layer but the last."""
    upsampling: Upsampling = "resize"
    """How the decoder doubles the size; "transposed" as published but for its kernel (4×4, there
    3×3), "resize" has no checkerboard."""
    kernel: Positive = 7
    """Side of the first and last convolution's kernel, odd."""

    @property
    def size_multiple(self) -> int:
        """Image sides must be multiples of this."""
        return int(2**self.downsamplings)

    def problems(self, size: int) -> list[str]:
        """Why this network cannot translate images of `size`×`size`, and what to do; empty: can."""
        found = halving_problems(size, self.downsamplings, 2)
        if self.kernel % 2 == 0 or self.kernel // 2 >= size:
            found.append(f"kernel is {self.kernel}: give an odd number, below {2 * size}.")
        return found

    def build(
        self, in_channels: int, out_channels: int, values: Values, style_channels: int = 0
    ) -> nn.Module:
        """The network, initialised: images [N, in_channels, H, W] => [N, out_channels, H, W]."""
        return ResNetGenerator(self, in_channels, out_channels, values, style_channels)


class ResNetGenerator(nn.Module):
    """See `ResNet`."""

    def __init__(
        self,
        settings: ResNet,
        in_channels: int,
        out_channels: int,
        values: Values,
        style_channels: int,
    ) -> None:
        super().__init__()
        width, norm = settings.width, settings.norm
        # Style enters behind the encoder: what is encoded is content.
        layers: list[nn.Module] = [
            Layer(edge_convolution(in_channels, width, settings.kernel), width, norm, F.relu)
        ]
        for _ in range(settings.downsamplings):
            down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
            width *= 2
            layers.append(Layer(down, width, norm, F.relu))
        self.encoder = nn.Sequential(*layers)
        self.blocks = nn.ModuleList(
            ResidualBlock(width, norm, style_channels) for _ in range(settings.blocks)
        )
        self.decoder = nn.ModuleList()
        for _ in range(settings.downsamplings):
            up = upsampling_convolution(width, width // 2, settings.upsampling)
            width //= 2
            self.decoder.append(Layer(up, width, norm, F.relu, style_channels))
        self.to_image = edge_convolution(width, out_channels, settings.kernel)
        self.activation = output_activation(values)
        initialise(self)

    @property
    def feature_layers(self) -> dict[str, nn.Module]:
        """The layers whose output `features` gives: "encoder.0", … and "blocks.0", …."""
        return named("encoder", self.encoder) | named("blocks", self.blocks)

    def features(
        self, images: Tensor, layers: Sequence[str], style: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The outputs of some `feature_layers` for images NCHW; see `layers.outputs_of`."""
        return outputs_of(self.feature_layers, images, layers, style)

    def forward(self, images: Tensor, style: Tensor | None = None) -> Tensor:
        features = self.encoder(images)
        for block in self.blocks:
            features = block(features, style)
        for layer in self.decoder:
            features = layer(features, style)
        # In float32: bfloat16 has 8 bits, too few to tell neighbouring grey levels apart.
        output: Tensor = self.activation(self.to_image(features).float())
        return output


def edge_convolution(in_channels: int, out_channels: int, kernel: int) -> nn.Conv2d:
    """The size-keeping first and last convolution."""
    return ReflectedConv2d(in_channels, out_channels, kernel, padding=kernel // 2)
