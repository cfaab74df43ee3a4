"""The images of a domain, decoded once and kept in memory, or decoded anew when they do not fit."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.decode import decode
from unpaired.data.domain import Domain, Pixels, frame
from unpaired.data.sources import Records, Source, describe
from unpaired.errors import DataError, UnreadableImage

Split = Literal["train", "validation", "test", "labelled"]

MEMORY_SHARE = 0.4
"""A pile is kept in memory when it needs at most this share of what is free."""


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
    """Images decoded each time they are asked for, by `workers` threads."""

    read: Callable[[int], Pixels]
    workers: int

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.workers)

    def gather(self, indices: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """See `Images.gather`."""
        return _stack(list(self._pool.map(self.read, [int(i) for i in indices])))


def load_images(domain: Domain, split: Split, workers: int | None = None) -> Images:
    """Open one split of a domain; images that cannot be used are listed in `refused`.

    Without a source of its own, a split is held out of the training images by a hash of their
    content, so that the splits never overlap, not even when a pile holds the same image twice.

    Raises:
        DataError: when no image of the split can be used.
    """
    workers = workers or min(os.cpu_count() or 1, 16)
    source = source_of(domain, split)
    records = source.open()
    indices = np.arange(len(records.names))
    if source is domain.source:
        indices = _held_out(records, domain, split, workers)
    refused = list(records.refused)

    def try_read(i: int) -> Pixels | UnreadableImage:
        try:
            return frame(read_pixels(records, i, domain), domain)
        except UnreadableImage as error:
            return error

    in_memory = _fits_in_memory(domain, len(indices))
    readable: list[Pixels] = []
    if in_memory:
        with ThreadPoolExecutor(workers) as pool:
            images = list(pool.map(try_read, indices.tolist()))
        refused += [image for image in images if isinstance(image, UnreadableImage)]
        good = np.array([not isinstance(image, UnreadableImage) for image in images], dtype=bool)
        indices = indices[good]
        readable = [image for image in images if not isinstance(image, UnreadableImage)]
    if not len(indices):
        raise DataError(
            f"{describe(source)} has no usable image for the {split} split: "
            f"{len(records.names)} found, {len(refused)} refused"
            + (f" (first: {refused[0]})" if refused else "")
            + ". Point to a pile with more images, or run `unpaired check` to see each file."
        )
    names = [records.names[i] for i in indices]
    labels = None if records.labels is None else records.labels[indices]
    ids = None if records.ids is None else [records.ids[i] for i in indices]
    if in_memory:
        return MemoryImages(
            names=names, labels=labels, ids=ids, refused=refused, pixels=_stack(readable)
        )
    return StreamedImages(
        names=names,
        labels=labels,
        ids=ids,
        refused=refused,
        read=lambda position: _first_readable(try_read, indices, position),
        workers=workers,
    )


def source_of(domain: Domain, split: Split) -> Source:
    """The source that a split is read from; the training source where it has none of its own."""
    own = {
        "train": None,
        "validation": domain.validation_source,
        "test": domain.test_source,
        "labelled": domain.labelled_source,
    }[split]
    return own or domain.source


def read_pixels(records: Records, i: int, domain: Domain) -> Pixels:
    """Decode image i to (H, W, channels) at its own size.

    Raises:
        UnreadableImage: with the reason.
    """
    content = records.read(i)
    if isinstance(content, np.ndarray):
        if content.shape[2] != domain.channels:
            content = np.repeat(content[..., :1], domain.channels, axis=2)
        return content
    decoding = domain.decoding
    return decode(
        content, name=records.names[i], channels=domain.channels, decoding=decoding
    ).pixels


def content_hash(records: Records, i: int) -> str:
    """SHA-256 of an image's content as stored; of its name where it cannot be read."""
    try:
        content = records.read(i)
        data = content.tobytes() if isinstance(content, np.ndarray) else content
        data = data if isinstance(data, bytes) else data.read_bytes()
    except OSError:
        data = records.names[i].encode()
    return hashlib.sha256(data).hexdigest()


def _held_out(records: Records, domain: Domain, split: Split, workers: int) -> NDArray[np.int64]:
    """Indices of a split that shares its source with the training images."""
    num_images = len(records.names)
    shares = [
        ("test", domain.test_fraction if domain.test_source is None else 0.0),
        ("validation", domain.validation_fraction if domain.validation_source is None else 0.0),
    ]
    with ThreadPoolExecutor(workers) as pool:
        hashes = np.array(list(pool.map(lambda i: content_hash(records, i), range(num_images))))
    ranked = np.sort(hashes)
    member = np.full(num_images, "train", dtype=object)
    first = 0
    for name, share in shares:
        count = min(round(share * num_images), 1000)
        if share and num_images >= 4:
            count = max(count, 1)
        if count:
            low, high = ranked[first], ranked[first + count - 1]
            member[(hashes >= low) & (hashes <= high) & (member == "train")] = name
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
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return needed <= MEMORY_SHARE * free


def _stack(images: list[Pixels]) -> Tensor:
    """HWC arrays => NCHW tensor."""
    return torch.from_numpy(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))
