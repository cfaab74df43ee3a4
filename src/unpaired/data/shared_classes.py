"""Shared classes: whether the labels of two domains mean the same, as their comparison needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unpaired.data.classes import Labels, meanings, renumbered
from unpaired.data.domain import OTHER, Domain, DomainName
from unpaired.data.index import ImageIndex, open_index, opened_once
from unpaired.data.sources import Folder, Source
from unpaired.data.splits import Split, source_of

_MOST_NAMES = 4  # that are written out


@dataclass(frozen=True)
class SharedClasses:
    """Whether translations have classes that can be looked for."""

    shared: bool
    """Both domains name the same classes. Of a single domain: it has labels."""
    notes: Sequence[str] = ()
    """Why not, where there are labels all the same; and which images count as unlabelled."""
    names: str = field(default="", compare=False)
    """Those of shared classes that subfolders give, which may be none after all; in words."""


@opened_once()
def shared_classes(domains: Mapping[DomainName, Domain]) -> SharedClasses:
    """Compare the names of classes, which subfolders or a column give.

    Raises:
        DataError: when a source cannot be opened.
    """
    labels = {name: labels_of(domain) for name, domain in domains.items()}
    if len(domains) < 2 or not any(labels.values()):
        return SharedClasses(all(labels.values()))
    a, b = labels["a"], labels["b"]
    if a is None or b is None:
        labelled: DomainName = "a" if b is None else "b"
        return SharedClasses(False, [_one_sided(domains, labelled)])
    if meanings(a) == meanings(b):
        by_folder = any(isinstance(domain.source, Folder) for domain in domains.values())
        return SharedClasses(True, _strange_splits(domains), _listed(a) if by_folder else "")
    same_names = set(meanings(a).values()) == set(meanings(b).values())
    differ = (
        "name the same classes, with other numbers: number them alike in both"
        if same_names
        else "are not the same: where they are, give them the same names in both"
    )
    note = (
        f"{_called(domains['a'], a, 'a')} and {_called(domains['b'], b, 'b')} {differ}. They count "
        "as no classes: no translation accuracy, and distances without a classifier."
    )
    return SharedClasses(False, [note])


def labels_of(domain: Domain) -> Labels | None:
    """Those that name a domain's classes: of its training images, else of its labelled ones."""
    labels = open_index(domain.source).records.labelled
    if labels is None and domain.labelled_source is not None:
        labels = open_index(domain.labelled_source).records.labelled
    return labels


def labels_in_split(domain: Domain, split: Split, index: ImageIndex) -> NDArray[np.int64] | None:
    """Labels of all images of a split's source, with the numbers of the domain's classes, (N,).

    `index`: that of the source. None where it has classes that the domain has not.
    """
    own = index.records.labelled
    if own is None or source_of(domain, split) == domain.source:
        return index.records.labels
    like = labels_of(domain)
    return own.numbers if like is None else renumbered(own, like)


def _one_sided(domains: Mapping[DomainName, Domain], name: DomainName) -> str:
    labels, other = labels_of(domains[name]), OTHER[name]
    assert labels is not None
    loose = _loose_images(domains[other].source)
    return (
        f"{_called(domains[name], labels, name)} are no classes of {other}, which has none"
        f"{loose}: no translation accuracy, and distances without a classifier."
    )


def _loose_images(source: Source) -> str:
    """That images lie beside folders, which are no classes therefore; empty where it is not so."""
    names = open_index(source).names if isinstance(source, Folder) else []
    loose = sum("/" not in name for name in names)
    if not 0 < loose < len(names):
        return ""
    return f" as long as {loose:,} image{'s' * (loose > 1)} lie beside its subfolders"


def _strange_splits(domains: Mapping[DomainName, Domain]) -> list[str]:
    """Of test and validation images with classes that the training images have not."""
    notes = []
    for name, domain in domains.items():
        like = labels_of(domain)
        for split, source in (
            ("test", domain.test_source),
            ("validation", domain.validation_source),
        ):
            own = None if source is None else open_index(source).records.labelled
            if like is not None and own is not None and renumbered(own, like) is None:
                notes.append(
                    f"the {split} images of {name} have classes that its training images have not "
                    f"({_listed(own)}): they count as unlabelled."
                )
    return notes


def _called(domain: Domain, labels: Labels, name: DomainName) -> str:
    what = "subfolders" if isinstance(domain.source, Folder) else "classes"
    return f"the {what} of {name} ({_listed(labels)})"


def _listed(labels: Labels) -> str:
    names = list(labels.names.values()) or list(meanings(labels).values())
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
