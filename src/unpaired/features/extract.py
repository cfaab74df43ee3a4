"""Feature extraction: image sets, decoded batch by batch, to features that are cached."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.core.files import cache_folder, write_atomically
from unpaired.core.progress import report
from unpaired.data.codecs.settings import Reading
from unpaired.data.index import NUM_THREADS, ImageIndex, open_index
from unpaired.data.names import file_names
from unpaired.data.read import read_content, read_pixels
from unpaired.data.sources import Content, Records, Source, describe
from unpaired.features import Loaded

logger = logging.getLogger(__name__)

BATCH_IMAGES = 32

_SAMPLED = 50  # images of a set whose size and colours are inspected

_VERSION = 2  # of what is kept; counted up when the same images would give other features


@dataclass(frozen=True)
class ImageSet:
    """Images known by content, decoded when they are asked for."""

    name: str
    """What messages call them."""
    records: Records
    hashes: list[str]
    """SHA-256 of each image as stored."""
    kinds: list[str]
    """Format of each image: "PNG", "JPEG", …; "pixels" where it is not encoded."""

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of all images, in their order."""
        return hashlib.sha256("".join(self.hashes).encode()).hexdigest()[:16]

    def pixels(self, i: int) -> NDArray[np.uint8]:
        """Image i at its own size, RGB: (height, width, 3). Raises UnreadableImage."""
        return read_pixels(self.records, i, 3).astype(np.uint8)

    def only(self, places: Sequence[int]) -> ImageSet:
        """Some of the images, by their places."""
        records = self.records
        names = [records.names[i] for i in places]
        ids = None
        if records.ids is not None:  # whether ids are names of files is a matter of all of them
            called = file_names(records.names, records.ids)
            ids = [called[i] for i in places]
        read: Callable[[int], Content] = lambda i: records.read(places[i])  # noqa: E731
        return ImageSet(
            self.name,
            Records(names=names, labels=None, ids=ids, read=read),
            [self.hashes[i] for i in places],
            [self.kinds[i] for i in places],
        )

    @property
    def formats(self) -> Counter[str]:
        """How many images there are of each format."""
        return Counter(self.kinds)

    @property
    def longest_side(self) -> int:
        """Of the first images, in pixels; 0 where none can be read."""
        return self._first_images[0]

    @property
    def grey(self) -> bool:
        """Whether the first images have no colour."""
        return self._first_images[1]

    @property
    def transparent(self) -> bool:
        """Whether one of the first images is, somewhere."""
        return self._first_images[2]

    @cached_property
    def _first_images(self) -> tuple[int, bool, bool]:
        longest, grey, transparent = 0, True, False
        for i in range(min(_SAMPLED, len(self.hashes))):
            try:
                content, name = self.records.read(i), self.records.names[i]
                decoded = read_content(content, name, 3, Reading())
            except UnreadableImage:  # `extract` lists them
                continue
            image = decoded.pixels
            longest = max(longest, *image.shape[:2])
            grey = grey and bool((image == image[..., :1]).all())
            transparent = transparent or decoded.is_transparent
        return longest, grey, transparent


@dataclass(frozen=True)
class Described:
    """The features of an image set."""

    features: NDArray[np.float32]
    """(n, d), one row per image that could be read."""
    kept: NDArray[np.int64]
    """The places of these in the set, (n,)."""
    refused: list[UnreadableImage]


def open_image_set(source: Source) -> ImageSet:
    """List a source's images, and read them once to know them by content.

    Raises:
        DataError: when the source cannot be opened or holds nothing.
    """
    return _of_index(describe(source), open_index(source))


def image_set_of(images: Tensor, names: list[str], name: str) -> ImageSet:
    """Images that are in memory, (N, C, H, W) uint8, each with a name; together called `name`."""
    pixels = images.permute(0, 2, 3, 1).numpy()
    read: Callable[[int], NDArray[np.uint8]] = pixels.__getitem__
    return _of_index(name, ImageIndex(Records(names=names, labels=None, ids=names, read=read)))


def _of_index(name: str, index: ImageIndex) -> ImageSet:
    """What is of no known format counts by its name, as what cannot be read does."""
    hashes = [
        hashlib.sha256(image.encode()).hexdigest() if kind == "unreadable" else row.tobytes().hex()
        for image, kind, row in zip(index.names, index.formats, index.hashes, strict=True)
    ]
    return ImageSet(name, index.records, hashes, index.formats)


def extract(images: ImageSet, extractor: Loaded, folder: Path | None = None) -> Described:
    """The features of an image set, (n, d) float32.

    From `folder` (default: see `cache_folder`) if known there, by the images' content, the
    extractor's weights and its resize. Images that cannot be read are left out and listed.

    Raises:
        DataError: when none can be read.
    """
    key = [_VERSION, images.digest, extractor.name, extractor.weights_hash, extractor.resize]
    name = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
    path = (folder or cache_folder("features")) / f"{name}.safetensors"
    if (cached := _load(path)) is not None:
        return cached
    features, kept, refused = [], [], []
    for indices, batch, unread in _batches(images, extractor):
        kept += indices
        refused += unread
        report(f"features of {images.name}", len(kept) + len(refused), len(images.hashes))
        if indices:
            features.append(extractor.features(torch.from_numpy(batch)).numpy())
    if not features:
        raise DataError(
            f"{images.name}: none of {len(images.hashes)} images can be read (first: "
            f"{refused[0]}). `unpaired check` reads each.",
            code="no-readable-image",
        )
    described = Described(np.concatenate(features), np.array(kept), refused)
    try:
        _save(path, described)
    except OSError as error:
        logger.warning("features cannot be kept for next time: %s", error)
    return described


def _batches(
    images: ImageSet, extractor: Loaded
) -> Iterator[tuple[list[int], NDArray[np.float32], list[UnreadableImage]]]:
    """Prepared images with their places; the next batch is prepared while one is used."""

    def prepare(i: int) -> NDArray[np.float32] | UnreadableImage:
        try:
            return extractor.prepare(images.pixels(i))
        except UnreadableImage as error:
            return error

    count = len(images.hashes)
    with ThreadPoolExecutor(NUM_THREADS) as pool:

        def start(first: int) -> list[tuple[int, Future[NDArray[np.float32] | UnreadableImage]]]:
            places = range(first, min(first + BATCH_IMAGES, count))
            return [(i, pool.submit(prepare, i)) for i in places]

        following = start(0)
        for first in range(0, count, BATCH_IMAGES):
            current, following = following, start(first + BATCH_IMAGES)
            prepared = [(i, future.result()) for i, future in current]
            read = [(i, image) for i, image in prepared if isinstance(image, np.ndarray)]
            unread = [error for _, error in prepared if isinstance(error, UnreadableImage)]
            batch = np.stack([image for _, image in read]) if read else np.empty(0, np.float32)
            yield [i for i, _ in read], batch, unread


def _save(path: Path, described: Described) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, NDArray[Any]] = {"features": described.features, "kept": described.kept}
    refused = json.dumps([[error.name, error.reason] for error in described.refused])
    metadata = {"refused": refused, "digest": _digest(described.features, described.kept)}
    write_atomically(path, save(arrays, metadata))


def _digest(features: NDArray[np.float32], kept: NDArray[np.int64]) -> str:
    return hashlib.sha256(features.tobytes() + kept.tobytes()).hexdigest()


def _load(path: Path) -> Described | None:
    """What was kept; None where nothing was, or what is left is damaged."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="np") as file:
            features, kept = file.get_tensor("features"), file.get_tensor("kept")
            metadata = file.metadata() or {}
        # The format checks lengths but not content.
        if _digest(features, kept) != metadata.get("digest"):
            raise ValueError("its content is not what was written")
        refused = [UnreadableImage(*pair) for pair in json.loads(metadata["refused"])]
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        logger.warning("the kept features %s are damaged (%s); extracting anew", path, error)
        return None
    return Described(features, kept, refused)
