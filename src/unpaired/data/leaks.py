"""Images that serve twice, so that numbers flatter: as training and test, or in both piles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unpaired.data.domain import Domain, DomainName
from unpaired.data.sources import BuiltIn, Source
from unpaired.data.splits import Split, hashes_of, held_out, source_of

Leaks = dict[Split, list[str]]
"""For each split that is measured, what a reader of its numbers must know."""


def find_leaks(domains: Mapping[DomainName, Domain]) -> Leaks:
    """Look for equal images, as they are stored; each source is read once.

    A split that is held out of the training images has none, nor do the built-in images.
    """
    known: dict[Source, NDArray[np.str_]] = {}

    def hashes(source: Source) -> NDArray[np.str_]:
        if source not in known:
            builtin = isinstance(source, BuiltIn)
            known[source] = np.array([], np.str_) if builtin else hashes_of(source.open())
        return known[source]

    found: Leaks = {"validation": [], "test": []}
    for name, domain in domains.items():
        for split, told in found.items():
            own = source_of(domain, split)
            if own == domain.source:
                continue
            train = hashes(domain.source)
            train = train[held_out(train, domain, "train")]
            if count := int(np.isin(hashes(own), train).sum()):
                told.append(
                    f"{count} {split} images of {name} are also training images: numbers taken on "
                    "them do not tell how it does on new ones. Give others, or none: then a share "
                    "of the training images is held out."
                )
    if len(domains) == 2:
        a, b = hashes(domains["a"].source), hashes(domains["b"].source)
        if count := int(np.isin(a, b).sum()):
            shared = f"{count} images are in both piles, a and b: a translator can leave them be."
            for told in found.values():
                told.append(shared)
    return found
