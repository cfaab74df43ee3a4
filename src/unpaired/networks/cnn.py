"""CNN discriminator: a single output, as the reports use at 32×32; also encodes styles."""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.core.config import Natural, Positive, config
from unpaired.networks.layers import (
    Layer,
    MinibatchStandardDeviation,
    Norm,
    add_spectral_norm,
    initialise,
)


@config
class CNN:
    """Strided convolutions down to 4×4, then one number per image (Cardace; Daputo)."""

    kind: Literal["cnn"] = "cnn"
    width: Positive = 64
    """Channels after the first convolution; doubled at each halving of the size, up to 8×."""
    widths: tuple[Natural, ...] = ()
    """Channels after each convolution, where they are not to follow from `width` (Chandar et al.
    2019)."""
    kernel: Literal[3, 4] = 4
    """Side of the kernels (Chandar et al. 2019: 3)."""
    norm: Norm = "none"
    """Normalisation of every layer but the first and the last. Instance norm hides mean colour."""
    norm_first: bool = False
    """Normalise the first layer too (Chandar et al. 2019)."""
    spectral_norm: bool = False
    """Divide every weight by its spectral norm (Miyato et al. 2018)."""
    minibatch_std: bool = False
    """Show the last layer how much the images of a batch differ (Karras et al. 2018)."""

    @property
    def couples_images(self) -> bool:
        """Whether one image's output depends on the other images of its batch."""
        return self.norm == "batch" or self.minibatch_std

    def problems(self, size: int) -> list[str]:
        """Why this network cannot see images of `size`×`size`, and what to do."""
        needed = len(self.sides(size))
        if len(self.widths) in (0, needed):
            return []
        return [
            f"method.discriminator.widths has {len(self.widths)} numbers, but images of "
            f"{size}×{size} pass through {needed} convolutions. Give as many, or none: the widths "
            "then follow from method.discriminator.width."
        ]

    def sides(self, size: int) -> list[int]:
        """Side of what each convolution makes of an image of `size`×`size`."""
        found = []
        while size > 4:
            size = (size - self.kernel + 2) // 2 + 1
            found.append(size)
        return found

    def build(self, in_channels: int, size: int, outputs: int = 1) -> nn.Module:
        """The network, initialised: images [N, in_channels, size, size] => [N, outputs]."""
        return CNNDiscriminator(self, in_channels, size, outputs)


class CNNDiscriminator(nn.Module):
    """See `CNN`."""

    def __init__(self, settings: CNN, in_channels: int, size: int, outputs: int) -> None:
        super().__init__()
        leaky_relu = partial(F.leaky_relu, negative_slope=0.2)
        layers: list[nn.Module] = []
        channels = in_channels
        sides = settings.sides(size)
        widths = settings.widths or [settings.width * min(2**n, 8) for n in range(len(sides))]
        for width, side in zip(widths, sides, strict=True):
            down = nn.Conv2d(channels, width, settings.kernel, stride=2, padding=1)
            norm: Norm = settings.norm if layers or settings.norm_first else "none"
            layers.append(Layer(down, width, norm, leaky_relu))
            channels, size = width, side
        if settings.minibatch_std:
            layers.append(MinibatchStandardDeviation())
            channels += 1
        layers += [nn.Flatten(), nn.Linear(channels * size * size, outputs)]
        self.layers = nn.Sequential(*layers)
        initialise(self)
        if settings.spectral_norm:
            add_spectral_norm(self)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.layers(images).float()
        return output
