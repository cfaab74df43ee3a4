"""Data leaks: images that serve twice, as training and test, or in both domains."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unpaired.data.domain import Domain, DomainName
from unpaired.data.sources import BuiltIn, Source
from unpaired.data.splits import Split, hashes_of, held_out, source_of

Leaks = dict[Split, list[str]]
"""For each split that is measured, what who reads its numbers must know."""


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

    leaks: Leaks = {"validation": [], "test": []}
    for name, domain in domains.items():
        for split, warnings in leaks.items():
            own = source_of(domain, split)
            if own == domain.source:
                continue
            train = hashes(domain.source)
            train = train[held_out(train, domain, "train")]
            if count := int(np.isin(hashes(own), train).sum()):
                warnings.append(
                    f"{count} {split} images of {name} are also training images: numbers taken on "
                    "them do not tell how it does on new ones. Give others, or none: then a share "
                    "of the training images is held out."
                )
    if len(domains) == 2:
        a, b = hashes(domains["a"].source), hashes(domains["b"].source)
        if count := int(np.isin(a, b).sum()):
            shared = f"{count} images are in both domains, a and b: a translator can leave them be."
            for warnings in leaks.values():
                warnings.append(shared)
    return leaks
