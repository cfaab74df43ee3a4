"""The images of a domain, decoded once and kept in memory, or decoded anew when they do not fit."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unpaired.data.decode import decode
from unpaired.data.domain import Domain, Pixels, frame
from unpaired.data.sources import Records, Source, describe
from unpaired.errors import DataError, UnreadableImage

Split = Literal["train", "validation", "test", "labelled"]

WORKERS = min(os.cpu_count() or 1, 16)
"""Threads that read and decode."""

MEMORY_SHARE = 0.4
"""A pile is kept in memory when it needs at most this share of what is free."""


MOST_HELD_OUT = 1000
"""Different images that a split takes from the training images at the most."""


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
        self._pool = ThreadPoolExecutor(WORKERS)

    def gather(self, indices: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """See `Images.gather`."""
        return _stack(list(self._pool.map(self.read, [int(i) for i in indices])))


def load_images(domain: Domain, split: Split) -> Images:
    """Open one split of a domain; images that cannot be used are listed in `refused`.

    Without a source of its own, a split is held out of the training images by a hash of their
    content, so that the splits never overlap, not even when a pile holds the same image twice.
    A pile that does not fit in memory is decoded once too, so that both kinds hold the same images.

    Raises:
        DataError: when no image of the split can be used.
    """
    records, indices = _list(domain, split)
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

    with ThreadPoolExecutor(WORKERS) as pool:
        looks = list(pool.map(first_look, indices.tolist()))
    refused += [look for look in looks if isinstance(look, UnreadableImage)]
    good = np.array([not isinstance(look, UnreadableImage) for look in looks], dtype=bool)
    indices = indices[good]
    if not len(indices):
        raise _nothing(domain, split, records, refused)
    names = [records.names[i] for i in indices]
    labels = None if records.labels is None else records.labels[indices]
    ids = None if records.ids is None else [records.ids[i] for i in indices]
    if in_memory:
        pixels = _stack([look for look in looks if isinstance(look, np.ndarray)])
        return MemoryImages(names=names, labels=labels, ids=ids, refused=refused, pixels=pixels)
    return StreamedImages(
        names=names,
        labels=labels,
        ids=ids,
        refused=refused,
        read=lambda position: _first_readable(try_read, indices, position),
    )


def require_images(domain: Domain, split: Split) -> None:
    """Make sure that a split holds images, without decoding them.

    Raises:
        DataError: when it holds none, or its source cannot be opened.
    """
    records, indices = _list(domain, split)
    if not len(indices):
        raise _nothing(domain, split, records, records.refused)


def source_of(domain: Domain, split: Split) -> Source:
    """The source that a split is read from; the training source where it has none of its own."""
    own = {
        "train": None,
        "validation": domain.validation_source,
        "test": domain.test_source,
        "labelled": domain.labelled_source,
    }[split]
    return own or domain.source


def read_framed(records: Records, i: int, domain: Domain) -> Pixels:
    """Decode image i and frame it for the networks: (size, size, channels).

    Raises:
        UnreadableImage: with the reason, such as a crop box outside the image.
    """
    content, name = records.read(i), records.names[i]
    if not isinstance(content, np.ndarray):
        decoding = domain.decoding
        content = decode(content, name=name, channels=domain.channels, decoding=decoding).pixels
    elif content.shape[2] > domain.channels:
        content = np.asarray(Image.fromarray(content).convert("L"))[..., None]
    elif content.shape[2] < domain.channels:
        content = np.repeat(content, domain.channels, axis=2)
    height, width = content.shape[:2]
    if domain.crop is not None and (domain.crop[0] >= width or domain.crop[1] >= height):
        raise UnreadableImage(
            name, f"has {width}×{height} pixels, which all lie outside the crop box {domain.crop}"
        )
    return frame(content, domain)


def content_hash(records: Records, i: int) -> str:
    """SHA-256 of an image's content as stored; of its name where it cannot be read."""
    try:
        content = records.read(i)
        data = content.tobytes() if isinstance(content, np.ndarray) else content
        data = data if isinstance(data, bytes) else data.read_bytes()
    except OSError:
        data = records.names[i].encode()
    return hashlib.sha256(data).hexdigest()


def _list(domain: Domain, split: Split) -> tuple[Records, NDArray[np.int64]]:
    """The source of a split, opened, and the indices of the split's images in it."""
    source = source_of(domain, split)
    records = source.open()
    if source is domain.source:
        return records, _held_out(records, domain, split)
    return records, np.arange(len(records.names))


def _nothing(
    domain: Domain, split: Split, records: Records, refused: list[UnreadableImage]
) -> DataError:
    return DataError(
        f"{describe(source_of(domain, split))} has no usable image for the {split} split: "
        f"{len(records.names)} found, {len(refused)} refused"
        + (f" (first: {refused[0]})" if refused else "")
        + ". Point to a pile with more images, or run `unpaired check` to see each file."
    )


def _held_out(records: Records, domain: Domain, split: Split) -> NDArray[np.int64]:
    """Indices of a split that shares its source with the training images."""
    shares = [
        ("test", domain.test_fraction if domain.test_source is None else 0.0),
        ("validation", domain.validation_fraction if domain.validation_source is None else 0.0),
    ]
    with ThreadPoolExecutor(WORKERS) as pool:
        numbers = range(len(records.names))
        hashes = np.array(list(pool.map(lambda i: content_hash(records, i), numbers)))
    different = np.unique(hashes)
    member = np.full(len(hashes), "train", dtype=object)
    first = 0
    for name, share in shares:
        count = min(round(share * len(different)), MOST_HELD_OUT)
        if share and len(different) >= 4:
            count = max(count, 1)
        member[np.isin(hashes, different[first : first + count])] = name
        first += count
    wanted = "train" if split == "labelled" else split
    return np.flatnonzero(member == wanted)


def _first_readable(
    try_read: Callable[[int], Pixels | UnreadableImage], kept: NDArray[np.int64], position: int
) -> Pixels:
    """The image at a position, or the next readable one: a run must not end at one bad file."""
    for step in range(len(kept)):
        image = try_read(int(kept[(position + step) % len(kept)]))
        if not isinstance(image, UnreadableImage):
            return image
    raise DataError(f"none of {len(kept)} images could be read")


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
