"""Supervised training of classifiers: task classifiers of an evaluation, encoders of methods."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from unpaired.core.errors import NonFiniteLoss
from unpaired.engine import checkpoint


class Fitting:
    """A classifier's training, step by step, which can be stored and go on elsewhere.

    AdamW, in one cycle of the learning rate. The order of images, epoch after epoch, whole batches
    only, follows from `random`.
    """

    def __init__(
        self,
        network: nn.Module,
        num_images: int,
        *,
        images_seen: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        random: torch.Generator,
    ) -> None:
        self.network, self.random = network, random
        self.learning_rate = learning_rate
        self.batches = torch.split(_order(num_images, images_seen, batch_size, random), batch_size)
        parameters = [p for p in network.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay)
        self.steps = 0
        self.schedule = self._schedule()

    @property
    def images(self) -> int:
        """Images seen so far, counting repeats."""
        return self.steps * len(self.batches[0])

    @property
    def images_in_all(self) -> int:
        """Images seen at the end."""
        return len(self.batches) * len(self.batches[0])

    def run(
        self,
        loss: Callable[[Tensor], Tensor],
        *,
        advice: str,
        tell: Callable[[int, int, float], None] | None = None,
        stop_after_step: Callable[[], bool] | None = None,
    ) -> bool:
        """Take the steps that are left; returns whether none is.

        `loss` takes the indices of a batch, int64 [N] on the CPU, and returns a scalar. `tell`
        hears of every hundredth step: images seen, all that will be, and the loss.

        Raises:
            NonFiniteLoss: with `advice`, when the loss, every hundred steps, or in the end a weight
                is not finite.
        """
        for batch in self.batches[self.steps :]:
            value = loss(batch)
            if self.steps % 100 == 0:  # each look waits for the device
                size = float(value.detach())
                self._require(math.isfinite(size), advice)
                if tell is not None:
                    tell(self.images, self.images_in_all, size)
            self.optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            self.schedule.step()
            self.steps += 1
            if stop_after_step is not None and stop_after_step():
                break
        self._require(all(bool(p.isfinite().all()) for p in self.network.parameters()), advice)
        return self.steps == len(self.batches)

    def tensors(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The stored form: named tensors, and JSON."""
        moments, form = checkpoint.flatten("optimiser", self.optimiser.state_dict())
        weights = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        random = {"random": self.random.get_state()}
        return {**weights, **moments, **random}, {"steps": self.steps, "optimiser": form}

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """The inverse of `tensors`."""
        self.network.load_state_dict(checkpoint.with_prefix(tensors, "network."))
        self.optimiser.load_state_dict(checkpoint.unflatten(tensors, state["optimiser"]))
        self.random.set_state(tensors["random"])
        self.steps = state["steps"]
        self.schedule = self._schedule()

    def _require(self, finite: bool, advice: str) -> None:
        if not finite:
            raise NonFiniteLoss(
                f"a classifier's training met a value that is not finite after {self.images} "
                f"images seen. {advice}"
            )

    def _schedule(self) -> torch.optim.lr_scheduler.OneCycleLR:
        """One cycle, from where the steps stand."""
        # Four steps would rise in exactly one, by which the schedule divides, less one.
        rise = 0.25 if len(self.batches) != 4 else 0.3
        return torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            self.learning_rate,
            total_steps=len(self.batches),
            pct_start=rise,
            last_epoch=self.steps - 1,
        )


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """The global generators of the CPU and of `device` from `seed` on; afterwards as they were.

    `torch.manual_seed` would seed all other GPUs too, whose state nobody has kept.
    """
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


def _order(num_images: int, images_seen: int, batch_size: int, random: torch.Generator) -> Tensor:
    """Indices of the images seen: epoch after epoch, whole batches only."""
    epochs = math.ceil(images_seen / num_images)
    order = torch.cat([torch.randperm(num_images, generator=random) for _ in range(epochs)])
    return order[: max(images_seen // batch_size, 1) * batch_size]
