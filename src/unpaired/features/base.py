"""Feature extractor protocol: what each is once it is loaded, and what several share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.domain import resize_in_float


class Loaded(Protocol):
    """An extractor with its weights, on a device."""

    name: str
    """As metrics carry it: fd/NAME."""
    weights_hash: str
    """Tells these weights from others."""
    resize: str
    """How images are brought to the network's size, in words."""

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One RGB image (height, width, 3) => (3, side, side), values 0…255. Called in threads."""
        ...

    def features(self, images: Tensor) -> Tensor:
        """Prepared images [N, 3, side, side], float32 in 0…255 => [N, d] float32, on the CPU."""
        ...


def resize(pixels: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """(height, width, 3) in 0…255 => (3, side, side), as clean-fid does it (Parmar et al. 2022).

    Bicubic with anti-aliasing, in float, neither rounded nor clipped; the aspect ratio is not kept.
    """
    return np.ascontiguousarray(resize_in_float(pixels, side, side).transpose(2, 0, 1))


def resize_in_words(side: int) -> str:
    """What `resize` does, as protocols carry it."""
    return f"bicubic, anti-aliased, unquantised, to {side}×{side}"
