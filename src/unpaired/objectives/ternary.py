"""Ternary adversarial loss of the domain transfer network (Taigman et al. 2017, equations 3 and 4).

Logits [N, 3] in, a scalar out. The discriminator tells apart translations of source images,
translations of target images, and target images.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

FROM_SOURCE, FROM_TARGET, REAL = range(3)
NUM_CLASSES = 3


def discriminator(from_source: Tensor, from_target: Tensor, real: Tensor) -> Tensor:
    """−E[log D₁(G(s))] − E[log D₂(G(t))] − E[log D₃(t)]."""
    return (
        class_loss(from_source, FROM_SOURCE)
        + class_loss(from_target, FROM_TARGET)
        + class_loss(real, REAL)
    )


def generator(from_source: Tensor, from_target: Tensor) -> Tensor:
    """−E[log D₃(G(s))] − E[log D₃(G(t))]."""
    return class_loss(from_source, REAL) + class_loss(from_target, REAL)


def class_loss(logits: Tensor, label: int) -> Tensor:
    """Mean of −log of the probability that logits [N, 3] give to one class."""
    return -F.log_softmax(logits.float(), dim=1)[:, label].mean()
