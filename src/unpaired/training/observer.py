"""Training observer: writes samples, numbers, models and the report beside the checkpoints."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unpaired.core.console import TrainingProgress, duration
from unpaired.core.errors import NonFiniteLoss, UnpairedError
from unpaired.core.files import UNFINISHED, write_atomically
from unpaired.data.dataset import Images
from unpaired.data.domain import DIRECTION, OTHER, SOURCE, DomainName
from unpaired.data.leaks import Leaks
from unpaired.engine import checkpoint
from unpaired.engine.state import State
from unpaired.engine.trackers import Tracker
from unpaired.evaluation.cost import Cost
from unpaired.evaluation.missing import reason_of
from unpaired.evaluation.model import Evaluator, Result
from unpaired.experiment.experiment import Experiment
from unpaired.inference.applied import AppliedModel
from unpaired.methods.networks import Networks
from unpaired.methods.protocols import Generates, Translates
from unpaired.metrics.ranking import score
from unpaired.models.card import card
from unpaired.models.folder import load_model, save_model, without_folders
from unpaired.records.evaluation import EvaluationRecord, read_evaluations
from unpaired.records.failures import Failure
from unpaired.records.lines import append_line
from unpaired.records.log import LogPoint, StagePoint
from unpaired.records.protocol import Split
from unpaired.report.plots.image_grid import grid, save_png
from unpaired.report.run.page import write_report
from unpaired.training import samples
from unpaired.training.divergence import record_divergence
from unpaired.training.estimate import cost_of_measuring, time_in_words

logger = logging.getLogger(__name__)


class RunObserver:
    """Writes what a person wants to see of a run; changes nothing about the training.

    No measurement, picture or page ends a training: see `_apart`.
    """

    def __init__(
        self,
        experiment: Experiment,
        run: Path,
        images: dict[DomainName, Images],
        validation: dict[DomainName, Images],
        leaks: Leaks,
        progress: TrainingProgress,
        tracker: Tracker | None,
        device: torch.device,
    ) -> None:
        """`images`: those of the training; the first of `validation` are drawn in the grids."""
        self.experiment, self.run, self.device = experiment, run, device
        self.progress, self.tracker = progress, tracker
        self.images, self.validation, self.leaks = images, validation, leaks
        sources = [SOURCE[direction] for direction in experiment.directions]
        self.fixed = {name: _first_images(validation[name]) for name in sources}
        self.cost: Cost | None = None
        self._validation: Evaluator | None = None

    def estimate(self) -> None:
        """Say how long measuring will take after the training."""
        with self._apart("the estimate of how long measuring takes", 0):
            self.cost = cost_of_measuring(
                self.experiment, self.validation, self.device, self.images
            )
            self.progress.say(time_in_words(self.experiment, self.cost))

    def stage(self, point: StagePoint) -> None:
        """See `engine.observer.Observer`."""
        self.progress.stage(point)

    def log(self, point: LogPoint) -> None:
        """See `engine.observer.Observer`."""
        self.progress.update(point)
        if self.tracker is not None:
            self.tracker.log(point)

    def sample(self, state: State) -> None:
        """Draw the sample grids."""
        with self._apart("the sample grid", state.images):
            self._sample(state)

    def _sample(self, state: State) -> None:
        model = AppliedModel(self.experiment, state.average, self.device)
        folder = self.run / "samples"
        folder.mkdir(exist_ok=True)
        for domain, pixels in self.fixed.items():
            columns = samples.columns(model, pixels, domain)
            save_png(grid(columns), folder / f"{state.images:09d}-{domain}.png")
        method = self.experiment.method
        if isinstance(method, Generates):
            columns = samples.interpolations(model)
            save_png(grid(columns), folder / f"{state.images:09d}-b.png")
        if isinstance(method, Translates) and method.style_channels:
            columns = samples.styles(model, self.fixed["a"][:6])
            save_png(grid(columns), folder / "styles-a2b.png")

    def evaluate(self, state: State) -> None:
        """Measure on validation images, and keep the weights if they are the best so far."""
        first = self._validation is None
        with self._apart("the evaluation on validation images", state.images):
            with self.progress.measuring():
                seconds = self._evaluate(state)
            if self.cost is not None:
                self.cost = self.cost.corrected(seconds)
                if first:
                    after = duration(self.cost.total)
                    self.progress.say(f"measuring at the end will take about {after}, by this one")

    def _evaluate(self, state: State) -> float:
        """The seconds that it took, without what is trained once for all evaluations."""
        if self._validation is None:
            self._validation = self._evaluator("validation")
        result = self._validation.measure(state.average, state.images)
        mark = result.record.fingerprint  # scores of other protocols are no rivals
        before = [b for b in self._records_of("validation") if b.fingerprint == mark]
        if all(score(result.record) > score(record) for record in before):
            self._save(state.average, state.images, self.run / "best")
        append_line(self.run / "evaluations.jsonl", result.record.as_json())
        return result.record.seconds

    def stop(self, state: State) -> None:
        """Leave a model of a training that was interrupted, and go on from there another time."""
        self._leave(state)

    def diverge(self, state: State, error: NonFiniteLoss) -> None:
        """Leave the model of the last good state: that of the last checkpoint, or before the first
        the average of the steps until then; of no step, and of a stage before, there is none."""
        why = re.split(r"; |\. ", str(error))[0]  # without the advice
        record_divergence(self.run, state.images, f"{why}.")
        if not state.images:
            return
        with self._apart("the model of the last good state", state.images):
            images, stored = error.images, checkpoint.load_newest(self.run / "checkpoints")
            if stored is not None and stored[1]["images"]:
                state.restore(*stored)
                images = state.images
            weights = state.average.generating().state_dict().values()
            if images and all(bool(w.isfinite().all()) for w in weights):
                (self.run / UNFINISHED).touch()
                self._save(state.average, images, self.run / "model")
                place = self.run / "model"
                self.progress.say(f"{place} is of the last good state, after {images:,} images")

    def finish(self, state: State) -> None:
        """The end of a run: validation and test of the final weights, model, report.

        The model comes first: it need not wait for the minutes that measuring may take.
        """
        if not self._measured("validation", state.images):
            self._leave(state)
            left = "" if self.cost is None else f", about {duration(self.cost.total)}"
            self.progress.say(f"measuring on images kept from training{left}")
            with (
                self._apart("the evaluation on validation images", state.images),
                self.progress.measuring(self.cost.total if self.cost else None),
            ):
                seconds = self._evaluate(state)
                self.cost = self.cost and self.cost.corrected(seconds)
        networks, images = state.average, state.images
        if self.experiment.evaluation.export == "best" and (self.run / "best").is_dir():
            best = load_model(self.run / "best")
            if best.images != images:  # else those in hand are the best, and have discriminators
                networks, images = best.networks.to(self.device), best.images
        new: list[EvaluationRecord] = []
        if not self._measured("test", images):
            with (
                self._apart("the evaluation on test images", images),
                self.progress.measuring(self.cost.test if self.cost else None),
            ):
                result = self._evaluator("test").measure(networks, images)
                new = [result.record]
                with self._apart("the picture of the worst translations", images):
                    self._draw_worst(result)
        if new or (self.run / UNFINISHED).exists():
            self._save(networks, images, self.run / "model", new)
        for record in new:
            append_line(self.run / "evaluations.jsonl", record.as_json())
        (self.run / UNFINISHED).unlink(missing_ok=True)
        with self._apart("the report", images):
            write_report(self.run)

    @contextmanager
    def _apart(self, what: str, images: int) -> Iterator[None]:
        """For what only follows a training: whatever it raises is noted, and the training goes on.

        That may be a defect in a metric, a full disk, or too little memory; a number that images
        alone leave without a value is dealt with before (`evaluation.missing`). Checkpoints, the
        log and the model of the end are not done here: without them there is nothing to go on with.
        """
        try:
            yield
        except Exception as error:
            failure = Failure(images=images, what=what, reason=reason_of(error))
            known = isinstance(error, (UnpairedError, OSError, MemoryError))
            logger.warning("%s The training goes on.", failure.sentence, exc_info=not known)
            with suppress(OSError):  # the disk may be what is full
                failure.append_to(self.run)

    def _leave(self, state: State) -> None:
        """A model that is not that of the end."""
        (self.run / UNFINISHED).touch()
        self._save(state.average, state.images, self.run / "model")

    def evaluations(self) -> list[EvaluationRecord]:
        """What trainings measure, without what extractors that a user asked for have added."""
        records = read_evaluations(self.run / "evaluations.jsonl")
        return [record for record in records if not record.added_extractor]

    def _measured(self, split: Split, images: int) -> bool:
        return any(record.images == images for record in self._records_of(split))

    def _records_of(self, split: Split) -> list[EvaluationRecord]:
        return [record for record in self.evaluations() if record.split == split]

    def _evaluator(self, split: Split) -> Evaluator:
        return Evaluator(
            self.experiment,
            split,
            self.device,
            training=self.images,
            images=self.validation if split == "validation" else None,
            leaks=self.leaks,
        )

    def _save(
        self, networks: Networks, images: int, folder: Path, new: Sequence[EvaluationRecord] = ()
    ) -> None:
        text = card(without_folders(self.experiment), images, [*self.evaluations(), *new])
        save_model(folder, self.experiment, networks, images, text)

    def _draw_worst(self, result: Result) -> None:
        for domain, (indices, by) in result.worst.items():
            pictures, direction = result.translated[domain], DIRECTION[domain]
            sets = {
                domain: pictures.source,
                f"{domain}→{OTHER[domain]}": pictures.translations,
                f"{domain}→{OTHER[domain]}→{domain}": pictures.reconstructions,
            }
            columns = {
                title: samples.to_arrays(images[indices])
                for title, images in sets.items()
                if images is not None
            }
            save_png(grid(columns), self.run / "samples" / f"worst-{direction}.png")
            caption = f"The {len(indices)} test images whose translations are {by}."
            sidecar = json.dumps({"caption": caption})
            write_atomically(self.run / "samples" / f"worst-{direction}.json", sidecar)


def _first_images(images: Images) -> Tensor:
    """The first images, [up to NUM_ROWS, C, H, W] integers."""
    return images.gather(np.arange(min(samples.NUM_ROWS, len(images))))
