"""Training estimate: parameters, memory and time, before it starts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

import torch
from torch import Tensor

from unpaired.core.console import duration
from unpaired.data.dataset import Images, load_images
from unpaired.data.domain import DomainName
from unpaired.data.splits import Split, list_split
from unpaired.engine.distributed import build_fabric
from unpaired.engine.state import State
from unpaired.engine.step import Step
from unpaired.evaluation.cost import Cost, estimate_cost
from unpaired.evaluation.task_classifiers import images_to_learn
from unpaired.experiment.experiment import Experiment
from unpaired.methods.protocols import Batch


@dataclass(frozen=True)
class Estimate:
    """Parameters, memory in bytes, and seconds of a training and of the measuring after it."""

    num_parameters: int
    memory_bytes: int
    seconds: float
    seconds_per_step: float
    measuring_seconds: float

    @property
    def sentence(self) -> str:
        """For people."""
        return (
            f"estimate: {self.num_parameters / 1e6:.1f} million parameters, about "
            f"{self.memory_bytes / 2**30:.1f} GiB of memory beside the images, "
            f"{duration(self.seconds)} of training ({self.seconds_per_step:.2f} s per step), and "
            f"about {duration(self.measuring_seconds)} of measuring after it"
        )


def size_in_words(experiment: Experiment) -> str:
    """How large a training's networks are, without a step of it: in less than a second."""
    networks = experiment.method.build(experiment.a, experiment.b)
    parameters = sum(p.numel() for p in networks.parameters())
    return (
        f"size: {parameters / 1e6:.1f} million parameters, {_of_weights(parameters) / 2**20:,.0f} "
        "MiB with what their training keeps; --estimate measures memory and time of all"
    )


def time_in_words(experiment: Experiment, cost: Cost) -> str:
    """How long a training takes where that is known, and what is measured after it."""
    after = f"about {duration(cost.total)} of measuring"
    if experiment.training.seconds is None:
        return f"time: {after} after the training; --estimate says how long that is"
    return f"time: {duration(experiment.training.seconds)} of training, and {after} after it"


def cost_of_measuring(
    experiment: Experiment,
    validation: Mapping[DomainName, Images],
    device: torch.device,
    training: Mapping[DomainName, Images] | None = None,
) -> Cost:
    """See `estimate_cost`. Without the `training` images, all task classifiers count that there
    may be."""
    domains = experiment.domains
    counts = {
        split: {d: len(list_split(domain, split)[1]) for d, domain in domains.items()}
        for split in get_args(Split)
    }
    if training is not None:
        learned = images_to_learn(experiment, training)
    elif experiment.evaluation.classifier and all(
        v.labels is not None for v in validation.values()
    ):
        learned = list(counts["labelled"].values())
    else:
        learned = []
    networks = experiment.method.build(experiment.a, experiment.b)
    return estimate_cost(
        experiment,
        networks.to(device).eval().requires_grad_(False),
        device,
        validation,
        counts["validation"],
        counts["test"],
        learned,
    )


def estimate(experiment: Experiment) -> Estimate:
    """Count parameters and saved activations, and time real steps after a warm-up; and a few images
    of those that are measured in the end."""
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
    validation = {d: load_images(domain, "validation") for d, domain in experiment.domains.items()}
    cost = cost_of_measuring(experiment, validation, fabric.device)
    return Estimate(parameters, memory, seconds, per_step, cost.total)


def _of_weights(parameters: int) -> int:
    """Bytes of weights, average, gradients and Adam's two moments, each of four."""
    return 5 * 4 * parameters
