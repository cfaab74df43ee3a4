"""Training stages: what is trained before the main training, with checkpoints, log and signals."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from lightning_fabric import Fabric

from unpaired.data.batches import Batches, derive_seed
from unpaired.data.domain import DomainName
from unpaired.engine import checkpoint
from unpaired.engine.fitting import Fitting, seeded
from unpaired.engine.observer import Observer
from unpaired.engine.settings import Trainable
from unpaired.engine.state import State
from unpaired.methods.stages import Stage, StageData
from unpaired.records.lines import append_line, forget_after
from unpaired.records.log import StagePoint

FEWEST_CHECKPOINTS = 10
"""A tenth of a stage is lost at most, where a process is killed."""

FOLDERS = ("stages", "encoder")
"""Where stages that are not over lie among the checkpoints, now and formerly."""


def train_stages(
    fabric: Fabric,
    experiment: Trainable,
    state: State,
    batches: Mapping[DomainName, Batches],
    checkpoints: Path,
    observer: Observer,
    interrupted: Callable[[], int],
) -> None:
    """Train the method's stages, one after the other; the first process does, the others receive.

    All must go on from the same networks. What has been learned so far lies beside the run's
    checkpoints, from which the same call goes on, to the bit on a CPU; once a checkpoint of the
    main training holds what came of it, `forget_stages` may be called.

    Raises:
        NonFiniteLoss: when a stage diverged.
        SystemExit: with the code that `interrupted` gives, all being stored.
    """
    training, log = experiment.training, checkpoints.parent / "stages.jsonl"
    data = StageData(
        batches, training.batch_size, training.seed, fabric.device, lambda: fabric.autocast()
    )
    for number, stage in enumerate(experiment.method.stages()):
        signal = 0
        if fabric.is_global_zero:
            folder = checkpoints / FOLDERS[0] / f"{number}-{stage.name.replace(' ', '-')}"
            signal = _train(stage, experiment, state, data, folder, log, observer, interrupted)
        signal = fabric.broadcast(signal)
        if signal:
            raise SystemExit(signal)
        generating = state.networks.generating()
        generating.load_state_dict(fabric.broadcast(generating.state_dict()))
        state.average.generating().load_state_dict(generating.state_dict())


def forget_stages(checkpoints: Path) -> None:
    """Delete what stages have stored."""
    for folder in FOLDERS:
        shutil.rmtree(checkpoints / folder, ignore_errors=True)


def _train(
    stage: Stage,
    experiment: Trainable,
    state: State,
    data: StageData,
    folder: Path,
    log: Path,
    observer: Observer,
    interrupted: Callable[[], int],
) -> int:
    """The first process's part, with its checkpoints in `folder`.

    Returns the code of the signal that ended it, or 0.
    """
    training, started = experiment.training, time.monotonic()
    with seeded(derive_seed(training.seed, stage.seeded_by), data.device):
        stage_training = stage.begin(state.networks, data)
        if stage_training is None:
            state.seconds += time.monotonic() - started
            return 0
        fitting = Fitting(stage_training, data.device)
        stored = checkpoint.load_newest(folder)
        if stored is not None:
            fitting.restore(*stored)
            state.seconds = stored[1]["seconds"]
        forget_after(log, fitting.images - 1, stage.name)  # a step's line is written before it
        seconds_before = state.seconds
        every = min(training.checkpoint_images, max(stage_training.images // FEWEST_CHECKPOINTS, 1))
        for loss in fitting.steps(advice=stage.advice, report_images=training.log_images):
            before, total = fitting.images - stage_training.batch_size, stage_training.images
            if loss is not None:
                point = StagePoint(stage=stage.name, images=before, total=total, loss=loss)
                append_line(log, point.as_json())
                observer.stage(point)
            state.seconds = seconds_before + time.monotonic() - started
            signal, done = interrupted(), fitting.images >= total
            if signal or done or before // every < fitting.images // every:
                fitting.require_finite(stage.advice)  # a checkpoint is there to go on from
                tensors, form = fitting.tensors()
                checkpoint.save(folder, fitting.images, tensors, {**form, "seconds": state.seconds})
                checkpoint.prune(folder, 1)
            if signal and not done:
                return signal
        stage_training.finish()
        return 0
