"""Trains a classifier: task classifiers that judge translations, encoders that methods build on."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fit(
    network: nn.Module,
    classify: Callable[[Tensor], Tensor],
    read: Callable[[Tensor], Tensor],
    labels: Tensor,
    *,
    images_seen: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    random: torch.Generator,
    augment: Callable[[Tensor, torch.Generator], Tensor],
    autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> None:
    """Minimise the cross entropy of `classify` with AdamW, in one cycle of the learning rate.

    `read` takes indices [N] and returns images NCHW, float in [0, 1], on the network's device;
    `labels` is int64 (n,) on the CPU. The order of images and what `augment` does to them follow
    from `random`.
    """
    batches = torch.split(_order(len(labels), images_seen, batch_size, random), batch_size)
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=len(batches), pct_start=0.25
    )
    for batch in batches:
        seen = augment(read(batch), random)
        with autocast():
            loss = F.cross_entropy(classify(seen).float(), labels[batch].to(seen.device))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def _order(num_images: int, images_seen: int, batch_size: int, random: torch.Generator) -> Tensor:
    """Indices of the images seen: epoch after epoch, whole batches only."""
    epochs = math.ceil(images_seen / num_images)
    order = torch.cat([torch.randperm(num_images, generator=random) for _ in range(epochs)])
    return order[: max(images_seen // batch_size, 1) * batch_size]
