"""Judgements of a study: those that count, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unpaired.study.two_way import Crossed

Kind = Literal["rating", "2afc"]

STEPS = (1, 2, 3, 4, 5)
CATCH_THRESHOLD = 0.25
"""Share of failed catch trials up to which a rater is kept."""


@dataclass(frozen=True)
class CatchRecord:
    """How a rater did in the catch trials."""

    failed: int
    shown: int


@dataclass(frozen=True)
class LeftOut:
    """What does not count, and why."""

    num_practice: int = 0
    num_unanswered: int = 0
    num_of_excluded: int = 0
    """Judgements of excluded raters."""
    excluded: tuple[str, ...] = ()
    """Raters who failed more than `catch_threshold` of their catch trials."""
    catch: Mapping[str, CatchRecord] = field(default_factory=dict)
    """Every rater who saw a catch trial."""
    catch_threshold: float = CATCH_THRESHOLD


@dataclass(frozen=True)
class Study:
    """N judgements.

    rater, image, method: (N,), places in `raters`, `images` and `methods`.
    value: (N,), 1…5, or for 2AFC 1 where the rater was fooled and 0 where not.
    No rater judges an image of a method twice.
    """

    kind: Kind
    raters: tuple[str, ...]
    images: tuple[str, ...]
    methods: tuple[str, ...]
    rater: NDArray[np.int64]
    image: NDArray[np.int64]
    method: NDArray[np.int64]
    value: NDArray[np.float64]
    left_out: LeftOut = LeftOut()

    @property
    def bounds(self) -> tuple[float, float]:
        """Ends of the scale."""
        return (1.0, 5.0) if self.kind == "rating" else (0.0, 1.0)

    def crossed(self, *methods: str) -> Crossed:
        """The judgements of some methods, over the raters and images that these methods have."""
        places = [self.methods.index(method) for method in methods]
        chosen = np.isin(self.method, places)
        raters, rater = np.unique(self.rater[chosen], return_inverse=True)
        images, image = np.unique(self.image[chosen], return_inverse=True)
        layer = np.array([places.index(place) for place in self.method[chosen]])
        sums, counts = np.zeros((2, len(places), len(raters), len(images)))
        sums[layer, rater, image] = self.value[chosen]
        counts[layer, rater, image] = 1
        return Crossed(sums, counts)
