"""Decoded image: pixels, transparency, and the range of the numbers that the file holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

EIGHT_BITS_IN_SIXTEEN = 257
"""What 8-bit values are multiplied by to fill 16 bits."""


@dataclass(frozen=True)
class Values:
    """The range of the numbers of one image, as its file holds them."""

    smallest: float
    largest: float
    limit: int | None
    """The largest that integers of their width can be; None where the file does not say what is
    white: of floating-point numbers, and of integers with a sign or of 32 bits."""
    step: int = 1
    """`EIGHT_BITS_IN_SIXTEEN` where all are multiples of it, else 1."""


@dataclass(frozen=True)
class Decoded:
    """Pixels of one image.

    `pixels`: (height, width, channels), opaque; uint8 for a depth of 8 bits, uint16 for 16.
    `notes`: warnings for the user, without the image's name.
    `alpha`: opacity (height, width, 1) at the same depth; None of an image without transparency.
    `stored`: the numbers of the file, where they are others than the pixels. `limit`: see `Values`.
    """

    pixels: npt.NDArray[Any]
    notes: tuple[str, ...] = ()
    alpha: npt.NDArray[Any] | None = None
    stored: npt.NDArray[Any] | None = None
    limit: int | None = 255

    @property
    def values(self) -> Values:
        """The range of the numbers that the file holds; found when it is asked for."""
        numbers = self.pixels if self.stored is None else self.stored
        step = 1
        if self.limit == 65535 and not (numbers % EIGHT_BITS_IN_SIXTEEN).any():
            step = EIGHT_BITS_IN_SIXTEEN
        return Values(float(numbers.min()), float(numbers.max()), self.limit, step)

    @property
    def is_transparent(self) -> bool:
        """Whether a background shows through anywhere."""
        return self.alpha is not None and bool((self.alpha < np.iinfo(self.alpha.dtype).max).any())
