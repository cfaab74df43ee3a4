"""Image dataset: one split of a domain, decoded once into memory, or anew where it does not fit."""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.data.domain import Domain, Pixels
from unpaired.data.read import read_framed
from unpaired.data.sources import describe
from unpaired.data.splits import NUM_THREADS, Split, list_split, source_of

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
    records, indices = list_split(domain, split)
    refused = list(records.refused)

    def try_read(i: int) -> Pixels | UnreadableImage:
        try:
            return read_framed(records, i, domain)
        except UnreadableImage as error:
            return error

    in_memory = _fits_in_memory(domain, len(indices))

    def first_look(i: int) -> Pixels | UnreadableImage | None:
        seen = try_read(i)
        return seen if in_memory or isinstance(seen, UnreadableImage) else None

    with ThreadPoolExecutor(NUM_THREADS) as pool:
        looks = list(pool.map(first_look, indices.tolist()))
    refused += [look for look in looks if isinstance(look, UnreadableImage)]
    good = np.array([not isinstance(look, UnreadableImage) for look in looks], dtype=bool)
    indices = indices[good]
    if len(indices) < at_least:
        raise _too_few(domain, split, len(indices), at_least, len(records.names), refused)
    names = [records.names[i] for i in indices]
    labels = None if records.labels is None else records.labels[indices]
    ids = None if records.ids is None else [records.ids[i] for i in indices]
    if in_memory:
        pixels = _stack([look for look in looks if isinstance(look, np.ndarray)])
        return MemoryImages(names=names, labels=labels, ids=ids, refused=refused, pixels=pixels)
    told: set[int] = set()
    return StreamedImages(
        names=names,
        labels=labels,
        ids=ids,
        refused=refused,
        read=lambda position: _first_readable(try_read, indices, labels, position, told),
    )


def require_images(domain: Domain, split: Split, at_least: int = 1) -> None:
    """Make sure that a split holds images, without decoding them.

    Raises:
        DataError: when it holds fewer than `at_least`, or its source cannot be opened.
    """
    records, indices = list_split(domain, split)
    if len(indices) < at_least:
        found, refused = len(records.names), records.refused
        raise _too_few(domain, split, len(indices), at_least, found, refused)


def _too_few(
    domain: Domain,
    split: Split,
    usable: int,
    at_least: int,
    found: int,
    refused: list[UnreadableImage],
) -> DataError:
    return DataError(
        f"{describe(source_of(domain, split))} has {usable} usable image{'s' * (usable != 1)} for "
        f"the {split} split, which needs at least {at_least}: {found} found, {len(refused)} refused"
        + (f" (first: {refused[0]})" if refused else "")
        + ". Point to a source with more images (hundreds are the least that works well), or run "
        "`unpaired check` to see each file."
    )


def _first_readable(
    try_read: Callable[[int], Pixels | UnreadableImage],
    kept: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
    position: int,
    told: set[int],
) -> Pixels:
    """The image at a position, or the next readable one: a run must not end at one bad file.

    It was readable when the split was opened. Of labelled images the next of the same class is
    taken, as the label stays. `told`: of which it was said that they are gone.
    """
    places = (position + np.arange(len(kept))) % len(kept)
    if labels is not None:
        places = places[labels[places] == labels[position]]
    for place in places:
        image = try_read(int(kept[place]))
        if not isinstance(image, UnreadableImage):
            return image
        if place not in told:
            told.add(int(place))
            logger.warning("%s; the next image takes its place", image)
    raise DataError(
        f"none of {len(places)} images can be read any more. Bring the files back, then give the "
        "same command again to continue."
    )


def _fits_in_memory(domain: Domain, num_images: int) -> bool:
    needed = num_images * domain.size**2 * domain.channels * domain.decoding.depth // 8
    return needed <= MEMORY_SHARE * _free_memory()


def _free_memory() -> int:
    """Bytes that can be had without swapping; what only caches files counts as free."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * next(int(s.split()[1]) for s in lines if s.startswith("MemAvailable"))
    except (OSError, StopIteration):  # not Linux
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _stack(images: list[Pixels]) -> Tensor:
    """HWC arrays => NCHW tensor."""
    return torch.from_numpy(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))
