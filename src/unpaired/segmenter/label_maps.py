"""Pairs of photos and label maps: what a segmenter learns from, and is compared with.

Label maps are RGB images with one colour a class, the palette. Lossy ones (JPEG) are read too, by
the nearest colour of the palette; what makes a colour unknown says `palettes.unknown_colours`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.data.codecs.settings import Reading
from unpaired.data.domain import resize
from unpaired.data.index import NUM_THREADS
from unpaired.data.missing import left_out
from unpaired.data.palettes import (
    Palette,
    check_known,
    check_number,
    colours_of,
    unknown_colours,
    unpacked,
)
from unpaired.data.read import read_pixels
from unpaired.data.sources import Folder, Source, describe
from unpaired.metrics.segmentation import nearest_colour

_PROPORTIONS = 0.02  # by which width/height of a pair may differ, as sizes are whole pixels


@dataclass(frozen=True)
class LabelledImages:
    """The images of a source, by id, at one size."""

    name: str
    pixels: Tensor
    """(N, 3, size, size) uint8."""
    ids: list[str]
    shapes: list[tuple[int, int]]
    """Height and width of each as it is stored."""
    refused: list[UnreadableImage]
    left_out: list[str]
    """What of the source is not used and why, in a line for each reason."""


@dataclass(frozen=True)
class Pairs:
    """Photos and the true classes of their pixels."""

    ids: list[str]
    photos: Tensor
    """(N, 3, size, size) uint8."""
    classes: NDArray[np.int64]
    """(N, size, size), places in the palette."""

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, indices: NDArray[np.int64]) -> Pairs:
        """Those at `indices`."""
        ids = [self.ids[i] for i in indices]
        return Pairs(ids, self.photos[torch.from_numpy(indices)], self.classes[indices])


def read_photos(source: Source, size: int) -> LabelledImages:
    """RGB photos, stretched to size × size (bicubic, anti-aliased).

    Raises:
        DataError: for a source without ids, or of grey photos only.
    """
    images = _read(source, size, nearest=False)
    red, green, blue = images.pixels.unbind(1)
    if torch.equal(red, green) and torch.equal(green, blue):
        raise DataError(
            f"{images.name} holds grey photos only, and a segmenter needs colour too: give the "
            "colour photos. (Label maps go with --labels.)",
            code="grey-photos",
            setting="photos",
        )
    return images


def read_label_maps(
    source: Source, size: int, palette: Palette | None
) -> tuple[NDArray[np.int64], LabelledImages, Palette]:
    """Classes (N, size, size) by the nearest colour, the images, and the palette.

    Brought to size by nearest neighbour. Without a palette, it is all colours of the label maps,
    in order of red, green and blue; they must then be lossless.

    Raises:
        DataError: for label maps of other colours than the palette's, or of too many.
    """
    colours_by_name: dict[str, set[int]] = {}
    unknown: dict[str, tuple[float, Counter[int]]] = {}

    def visit(name: str, pixels: NDArray[np.uint8]) -> None:
        if palette is None:
            colours_by_name[name] = colours_of(pixels)
        else:
            unknown[name] = unknown_colours(pixels, palette)

    images = _read(source, size, nearest=True, visit=visit)
    check_known(unknown, images.name, len(images.ids))
    if palette is None:
        colours = set().union(*colours_by_name.values())
        check_number(colours, images.name)
        palette = tuple(unpacked(colour) for colour in sorted(colours))
    return nearest_colour(images.pixels, palette), images, palette


def match(photos: LabelledImages, classes: NDArray[np.int64], labels: LabelledImages) -> Pairs:
    """Photos and label maps of equal ids, in the order of the label maps.

    Raises:
        DataError: when no id is in both, or a photo has other proportions than its label map.
    """
    place = {identity: i for i, identity in enumerate(photos.ids)}
    matches = [(place[identity], j) for j, identity in enumerate(labels.ids) if identity in place]
    if not matches:
        raise DataError(
            f"No photo in {photos.name} has a label map in {labels.name}: a pair is two files of "
            f"one name, whatever their ending, or two rows of one id. The photos are called "
            f"{_some(photos.ids)}; the label maps {_some(labels.ids)}.",
            code="no-photo-with-label-map",
        )
    for i, j in matches:
        (height, width), (rows, columns) = photos.shapes[i], labels.shapes[j]
        if abs(width * rows / (height * columns) - 1) > _PROPORTIONS:
            raise DataError(
                f"{photos.ids[i]}: the photo in {photos.name} has {width}×{height} pixels and its "
                f"label map in {labels.name} {columns}×{rows}. Sizes may differ, proportions may "
                "not, as both must show the same part of the scene: crop or resize them alike.",
                code="other-proportions",
            )
    of_photos, of_labels = np.array(matches, np.int64).T
    ids = [labels.ids[j] for j in of_labels]
    return Pairs(ids, photos.pixels[torch.from_numpy(of_photos)], classes[of_labels])


def hold_out(pairs: Pairs, fraction: float = 0.1) -> tuple[Pairs, Pairs]:
    """Most pairs for training, and the others: by a hash of the photo, so never one photo twice."""
    hashes = np.array(hashes_of(pairs.photos))
    different = np.unique(hashes)
    kept_out = np.isin(hashes, different[: max(round(fraction * len(different)), 1)])
    return pairs.only(np.flatnonzero(~kept_out)), pairs.only(np.flatnonzero(kept_out))


def hashes_of(photos: Tensor) -> list[str]:
    """Sixteen hexadecimal digits for each photo that tell its pixels from others."""
    return [hashlib.sha256(p.numpy().tobytes()).hexdigest()[:16] for p in photos]


def _read(
    source: Source,
    size: int,
    *,
    nearest: bool,
    visit: Callable[[str, NDArray[np.uint8]], None] | None = None,
) -> LabelledImages:
    """Decode all images of a source; `visit` is called with each as it is stored."""
    records = (replace(source, pairs=True) if isinstance(source, Folder) else source).open()
    name = describe(source)
    if records.ids is None:
        raise DataError(
            f"{name} has no column `id`, by which photos and label maps are paired. Add one with "
            "equal values for the two images of a pair, or give folders with files of equal names.",
            code="no-ids-to-pair",
        )
    twice = [identity for identity, count in Counter(records.ids).items() if count > 1]
    if twice:
        raise DataError(
            f"{name} holds several images with the name or id {twice[0]!r}: keep photos and label "
            "maps in folders of their own, one file an image.",
            code="doubled-id",
        )

    def read(i: int) -> tuple[NDArray[Any], tuple[int, int]] | UnreadableImage:
        try:
            decoding = Reading(holds_labels=nearest)
            content = read_pixels(records, i, 3, decoding).astype(np.uint8)
        except UnreadableImage as error:
            return error
        if visit is not None:
            visit(records.names[i], content)
        return resize(content, size, size, nearest=nearest), content.shape[:2]

    with ThreadPoolExecutor(NUM_THREADS) as pool:
        images = list(pool.map(read, range(len(records.names))))
    good = [(i, image) for i, image in enumerate(images) if not isinstance(image, UnreadableImage)]
    refused = [*records.refused, *(image for image in images if isinstance(image, UnreadableImage))]
    if not good:
        raise DataError(
            f"{name} has no image that can be used (first: {refused[0]}).", code="no-usable-image"
        )
    stacked = np.stack([pixels for _, (pixels, _) in good]).transpose(0, 3, 1, 2)
    return LabelledImages(
        name,
        torch.from_numpy(np.ascontiguousarray(stacked)),
        [records.ids[i] for i, _ in good],
        [shape for _, (_, shape) in good],
        refused,
        left_out(refused, records.ignored),
    )


def _some(ids: list[str]) -> str:
    return ", ".join(repr(identity) for identity in ids[:3]) + (", …" if len(ids) > 3 else "")
