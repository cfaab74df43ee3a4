"""Framing: at which size an image goes through a network, and how its translation gets its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from unpaired.core.errors import check_choice
from unpaired.data.domain import (
    Domain,
    Pixels,
    frame,
    require_box,
    resize,
    size_at_scale,
)
from unpaired.data.pixels import convert

Resolution = Literal["auto", "native", "trained"]
"""The size at which images go through the network; their own size is kept in any case.

"native": as they are. "trained": scaled until the short side is that of the training (both sides in
a domain whose images are stretched, fit="resize"), and back. "auto": native where the short side is
between half and twice that of the training, else trained.

Where networks are trained on squares cut out of images (fit="crop"), "auto" and "trained" are the
scale that the images had then, whole: 1920×1080 pixels at scale 0.5 go through as 960×540.

A domain with a crop box or a border (fit="pad") leaves no choice: images are framed as in training,
and what lies outside the frame stays as it is. Of fit="crop", all that lies in the box is
translated, at the scale of the training.
"""


@dataclass(frozen=True)
class Placed:
    """An image ready for a network, and the way back."""

    pixels: Pixels
    """(H, W, C) for the network; both sides are multiples of what it needs."""
    restore: Callable[[Pixels], Pixels]
    """The translation of `pixels` (H, W, C') => at the image's own size."""


def place(
    pixels: Pixels,
    name: str,
    source: Domain,
    target: Domain,
    multiple: int,
    resolution: Resolution,
    *,
    fixed_size: bool = False,
) -> Placed:
    """Make an image (H, W, C) of `source` ready for translation to `target`.

    With `fixed_size` the network takes images of the domain's size alone, framed as in training.

    Raises:
        UnreadableImage: when the crop box of `source` lies outside the image.
        SettingError: for a resolution that there is not.
    """
    check_choice("resolution", resolution, Resolution)
    if _is_framed(source) or fixed_size:
        return _framed(pixels, name, source, target)
    if source.crop is not None:
        return _in_box(pixels, name, source, target, multiple)
    return _whole(pixels, source, target, multiple, resolution)


def is_shrunk(
    pixels: Pixels, source: Domain, resolution: Resolution, *, fixed_size: bool = False
) -> bool:
    """Whether "auto" takes an image (H, W, C) that is larger than those of the training through the
    network at their size, where "native" would be a choice."""
    if source.crop is not None or source.fit in ("pad", "crop") or fixed_size:
        return False
    height, width = pixels.shape[:2]
    inner = _inner_size(height, width, source, resolution)
    return resolution == "auto" and min(height, width) > source.size and inner != (height, width)


def _is_framed(source: Domain) -> bool:
    """Whether training leaves no choice of what goes through the network at which size."""
    return source.fit == "pad" or (source.crop is not None and source.fit != "crop")


def _whole(
    pixels: Pixels, source: Domain, target: Domain, multiple: int, resolution: Resolution
) -> Placed:
    """All of an image, at the size of a resolution."""
    height, width = pixels.shape[:2]
    inner_height, inner_width = _inner_size(height, width, source, resolution)
    inner = resize(pixels, inner_height, inner_width, nearest=source.holds_labels)
    # Layers that reflect at the border need two pixels even at the network's smallest size.
    least = min(2 * multiple, source.size)
    margins = (
        (0, _round_up(max(inner_height, least), multiple) - inner_height),
        (0, _round_up(max(inner_width, least), multiple) - inner_width),
        (0, 0),
    )

    def restore(translation: Pixels) -> Pixels:
        inner = translation[:inner_height, :inner_width]
        return resize(inner, height, width, nearest=target.holds_labels)

    return Placed(np.pad(inner, margins, mode="reflect"), restore)


def _in_box(pixels: Pixels, name: str, source: Domain, target: Domain, multiple: int) -> Placed:
    """All that lies in the crop box, at the scale of the training."""
    left, top, right, bottom = require_box(pixels, name, source)
    placed = _whole(pixels[top:bottom, left:right], source, target, multiple, "trained")

    def restore(translation: Pixels) -> Pixels:
        whole = convert(pixels, target.channels, target.decoding.depth).copy()
        whole[top:bottom, left:right] = placed.restore(translation)
        return whole

    return Placed(placed.pixels, restore)


def _round_up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _inner_size(height: int, width: int, source: Domain, resolution: Resolution) -> tuple[int, int]:
    short, trained = min(height, width), source.size
    if source.fit == "crop" and resolution != "native":
        return size_at_scale(height, width, source)
    if resolution == "native" or (resolution == "auto" and trained <= 2 * short <= 4 * trained):
        return height, width
    if source.fit == "resize":
        return trained, trained
    return round(height * trained / short), round(width * trained / short)


def _framed(pixels: Pixels, name: str, source: Domain, target: Domain) -> Placed:
    """The way through `frame`, and its inverse."""
    left, top, right, bottom = require_box(pixels, name, source)
    assert source.fit != "crop", "refused for methods that see whole images only"
    if source.fit == "cover":
        short = min(bottom - top, right - left)
        top, left = top + (bottom - top - short) // 2, left + (right - left - short) // 2
        bottom, right = top + short, left + short
    size = source.size
    inner_top = inner_left = 0
    inner_height = inner_width = size
    if source.fit == "pad":
        scale = min(1.0, size / max(bottom - top, right - left))
        inner_height = max(1, round((bottom - top) * scale))
        inner_width = max(1, round((right - left) * scale))
        inner_top, inner_left = (size - inner_height) // 2, (size - inner_width) // 2

    def restore(translation: Pixels) -> Pixels:
        inner = translation[
            inner_top : inner_top + inner_height, inner_left : inner_left + inner_width
        ]
        whole = convert(pixels, target.channels, target.decoding.depth).copy()
        whole[top:bottom, left:right] = resize(
            inner, bottom - top, right - left, nearest=target.holds_labels
        )
        return whole

    return Placed(frame(pixels, source), restore)
