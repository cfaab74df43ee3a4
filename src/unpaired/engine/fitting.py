"""Fitting: steps of a stage or a classifier, which can be stored and go on elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from unpaired.core.errors import NonFiniteLoss
from unpaired.engine import checkpoint
from unpaired.methods.stages import Optimised, StageTraining, Update

Report = Callable[[int, int, float], None]
"""Takes images seen before a step, all that will be, and the loss."""


class Fitting:
    """A training beside the main one: takes its steps, and has a stored form between any two.

    Global random numbers go on in the stored form, too.
    """

    def __init__(self, training: StageTraining, device: torch.device) -> None:
        self.training, self.device, self.images = training, device, 0
        self.optimisers = {name: _build(form) for name, form in training.optimised.items()}

    def steps(self, *, advice: str, report_images: int) -> Iterator[float | None]:
        """Take the steps that are left, one by one.

        Yields after each its loss, if it is the first or reaches a multiple of `report_images`.

        Raises:
            NonFiniteLoss: with `advice`, when a loss that is yielded, or in the end a weight, is
                not finite.
        """
        training = self.training
        for before in range(self.images, training.images, training.batch_size):
            wanted = (before - training.batch_size) // report_images < before // report_images
            loss = None
            for update in training.updates(before):
                if wanted and loss is None:  # each report waits for the device
                    loss = float(update.loss.detach())
                    self._require(math.isfinite(loss), advice)
                self._step(update)
            self.images = before + training.batch_size
            yield loss
        self.require_finite(advice)

    def require_finite(self, advice: str) -> None:
        """Wait for the device, and see that all weights are finite.

        Raises:
            NonFiniteLoss: with `advice`.
        """
        weights = self.training.networks.parameters()
        self._require(all(bool(p.isfinite().all()) for p in weights), advice)

    def _step(self, update: Update) -> None:
        optimiser = self.optimisers[update.optimiser]
        for group in optimiser.param_groups:
            group["lr"] = update.learning_rate
            if update.beta1 is not None:
                group["betas"] = (update.beta1, group["betas"][1])
        optimiser.zero_grad()
        update.loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    def tensors(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The stored form: named tensors, and JSON."""
        tensors = {f"networks.{k}": v for k, v in self.training.networks.state_dict().items()}
        forms = {}
        for name, optimiser in self.optimisers.items():
            moments, forms[name] = checkpoint.flatten(f"optimiser.{name}", optimiser.state_dict())
            tensors |= moments
        for name, random in self.training.generators.items():
            tensors[f"random.{name}"] = random.get_state()
        tensors["global_random.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["global_random.cuda"] = torch.cuda.get_rng_state(self.device)
        return tensors, {"optimisers": forms}

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """The inverse of `tensors`; `state` also holds the images seen."""
        self.training.networks.load_state_dict(checkpoint.with_prefix(tensors, "networks."))
        for name, optimiser in self.optimisers.items():
            form = state["optimisers"][name]
            optimiser.load_state_dict(checkpoint.unflatten(tensors, form))
        for name, random in self.training.generators.items():
            random.set_state(tensors[f"random.{name}"])
        torch.set_rng_state(tensors["global_random.cpu"])
        if "global_random.cuda" in tensors and self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["global_random.cuda"], self.device)
        self.images = state["images"]

    def _require(self, finite: bool, advice: str) -> None:
        if not finite:
            raise NonFiniteLoss(
                f"a training met a value that is not finite after {self.images} images seen. "
                f"{advice}",
                images=self.images,
                code="non-finite-fitting",
            )


def fit(
    training: StageTraining,
    device: torch.device,
    *,
    advice: str,
    report: Report | None = None,
    every: int = 100,
) -> None:
    """Take all steps; `report` hears of each that is a multiple of `every`.

    Raises:
        NonFiniteLoss: see `Fitting.steps`.
    """
    fitting = Fitting(training, device)
    for loss in fitting.steps(advice=advice, report_images=every * training.batch_size):
        if report is not None and loss is not None:
            report(fitting.images - training.batch_size, training.images, loss)
    training.finish()


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


def _build(form: Optimised) -> torch.optim.Optimizer:
    betas = (form.beta1, form.beta2)
    # Its learning rate comes with each update.
    return torch.optim.AdamW(form.parameters, betas=betas, weight_decay=form.weight_decay)
