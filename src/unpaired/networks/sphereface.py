"""SphereFace-20: the face encoder of Chandar et al. 2019 (Liu et al. 2017, table 2)."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from unpaired.core.config import config
from unpaired.core.errors import SettingError
from unpaired.core.files import at_home

HEIGHT, WIDTH = 112, 96
STAGES = ((64, 1), (128, 2), (256, 4), (512, 1))
"""Channels and residual blocks of each halving of the size: 20 layers with the last."""


@config
class SphereFace:
    """A face as 512 numbers; two pictures of one person have a large cosine."""

    kind: Literal["sphereface"] = "sphereface"
    path: str
    """Published weights: a state dict of sphere20a, .pth or .safetensors. In a model folder, which
    holds the weights itself: none."""

    features: ClassVar[int] = 512
    learns_labels: ClassVar[bool] = False
    num_classes: ClassVar[int] = 0

    def problems(self, size: int) -> list[str]:
        """Any size will do."""
        del size
        return []

    def build(self, in_channels: int, size: int) -> nn.Module:
        """The network: aligned faces [N, in_channels, size, size] in [0, 1] => [N, 512].

        Raises:
            SettingError: when the file is absent or holds something else.
        """
        del in_channels, size
        network = SphereFace20()
        if self.path:
            _load(network, self.path)
        return network


class SphereFace20(nn.Module):
    """The network, its parts named as in the published weights (conv3_2, relu3_2, …, fc5)."""

    def __init__(self) -> None:
        super().__init__()
        channels = 3
        for stage, (width, blocks) in enumerate(STAGES, 1):
            for i in range(1 + 2 * blocks):
                stride = 2 if i == 0 else 1
                convolution = nn.Conv2d(channels, width, 3, stride, padding=1)
                self.add_module(f"conv{stage}_{i + 1}", convolution)
                self.add_module(f"relu{stage}_{i + 1}", nn.PReLU(width))
                channels = width
        self.fc5 = nn.Linear(channels * (HEIGHT // 16) * (WIDTH // 16), SphereFace.features)

    def forward(self, images: Tensor) -> Tensor:
        images = images.expand(-1, 3, -1, -1)
        if images.shape[2:] != (HEIGHT, WIDTH):
            images = F.interpolate(images, (HEIGHT, WIDTH), mode="bilinear", antialias=True)
        # As it was trained: blue first, (x − 127.5)/128.
        x = (images.flip(1) * 255 - 127.5) / 128
        for stage, (_, blocks) in enumerate(STAGES, 1):
            x = self._layer(stage, 1, x)
            for block in range(blocks):
                x = x + self._layer(stage, 3 + 2 * block, self._layer(stage, 2 + 2 * block, x))
        features: Tensor = self.fc5(x.flatten(1))
        return features

    def _layer(self, stage: int, number: int, x: Tensor) -> Tensor:
        convolution = self.get_submodule(f"conv{stage}_{number}")
        result: Tensor = self.get_submodule(f"relu{stage}_{number}")(convolution(x))
        return result


def _load(network: SphereFace20, path: str) -> None:
    """Take the published weights; the last layer, which told the training's people apart, is left.

    A .pth file is a pickle: it is read in torch's mode for tensors alone, which runs no code.
    """
    file = at_home(path)
    if not file.is_file():
        raise SettingError(
            f"method.encoder.path: there is no file {path!r}. SphereFace-20's weights "
            "(sphere20a_20171020.pth) are published with sphereface_pytorch; or use another "
            "encoder, --method.encoder.kind exported.",
            code="no-such-weights",
            setting="method.encoder.path",
        )
    try:
        if file.suffix == ".safetensors":
            weights = load_file(file)
        else:
            weights = torch.load(file, map_location="cpu", weights_only=True)
        wanted = network.state_dict().keys()
        network.load_state_dict({name: weights[name] for name in wanted})
    except KeyError as error:
        raise SettingError(
            f"method.encoder.path: {path!r} holds no {error}, so it is no state dict of sphere20a.",
            code="incomplete-weights",
            setting="method.encoder.path",
        ) from None
    except Exception as error:  # of whatever kind torch raises for a file of another form
        raise SettingError(
            f"method.encoder.path: {path!r} cannot be used as SphereFace-20's weights "
            f"({type(error).__name__}: {str(error)[:200]}).",
            code="weights-unreadable",
            setting="method.encoder.path",
        ) from None
