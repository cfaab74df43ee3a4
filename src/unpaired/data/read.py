"""Image reading: one image of a source, decoded, and its crop box cut out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, Protocol

import numpy as np
from PIL import Image

from unpaired.data.codecs.decode import decode
from unpaired.data.codecs.decoded import Decoded
from unpaired.data.codecs.numbers import from_integers
from unpaired.data.codecs.settings import Reading
from unpaired.data.domain import Domain, Pixels, require_box
from unpaired.data.sources import Content


class Readable(Protocol):
    """Images by number: an index, or the records of a source."""

    @property
    def names(self) -> Sequence[str]:
        """What messages call them."""
        ...

    @property
    def read(self) -> Callable[[int], Content]:
        """The content of an image, not decoded yet."""
        ...


def read_in_box(images: Readable, i: int, domain: Domain, notes: list[str] | None = None) -> Pixels:
    """Decode image i and cut out the crop box of the domain, if it has one: (H, W, channels).

    What users should know of the image is added to `notes`.

    Raises:
        UnreadableImage: with the reason, such as a crop box outside the image.
    """
    decoded = read_content(images.read(i), images.names[i], domain.channels, domain.reading)
    left, top, right, bottom = require_box(decoded.pixels, images.names[i], domain)
    if notes is not None:
        notes += decoded.notes
    return decoded.pixels[top:bottom, left:right]


def read_pixels(
    images: Readable, i: int, channels: Literal[1, 3], decoding: Reading | None = None
) -> Pixels:
    """Decode image i at its own size: (height, width, channels).

    Raises:
        UnreadableImage: with the reason.
    """
    decoding = decoding or Reading()
    return read_content(images.read(i), images.names[i], channels, decoding).pixels


def read_content(
    content: Content,
    name: str,
    channels: Literal[1, 3],
    decoding: Reading,
) -> Decoded:
    """As `decode`, also of pixels (height, width, channels) that are decoded already.

    Raises:
        UnreadableImage: with the reason.
    """
    if not isinstance(content, np.ndarray):
        return decode(content, name=name, channels=channels, decoding=decoding)
    decoded, notes = Decoded(content), list[str]()
    if decoding.range is not None:
        decoded = from_integers(content, 255, replace(decoding, depth=8), notes)
    pixels = decoded.pixels
    if pixels.shape[2] > channels:
        pixels = np.asarray(Image.fromarray(pixels).convert("L"))[..., None]
    else:
        pixels = np.repeat(pixels, channels // pixels.shape[2], axis=2)
    return replace(decoded, pixels=pixels, notes=tuple(notes))
