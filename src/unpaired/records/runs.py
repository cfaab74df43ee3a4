"""Run folder: its records, read as far as they are written.

A run that has just begun, was stopped, or is being written at this moment is read like any other:
what is absent is empty, what is torn is skipped, and `Run.notes` says so in words for people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unpaired.core.errors import RunError
from unpaired.records.changes import read_changes
from unpaired.records.directions import read_directions
from unpaired.records.evaluation import EvaluationRecord, read_evaluations
from unpaired.records.failures import read_failures
from unpaired.records.json_values import parse_object, read_object, read_text
from unpaired.records.lines import read_lines
from unpaired.records.log import LogPoint, StagePoint

_SAMPLE_NAME = re.compile(r"(\d+)-([ab])\.png")


@dataclass(frozen=True, kw_only=True)
class Samples:
    """The sample grids of one moment: `a` has the columns a, a→b and, where there are
    reconstructions, a→b→a; `b` likewise, or images generated from noise."""

    images: int
    a: Path | None = None
    b: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture with a caption for people (may be empty)."""

    path: Path
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that a run folder tells about one training."""

    folder: Path
    config: Mapping[str, Any]
    directions: tuple[str, ...]
    """In which its method translates, of "a2b" and "b2a"; none: it generates images from noise."""
    command: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)
    stages: tuple[StagePoint, ...] = ()
    """What was trained before the main training."""
    log: tuple[LogPoint, ...] = ()
    evaluations: tuple[EvaluationRecord, ...] = ()
    best_images: int | None = None
    """Images seen by the weights in the folder `best`."""
    checkpoint_images: int | None = None
    """Images seen at the newest checkpoint, from which the training would go on."""
    samples: tuple[Samples, ...] = ()
    worst: Mapping[str, Picture] = field(default_factory=dict)
    """The worst test images of a direction (`a2b`, `b2a`)."""
    styles: Mapping[str, Picture] = field(default_factory=dict)
    """The same inputs under several styles, of a direction (`a2b`, `b2a`)."""
    notes: tuple[str, ...] = ()
    """What could not be read, and what has failed beside the training, in words for people."""

    @property
    def images(self) -> int:
        """Images seen so far, per domain. An interrupted training saves, and logs nothing."""
        recorded = [point.images for point in self.log[-1:]]
        recorded += [] if self.checkpoint_images is None else [self.checkpoint_images]
        return max([0, *recorded, *(evaluation.images for evaluation in self.evaluations)])


def read_run(folder: Path) -> Run:
    """Read the run in `folder`.

    Raises:
        RunError: `folder` is no run folder, or its `config.json` is no JSON object.
    """
    config = _read_config(folder)
    notes: list[str] = []
    notes += [f"Continued {change.sentence}" for change in read_changes(folder, notes)]
    notes += [failure.sentence for failure in read_failures(folder, notes)]
    return Run(
        folder=folder,
        config=config,
        directions=read_directions(folder, config, notes),
        command=read_text(folder / "command.txt").strip(),
        environment=read_object(folder / "environment.json", notes),
        stages=tuple(map(StagePoint.from_json, read_lines(folder / "stages.jsonl", notes))),
        log=_read_log(folder / "metrics.jsonl", notes),
        evaluations=read_evaluations(folder / "evaluations.jsonl", notes),
        best_images=_images_of(folder / "best" / "config.json", notes),
        checkpoint_images=_newest_checkpoint(folder / "checkpoints"),
        samples=_find_samples(folder / "samples"),
        worst=_find_pictures(folder / "samples", "worst", notes),
        styles=_find_pictures(folder / "samples", "styles", notes),
        notes=tuple(notes),
    )


def _read_config(folder: Path) -> Mapping[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise RunError(
            f"{folder} is no run folder: it has no config.json. "
            "Give the folder that `unpaired train -o FOLDER` wrote.",
            code="no-run-folder",
        )
    if (folder / "model.safetensors").is_file():
        raise RunError(
            f"{folder} is a model folder. Give the run folder that holds it.", code="run-is-model"
        )
    config = parse_object(read_text(path))
    if config is None:
        raise RunError(
            f"{path} is damaged: it is not a JSON object. "
            "Restore the file from a copy, or train into a new folder.",
            code="run-damaged",
        )
    return config


def _images_of(model: Path, notes: list[str]) -> int | None:
    images = read_object(model, notes).get("images")
    return images if isinstance(images, int) else None


def _read_log(path: Path, notes: list[str]) -> tuple[LogPoint, ...]:
    points: list[LogPoint] = []
    for point in map(LogPoint.from_json, read_lines(path, notes)):
        # A killed run resumes from its last checkpoint: what it had logged after that is void.
        while points and points[-1].images >= point.images:
            points.pop()
        points.append(point)
    return tuple(points)


def _newest_checkpoint(folder: Path) -> int | None:
    names = [path.name for path in folder.glob("*") if path.name.isdecimal()]
    return max(map(int, names), default=None)


def _find_samples(folder: Path) -> tuple[Samples, ...]:
    by_moment: dict[int, dict[str, Path]] = {}
    for path in folder.glob("*.png"):
        if match := _SAMPLE_NAME.fullmatch(path.name):
            by_moment.setdefault(int(match[1]), {})[match[2]] = path
    return tuple(
        Samples(images=images, a=paths.get("a"), b=paths.get("b"))
        for images, paths in sorted(by_moment.items())
    )


def _find_pictures(folder: Path, kind: str, notes: list[str]) -> dict[str, Picture]:
    pictures = {}
    for path in sorted(folder.glob(f"{kind}-*.png")):
        caption = read_object(path.with_suffix(".json"), notes).get("caption", "")
        direction = path.stem.removeprefix(f"{kind}-")
        pictures[direction] = Picture(path=path, caption=str(caption))
    return pictures
