"""Data leaks: images that serve twice, as training and test, or in both domains."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unpaired.data.domain import Domain, DomainName
from unpaired.data.index import open_index, opened_once
from unpaired.data.sources import BuiltIn, Source
from unpaired.data.splits import Split, held_out, sortable, source_of

Leaks = dict[Split, list[str]]
"""For each split that is measured, what who reads its numbers must know."""


@opened_once()
def find_leaks(domains: Mapping[DomainName, Domain]) -> Leaks:
    """Look for equal images, as they are stored; each source is read once.

    A split that is held out of the training images has none, nor do the built-in images.
    """

    def hashes(source: Source) -> NDArray[np.uint8]:
        builtin = isinstance(source, BuiltIn)
        return np.empty((0, 32), np.uint8) if builtin else open_index(source).hashes

    leaks: Leaks = {"validation": [], "test": []}
    for name, domain in domains.items():
        for split, warnings in leaks.items():
            own = source_of(domain, split)
            if own == domain.source:
                continue
            train = hashes(domain.source)
            train = train[held_out(train, domain, "train")]
            if count := _num_in_both(hashes(own), train):
                warnings.append(
                    f"{count} {split} images of {name} are also training images: numbers taken on "
                    "them do not tell how it does on new ones. Give others, or none: then a share "
                    "of the training images is held out."
                )
    if len(domains) == 2:
        a, b = hashes(domains["a"].source), hashes(domains["b"].source)
        if count := _num_in_both(a, b):
            shared = f"{count} images are in both domains, a and b: a translator can leave them be."
            for warnings in leaks.values():
                warnings.append(shared)
    return leaks


def _num_in_both(hashes: NDArray[np.uint8], others: NDArray[np.uint8]) -> int:
    """How many of the hashes (N, 32) are among the others (M, 32)."""
    return int(np.isin(sortable(hashes), sortable(others)).sum())
