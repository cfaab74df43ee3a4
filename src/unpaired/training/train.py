"""Training: data in, run folder out, with samples, evaluations, model and report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

from unpaired.core.console import TrainingProgress, say
from unpaired.core.errors import check_choice
from unpaired.core.torch_state import global_state_kept, plain_torch
from unpaired.data.coverage import cover_notes, crop_notes
from unpaired.data.dataset import Images, load_images, require_images
from unpaired.data.domain import DomainName
from unpaired.data.index import open_index, opened_once
from unpaired.data.leaks import Leaks, find_leaks
from unpaired.data.missing import left_out
from unpaired.data.shared_classes import shared_classes
from unpaired.data.sources import describe
from unpaired.data.splits import FEWEST
from unpaired.engine.checkpoint import list_newest_first
from unpaired.engine.distributed import build_fabric, leave
from unpaired.engine.loop import train as train_networks
from unpaired.engine.signals import ending_at_once
from unpaired.engine.trackers import Tracker, TrackerName
from unpaired.experiment.checks import check
from unpaired.experiment.experiment import Experiment
from unpaired.training.checks import (
    check_labels,
    check_outside,
    check_palettes,
    decoding_notes,
    large_batches,
    lost_bits,
    streaming_notes,
    unsuited_ranges,
)
from unpaired.training.contents import describe_data, training_data_warnings
from unpaired.training.observer import RunObserver
from unpaired.training.run_folder import is_finished, open_run


def train(
    experiment: Experiment,
    folder: str | Path | None = None,
    *,
    track: TrackerName | None = None,
    quiet: bool = False,
) -> Path:
    """Train, evaluate on test images, and write `folder` (default: runs/<name>); returns it.

    The same call continues a run that was interrupted, also where its images have moved, if their
    content is the same. No measurement ends a training: what fails beside it is noted. Of several
    threads one trains at a time; processes train beside each other (`unpaired.sweep`).

    Raises:
        SettingError, DataError, RunError: before anything is trained or written.
        NonFiniteLoss: when training diverged; the last checkpoint stays, with its model. The same
            call with lower learning rates or more precision continues from there.
        SystemExit: 130 after Ctrl-C while it trains (in the main thread; no KeyboardInterrupt), 143
            after SIGTERM, SIGHUP or SIGUSR1, with a checkpoint and a model of what was learned.
    """
    check(experiment)
    if track is not None:
        check_choice("track", track, TrackerName)
    return train_checked(experiment, folder, track=track, quiet=quiet)


@plain_torch()
@opened_once()
@ending_at_once()
def train_checked(
    experiment: Experiment,
    folder: str | Path | None = None,
    *,
    track: TrackerName | None = None,
    quiet: bool = False,
) -> Path:
    """As `train`, with settings that were checked already."""
    run = Path(folder) if folder is not None else Path("runs") / experiment.name
    check_outside(run, experiment)
    images: dict[DomainName, Images] = {
        name: _training_images(experiment, name, quiet=quiet) for name in experiment.domains
    }
    check_labels(experiment, images)
    check_palettes(experiment, images)
    validation = {
        name: load_images(domain, "validation", FEWEST["validation"])
        for name, domain in experiment.domains.items()
    }
    for domain in experiment.domains.values():  # hours before they are needed
        require_images(domain, "test", FEWEST["test"])
    leaks = find_leaks(experiment.domains)
    for line in () if quiet else _lines_before(experiment, images, leaks):
        say(line)
    fabric = build_fabric(experiment.training, sixteen_bits=experiment.keeps_16_bits)
    # Of several processes, the first alone writes.
    names = {name: training.names for name, training in images.items()}
    data = describe_data(experiment, names) if fabric.is_global_zero else {}
    held = open_run(run, experiment, data) if fabric.is_global_zero else nullcontext(())
    with held as changes, global_state_kept(fabric.device):
        fabric.barrier()
        stored = list_newest_first(run / "checkpoints")
        if fabric.is_global_zero:
            lines = [f"continues {change.sentence}" for change in changes]
            warnings = training_data_warnings(run, data, begun=bool(stored))
            for line in (*lines, *(f"warning: {warning}" for warning in warnings)):
                if not quiet:
                    say(line)
        training = experiment.training
        progress = TrainingProgress(training.whole_images, training.seconds, quiet=quiet)
        tracker = Tracker(track, run) if track and fabric.is_global_zero else None
        tracking = closing(tracker) if tracker else nullcontext()
        with progress if fabric.is_global_zero else nullcontext(), tracking:
            observer = RunObserver(
                experiment, run, images, validation, leaks, progress, tracker, fabric.device
            )
            if fabric.is_global_zero and not quiet and not is_finished(run):
                observer.estimate()
            if not quiet and stored:
                progress.say(f"continues after {int(stored[0].name):,} images")
            try:
                state = train_networks(fabric, experiment, images, run, observer)
            except SystemExit:  # a signal, which ends all processes together
                progress.say(f"stopped: the same command continues {run}")
                leave(fabric)
                raise
            if fabric.is_global_zero:
                try:
                    observer.finish(state)
                except SystemExit:  # a signal while it measures; the model is there
                    progress.say(f"stopped: the same command measures {run}")
                    raise
        leave(fabric)
    return run


def _lines_before(
    experiment: Experiment, images: dict[DomainName, Images], leaks: Leaks
) -> Iterator[str]:
    """Warnings and notes on all that is trained on, before it begins."""
    warnings = [
        *(leak for of_split in leaks.values() for leak in of_split),
        *large_batches(experiment, images),
        *unsuited_ranges(experiment, images),
        *lost_bits(experiment),
    ]
    for warning in dict.fromkeys(warnings):
        yield f"warning: {warning}"
    classes = shared_classes(experiment.domains)
    for note in classes.notes:
        yield f"note: {note}"
    if classes.names and experiment.evaluation.classifier:
        yield (
            f"note: a and b have the same classes ({classes.names}), by which translations are "
            "measured; where subfolders are no classes: --evaluation.no-classifier"
        )


def _training_images(experiment: Experiment, name: DomainName, *, quiet: bool) -> Images:
    domain = getattr(experiment, name)
    images = load_images(domain, "train", FEWEST["train"])
    if not quiet:
        say(f"{name}: {len(images):,} training images from {describe(domain.source)}")
        for note in (
            *cover_notes(name, domain, images.sizes),
            *crop_notes(name, domain, images.sizes),
            *streaming_notes(images),
            *decoding_notes(images),
        ):
            say(f"{name}: {note}")
        for line in left_out(images.refused, open_index(domain.source).records.ignored):
            say(f"{name}: left out {line}")
    return images
