"""Training estimate: parameters, memory and time, before it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unpaired.core.console import duration
from unpaired.engine.distributed import build_fabric
from unpaired.engine.state import State
from unpaired.engine.step import Step
from unpaired.experiment.experiment import Experiment
from unpaired.methods.protocols import Batch


@dataclass(frozen=True)
class Estimate:
    """Parameters, memory in bytes and seconds of a whole training."""

    num_parameters: int
    memory_bytes: int
    seconds: float
    seconds_per_step: float

    @property
    def sentence(self) -> str:
        """For people."""
        return (
            f"estimate: {self.num_parameters / 1e6:.1f} million parameters, about "
            f"{self.memory_bytes / 2**30:.1f} GiB of memory beside the images, "
            f"{duration(self.seconds)} of training ({self.seconds_per_step:.2f} s per step)"
        )


def size_in_words(experiment: Experiment) -> str:
    """How large a training's networks are, without a step of it: in less than a second."""
    networks = experiment.method.build(experiment.a, experiment.b)
    parameters = sum(p.numel() for p in networks.parameters())
    return (
        f"size: {parameters / 1e6:.1f} million parameters, {_of_weights(parameters) / 2**20:,.0f} "
        "MiB with what their training keeps; --estimate measures memory and time of all"
    )


def estimate(experiment: Experiment) -> Estimate:
    """Count parameters and saved activations, and time real steps after a warm-up."""
    training = experiment.training
    eager = replace(experiment, training=replace(training, compile=False))
    fabric = build_fabric(training, sixteen_bits=experiment.keeps_16_bits)
    state = State(eager, fabric.device)
    step = Step(eager, state, fabric)
    batch: Batch = {
        name: torch.rand(
            training.batch_size, d.representation.channels, d.size, d.size, device=fabric.device
        )
        for name, d in experiment.domains.items()
    }
    activations: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        activations[storage.data_ptr()] = storage.nbytes()
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor),
        fabric.autocast(),
    ):
        eager.method.generator_losses(state.networks, batch)
    step.advance(batch)
    step.tally.check(training.batch_size)  # which waits for the device, as below
    started = time.monotonic()
    steps = max(2, experiment.method.critic_steps)  # so that generators learn as often as they do
    for _ in range(steps):
        step.advance(batch)
    step.tally.check(training.batch_size)
    per_step = (time.monotonic() - started) / steps
    parameters = sum(p.numel() for p in state.networks.parameters())
    whole = training.whole_images / training.batch_size * per_step
    seconds = min(whole, training.seconds or float("inf"))
    memory = _of_weights(parameters) + sum(activations.values())
    return Estimate(parameters, memory, seconds, per_step)


def _of_weights(parameters: int) -> int:
    """Bytes of weights, average, gradients and Adam's two moments, each of four."""
    return 5 * 4 * parameters
