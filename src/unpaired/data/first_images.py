"""First images of a source: size, colour and depth, before anything is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.data.codecs.decode import decode
from unpaired.data.codecs.decoded import EIGHT_BITS_IN_SIXTEEN, Values
from unpaired.data.codecs.settings import Reading, flags_for
from unpaired.data.domain import DomainName, Pixels
from unpaired.data.index import ImageIndex, open_index
from unpaired.data.sources import Source, describe
from unpaired.data.value_ranges import advise

PROBED = 48
"""Images of each source that are decoded."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class FirstImages:
    """What a few images of a source have in common."""

    num_images: int
    short_side: int
    is_grey: bool
    sixteen_bits: bool
    files: str = "images"
    """What is counted, in words: not all are images where some cannot be read."""


def probe_images(
    source: Source,
    decoding: Reading | None = None,
    crop: Box | None = None,
    name: DomainName = "a",
) -> FirstImages:
    """Open a source and decode some of its images, spread over all, as training would. `name` is
    that of the domain, with which its flags begin.

    Raises:
        DataError: when the source cannot be opened, or none of the images be read.
    """
    index, settings = open_index(source), decoding or Reading()
    key = ("first images", settings, crop, name)
    if key not in index.derived:  # every run of a sweep asks
        index.derived[key] = _probe(index, source, settings, crop, name)
    first: FirstImages = index.derived[key]
    return first


def _probe(
    index: ImageIndex, source: Source, decoding: Reading, crop: Box | None, name: DomainName
) -> FirstImages:
    places = np.unique(np.linspace(0, len(index) - 1, PROBED).astype(int))
    shapes: list[tuple[int, int]] = []
    grey = deep = 0
    refused: list[UnreadableImage] = list(index.records.refused)
    deepest = replace(decoding, depth=16)
    for i in places:
        try:
            pixels, is_deep = _pixels(index, int(i), deepest)
        except UnreadableImage as error:
            refused.append(error)
            continue
        if crop is not None:
            pixels = pixels[crop[1] : crop[3], crop[0] : crop[2]]
        shapes.append(pixels.shape[:2])
        grey += bool((pixels == pixels[..., :1]).all())
        deep += is_deep
    if not shapes:
        flags = flags_for(refused, name)
        numbers = {e.name: Values(*e.numbers, limit=None) for e in refused if e.numbers}
        advice = advise(numbers)
        raise DataError(
            f"{describe(source)}: none of the {len(places)} images that were tried can be "
            f"read (first: {refused[0]}). `unpaired check` lists every file."
            + (f" What lets them pass: {', '.join(flags)}." if flags else "")
            + (f" They have {advice.sentence(name)}" if advice else ""),
            code="no-readable-image",
        )
    short = int(np.median([min(shape) for shape in shapes]))
    bad = len(places) - len(shapes)
    files = f"files ({bad} of {len(places)} that were tried cannot be read)" if bad else "images"
    return FirstImages(len(index), short, grey == len(shapes), deep > len(shapes) / 2, files)


def _pixels(index: ImageIndex, i: int, decoding: Reading) -> tuple[Pixels, bool]:
    """Image i at 16 bits, and whether it has more than 8."""
    content = index.read(i)
    if isinstance(content, np.ndarray):
        return content, content.dtype == np.uint16
    decoded = decode(content, name=index.names[i], channels=3, decoding=decoding)
    # Also of the numbers of 16 bits, those that were 8 once are multiples of 257.
    is_deep = decoded.limit != 255 and bool((decoded.pixels % EIGHT_BITS_IN_SIXTEEN).any())
    return decoded.pixels, is_deep
