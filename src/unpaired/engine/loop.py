"""The training loop, from top to bottom. Progress is counted in images seen per domain."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from unpaired.core.errors import NonFiniteLoss
from unpaired.data.batches import Batches
from unpaired.data.dataset import Images
from unpaired.data.domain import DomainName
from unpaired.engine import checkpoint
from unpaired.engine.distributed import agree
from unpaired.engine.log import Window
from unpaired.engine.observer import Observer
from unpaired.engine.settings import Trainable, Training
from unpaired.engine.signals import interruption
from unpaired.engine.stages import forget_stages, train_stages
from unpaired.engine.state import PROCESS, State
from unpaired.engine.step import Step
from unpaired.methods.protocols import Batch
from unpaired.records.failures import FAILURES
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
        NonFiniteLoss: at the next log point, naming the loss and the images seen; the last
            checkpoint stays.
        RunError: when no checkpoint of the run can be read.
        SystemExit: 143 after SIGTERM, SIGHUP or SIGUSR1, 130 after Ctrl-C, with a checkpoint
            written.
    """
    training, writes = experiment.training, fabric.is_global_zero
    if fabric.device.type == "cuda":
        torch.backends.cudnn.benchmark = True
    state = State(experiment, fabric.device)
    batches = share_of_batches(fabric, experiment, images)

    # Continue where the newest whole checkpoint ends.
    checkpoints = folder / "checkpoints"
    stored = checkpoint.load_newest(checkpoints)
    if stored is not None:
        state.restore(*stored, fabric.global_rank)
    continues_at = state.images or None
    if writes:
        for name in ("metrics.jsonl", "evaluations.jsonl", FAILURES):
            forget_after(folder / name, state.images)

    with interruption() as interrupted, divergence_shown(observer if writes else None, state):
        if stored is None and experiment.method.stages():
            train_stages(fabric, experiment, state, batches, checkpoints, observer, interrupted)
            store(fabric, state, checkpoints, training)
        if writes:
            forget_stages(checkpoints)
        step, window = Step(experiment, state, fabric), Window(state.images)
        started, seconds_before = time.monotonic(), state.seconds
        while True:
            seconds = seconds_before + time.monotonic() - started
            state.seconds, signal = agree(fabric, seconds, interrupted())
            due = Due.now(experiment, state, signal)
            if due.anything and state.images != continues_at:
                step.tally.check(training.batch_size)
                if due.log and writes:
                    means = step.tally.take_means(state.images)
                    point = window.point(state, means, images)
                    append_line(folder / "metrics.jsonl", point.as_json())
                    observer.log(point)
                with window.paused():
                    if due.sample and writes:
                        interrupted.cut_short(partial(observer.sample, state))
                    if due.evaluation and writes:
                        interrupted.cut_short(partial(observer.evaluate, state))
                if due.checkpoint:
                    store(fabric, state, checkpoints, training)
            if due.end:
                return state
            if signal:
                if writes and state.images:
                    observer.stop(state)
                raise SystemExit(signal)

            with window.waiting():
                batch: Batch = {name: each.at(state.images) for name, each in batches.items()}
            step.advance(batch)


@contextmanager
def divergence_shown(observer: Observer | None, state: State) -> Iterator[None]:
    """An observer sees a value that is not finite before it ends the training."""
    try:
        yield
    except NonFiniteLoss as error:
        if observer is not None:
            observer.diverge(state, error)
        raise


@dataclass(frozen=True)
class Due:
    """What there is to do before the next step."""

    end: bool
    log: bool
    sample: bool
    evaluation: bool
    checkpoint: bool

    @classmethod
    def now(cls, experiment: Trainable, state: State, signal: int) -> Due:
        """Whether the last step crossed a multiple of each interval; at the end, everything is due
        but an evaluation on validation images, which follows anyway."""
        training, begun = experiment.training, state.images > 0
        before = state.images - training.batch_size
        end = training.progress(state.images, state.seconds) >= 1

        def passed(interval: int) -> bool:
            return interval > 0 and state.images // interval > before // interval

        return cls(
            end=end,
            log=begun and (end or passed(training.log_images)),
            sample=end or passed(training.sample_images),
            evaluation=begun and not end and passed(experiment.evaluation_images),
            checkpoint=begun and (end or signal > 0 or passed(training.checkpoint_images)),
        )

    @property
    def anything(self) -> bool:
        """Whether the device has to be waited for."""
        return any((self.end, self.log, self.sample, self.evaluation, self.checkpoint))


def share_of_batches(
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


def store(fabric: Fabric, state: State, folder: Path, training: Training) -> None:
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
