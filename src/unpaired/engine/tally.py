"""Loss tally: means of losses and gradient norms, kept on the device until they are logged.

The host reads it at log points, in one transfer, and learns then whether a value was not finite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from unpaired.core.errors import NonFiniteLoss
from unpaired.engine.settings import PHASES

Kind = tuple[str, tuple[str, ...]]
"""A phase, and the names of its losses: penalties are due now and then."""


@dataclass(frozen=True)
class Means:
    """Over the steps since the last log point."""

    losses: dict[str, float]
    """By phase and name, as "generators/cycle_a"."""
    gradient_norms: dict[str, float]
    """Euclidean, by phase."""


class Tally:
    """Sums since the last log point."""

    def __init__(self, device: torch.device, images: int) -> None:
        self.images = images
        """Images seen at the last log point."""
        self.finite = torch.ones((), dtype=torch.bool, device=device)
        """bool []: whether all losses and gradients so far have been finite."""
        self._good_steps = torch.zeros((), dtype=torch.float64, device=device)
        # float64 [1 + losses + 1]: number of steps, losses, gradient norm.
        self._sums: dict[Kind, Tensor] = {}
        self._last: dict[Kind, Tensor] = {}

    def add(self, phase: str, losses: Mapping[str, Tensor], norm: Tensor, shared: Tensor) -> None:
        """Count one phase of a step; `shared`, [], is not finite where no process's losses are."""
        values = torch.stack([*(loss.detach() for loss in losses.values()), norm]).double()
        values = torch.cat([torch.ones_like(values[:1]), values])
        kind = phase, tuple(losses)
        if kind not in self._sums:
            self._sums[kind], self._last[kind] = values.new_zeros(2, len(values))
        self._sums[kind].add_(values)
        last = self._last[kind]
        last.copy_(torch.where(self.finite, values, last))
        self.finite.logical_and_(values.isfinite().all() & shared.isfinite())

    def end_step(self) -> None:
        """All phases of a step have been added."""
        self._good_steps.add_(self.finite)

    def check(self, batch_size: int) -> None:
        """Wait for the device, and see that all has been finite.

        Raises:
            NonFiniteLoss: naming the losses, and the images seen before the step.
        """
        finite, steps, *values = self._read(self._last)
        if not finite:
            images = self.images + int(steps) * batch_size
            raise NonFiniteLoss(
                f"{_blame(list(self._last), values)} is not finite after {images} images seen; the "
                "step was not taken and the last checkpoint is kept. Lower the learning rates "
                "(--training.generators.learning-rate, --training.discriminators.learning-rate), "
                "or train in --training.precision float32: with such a change, the same command "
                "continues from the last checkpoint, or begins anew before the first.",
                images=images,
                setting="training.generators.learning_rate",
            )

    def take_means(self, images: int) -> Means:
        """Wait for the device, and begin anew at `images` seen."""
        _, _, *values = self._read(self._sums)
        steps, sums = dict.fromkeys(PHASES, 0.0), dict[tuple[str, str], float]()
        norms = dict.fromkeys(PHASES, 0.0)
        for phase, names in self._sums:
            count, *losses, norm = (values.pop(0) for _ in range(len(names) + 2))
            steps[phase] += count
            norms[phase] += norm
            for name, loss in zip(names, losses, strict=True) if count else ():
                sums[phase, name] = sums.get((phase, name), 0.0) + loss
        for each in (self._good_steps, *self._sums.values()):
            each.zero_()
        self.images = images
        return Means(
            losses={f"{phase}/{name}": sums[phase, name] / steps[phase] for phase, name in sums},
            gradient_norms={phase: norms[phase] / steps[phase] for phase in PHASES if steps[phase]},
        )

    def _read(self, kinds: Mapping[Kind, Tensor]) -> list[float]:
        """Finite or not, the good steps, and all of `kinds`, one after the other."""
        parts = [self.finite[None].double(), self._good_steps[None], *kinds.values()]
        values: list[float] = torch.cat(parts).tolist()
        return values


def _blame(kinds: list[Kind], values: list[float]) -> str:
    """What was not finite first, in words."""
    losses: list[str] = []
    gradient = "a loss of another process"
    for phase, names in kinds:
        _, *of_losses, norm = (values.pop(0) for _ in range(len(names) + 2))
        pairs = zip(names, of_losses, strict=True)
        losses += [f"{phase}/{name}" for name, loss in pairs if not math.isfinite(loss)]
        if not math.isfinite(norm):
            gradient = f"the gradient of the {phase}"
    return f"the loss {', '.join(losses)}" if losses else gradient
