"""Training state: everything that changes from step to step, and its stored form."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from unpaired.core.devices import prefers_channels_last
from unpaired.engine import checkpoint
from unpaired.engine.pool import ImagePool
from unpaired.engine.settings import Optimiser, Trainable, Training
from unpaired.methods.base import Networks

PHASES = ("generators", "discriminators")

PROCESS = "process"
"""What stored tensors of the second process and those after it are named after."""


class State:
    """Networks, their averages, optimisers, image pools and the count of images seen.

    Nothing random is stored: every random number derives from the seed and the images seen.
    """

    def __init__(self, experiment: Trainable, device: torch.device) -> None:
        training = experiment.training
        torch.manual_seed(training.seed)
        self.networks: Networks = experiment.method.build(experiment.a, experiment.b)
        self.networks.to(device)
        if prefers_channels_last(device, experiment.b.size):
            self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # The discriminators are those that are trained: no average of them is of use.
        self.average = Networks(
            dict(copy.deepcopy(self.networks.generators).items()),
            dict(self.networks.discriminators.items()),
            dict(copy.deepcopy(self.networks.encoders).items()),
        )
        self.average.generating().eval().requires_grad_(False)
        self.average.training = False
        self.optimisers = {
            phase: build_optimiser(getattr(training, phase), self.parameters(phase))
            for phase in PHASES
        }
        self.pools = {domain: ImagePool(training.pool_size) for domain in ("a", "b")}
        self.images = 0
        self.seconds = 0.0

    def parameters(self, phase: str) -> list[torch.nn.Parameter]:
        """What a phase trains: generators and encoders, or discriminators."""
        nets = self.networks
        if phase == "discriminators":
            return list(nets.discriminators.parameters())
        # An encoder that is given, and not learned here, was frozen by its method.
        return [p for p in nets.generating().parameters() if p.requires_grad]

    def update_average(self, training: Training) -> None:
        """One step of the exponential average, with a half-life that is short at the beginning."""
        half_life = min(float(training.ema_images), self.images * 0.1)  # EDM2, appendix C
        decay = 0.5 ** (training.batch_size / half_life) if half_life > 0 else 0.0
        new, old = self.networks.generating(), self.average.generating()
        with torch.no_grad():
            torch._foreach_lerp_(list(old.parameters()), list(new.parameters()), 1 - decay)
            for (name, ours), theirs in zip(old.named_buffers(), new.buffers(), strict=True):
                if name.endswith(("running_mean", "running_var")):
                    ours.lerp_(theirs, 1 - decay)  # statistics of weights as they are averaged
                else:
                    ours.copy_(theirs)

    def tensors(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The stored form: named tensors, and JSON."""
        tensors = {
            **dict(_named(self.networks, "networks.")),
            **dict(_named(self.average.generating(), "average.")),
            **{
                f"pool.{domain}": pool.images
                for domain, pool in self.pools.items()
                if pool.images is not None
            },
        }
        forms = {}
        for phase, optimiser in self.optimisers.items():
            named, forms[phase] = checkpoint.flatten(f"optimiser.{phase}", optimiser.state_dict())
            tensors |= named
        return tensors, {"seconds": self.seconds, "optimisers": forms}

    def own(self) -> dict[str, Tensor]:
        """Of `tensors`, those in which processes that share a training differ.

        Weights and moments are the same in all; image pools, the statistics of batch norm and the
        codes of styles are of the images that each has seen.
        """
        parts = {"networks.": self.networks, "average.": self.average.generating()}
        shared = {prefix + n for prefix, part in parts.items() for n, _ in part.named_parameters()}
        return {
            name: tensor
            for name, tensor in self.tensors()[0].items()
            if name not in shared and not name.startswith("optimiser.")
        }

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any], process: int = 0) -> None:
        """The inverse of `tensors`, with what was `own` to this process."""
        tensors = {**tensors, **checkpoint.with_prefix(tensors, f"{PROCESS}.{process}.")}
        self.networks.load_state_dict(checkpoint.with_prefix(tensors, "networks."))
        self.average.generating().load_state_dict(checkpoint.with_prefix(tensors, "average."))
        for phase, optimiser in self.optimisers.items():
            form = state["optimisers"][phase]
            optimiser.load_state_dict(checkpoint.unflatten(tensors, form))
            _lay_out_like_parameters(optimiser)
        device = next(self.networks.parameters()).device
        for domain, pool in self.pools.items():
            stored = tensors.get(f"pool.{domain}")
            pool.images = None if stored is None else stored.to(device)
        self.images, self.seconds = state["images"], state["seconds"]


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


def _lay_out_like_parameters(optimiser: torch.optim.Optimizer) -> None:
    """Bring stored moments, which are contiguous, to the memory format of their parameters.

    A fused optimiser walks through parameter and moments by their place in memory.
    """
    for parameter, moments in optimiser.state.items():
        for name, moment in moments.items():
            if moment.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(moment)


def _named(module: torch.nn.Module, prefix: str) -> Iterator[tuple[str, Tensor]]:
    return ((prefix + name, tensor) for name, tensor in module.state_dict().items())
