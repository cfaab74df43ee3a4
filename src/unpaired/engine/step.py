"""Training step: a batch and a plan in, updated networks out, and no question to the host.

Everything that the host decides about a step is drawn from its position before it begins: a `Plan`.
What is left is one function of tensors, which a test traces and replays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric

from unpaired.data.batches import derive_seed, generator
from unpaired.data.domain import DomainName
from unpaired.engine.distributed import average_gradients
from unpaired.engine.ema import decay_at, update_average
from unpaired.engine.optimisers import set_learning_rate, update
from unpaired.engine.pool import Exchange
from unpaired.engine.settings import PHASES, Trainable
from unpaired.engine.state import State
from unpaired.engine.tally import Tally
from unpaired.methods.protocols import Batch, Losses


@dataclass(frozen=True)
class Plan:
    """What the host decides about a step."""

    generators_learn: bool
    """After `critic_steps` batches for the discriminators, the generators learn too."""
    penalised: bool
    """Whether `discriminator_penalties` are due."""
    exchanges: Mapping[DomainName, Exchange]
    """For the image pools."""


def draw_plan(experiment: Trainable, state: State, fabric: Fabric) -> Plan:
    """The plan of the next step; sets learning rates, and seeds torch's global generators.

    Every random number derives from the seed and the images seen.
    """
    training, method, position = experiment.training, experiment.method, state.images
    rank, number = fabric.global_rank, position // training.batch_size
    factor = training.learning_rate_factor(position, state.seconds)
    for phase in PHASES:
        set_learning_rate(state.optimisers[phase], training.optimiser(phase).learning_rate * factor)
    random = generator(training.seed, "pool", position, rank)
    count = training.batch_size // fabric.world_size
    exchanges = {
        name: state.pools[name].plan(count, random, fabric.device)
        for name in sorted(experiment.domains)
    }
    torch.manual_seed(derive_seed(training.seed, "step", position, rank))
    return Plan(
        generators_learn=(number + 1) % method.critic_steps == 0,
        penalised=method.penalty_every > 0 and number % method.penalty_every == 0,
        exchanges=exchanges,
    )


class Step:
    """One step: generators, image pools, discriminators. Losses are compiled if asked for."""

    def __init__(self, experiment: Trainable, state: State, fabric: Fabric) -> None:
        self.experiment, self.state, self.fabric = experiment, state, fabric
        self.tally = Tally(fabric.device, state.images)
        compiled: Any = torch.compile if experiment.training.compile else lambda phase: phase
        self._generator_losses = compiled(experiment.method.generator_losses)
        self._fakes = compiled(experiment.method.fakes)
        self._discriminator_losses = compiled(experiment.method.discriminator_losses)

    def advance(self, batch: Batch) -> None:
        """Plan the next step, take it, and count its images.

        `batch` is on the device, NCHW in the domains' value ranges.
        """
        self(batch, draw_plan(self.experiment, self.state, self.fabric))
        self.end()

    def __call__(self, batch: Batch, plan: Plan) -> None:
        """The device's part, which asks the host for nothing."""
        state, method = self.state, self.experiment.method
        if plan.generators_learn:
            state.networks.discriminators.requires_grad_(False)
            with self.fabric.autocast():
                losses, fakes = self._generator_losses(state.networks, batch)
            self._minimise("generators", losses)
            state.networks.discriminators.requires_grad_(True)
        else:
            with self.fabric.autocast(), torch.no_grad():
                fakes = self._fakes(state.networks, batch)

        fakes = {
            name: state.pools[name].exchange(fakes[name], plan.exchanges[name])
            for name in sorted(fakes)
        }
        with self.fabric.autocast():
            losses = self._discriminator_losses(state.networks, batch, fakes)
            if plan.penalised:  # never compiled: torch.compile has no second derivative
                losses |= method.discriminator_penalties(state.networks, batch, fakes)
        self._minimise("discriminators", losses)
        if method.weight_clip:
            with torch.no_grad():
                for weights in state.parameters("discriminators"):
                    weights.clamp_(-method.weight_clip, method.weight_clip)
        self.tally.end_step()

    def end(self) -> None:
        """Count the images of a step, and let the average follow the networks."""
        state, training = self.state, self.experiment.training
        state.images += training.batch_size
        average, networks = state.average.generating(), state.networks.generating()
        decay = decay_at(training, state.images)
        update_average(average, networks, decay, self.tally.finite)

    def _minimise(self, phase: str, losses: Losses) -> None:
        """Backward and one optimiser step, without effect once a value was not finite."""
        optimiser = self.state.optimisers[phase]
        optimiser.zero_grad(set_to_none=True)
        total = torch.stack(list(losses.values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self.state.parameters(phase) if p.grad is not None]
        shared = average_gradients(gradients, total.detach(), self.fabric.world_size)
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        self.tally.add(phase, losses, norm, shared)
        update(optimiser, gradients, self.tally.finite)
