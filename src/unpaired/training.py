"""A whole training: data in, run folder out, with samples, evaluations, model and report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unpaired import samples
from unpaired.config import encode
from unpaired.data.images import Images, load_images, require_images
from unpaired.data.sources import describe
from unpaired.data.splits import FEWEST
from unpaired.engine.hardware import build_fabric, choose_device, leave
from unpaired.engine.loop import train as train_networks
from unpaired.engine.run_folder import append_line, open_run, read_evaluations
from unpaired.engine.state import State
from unpaired.engine.track import Tracker, TrackerName
from unpaired.errors import DataError, SettingError
from unpaired.evaluate import any_extractor
from unpaired.evaluate.content import Pretrained
from unpaired.evaluate.extractors import Extractor
from unpaired.evaluate.faithfulness import look
from unpaired.evaluate.measure import Judge, Result
from unpaired.evaluate.protocol import Split
from unpaired.evaluate.score import validation_score
from unpaired.experiment import Experiment, check, load
from unpaired.files import write_atomically
from unpaired.methods.method import DIRECTION, OTHER, SOURCE, DomainName, Networks
from unpaired.model_card import card
from unpaired.model_folder import load_model, save_model, without_folders
from unpaired.progress import TrainingProgress, say
from unpaired.report.faithfulness_page import write_faithfulness
from unpaired.report.html import write_report
from unpaired.report.names import names_of
from unpaired.report.pictures import grid, save_png


def train(
    experiment: Experiment,
    folder: str | Path | None = None,
    *,
    track: TrackerName | None = None,
    quiet: bool = False,
) -> Path:
    """Train, evaluate on test images, and write `folder` (default: runs/<name>); returns it.

    The same call continues a run that was interrupted.

    Raises:
        SettingError, DataError, RunError: before anything is trained or written.
        NonFiniteLoss: when training diverged; the last checkpoint stays.
    """
    check(experiment)
    run = Path(folder) if folder is not None else Path("runs") / experiment.name
    images: dict[DomainName, Images] = {
        name: _training_images(experiment, name, quiet=quiet) for name in experiment.domains
    }
    check_labels(experiment, images)
    sources = [SOURCE[direction] for direction in experiment.method.directions]
    fixed = {name: _first_images(experiment, name) for name in sources}
    for domain in experiment.domains.values():  # hours before they are needed
        require_images(domain, "test", FEWEST["test"])
    fabric = build_fabric(experiment.training)
    # Of several processes, the first alone writes.
    with open_run(run, experiment) if fabric.is_global_zero else nullcontext():
        fabric.barrier()
        training = experiment.training
        progress = TrainingProgress(training.images, training.seconds, quiet=quiet)
        tracker = Tracker(track, run) if track and fabric.is_global_zero else None
        with progress if fabric.is_global_zero else nullcontext():
            observer = RunObserver(experiment, run, fixed, images, progress, tracker, fabric.device)
            try:
                state = train_networks(fabric, experiment, images, run, observer)
            except SystemExit:  # a signal, which ends all processes together
                leave(fabric)
                raise
        if fabric.is_global_zero:
            observer.finish(state)
        leave(fabric)
    return run


class RunObserver:
    """Writes what a person wants to see of a run; changes nothing about the training."""

    def __init__(
        self,
        experiment: Experiment,
        run: Path,
        fixed: dict[DomainName, Tensor],
        images: dict[DomainName, Images],
        progress: TrainingProgress,
        tracker: Tracker | None,
        device: torch.device,
    ) -> None:
        self.experiment, self.run, self.device = experiment, run, device
        self.progress, self.tracker = progress, tracker
        self.fixed, self.images = fixed, images
        self._validation: Judge | None = None

    def pretrain(self, images: int, total: int, loss: float) -> None:
        """See `engine.observer.Observer`."""
        self.progress.prepare(images, total, loss)

    def log(self, record: dict[str, Any]) -> None:
        """See `engine.observer.Observer`."""
        self.progress.update(record)
        if self.tracker is not None:
            self.tracker.log(record)

    def sample(self, state: State) -> None:
        """Draw the sample grids."""
        folder = self.run / "samples"
        folder.mkdir(exist_ok=True)
        for domain, pixels in self.fixed.items():
            found = samples.columns(self.experiment, state.average, pixels, domain)
            save_png(grid(found), folder / f"{state.images:09d}-{domain}.png")
        if self.experiment.method.latent_channels:
            found = samples.interpolations(self.experiment, state.average)
            save_png(grid(found), folder / f"{state.images:09d}-b.png")
        if self.experiment.method.style_channels:
            found = samples.styles(self.experiment, state.average, self.fixed["a"][:6])
            save_png(grid(found), folder / "styles-a2b.png")

    def evaluate(self, state: State) -> None:
        """Measure on validation images, and keep the weights if they are the best so far."""
        if self._validation is None:
            self._validation = self._judge("validation")
        result = self._validation.measure(state.average, state.images)
        if all(score(result.record) > score(record) for record in self._lines_of("validation")):
            self._save(state.average, state.images, self.run / "best")
        append_line(self.run / "evaluations.jsonl", result.record)

    def finish(self, state: State) -> None:
        """The last words of a run: validation and test of the final weights, model, report."""
        if (self.run / "model").is_dir() and self._lines_of("test"):
            write_report(self.run)  # the run was already finished
            return
        if not any(line["images"] == state.images for line in self._lines_of("validation")):
            self.evaluate(state)
        networks, images = state.average, state.images
        if self.experiment.evaluation.export == "best":
            networks, images = self._best()
        result = self._judge("test").measure(networks, images)
        if not self._lines_of("test"):  # else: ended between this line and the model
            append_line(self.run / "evaluations.jsonl", result.record)
        self._draw_worst(result)
        self._save(networks, images, self.run / "model")
        write_report(self.run)

    def evaluations(self) -> list[dict[str, Any]]:
        """See `read_evaluations`."""
        return read_evaluations(self.run)

    def _lines_of(self, split: Split) -> list[dict[str, Any]]:
        return [line for line in self.evaluations() if line["split"] == split]

    def _judge(self, split: Split) -> Judge:
        return Judge(self.experiment, split, self.device, training=self.images)

    def _best(self) -> tuple[Networks, int]:
        best = load_model(self.run / "best")
        return best.networks.to(self.device), best.images

    def _save(self, networks: Networks, images: int, folder: Path) -> None:
        text = card(without_folders(self.experiment), images, self.evaluations())
        save_model(folder, self.experiment, networks, images, text)

    def _draw_worst(self, result: Result) -> None:
        for domain, (indices, by) in result.worst.items():
            pictures, direction = result.translated[domain], DIRECTION[domain]
            piles = {
                domain: pictures.source,
                f"{domain}→{OTHER[domain]}": pictures.there,
                f"{domain}→{OTHER[domain]}→{domain}": pictures.back,
            }
            found = {
                title: samples.to_arrays(pile[indices])
                for title, pile in piles.items()
                if pile is not None
            }
            save_png(grid(found), self.run / "samples" / f"worst-{direction}.png")
            caption = f"The {len(indices)} test images whose translations are {by}."
            sidecar = json.dumps({"caption": caption})
            write_atomically(self.run / "samples" / f"worst-{direction}.json", sidecar)


def score(record: dict[str, Any]) -> float:
    """What `best` means: the highest of these on validation images."""
    return validation_score({name: m["value"] for name, m in record["metrics"].items()})


def check_labels(experiment: Experiment, images: dict[DomainName, Images]) -> None:
    """Refuse to train what needs labels without them.

    Raises:
        DataError: naming the pile and what it lacks.
    """
    pretraining = experiment.method.pretraining
    for name, domain in experiment.domains.items():
        labels = images[name].labels
        learns = pretraining is not None and name == "a"
        what = f"the encoder of {type(experiment.method).__name__} learns the classes of a"
        what = what if learns else f"{name}.balanced draws each class equally often"
        if (learns or domain.balanced) and labels is None:
            raise DataError(
                f"{describe(domain.source)} has no labels, but {what}. Give labelled images: a "
                "folder with a subfolder for each class, or a data set with a column `label`."
            )
        if learns and labels is not None:
            num_classes = experiment.method.num_classes
            if int(labels.max()) >= num_classes:
                raise DataError(
                    f"{describe(domain.source)} has classes up to {int(labels.max())}, but the "
                    f"encoder tells {num_classes} apart. Set --method.encoder.num-classes "
                    f"{int(labels.max()) + 1}."
                )


def _training_images(experiment: Experiment, name: DomainName, *, quiet: bool) -> Images:
    domain = getattr(experiment, name)
    images = load_images(domain, "train", FEWEST["train"])
    if not quiet:
        say(f"{name}: {len(images):,} training images from {describe(domain.source)}")
        for refused in images.refused[:5]:
            say(f"{name}: left out {refused}")
        if len(images.refused) > 5:
            say(f"{name}: {len(images.refused) - 5} more left out; `unpaired check` lists them")
    return images


def _first_images(experiment: Experiment, name: DomainName) -> Tensor:
    """The first validation images, [up to NUM_ROWS, C, H, W]: never seen in training."""
    images = load_images(getattr(experiment, name), "validation", FEWEST["validation"])
    return images.gather(np.arange(min(samples.NUM_ROWS, len(images))))


def evaluate(
    folder: str | Path,
    split: Split = "test",
    output: str | Path | None = None,
    pretrained: Callable[[torch.device], Pretrained] | None = None,
    extractors: Sequence[Extractor] = (),
) -> list[dict[str, Any]]:
    """Measure a run folder's model, or a model folder; returns lines of evaluations.jsonl.

    The first line holds all that needs no download; each of `extractors` adds a line with the
    distances that it finds. With `output`, a folder, the page on the faithfulness of translations
    is written there. `pretrained` gives, on a device, distances to take in addition.

    A run's sources are known in full; a model folder's only by name, so that its images must lie
    where it is evaluated. In a run folder, the lines are also appended to evaluations.jsonl.

    Raises:
        ModelError, RunError, DataError: when the model or the images cannot be used.
        SettingError, MissingExtra: for an extractor that cannot be loaded.
    """
    folder = Path(folder)
    is_run = (folder / "model").is_dir()
    model = load_model(folder / "model" if is_run else folder)
    experiment = load(folder / "config.json") if is_run else model.experiment
    device = choose_device(experiment.training.device)
    loaded = [extractor.load(device) for extractor in extractors]  # before anything long begins
    if output is not None and not experiment.method.directions:
        raise SettingError(
            "-o writes how faithful translations are; this model makes images from noise and "
            "translates none. Leave it out."
        )
    if not is_run:
        _check_images_are_here(experiment)
    judge = Judge(experiment, split, device, pretrained(device) if pretrained else None)
    result = judge.measure(model.networks.to(device), model.images)
    if output is not None:
        _write_faithfulness(judge, result, Path(output))
    found = [result.record, *any_extractor.records(judge, result, loaded)]
    for line in found if is_run else ():
        append_line(folder / "evaluations.jsonl", line)
    return found


def _check_images_are_here(experiment: Experiment) -> None:
    """A model folder keeps no more than the names of the images that it was trained on."""
    sources = [domain.source for domain in experiment.domains.values()]
    absent = [
        name
        for name in map(describe, sources)
        if not name.startswith(("hf:", "builtin:")) and not Path(name).expanduser().exists()
    ]
    if absent:
        raise DataError(
            f"{absent[0]!r} does not exist. A model folder knows its images by name only: give its "
            "run folder, or go where they lie. To measure it on others, translate these, then: "
            "unpaired evaluate --generated out/ --real photos/"
        )


def _write_faithfulness(judge: Judge, result: Result, folder: Path) -> None:
    names = names_of(encode(judge.experiment))
    ways = {
        names.path(domain, OTHER[domain]): look(pile.source, pile.there, judge.images[domain].names)
        for domain, pile in result.translated.items()
    }
    hidden = {names.path(d, OTHER[d], d): signal for d, signal in result.hidden.items()}
    write_faithfulness(ways, folder, judge.experiment.name, hidden)
