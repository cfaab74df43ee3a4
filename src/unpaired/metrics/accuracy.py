"""Classification accuracy: the share of predicted classes that are right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unpaired.metrics.intervals import wilson
from unpaired.records.measurement import Measurement


def accuracy(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> Measurement:
    """Share of N images whose predicted class (N,) is their label (N,), with its Wilson interval.

    Raises DataError when there are no images.
    """
    assert predicted.shape == labels.shape
    return wilson(int((predicted == labels).sum()), len(labels))
