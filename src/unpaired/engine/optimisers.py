"""Optimisers: Adam and RMSprop, whose steps have no effect after a value that is not finite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from unpaired.engine.settings import Optimiser


def build_optimiser(
    settings: Optimiser, parameters: Iterable[torch.nn.Parameter]
) -> torch.optim.Optimizer:
    """Fused where torch has it (one kernel for all parameters)."""
    if settings.algorithm == "adam":
        betas = (settings.beta1, settings.beta2)
        return torch.optim.Adam(parameters, settings.learning_rate, betas=betas, fused=True)
    return torch.optim.RMSprop(
        parameters, settings.learning_rate, alpha=settings.beta2, foreach=True
    )


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """The rate of the next step; the host's part of it.

    Fused Adam reads its rate from memory, so that a recorded step can be replayed at another one;
    RMSprop takes a number. In float64, the tensor is the number to the bit.
    """
    for group in optimiser.param_groups:
        if not isinstance(optimiser, torch.optim.Adam):
            group["lr"] = rate
        elif isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = torch.tensor(rate, dtype=torch.float64)


def update(optimiser: torch.optim.Optimizer, gradients: Sequence[Tensor], finite: Tensor) -> None:
    """One step down the gradients, which leaves weights as they are where `finite`, bool [], is
    false: on the device, as the host does not know yet."""
    if isinstance(optimiser, torch.optim.Adam):
        optimiser.found_inf = (~finite).float()  # type: ignore[attr-defined]  # as GradScaler does
    else:
        for gradient in gradients:
            gradient.copy_(torch.where(finite, gradient, 0.0))
    optimiser.step()


def stored_form(optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """As torch has it, with numbers for learning rates."""
    form = optimiser.state_dict()
    groups = [{**group, "lr": float(group["lr"])} for group in form["param_groups"]]
    return {**form, "param_groups": groups}


def restore(optimiser: torch.optim.Optimizer, form: dict[str, Any], settings: Optimiser) -> None:
    """The inverse of `stored_form`; decays are those of the `settings`, which may have changed.

    Moments, which were stored contiguous, come back in the memory format of their parameters: a
    fused optimiser walks through both by their place in memory.
    """
    optimiser.load_state_dict(form)
    for group in optimiser.param_groups:
        if isinstance(optimiser, torch.optim.Adam):
            group["betas"] = (settings.beta1, settings.beta2)
        else:
            group["alpha"] = settings.beta2
    for parameter, moments in optimiser.state.items():
        for name, moment in moments.items():
            if moment.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(moment)
