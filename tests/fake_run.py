"""A run folder as the engine writes it, filled with plausible numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from unpaired.records.directions import write_directions
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.log import LogPoint, StagePoint
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol
from unpaired.report.plots.image_grid import contact_sheet, grid, save_png

CONFIG = {
    "name": "digits",
    "a": {"source": {"kind": "builtin", "name": "ink"}, "channels": 1, "size": 32},
    "b": {"source": {"kind": "builtin", "name": "sign"}, "channels": 3, "size": 32},
    "method": {"kind": "cyclegan", "generator": {"kind": "unet"}, "cycle_weight": 10.0},
    "training": {"images": 51200, "seed": 7},
    "evaluation": {"images": 12800},
}


def number(value: float, low: float, high: float, n: int = 360) -> dict[str, Any]:
    """A measurement as JSON stores it."""
    return Measurement(value, low, high, n).as_json()


def log_line(images: int, **changes: Any) -> dict[str, Any]:
    """A line of metrics.jsonl; `changes` stand in it as they are, damaged or not."""
    point = LogPoint(
        images=images,
        epochs={"a": images / 640, "b": images / 320},
        seconds=images / 500,
        images_per_second=500.0,
        data_wait=0.01,
        losses={
            "generators/adversarial_b": 1.0,
            "generators/cycle_a": 4000 / images,
            "discriminators/b": 1.2,
        },
        learning_rate={"generators": 2e-4, "discriminators": 4e-4},
        health={"gradient_norm/generators": 2.0, "memory_mb": 812.0},
    )
    return point.as_json() | changes


def stage_line(images: int, stage: str = "encoder") -> dict[str, Any]:
    """A line of stages.jsonl."""
    return StagePoint(stage=stage, images=images, total=320, loss=2 / (1 + images)).as_json()


def evaluation(
    images: int, split: str, fingerprint: str, accuracy: float, **changes: Any
) -> dict[str, Any]:
    """A line of evaluations.jsonl; `changes` stand in it as they are, damaged or not."""
    record = EvaluationRecord(
        images=images,
        weights="ema",
        split=split,
        protocol=Protocol(
            extractor="classifier", split="test" if split == "test" else "validation"
        ),
        fingerprint=fingerprint,
        metrics={
            "translation_accuracy/a2b": Measurement(
                accuracy, accuracy - 0.013, accuracy + 0.008, 360
            ),
            "translation_accuracy/a2b/input": Measurement(0.403, 0.39, 0.42, 360),
            "kd/classifier/b": Measurement(0.0123, 0.0102, 0.0144, 360),
            "kd/classifier/b/floor": Measurement(-0.0004, -0.0015, 0.0007, 360),
            "truth_psnr/b2a": Measurement(23.4, 23.1, 23.7, 360),
            "truth_psnr/b2a/input": Measurement(11.4, 11.2, 11.6, 360),
            "diversity/a2b": Measurement(0.82, 0.79, 0.85, 360),
            "cycle_l1/a": Measurement(0.0102, 0.0098, 0.0106, 360),
        },
    )
    return record.as_json() | changes


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_run(folder: Path) -> None:
    """A finished run."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    write_directions(folder, ("a2b", "b2a"))
    (folder / "command.txt").write_text("unpaired train --recipe digits -o runs/digits\n")
    (folder / "environment.json").write_text(
        json.dumps({"processor": "Xeon", "gpu": None, "packages": {"torch": "2.13.0"}})
    )
    moments = range(12800, 51201, 12800)
    write_lines(folder / "metrics.jsonl", [log_line(images) for images in moments])
    validation = [evaluation(i, "validation", "aaaa1111", 0.5 + i / 110_000) for i in moments]
    test = [
        evaluation(38400, "test", "bbbb2222", 0.991),
        evaluation(51200, "test", "bbbb2222", 0.984),
    ]
    write_lines(folder / "evaluations.jsonl", [*validation, *test])
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    (folder / "samples").mkdir()
    (folder / "best").mkdir()
    (folder / "best" / "config.json").write_text(json.dumps({"images": 38400}))
    columns = {title: list(pixels) for title in ("a", "a→b", "a→b→a")}
    save_png(grid(columns), folder / "samples" / "000012800-a.png")
    content = (folder / "samples" / "000012800-a.png").read_bytes()
    for images in moments:
        for domain in "ab":
            (folder / "samples" / f"{images:09d}-{domain}.png").write_bytes(content)
    worst = contact_sheet(list(pixels), ["read as 3"] * 4)
    save_png(worst, folder / "samples" / "worst-a2b.png")
    (folder / "samples" / "worst-a2b.json").write_text(json.dumps({"caption": "Surely misread."}))


def write_records(
    folder: Path,
    changes: dict[str, Any],
    accuracy: float = 0.9,
    seed: int = 0,
    fingerprint: str = "bbbb2222",
    course: tuple[float, ...] = (0.5, 0.8, 0.7),
) -> Path:
    """What a finished run says about itself, without weights and pictures; `changes` of settings by
    path, `course` the accuracies on validation images after 100, 200, … images seen."""
    folder.mkdir(parents=True)
    config: dict[str, Any] = json.loads(json.dumps(CONFIG))
    for path, value in {"training.seed": seed, **changes}.items():
        *parents, name = path.split(".")
        place = config
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = value
    (folder / "config.json").write_text(json.dumps(config))
    lines = [
        evaluation(100 * (i + 1), "validation", "aaaa1111", value) for i, value in enumerate(course)
    ]
    if accuracy:
        lines.append(evaluation(100 * len(course), "test", fingerprint, accuracy))
    write_lines(folder / "evaluations.jsonl", lines)
    return folder
