"""The training loop, from top to bottom. Progress is counted in images seen per domain."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from unpaired.core.errors import NonFiniteLoss
from unpaired.data.batches import Batches, derive_seed, generator
from unpaired.data.dataset import Images
from unpaired.data.domain import DomainName
from unpaired.engine import checkpoint
from unpaired.engine.log import Window
from unpaired.engine.observer import Observer
from unpaired.engine.settings import Trainable, Training
from unpaired.engine.signals import interruption
from unpaired.engine.stages import prepare, pretrain
from unpaired.engine.state import PROCESS, State
from unpaired.methods.base import Batch, Losses
from unpaired.records.lines import append_line, forget_after


def train(
    fabric: Fabric,
    experiment: Trainable,
    images: Mapping[DomainName, Images],
    folder: Path,
    observer: Observer,
) -> State:
    """Train into an open run folder, from its newest checkpoint on; returns the final state.

    `images` holds the training images of each domain. The same call continues a run that was
    interrupted, bit for bit on a CPU, if as many processes share it as before.

    Raises:
        NonFiniteLoss: naming the loss and the images seen; the last checkpoint stays.
        RunError: when no checkpoint of the run can be read.
        SystemExit: 143 after SIGTERM, 130 after Ctrl-C, with a checkpoint written.
    """
    training, rank = experiment.training, fabric.global_rank
    if fabric.device.type == "cuda":
        torch.backends.cudnn.benchmark = True
    state, phases = State(experiment, fabric.device), Phases(experiment)
    batches = _share_of_batches(fabric, experiment, images)

    # Continue where the newest whole checkpoint ends.
    checkpoints = folder / "checkpoints"
    stored = checkpoint.load_newest(checkpoints)
    if stored is not None:
        state.restore(*stored, rank)
    if fabric.is_global_zero:
        for name in ("metrics.jsonl", "evaluations.jsonl"):
            forget_after(folder / name, state.images)

    with interruption() as interrupted:
        unfinished = checkpoints / "encoder"
        if stored is None and experiment.method.pretraining is not None:
            pretrain(fabric, experiment, state, images, unfinished, observer.pretrain, interrupted)
            _store(fabric, state, checkpoints, training)
        if stored is None and experiment.method.prepares:
            prepare(fabric, experiment, state, batches, observer.pretrain, interrupted)
            _store(fabric, state, checkpoints, training)
        if fabric.is_global_zero:
            shutil.rmtree(unfinished, ignore_errors=True)
        window = Window(state.images)
        started, seconds_before = time.monotonic(), state.seconds
        while True:
            seconds = seconds_before + time.monotonic() - started
            state.seconds, signal = _agree(fabric, seconds, interrupted())
            out_of_time = training.seconds is not None and state.seconds >= training.seconds
            done = state.images >= training.images or out_of_time
            if stored is None or state.images > stored[1]["images"] or not state.images:
                if fabric.is_global_zero:
                    _look(experiment, state, images, folder, observer, window, done=done)
                due = passed(state.images, training.checkpoint_images, training)
                if state.images and (done or signal or due):
                    _store(fabric, state, checkpoints, training)
            if done:
                return state
            if signal:
                if fabric.is_global_zero and state.images:
                    observer.stop(state)
                raise SystemExit(signal)

            waited = time.monotonic()
            batch: Batch = {name: each.at(state.images) for name, each in batches.items()}
            window.waited += time.monotonic() - waited

            advance(fabric, experiment, state, batch, phases, window)


def _share_of_batches(
    fabric: Fabric, experiment: Trainable, images: Mapping[DomainName, Images]
) -> dict[DomainName, Batches]:
    """This process's part of each batch."""
    training, processes = experiment.training, fabric.world_size
    return {
        name: Batches(
            images[name],
            domain,
            name,
            training.seed,
            training.batch_size // processes,
            fabric.device,
            fabric.global_rank,
            processes,
        )
        for name, domain in experiment.domains.items()
    }


def _agree(fabric: Fabric, seconds: float, signal: int) -> tuple[float, int]:
    """The clock of the first process and the signal of any: one answer for all of them.

    Clocks differ, and so would learning rates; a signal may reach one process only.
    """
    if fabric.world_size == 1:
        return seconds, signal
    mine = torch.tensor([seconds if fabric.is_global_zero else 0.0, signal], dtype=torch.float64)
    shared = fabric.all_reduce(mine, reduce_op="max")
    assert isinstance(shared, Tensor)
    seconds, signal = shared.tolist()
    return seconds, int(signal)


def _look(
    experiment: Trainable,
    state: State,
    images: Mapping[DomainName, Images],
    folder: Path,
    observer: Observer,
    window: Window,
    *,
    done: bool,
) -> None:
    """Log, sample and evaluate, as far as it is time to."""
    training, every = experiment.training, experiment.evaluation_images
    if window.count and (done or passed(state.images, training.log_images, training)):
        record = window.record(state, images)
        append_line(folder / "metrics.jsonl", record)
        observer.log(record)
    looking = time.monotonic()
    if done or passed(state.images, training.sample_images, training):
        observer.sample(state)
    if every and state.images and not done and passed(state.images, every, training):
        observer.evaluate(state)
    window.started += time.monotonic() - looking  # images/s are those of training


def _store(fabric: Fabric, state: State, folder: Path, training: Training) -> None:
    """Write a checkpoint, to which each process adds what is its own."""
    tensors, form = state.tensors()
    if fabric.world_size > 1:
        for name, mine in state.own().items():
            gathered = fabric.all_gather(mine.contiguous())
            assert isinstance(gathered, Tensor)
            for process in range(1, fabric.world_size):
                tensors[f"{PROCESS}.{process}.{name}"] = gathered[process]
    if fabric.is_global_zero:
        checkpoint.save(folder, state.images, tensors, form)
        checkpoint.prune(folder, training.keep_checkpoints)


class Phases:
    """The phases of a step, each one function of tensors, compiled as a whole if asked for."""

    def __init__(self, experiment: Trainable) -> None:
        compiled: Any = torch.compile if experiment.training.compile else lambda phase: phase
        method = experiment.method
        self.generators = compiled(method.generator_losses)
        self.fakes = compiled(method.fakes)
        self.discriminators = compiled(method.discriminator_losses)
        self.penalties = method.discriminator_penalties  # torch.compile has no second derivative


def advance(
    fabric: Fabric,
    experiment: Trainable,
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
    factor = training.learning_rate_factor(position, state.seconds)
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
