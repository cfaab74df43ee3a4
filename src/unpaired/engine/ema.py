"""Exponential moving average of weights: what is evaluated and shared."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unpaired.engine.settings import Training


def decay_at(training: Training, images: int) -> float:
    """What is left of the average after a step at `images` seen: little at the beginning.

    The half-life grows with the training up to `ema_images` (Karras et al. 2024, appendix C).
    """
    half_life = min(float(training.ema_images), images * 0.1)
    return 0.5 ** (training.batch_size / half_life) if half_life > 0 else 0.0


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float, finite: Tensor) -> None:
    """One step of the average towards a network.

    `finite`, bool []: where it is false, what the network remembers of images is not to be trusted.
    """
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
    for (name, ours), theirs in zip(average.named_buffers(), network.buffers(), strict=True):
        newest = torch.where(finite, theirs, ours)
        if name.endswith(("running_mean", "running_var")):
            ours.lerp_(newest, 1 - decay)  # statistics of weights as they are averaged
        else:
            ours.copy_(newest)
