"""Image classes: the names behind labels, by which labels of different image sets are compared.

Numbers do not say what they mean: the years of photos and the painters of paintings both begin at
0, and so do cats and dogs where the other set has birds before them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NAMES_OF_SPLITS = frozenset(
    ("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval", "holdout")
)
"""Folders that hold parts of a data set, of which none is a class."""


@dataclass(frozen=True)
class Labels:
    """The class of each image."""

    numbers: NDArray[np.int64]
    """Class of each image, (N,)."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What the numbers stand for; empty where nothing but themselves is known of them."""


def labels_by_folder(names: Sequence[str]) -> Labels | None:
    """Classes 0..K-1 in the order of the first-level folders, whatever their case, of images by
    their names.

    None unless all images lie in at least two such folders; nor where these are the splits of a
    data set.
    """
    folders = [name.partition("/")[0] if "/" in name else "" for name in names]
    different = sorted(set(folders), key=lambda name: (folded(name), name))
    if "" in different or len(different) < 2 or NAMES_OF_SPLITS.issuperset(map(folded, different)):
        return None
    numbers = {folder: number for number, folder in enumerate(different)}
    labels = np.array([numbers[folder] for folder in folders], np.int64)
    return Labels(labels, dict(enumerate(different)))


def folded(name: str) -> str:
    """A class's name as it is compared: whatever its case, and however its accents are stored."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def meanings(labels: Labels) -> dict[int, str]:
    """What each number stands for, to be compared; where it has no name, itself."""
    if labels.names:
        return {number: folded(name) for number, name in labels.names.items()}
    return {int(number): str(number) for number in np.unique(labels.numbers)}


def renumbered(labels: Labels, like: Labels) -> NDArray[np.int64] | None:
    """Labels with the numbers that `like` has for the names of their classes, (N,).

    None where it lacks one of them. What has no names keeps its numbers.
    """
    if not labels.names or not like.names:
        return labels.numbers
    number_of = {folded(name): number for number, name in like.names.items()}
    present = np.unique(labels.numbers).tolist()
    wanted = {number: number_of.get(folded(labels.names.get(number, ""))) for number in present}
    if None in wanted.values():
        return None
    return np.array([wanted[number] for number in labels.numbers.tolist()], np.int64)
