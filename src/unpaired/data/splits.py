"""Training, validation and test splits: never the same image in two of them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unpaired.data.domain import Domain
from unpaired.data.index import ImageIndex, open_index
from unpaired.data.sources import Source

Split = Literal["train", "validation", "test", "labelled"]

LEAST_HELD_OUT, MOST_HELD_OUT = 4, 1000
"""Different images that a split takes from the training images, where enough remain to train on."""

FEWEST = {"train": 2, "validation": LEAST_HELD_OUT, "test": LEAST_HELD_OUT}
"""Images that a split needs: half of those that are measured are compared with the other half."""


def list_split(domain: Domain, split: Split) -> tuple[ImageIndex, NDArray[np.int64]]:
    """The index of a split's source, and the numbers of the split's images in it, (n,).

    Without a source of its own, a split is held out of the training images by a hash of their
    content, so that the splits never overlap, not even when a source holds the same image twice.
    """
    source = source_of(domain, split)
    index = open_index(source)
    if source is domain.source:
        return index, held_out(index.hashes, domain, split)
    return index, np.arange(len(index))


def source_of(domain: Domain, split: Split) -> Source:
    """The source that a split is read from; the training source where it has none of its own."""
    own = {
        "train": None,
        "validation": domain.validation_source,
        "test": domain.test_source,
        "labelled": domain.labelled_source,
    }[split]
    return own or domain.source


def sortable(hashes: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Hashes (N, 32) as values that compare and sort, (N,)."""
    texts: NDArray[np.bytes_] = np.ascontiguousarray(hashes).view("S32").reshape(-1)
    return texts


def held_out(hashes: NDArray[np.uint8], domain: Domain, split: Split) -> NDArray[np.int64]:
    """Numbers of the images of a split that shares its source with the training images, (n,).

    `hashes`: of all images of that source, (N, 32). In the order of their hashes, the first
    different images are for the test, the next for validation, and the others train.
    """
    shares = [
        ("test", domain.test_fraction if domain.test_source is None else 0.0),
        ("validation", domain.validation_fraction if domain.validation_source is None else 0.0),
    ]
    different, rank = np.unique(sortable(hashes), return_inverse=True)
    needed = FEWEST["train"] + sum(FEWEST[name] for name, share in shares if share)
    member = np.full(len(hashes), "train", dtype="U10")
    first = 0
    for name, share in shares:
        count = min(round(share * len(different)), MOST_HELD_OUT)
        if share and len(different) >= needed:
            count = max(count, LEAST_HELD_OUT)
        member[(rank >= first) & (rank < first + count)] = name
        first += count
    wanted = "train" if split == "labelled" else split
    return np.flatnonzero(member == wanted)
