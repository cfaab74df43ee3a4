"""Training state: everything that changes from step to step, and its stored form."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from unpaired.core.devices import prefers_channels_last
from unpaired.core.errors import RunError
from unpaired.engine import checkpoint, optimisers
from unpaired.engine.pool import ImagePool
from unpaired.engine.settings import PHASES, Trainable
from unpaired.methods.networks import Networks

PROCESS = "process"
"""What stored tensors of the second process and those after it are named after."""


class State:
    """Networks, their averages, optimisers, image pools and the count of images seen.

    Nothing random is stored: every random number derives from the seed and the images seen.
    """

    def __init__(self, experiment: Trainable, device: torch.device) -> None:
        training = self.training = experiment.training
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
            phase: optimisers.build_optimiser(training.optimiser(phase), self.parameters(phase))
            for phase in PHASES
        }
        self.pools = {domain: ImagePool(training.pool_size) for domain in ("a", "b")}
        self.images = 0
        self.seconds = 0.0

    @property
    def device(self) -> torch.device:
        """Where it lies."""
        return next(self.networks.parameters()).device

    def parameters(self, phase: str) -> list[torch.nn.Parameter]:
        """What a phase trains: discriminators, or all other networks."""
        nets = self.networks
        if phase == "discriminators":
            return list(nets.discriminators.parameters())
        others = (*nets.generating().parameters(), *nets.training_only.parameters())
        # An encoder that is given, and not learned here, was frozen by its method.
        return [p for p in others if p.requires_grad]

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
            named, forms[phase] = checkpoint.flatten(
                f"optimiser.{phase}", optimisers.stored_form(optimiser)
            )
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
        """The inverse of `tensors`, with what was `own` to this process.

        Raises:
            RunError: for a checkpoint of networks that an earlier version built otherwise.
        """
        tensors = {**tensors, **checkpoint.with_prefix(tensors, f"{PROCESS}.{process}.")}
        networks = checkpoint.with_prefix(tensors, "networks.")
        if networks.keys() != self.networks.state_dict().keys():
            raise RunError(
                "the checkpoint holds other networks than these settings build: an earlier version "
                "trained it. Its model translates as before, but the training cannot be continued. "
                "Choose another folder with -o.",
                code="checkpoint-of-earlier-version",
            )
        self.networks.load_state_dict(networks)
        self.average.generating().load_state_dict(checkpoint.with_prefix(tensors, "average."))
        for phase, optimiser in self.optimisers.items():
            form = state["optimisers"][phase]
            stored = checkpoint.unflatten(tensors, form)
            optimisers.restore(optimiser, stored, self.training.optimiser(phase))
        for domain, pool in self.pools.items():
            images = tensors.get(f"pool.{domain}")
            pool.restore(None if images is None else images.to(self.device))
        self.images, self.seconds = state["images"], state["seconds"]


def _named(module: torch.nn.Module, prefix: str) -> Iterator[tuple[str, Tensor]]:
    return ((prefix + name, tensor) for name, tensor in module.state_dict().items())
