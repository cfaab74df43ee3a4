"""Pixel features: the image averaged to 8×8. Needs no network, sees colour and layout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.config import config

_SIDE = 8
_RESIZE = f"averaged to {_SIDE}×{_SIDE}"


def averages(images: Tensor) -> Tensor:
    """(N, C, H, W) in 0…255 => (N, 64·C) in 0…1: the mean of each of 8×8 cells, by channel."""
    return F.adaptive_avg_pool2d(images.float() / 255, _SIDE).flatten(1)


@config
class Pixels:
    """The image itself at 8×8, in 0…1: 192 numbers that know colours and where they are."""

    kind: Literal["pixels"] = "pixels"

    def load(self, device: torch.device) -> LoadedPixels:
        """Nothing to load."""
        del device
        return LoadedPixels()


@dataclass
class LoadedPixels:
    """See `averages`."""

    name: str = "pixels"
    weights_hash: str = ""
    resize: str = _RESIZE
    channels: int = 3
    """1 for images that are grey, of whose channels one is as good as three."""

    def of(self, channels: int) -> LoadedPixels:
        """The same for the images of a domain, in its channels."""
        return replace(
            self, channels=channels, resize=_RESIZE + (", grey" if channels == 1 else "")
        )

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(height, width, 3) => (channels, 8, 8), values 0…255."""
        image = torch.from_numpy(pixels[..., : self.channels].astype(np.float32)).permute(2, 0, 1)
        prepared: NDArray[np.float32] = F.adaptive_avg_pool2d(image, _SIDE).numpy()
        return prepared

    def features(self, images: Tensor) -> Tensor:
        """Prepared images, which another average leaves as they are => their `averages`."""
        return averages(images)
