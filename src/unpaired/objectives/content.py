"""Content losses: what a translation keeps, features and smoothness; tensors in, a scalar out."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

Constancy = Literal["squared", "cosine"]


def l1(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (x - y).abs().mean()


def constancy(before: Tensor, after: Tensor, distance: Constancy) -> Tensor:
    """How far features [N, d] have moved (DTN's L_CONST; Taigman et al. 2017, equation 5).

    "squared": the mean of squared differences; "cosine": one minus the mean cosine.
    """
    if distance == "squared":
        return F.mse_loss(after, before)
    return 1 - F.cosine_similarity(after, before, dim=1).mean()


def total_variation(images: Tensor) -> Tensor:
    """Mean of squared differences between neighbours in NCHW images, down and across.

    DTN's L_TV (Taigman et al. 2017, equation 7, B = 2; Chandar et al. 2019, L_TIV), a mean and not
    a sum.
    """
    down = images[:, :, 1:] - images[:, :, :-1]
    across = images[..., 1:] - images[..., :-1]
    return down.square().mean() + across.square().mean()
