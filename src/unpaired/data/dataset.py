"""Image dataset: one split of a domain, decoded once into memory, or anew where it does not fit."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.core.memory import free_memory
from unpaired.data.domain import Domain, Pixels, at_scale, square, window
from unpaired.data.index import NUM_THREADS
from unpaired.data.read import read_in_box
from unpaired.data.shared_classes import labels_in_split
from unpaired.data.sources import describe
from unpaired.data.splits import Split, list_split, source_of

logger = logging.getLogger(__name__)

MEMORY_SHARE = 0.4
"""A split is kept in memory when it needs at most this share of what is free."""


Indices = Sequence[int] | NDArray[np.int64]
Places = NDArray[np.float64]
"""(n, 2) numbers in [0, 1), down and across: the square cut out of each image; see `window`."""


@dataclass(kw_only=True)
class Images(ABC):
    """Images of one split of one domain, in the form in which networks see them."""

    names: list[str]
    labels: NDArray[np.int64] | None
    ids: list[str] | None
    refused: list[UnreadableImage]
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    """How many have a height and width, in the source and inside the crop box."""
    notes: Counter[str] = field(default_factory=Counter)
    """What users should know of images that are used, and of how many it was noted."""

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def gather(self, indices: Indices, places: Places | None = None) -> Tensor:
        """Images [N, C, size, size], uint8 or uint16, on the CPU.

        `places`: of images that are larger, as fit="crop" keeps those of the training; none: the
        middle.
        """


@dataclass(kw_only=True)
class MemoryImages(Images):
    """All images as one tensor."""

    pixels: Tensor

    def gather(self, indices: Indices, places: Places | None = None) -> Tensor:
        """See `Images.gather`."""
        return self.pixels[torch.as_tensor(np.asarray(indices))]


@dataclass(kw_only=True)
class WholeImages(Images):
    """Images in memory each at its own size, out of which squares are cut."""

    pixels: list[Pixels]
    size: int

    def gather(self, indices: Indices, places: Places | None = None) -> Tensor:
        """See `Images.gather`."""
        chosen = _places(places, len(indices))
        return _stack(
            [window(self.pixels[i], self.size, p) for i, p in zip(indices, chosen, strict=True)]
        )


@dataclass(kw_only=True)
class StreamedImages(Images):
    """Images decoded each time they are asked for."""

    read: Callable[[int], Pixels]
    size: int
    images_per_second: float = 0.0
    """How many were decoded when the split was opened."""

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(NUM_THREADS)

    def gather(self, indices: Indices, places: Places | None = None) -> Tensor:
        """See `Images.gather`."""

        def cut(i: int, place: Places | None) -> Pixels:
            return window(self.read(int(i)), self.size, place).copy()  # the rest is let go

        return _stack(list(self._pool.map(cut, indices, _places(places, len(indices)))))


def load_images(domain: Domain, split: Split, at_least: int = 1) -> Images:
    """Open one split of a domain; images that cannot be used are listed in `refused`.

    A split that does not fit in memory is decoded once too: both kinds hold the same images. Of
    fit="crop", images to train on are kept whole, those of other splits as their middle squares.

    Raises:
        DataError: when fewer than `at_least` images of the split can be used.
    """
    index, places = list_split(domain, split)
    whole = domain.fit == "crop" and split == "train"
    memory: _Whole | _Squares = _Whole(domain) if whole else _Squares(domain, len(places))
    bring = at_scale if whole else square
    sizes = np.zeros((len(places), 2), np.int64)

    notes: list[str] = []

    def try_read(i: int, notes: list[str] | None = None) -> Pixels | UnreadableImage:
        try:
            return read_in_box(index, i, domain, notes)
        except UnreadableImage as error:
            return error

    def fill(row: int) -> UnreadableImage | None:
        image = try_read(int(places[row]), notes)
        if isinstance(image, UnreadableImage):
            return image
        sizes[row] = image.shape[:2]
        memory.keep(row, bring(image, domain))
        return None

    started = time.monotonic()
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        errors = list(pool.map(fill, range(len(places))))
    speed = len(places) / max(1e-6, time.monotonic() - started)
    refused = [*index.records.refused, *(error for error in errors if error is not None)]
    usable = np.flatnonzero([error is None for error in errors])
    places = places[usable]
    if len(places) < at_least:
        raise _too_few(domain, split, len(places), at_least, len(index), refused)
    labels, ids = labels_in_split(domain, split, index), index.records.ids
    labels = None if labels is None else labels[places]
    about: dict[str, Any] = {
        "names": [index.names[i] for i in places],
        "labels": labels,
        "ids": None if ids is None else [ids[i] for i in places],
        "refused": refused,
        "sizes": Counter((h, w) for h, w in sizes[usable].tolist()),
        "notes": Counter(notes),
    }
    if memory.is_enough:
        return memory.images(usable, about)
    warned: set[int] = set()
    return StreamedImages(
        **about,
        read=lambda position: bring(
            _first_readable(try_read, places, labels, position, warned), domain
        ),
        size=domain.size,
        images_per_second=speed,
    )


def require_images(domain: Domain, split: Split, at_least: int = 1) -> None:
    """Make sure that a split holds images, without decoding them.

    Raises:
        DataError: when it holds fewer than `at_least`, or its source cannot be opened.
    """
    index, places = list_split(domain, split)
    if len(places) < at_least:
        refused = index.records.refused
        raise _too_few(domain, split, len(places), at_least, len(index), refused)


def _too_few(
    domain: Domain,
    split: Split,
    usable: int,
    at_least: int,
    num_listed: int,
    refused: list[UnreadableImage],
) -> DataError:
    return DataError(
        f"{describe(source_of(domain, split))} has {usable} usable image{'s' * (usable != 1)} for "
        f"the {split} split, which needs at least {at_least}: {num_listed} found, "
        f"{len(refused)} refused"
        + (f" (first: {refused[0]})" if refused else "")
        + ". Point to a source with more images (hundreds are the least that works well), or run "
        "`unpaired check` to see each file.",
        code="too-few-images",
    )


def _first_readable(
    try_read: Callable[[int], Pixels | UnreadableImage],
    kept: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
    position: int,
    warned: set[int],
) -> Pixels:
    """The image at a position, or the next readable one: a run must not end at one bad file.

    It was readable when the split was opened. Of labelled images the next of the same class is
    taken, as the label stays. `warned`: of which it was said that they are gone.
    """
    places = (position + np.arange(len(kept))) % len(kept)
    if labels is not None:
        places = places[labels[places] == labels[position]]
    for place in places:
        image = try_read(int(kept[place]))
        if not isinstance(image, UnreadableImage):
            return image
        if place not in warned:
            warned.add(int(place))
            logger.warning("%s; the next image takes its place", image)
    raise DataError(
        f"none of {len(places)} images can be read any more. Bring the files back, then give the "
        "same command again to continue.",
        code="images-gone",
    )


class _Squares:
    """Memory for images of the networks' size, which is taken at once if it is there."""

    def __init__(self, domain: Domain, num_images: int) -> None:
        needed = num_images * domain.size**2 * domain.channels * domain.decoding.depth // 8
        self.is_enough = needed <= MEMORY_SHARE * free_memory()
        dtype = torch.uint8 if domain.decoding.depth == 8 else torch.uint16
        count = num_images if self.is_enough else 0
        # Channels last in memory, as streamed images are: noise of the shape of a batch follows it.
        shape = (count, domain.size, domain.size, domain.channels)
        self._pixels = torch.empty(shape, dtype=dtype).permute(0, 3, 1, 2)
        self._rows = self._pixels.numpy()

    def keep(self, row: int, image: Pixels) -> None:
        """Keep an image, unless there is no room for all."""
        if self.is_enough:
            self._rows[row] = image.transpose(2, 0, 1)

    def images(self, usable: NDArray[np.int64], about: dict[str, Any]) -> Images:
        """The usable images alone, in the same memory: with a copy, it would be needed twice."""
        for row, place in enumerate(usable.tolist()):
            if row != place:
                self._pixels[row] = self._pixels[place]
        return MemoryImages(pixels=self._pixels[: len(usable)], **about)


class _Whole:
    """Memory for images of any size, which is taken image by image while there is enough."""

    def __init__(self, domain: Domain) -> None:
        self.is_enough = True
        self._size = domain.size
        self._left = MEMORY_SHARE * free_memory()
        self._pixels: dict[int, Pixels] = {}
        self._turn = threading.Lock()

    def keep(self, row: int, image: Pixels) -> None:
        """Keep an image; let all go where not all will fit."""
        with self._turn:
            self._left -= image.nbytes
            if self._left < 0:
                self.is_enough = False
                self._pixels.clear()
            elif self.is_enough:
                self._pixels[row] = np.ascontiguousarray(image)

    def images(self, usable: NDArray[np.int64], about: dict[str, Any]) -> Images:
        """The usable images."""
        pixels = [self._pixels[row] for row in usable.tolist()]
        return WholeImages(pixels=pixels, size=self._size, **about)


def _places(places: Places | None, count: int) -> Sequence[Places | None]:
    """One for each image."""
    return [None] * count if places is None else list(places)


def _stack(images: list[Pixels]) -> Tensor:
    """HWC arrays => NCHW tensor."""
    return torch.from_numpy(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))
