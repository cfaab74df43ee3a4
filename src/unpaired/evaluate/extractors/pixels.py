"""No network: the image averaged to 8×8. Needs nothing, sees colour and layout."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.config import config
from unpaired.evaluate.extractors.extractor import Loaded, resize, resize_in_words

_SIDE = 8


@config
class Pixels:
    """The image itself at 8×8, in 0…1: 192 numbers that know colours and where they are."""

    kind: Literal["pixels"] = "pixels"

    def load(self, device: torch.device) -> Loaded:
        """Nothing to load."""
        del device
        return _Pixels()


class _Pixels:
    name = "pixels"
    weights_hash = ""
    resize = resize_in_words(_SIDE)

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return resize(pixels, _SIDE)

    def features(self, images: Tensor) -> Tensor:
        return images.flatten(1) / 255
