"""Faithfulness of translated files: each image beside its translation, paired by name."""

from __future__ import annotations

import numpy as np
import torch

from unpaired.data.domain import resize
from unpaired.evaluation.pairs import matched
from unpaired.features.extract import ImageSet
from unpaired.metrics.faithfulness import Faithfulness, faithfulness

SHOWN_SIDE = 256
"""Side, in pixels, that images of given folders are brought to."""


def faithfulness_of_files(inputs: ImageSet, translations: ImageSet) -> Faithfulness:
    """Faithfulness of two image sets; see `matched`. Pictures are brought to `SHOWN_SIDE`.

    Raises:
        DataError: when fewer than two names are in both.
    """
    names, pictures = [], []
    for name, *both in matched(inputs, translations):
        names.append(name)
        pictures.append([resize(image, SHOWN_SIDE, SHOWN_SIDE) for image in both])
    tensors = torch.from_numpy(np.stack(pictures)).permute(1, 0, 4, 2, 3)
    return faithfulness(tensors[0], tensors[1], names)
