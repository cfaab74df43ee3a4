"""PatchGAN discriminator: one output per overlapping patch."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import Tensor, nn

from unpaired.core.config import Positive, config
from unpaired.networks.layers import (
    Layer,
    MinibatchStandardDeviation,
    Norm,
    add_spectral_norm,
    initialise,
)


@config
class PatchGAN:
    """Fully convolutional discriminator; 3 layers see 70×70 patches (pix2pix, appendix 6.1.2)."""

    kind: Literal["patchgan"] = "patchgan"
    width: Positive = 64
    """Channels after the first convolution; doubled at each layer, up to 8×."""
    layers: Annotated[int, Ge(0), Le(16)] = 3
    """Strided layers: 1 sees patches of 16 pixels, 2 of 34, 3 of 70, 4 of 142. 0: every pixel is
    classified by itself (pix2pix, appendix 6.1.2, PixelGAN)."""
    norm: Norm = "instance"
    """Normalisation of every layer but the first and the last."""
    spectral_norm: bool = False
    """Divide every weight by its spectral norm (Miyato et al. 2018)."""
    minibatch_std: bool = False
    """Show the last layer how much the images of a batch differ (Karras et al. 2018)."""

    @property
    def couples_images(self) -> bool:
        """Whether one image's output depends on the other images of its batch."""
        return self.norm == "batch" or self.minibatch_std

    def problems(self, size: int) -> list[str]:
        """Why this network cannot see images of `size`×`size`, and what to do; empty: it can."""
        # The last two layers take one pixel each; those of a single pixel take none.
        smallest = 3 * 2**self.layers if self.layers else 1
        if size >= smallest:
            return []
        return [
            f"{self.layers} layers need images of {smallest}×{smallest} at least, not "
            f"{size}×{size}: use fewer layers."
        ]

    def build(self, in_channels: int, size: int) -> nn.Module:
        """The network, initialised: images [N, in_channels, H, W] => [N, 1, h, w] of patches."""
        del size  # any size: fully convolutional
        return PatchGANDiscriminator(self, in_channels)


class PatchGANDiscriminator(nn.Module):
    """See `PatchGAN`."""

    def __init__(self, settings: PatchGAN, in_channels: int) -> None:
        super().__init__()
        leaky_relu = partial(F.leaky_relu, negative_slope=0.2)
        layers: list[nn.Module] = []
        channels = in_channels
        kernel, padding = (4, 1) if settings.layers else (1, 0)
        for i in range(settings.layers + 1 if settings.layers else 2):
            width = settings.width * min(2**i, 8)
            stride = 2 if i < settings.layers else 1
            convolution = nn.Conv2d(channels, width, kernel, stride=stride, padding=padding)
            norm: Norm = settings.norm if i else "none"
            layers.append(Layer(convolution, width, norm, leaky_relu))
            channels = width
        if settings.minibatch_std:
            layers.append(MinibatchStandardDeviation())
            channels += 1
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 1, kernel, padding=padding))
        initialise(self)
        if settings.spectral_norm:
            add_spectral_norm(self)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.layers(images).float()
        return output
