"""Embedding similarity: the cosine of an image's features and those of its translation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cosines(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
    """Cosine of each row of x and the same row of y; (N, d) twice => (N,), −1…1.

    With a face encoder: whether it is still the same person (Taigman et al. 2017, DTN).
    """
    x, y = x.astype(np.float64), y.astype(np.float64)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    similarities: NDArray[np.float64] = np.sum(x * y, 1) / np.maximum(lengths, 1e-12)
    return similarities
