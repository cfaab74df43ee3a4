"""Class encoder: learns classes, and is f of the domain transfer network."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge
from torch import Tensor, nn

from unpaired.core.config import Positive, config
from unpaired.networks.layers import norm_layer


@config
class ClassEncoder:
    """Convolutions with pooling down to one pixel: a classifier without its head (Chandar et al.
    2019).

    As reported: four convolutions of 64, 128, 256 and 128 filters with ReLU, kernels of 2 in the
    first three, average pooling. The original (Taigman et al. 2017, section 5.1) pools by maximum.
    """

    kind: Literal["class_encoder"] = "class_encoder"
    num_classes: Annotated[int, Ge(2)] = 10
    """Classes that its head tells apart."""
    features: Positive = 128
    """Numbers that describe an image."""
    width: Positive = 64
    """Channels of the first block, doubled at each of the two others."""
    kernel: Literal[2, 3] = 2
    """Side of the blocks' kernels (Chandar et al. 2019: 2; a kernel of 3 keeps the size)."""
    convolutions: Positive = 1
    """Convolutions of a block."""
    pooling: Literal["average", "max"] = "average"
    """How a block halves the size."""
    norm: Literal["none", "batch"] = "none"
    """Normalisation of every convolution, the last included."""

    learns_labels: ClassVar[bool] = True
    """It must be trained on labelled images before it is of use."""

    def problems(self, size: int) -> list[str]:
        """Why this network cannot see images of `size`×`size`, and what to do; empty: it can."""
        if self.kernel == 2 and self.convolutions > 1:
            return ["kernel 2 goes with one convolution per block: each adds a row and a column."]
        if size % 8 == 0 and size >= 16:
            return []
        return [f"it halves the size three times and needs a multiple of 8, not {size}: use 32."]

    def build(self, in_channels: int, size: int) -> nn.Module:
        """The network: images [N, in_channels, size, size] in [0, 1] => [N, features]."""
        return ClassEncoderNetwork(self, in_channels, size)


class ClassEncoderNetwork(nn.Module):
    """See `ClassEncoder`; `head` takes the features to the classes."""

    def __init__(self, settings: ClassEncoder, in_channels: int, size: int) -> None:
        super().__init__()
        widths = [in_channels, *(settings.width * 2**i for i in range(3))]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            for i in range(settings.convolutions):
                channels = before if i == 0 else after
                layers.append(nn.Conv2d(channels, after, settings.kernel, padding=1))
                layers += [norm_layer(settings.norm, after), nn.ReLU()]
            layers.append(nn.AvgPool2d(2) if settings.pooling == "average" else nn.MaxPool2d(2))
        layers.append(nn.Conv2d(widths[-1], settings.features, size // 8))
        layers.append(norm_layer(settings.norm, settings.features))
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(settings.features, settings.num_classes))

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.body(images * 2 - 1).flatten(1).float()
        return features
