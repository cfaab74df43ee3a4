"""The training loop, from top to bottom. Progress is counted in images seen per domain."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from unpaired.data.batches import Batches, derive_seed, generator
from unpaired.data.images import Images
from unpaired.engine import checkpoint
from unpaired.engine.interruption import interruption
from unpaired.engine.observer import Observer
from unpaired.engine.pretrain import pretrain
from unpaired.engine.run_folder import append_line, forget_after
from unpaired.engine.state import State, learning_rate_factor
from unpaired.engine.window import Window
from unpaired.errors import NonFiniteLoss
from unpaired.experiment import Experiment, Training
from unpaired.methods.method import Batch, DomainName, Losses


def train(
    fabric: Fabric,
    experiment: Experiment,
    images: Mapping[DomainName, Images],
    folder: Path,
    observer: Observer,
) -> State:
    """Train into an open run folder, from its newest checkpoint on; returns the final state.

    `images` holds the training images of each domain. The same call continues a run that was
    interrupted, bit for bit on a CPU.

    Raises:
        NonFiniteLoss: naming the loss and the images seen; the last checkpoint stays.
        SystemExit: 143 after SIGTERM, 130 after Ctrl-C, with a checkpoint written.
    """
    training = experiment.training
    if fabric.device.type == "cuda":
        torch.backends.cudnn.benchmark = True
    state = State(experiment, fabric.device)
    rank, is_first = fabric.global_rank, fabric.is_global_zero
    share = training.batch_size // fabric.world_size
    batches = {
        name: Batches(
            images[name],
            domain,
            name,
            training.seed,
            share,
            fabric.device,
            rank,
            fabric.world_size,
        )
        for name, domain in experiment.domains.items()
    }
    phases = Phases(experiment)

    # Continue where the newest whole checkpoint ends.
    stored = checkpoint.load_newest(folder / "checkpoints")
    if stored is not None:
        state.restore(*stored)
    for name in ("metrics.jsonl", "evaluations.jsonl"):
        if is_first:
            forget_after(folder / name, state.images)

    started, seconds_before = time.monotonic(), state.seconds
    if stored is None and experiment.method.pretraining is not None:
        pretrain(fabric, experiment, state, images, observer.pretrain)
        if is_first:
            state.seconds = time.monotonic() - started
            checkpoint.save(folder / "checkpoints", 0, *state.tensors())
    window = Window(state.images)
    with interruption() as interrupted:
        while True:
            state.seconds = seconds_before + time.monotonic() - started
            out_of_time = training.seconds is not None and state.seconds >= training.seconds
            done = state.images >= training.images or out_of_time
            fresh = stored is None or state.images > stored[1]["images"]
            if is_first and fresh:
                due = done or passed(state.images, training.log_images, training)
                if window.count and due:
                    record = window.record(state, images)
                    append_line(folder / "metrics.jsonl", record)
                    observer.log(record)
                looking = time.monotonic()
                if done or passed(state.images, training.sample_images, training):
                    observer.sample(state)
                every = experiment.evaluation.images
                if every and state.images and not done and passed(state.images, every, training):
                    observer.evaluate(state)
                window.started += time.monotonic() - looking  # images/s are those of training
            stopping = interrupted() or done
            if fabric.world_size > 1:  # clocks and signals differ: all processes stop together
                stopping = bool(fabric.all_reduce(torch.tensor(float(stopping)), reduce_op="sum"))
            if (
                is_first
                and fresh
                and state.images
                and (stopping or passed(state.images, training.checkpoint_images, training))
            ):
                checkpoint.save(folder / "checkpoints", state.images, *state.tensors())
                checkpoint.prune(folder / "checkpoints", training.keep_checkpoints)
            if stopping:
                break

            waited = time.monotonic()
            batch: Batch = {name: each.at(state.images) for name, each in batches.items()}
            window.waited += time.monotonic() - waited

            advance(fabric, experiment, state, batch, phases, window)
    if not done:
        raise SystemExit(interrupted())
    return state


class Phases:
    """The phases of a step, each one function of tensors, compiled as a whole if asked for."""

    def __init__(self, experiment: Experiment) -> None:
        compiled: Any = torch.compile if experiment.training.compile else lambda phase: phase
        method = experiment.method
        self.generators = compiled(method.generator_losses)
        self.fakes = compiled(method.fakes)
        self.discriminators = compiled(method.discriminator_losses)
        self.penalties = method.discriminator_penalties  # torch.compile has no second derivative


def advance(
    fabric: Fabric,
    experiment: Experiment,
    state: State,
    batch: Batch,
    phases: Phases,
    window: Window,
) -> None:
    """One step: generators, image pools, discriminators, average. `batch` is on the device.

    Every random number derives from the seed and the images seen.
    """
    training, method, position = experiment.training, experiment.method, state.images
    rank, number = fabric.global_rank, position // training.batch_size
    factor = learning_rate_factor(training, position, state.seconds)
    torch.manual_seed(derive_seed(training.seed, "step", position, rank))

    # After `critic_steps` batches for the discriminators, the generators learn too.
    if (number + 1) % method.critic_steps == 0:
        state.networks.discriminators.requires_grad_(False)
        with fabric.autocast():
            losses, fakes = phases.generators(state.networks, batch)
        rate = training.generators.learning_rate * factor
        step(fabric, state, "generators", losses, rate, window)
        state.networks.discriminators.requires_grad_(True)
    else:
        with fabric.autocast(), torch.no_grad():
            fakes = phases.fakes(state.networks, batch)

    random = generator(training.seed, "pool", position, rank)
    fakes = {name: state.pools[name].exchange(fakes[name], random) for name in sorted(fakes)}
    with fabric.autocast():
        losses = phases.discriminators(state.networks, batch, fakes)
        if method.penalty_every and number % method.penalty_every == 0:
            losses |= phases.penalties(state.networks, batch, fakes)
    rate = training.discriminators.learning_rate * factor
    step(fabric, state, "discriminators", losses, rate, window)
    if method.weight_clip:
        with torch.no_grad():
            for weights in state.parameters("discriminators"):
                weights.clamp_(-method.weight_clip, method.weight_clip)

    state.images += training.batch_size
    state.update_average(training)


def step(
    fabric: Fabric, state: State, phase: str, losses: Losses, learning_rate: float, window: Window
) -> None:
    """Backward and one optimiser step, unless a loss or the gradient is not finite."""
    optimiser = state.optimisers[phase]
    for group in optimiser.param_groups:
        group["lr"] = learning_rate
    optimiser.zero_grad(set_to_none=True)
    fabric.backward(torch.stack(list(losses.values())).sum())
    gradients = [p.grad for p in state.parameters(phase) if p.grad is not None]
    if fabric.world_size > 1:
        average_gradients(fabric, gradients)
    norm = torch.nn.utils.get_total_norm(gradients)
    # One transfer from the device for all that is checked and logged.
    *values, size = torch.stack([*(loss.detach() for loss in losses.values()), norm]).tolist()
    named = {f"{phase}/{name}": v for name, v in zip(losses, values, strict=True)}
    wrong = [name for name, value in named.items() if not math.isfinite(value)]
    if wrong or not math.isfinite(size):
        what = f"the loss {', '.join(wrong)}" if wrong else f"the gradient of the {phase}"
        raise NonFiniteLoss(
            f"{what} is not finite after {state.images} images seen; the step was not taken and "
            "the last checkpoint is kept. Lower the learning rates (--training.generators."
            "learning-rate, --training.discriminators.learning-rate), or train in "
            "--training.precision float32."
        )
    optimiser.step()
    window.add(named, phase, size)


def average_gradients(fabric: Fabric, gradients: list[Tensor]) -> None:
    """Replace gradients by their mean over all processes, in one message."""
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    mean = fabric.all_reduce(flat, reduce_op="mean")
    assert isinstance(mean, Tensor)
    parts = torch.split(mean, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def passed(images: int, interval: int, training: Training) -> bool:
    """Whether the last step crossed a multiple of `interval`."""
    before = images - training.batch_size
    return images // interval > before // interval
