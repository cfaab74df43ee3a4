"""Training, validation and test splits: never the same image in two of them."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unpaired.data.domain import Domain
from unpaired.data.sources import Records, Source

Split = Literal["train", "validation", "test", "labelled"]

NUM_THREADS = min(os.cpu_count() or 1, 16)
"""Threads that read and decode."""

LEAST_HELD_OUT, MOST_HELD_OUT = 4, 1000
"""Different images that a split takes from the training images, where enough remain to train on."""

FEWEST = {"train": 2, "validation": LEAST_HELD_OUT, "test": LEAST_HELD_OUT}
"""Images that a split needs: half of those that are measured are compared with the other half."""


def list_split(domain: Domain, split: Split) -> tuple[Records, NDArray[np.int64]]:
    """The source of a split, opened, and the indices of the split's images in it, (n,).

    Without a source of its own, a split is held out of the training images by a hash of their
    content, so that the splits never overlap, not even when a source holds the same image twice.
    """
    source = source_of(domain, split)
    records = source.open()
    if source is domain.source:
        return records, held_out(hashes_of(records), domain, split)
    return records, np.arange(len(records.names))


def hashes_of(records: Records) -> NDArray[np.str_]:
    """`content_hash` of every image."""
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        return np.array(
            list(pool.map(lambda i: content_hash(records, i), range(len(records.names))))
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


def content_hash(records: Records, i: int) -> str:
    """SHA-256 of an image's content as stored; of its name where it cannot be read."""
    try:
        content = records.read(i)
        data = content.tobytes() if isinstance(content, np.ndarray) else content
        data = data if isinstance(data, bytes) else data.read_bytes()
    except OSError:
        data = records.names[i].encode()
    return hashlib.sha256(data).hexdigest()


def held_out(hashes: NDArray[np.str_], domain: Domain, split: Split) -> NDArray[np.int64]:
    """Indices of a split that shares its source, of these `hashes_of`, with the training images."""
    shares = [
        ("test", domain.test_fraction if domain.test_source is None else 0.0),
        ("validation", domain.validation_fraction if domain.validation_source is None else 0.0),
    ]
    different = np.unique(hashes)
    needed = FEWEST["train"] + sum(FEWEST[name] for name, share in shares if share)
    member = np.full(len(hashes), "train", dtype=object)
    first = 0
    for name, share in shares:
        count = min(round(share * len(different)), MOST_HELD_OUT)
        if share and len(different) >= needed:
            count = max(count, LEAST_HELD_OUT)
        member[np.isin(hashes, different[first : first + count])] = name
        first += count
    wanted = "train" if split == "labelled" else split
    return np.flatnonzero(member == wanted)
