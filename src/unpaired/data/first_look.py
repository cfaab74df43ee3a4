"""What the first images of a pile tell, before anything is known of it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.data.codecs.decode import decode
from unpaired.data.codecs.settings import Decoding, flags_for
from unpaired.data.domain import DomainName, Pixels
from unpaired.data.sources import Records, Source, describe

PROBED = 48
"""Images of each pile that are looked at."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class FirstImages:
    """What the first images of a pile tell."""

    num_images: int
    short_side: int
    is_grey: bool
    sixteen_bits: bool
    files: str = "images"
    """What is counted, in words: not all are images where some cannot be read."""


@functools.lru_cache(maxsize=8)  # every run of a sweep asks
def look(
    source: Source,
    decoding: Decoding | None = None,
    crop: Box | None = None,
    name: DomainName = "a",
) -> FirstImages:
    """Open a source and decode some of its images, spread over the pile, as training would. `name`
    is what the pile's flags begin with.

    Raises:
        DataError: when the source cannot be opened, or none of the images be read.
    """
    records = source.open()
    places = np.unique(np.linspace(0, len(records.names) - 1, PROBED).astype(int))
    shapes: list[tuple[int, int]] = []
    grey = deep = 0
    refused: list[UnreadableImage] = list(records.refused)
    deepest = replace(decoding or Decoding(), depth=16)
    for i in places:
        try:
            pixels, is_deep = _pixels(records, int(i), deepest)
        except UnreadableImage as error:
            refused.append(error)
            continue
        if crop is not None:
            pixels = pixels[crop[1] : crop[3], crop[0] : crop[2]]
        shapes.append(pixels.shape[:2])
        grey += bool((pixels == pixels[..., :1]).all())
        deep += is_deep
    if not shapes:
        flags = flags_for(refused, f"{name}.decoding.")
        raise DataError(
            f"{describe(source)}: none of the {len(places)} images that were tried can be read "
            f"(first: {refused[0]}). `unpaired check` lists every file."
            + (f" What lets them pass: {', '.join(flags)}." if flags else "")
        )
    short = int(np.median([min(shape) for shape in shapes]))
    bad = len(places) - len(shapes)
    files = f"files ({bad} of {len(places)} that were tried cannot be read)" if bad else "images"
    return FirstImages(
        len(records.names), short, grey == len(shapes), deep > len(shapes) / 2, files
    )


def _pixels(records: Records, i: int, decoding: Decoding) -> tuple[Pixels, bool]:
    """Image i at 16 bits, and whether it has more than 8."""
    content = records.read(i)
    if isinstance(content, np.ndarray):
        return content, content.dtype == np.uint16
    pixels = decode(content, name=records.names[i], channels=3, decoding=decoding).pixels
    return pixels, bool((pixels % 257).any())  # 8-bit images are multiples of 257
