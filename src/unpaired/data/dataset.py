"""Image dataset: one split of a domain, decoded once into memory, or anew where it does not fit."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.data.domain import Domain, Pixels
from unpaired.data.index import NUM_THREADS
from unpaired.data.read import read_framed
from unpaired.data.sources import describe
from unpaired.data.splits import Split, list_split, source_of

logger = logging.getLogger(__name__)

MEMORY_SHARE = 0.4
"""A split is kept in memory when it needs at most this share of what is free."""


@dataclass(kw_only=True)
class Images(ABC):
    """Framed images of one split of one domain."""

    names: list[str]
    labels: NDArray[np.int64] | None
    ids: list[str] | None
    refused: list[UnreadableImage]

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def gather(self, indices: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """Images [N, C, size, size], uint8 or uint16, on the CPU."""


@dataclass(kw_only=True)
class MemoryImages(Images):
    """All images as one tensor."""

    pixels: Tensor

    def gather(self, indices: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """See `Images.gather`."""
        return self.pixels[torch.as_tensor(np.asarray(indices))]


@dataclass(kw_only=True)
class StreamedImages(Images):
    """Images decoded each time they are asked for."""

    read: Callable[[int], Pixels]

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(NUM_THREADS)

    def gather(self, indices: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """See `Images.gather`."""
        return _stack(list(self._pool.map(self.read, [int(i) for i in indices])))


def load_images(domain: Domain, split: Split, at_least: int = 1) -> Images:
    """Open one split of a domain; images that cannot be used are listed in `refused`.

    A split that does not fit in memory is decoded once too: both kinds hold the same images.

    Raises:
        DataError: when fewer than `at_least` images of the split can be used.
    """
    index, places = list_split(domain, split)
    in_memory = _fits_in_memory(domain, len(places))
    dtype = torch.uint8 if domain.decoding.depth == 8 else torch.uint16
    shape = (len(places) if in_memory else 0, domain.size, domain.size, domain.channels)
    # Channels last in memory, as streamed images are: noise of the shape of a batch follows it.
    pixels = torch.empty(shape, dtype=dtype).permute(0, 3, 1, 2)
    rows = pixels.numpy()

    def try_read(i: int) -> Pixels | UnreadableImage:
        try:
            return read_framed(index, i, domain)
        except UnreadableImage as error:
            return error

    def fill(row: int) -> UnreadableImage | None:
        image = try_read(int(places[row]))
        if isinstance(image, UnreadableImage):
            return image
        if in_memory:
            rows[row] = image.transpose(2, 0, 1)
        return None

    with ThreadPoolExecutor(NUM_THREADS) as pool:
        errors = list(pool.map(fill, range(len(places))))
    refused = [*index.records.refused, *(error for error in errors if error is not None)]
    usable = np.flatnonzero([error is None for error in errors])
    places = places[usable]
    if len(places) < at_least:
        raise _too_few(domain, split, len(places), at_least, len(index), refused)
    names = [index.names[i] for i in places]
    labels, ids = index.records.labels, index.records.ids
    labels = None if labels is None else labels[places]
    ids = None if ids is None else [ids[i] for i in places]
    if in_memory:
        pixels = _close_gaps(pixels, usable)
        return MemoryImages(names=names, labels=labels, ids=ids, refused=refused, pixels=pixels)
    warned: set[int] = set()
    return StreamedImages(
        names=names,
        labels=labels,
        ids=ids,
        refused=refused,
        read=lambda position: _first_readable(try_read, places, labels, position, warned),
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


def _fits_in_memory(domain: Domain, num_images: int) -> bool:
    needed = num_images * domain.size**2 * domain.channels * domain.decoding.depth // 8
    return needed <= MEMORY_SHARE * _free_memory()


def _free_memory() -> int:
    """Bytes that can be had without swapping; what only caches files counts as free."""
    return int(psutil.virtual_memory().available)


def _close_gaps(pixels: Tensor, usable: NDArray[np.int64]) -> Tensor:
    """The usable images alone, in the same memory: with a copy, it would be needed twice."""
    for row, place in enumerate(usable.tolist()):
        if row != place:
            pixels[row] = pixels[place]
    return pixels[: len(usable)]


def _stack(images: list[Pixels]) -> Tensor:
    """HWC arrays => NCHW tensor."""
    return torch.from_numpy(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))
