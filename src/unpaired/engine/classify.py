"""Trains a classifier: task classifiers that judge translations, encoders that methods build on."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn


def fit(
    network: nn.Module,
    loss: Callable[[Tensor], Tensor],
    num_images: int,
    *,
    images_seen: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    random: torch.Generator,
    tell: Callable[[int, int, float], None] | None = None,
) -> None:
    """Minimise `loss` of batches with AdamW, in one cycle of the learning rate.

    `loss` takes the indices of a batch, int64 [N] on the CPU, and returns a scalar. The order of
    images, epoch after epoch, follows from `random`. `tell` hears of every hundredth step: images
    seen, all that will be, and the loss.
    """
    batches = torch.split(_order(num_images, images_seen, batch_size, random), batch_size)
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay)
    # Four steps would rise in exactly one, by which the schedule divides, less one.
    rise = 0.25 if len(batches) != 4 else 0.3
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=len(batches), pct_start=rise
    )
    for number, batch in enumerate(batches):
        value = loss(batch)
        if tell is not None and number % 100 == 0:
            tell(number * batch_size, len(batches) * batch_size, float(value.detach()))
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def _order(num_images: int, images_seen: int, batch_size: int, random: torch.Generator) -> Tensor:
    """Indices of the images seen: epoch after epoch, whole batches only."""
    epochs = math.ceil(images_seen / num_images)
    order = torch.cat([torch.randperm(num_images, generator=random) for _ in range(epochs)])
    return order[: max(images_seen // batch_size, 1) * batch_size]
