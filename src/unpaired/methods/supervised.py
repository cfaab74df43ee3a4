"""Supervised training: epochs of labelled images, AdamW and a one-cycle learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from unpaired.methods.stages import Optimised, Update


class SupervisedTraining:
    """A `StageTraining` on labelled images: AdamW, in one cycle of the learning rate.

    The order of images, epoch after epoch, whole batches only, follows from `random`.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Callable[[Tensor, int], Tensor],
        num_images: int,
        *,
        images_seen: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        random: torch.Generator,
    ) -> None:
        """`loss` takes the numbers of a batch's images, int64 [N] on the CPU, and how many were
        seen before them; it returns a scalar."""
        self.networks, self.learning_rate = network, learning_rate
        self._loss = loss
        self.batches = epochs(num_images, images_seen, batch_size, random)
        self.images, self.batch_size = self.batches.numel(), self.batches.shape[1]
        parameters = [p for p in network.parameters() if p.requires_grad]
        self.optimised = {"network": Optimised(parameters, weight_decay=weight_decay)}
        self.generators = {"images": random}

    def updates(self, images: int) -> Iterator[Update]:
        """See `StageTraining`."""
        step = images // self.batch_size
        rate, beta1 = one_cycle(step, len(self.batches), self.learning_rate)
        yield Update("network", self._loss(self.batches[step], images), rate, beta1)

    def finish(self) -> None:
        """See `StageTraining`. The network is the one that was trained."""


def one_cycle(step: int, steps: int, largest: float) -> tuple[float, float]:
    """Learning rate and β₁ of a step: the rate rises, then falls to zero, and β₁ the other way.

    Smith & Topin 2018 ("Super-convergence"), as `torch.optim.lr_scheduler.OneCycleLR` has it: from
    a 25th of `largest` up in the first quarter, then down to a 250,000th; β₁ from 0.95 to 0.85 and
    back.
    """
    # Four steps would rise in exactly one, by which the first part divides, less one.
    top = (0.3 if steps == 4 else 0.25) * steps - 1
    if step <= top:
        return _cosine(largest / 25, largest, step / top), _cosine(0.95, 0.85, step / top)
    done = (step - top) / (steps - 1 - top)
    return _cosine(largest, largest / 25 / 1e4, done), _cosine(0.85, 0.95, done)


def _cosine(start: float, end: float, done: float) -> float:
    """Half a cosine from `start` to `end`."""
    return end + (start - end) / 2 * (math.cos(math.pi * done) + 1)


def epochs(num_images: int, images: int, batch_size: int, random: torch.Generator) -> Tensor:
    """Numbers of the images of each step, [steps, batch_size]: epoch after epoch, whole batches."""
    count = math.ceil(images / num_images)
    order = torch.cat([torch.randperm(num_images, generator=random) for _ in range(count)])
    steps = max(images // batch_size, 1)
    return order[: steps * batch_size].reshape(steps, -1)
