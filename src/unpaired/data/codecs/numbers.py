"""Numbers to pixels: integers by their range, floating-point numbers by a physical one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.decoded import Decoded
from unpaired.data.codecs.settings import Reading

_LUMA = np.array([19595, 38470, 7471], np.uint32)  # ITU-R 601 in 65536ths, as Pillow has it


def from_numbers(
    values: npt.NDArray[Any], name: str, decoding: Reading, notes: list[str]
) -> Decoded:
    """Numbers (H, W, C), whose range only the user knows => pixels (H, W, C).

    Raises `UnreadableImage` for numbers that are not finite, and without a range.
    """
    smallest, largest = float(values.min()), float(values.max())
    if not (math.isfinite(smallest) and math.isfinite(largest)):
        raise UnreadableImage(
            name, "holds values that are not finite (NaN or infinite)", code="not-finite"
        )
    if decoding.range is None:
        raise UnreadableImage(
            name,
            f"holds numbers from {smallest:g} to {largest:g} without saying which of them are "
            "black and white; set range",
            "range",
            code="range-unknown",
            numbers=(smallest, largest),
        )
    note_clipped(values, decoding, notes)
    return Decoded(_by_range(values, decoding.range, decoding.depth), stored=values, limit=None)


def from_integers(
    values: npt.NDArray[Any], limit: int, decoding: Reading, notes: list[str]
) -> Decoded:
    """Integers (H, W, C) => pixels (H, W, C): by the range that is set, else by 0…`limit`."""
    if decoding.range is not None:
        note_clipped(values, decoding, notes)
    pixels = _by_range(values, decoding.range or (0, limit), decoding.depth)
    return Decoded(pixels, stored=values, limit=limit)


def note_clipped(values: npt.NDArray[Any], decoding: Reading, notes: list[str]) -> None:
    """Say where numbers lie outside of the range that is set."""
    assert decoding.range is not None
    low, high = decoding.range
    smallest, largest = float(values.min()), float(values.max())
    if smallest < low or largest > high:
        notes.append(f"has values from {smallest:g} to {largest:g}, clipped to {low:g}..{high:g}")


def _by_range(values: npt.NDArray[Any], range: tuple[float, float], depth: int) -> npt.NDArray[Any]:
    """Numbers => integers over all of `depth` bits: by a range, clipped, rounded to nearest."""
    low, high = range
    unit = (np.clip(values, low, high).astype(np.float32) - low) / (high - low)
    pixels: npt.NDArray[Any] = np.rint(unit * (2**depth - 1))
    return pixels.astype(np.uint8 if depth == 8 else np.uint16)


def to_grey(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Integers (H, W, 3) => their luma, (H, W, 1)."""
    luma: npt.NDArray[Any] = (pixels.astype(np.uint32) @ _LUMA + 2**15) >> 16
    return luma[..., None].astype(pixels.dtype)
