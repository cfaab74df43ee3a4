"""Sets of features, one row per image: what every distance between two image sets takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unpaired.core.errors import DataError

Features = NDArray[np.floating[Any]]
"""(n, d): one row per image, in whatever precision it is stored."""

_BLOCK_ROWS = 1024  # rows that are held in float64 at once


def check(x: Features, y: Features, fewest: int = 2) -> None:
    """Make sure that two sets can be compared.

    Raises:
        DataError: for other shapes, different widths, fewer than `fewest` rows, and NaN or
            infinity.
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise DataError(
            f"Features of shapes {x.shape} and {y.shape} cannot be compared: both must be "
            "(images, features) from the same extractor.",
            code="features-of-other-form",
        )
    if min(len(x), len(y)) < fewest:
        raise DataError(
            f"A distance between sets of {len(x)} and {len(y)} images is not defined: each needs "
            f"at least {fewest}, and hundreds to mean something.",
            code="too-few-for-distance",
        )
    if not all(np.isfinite(block).all() for features in (x, y) for block in blocks(features)):
        raise DataError(
            "The features hold NaN or infinity: the extractor or its input is broken.",
            code="features-not-finite",
        )


def blocks(x: Features, rows: int = _BLOCK_ROWS) -> Iterator[NDArray[np.float64]]:
    """The rows of a set in float64, some at a time."""
    for first in range(0, len(x), rows):
        yield x[first : first + rows].astype(np.float64)
