"""What is written is read again, by the same code, and so is what older versions wrote."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from unpaired.records.directions import directions_of_kind, read_directions, write_directions
from unpaired.records.evaluation import EvaluationRecord, read_evaluations
from unpaired.records.lines import append_line, forget_after, read_lines
from unpaired.records.log import LogPoint, StagePoint
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol

POINT = LogPoint(
    images=24,
    epochs={"a": 0.5, "b": 1.5},
    seconds=19.5,
    images_per_second=11.25,
    data_wait=0.25,
    losses={"generators/cycle_a": 8.0},
    learning_rate={"generators": 2e-4},
    health={"memory_mb": 589.0},
)
RECORD = EvaluationRecord(
    images=24,
    weights="ema",
    split="test",
    protocol=Protocol(evaluators=("36c1", "25f0"), palette=((0, 0, 0), (9, 9, 9)), counts=(4, 5)),
    fingerprint="f",
    metrics={"kd/pixels/b": Measurement(0.25, 0.125, 0.5, 360)},
    notes=("one is missing",),
    precision="bfloat16",
    seconds=3.5,
)
# As unpaired 0.1.0 wrote it.
OF_OLD = {
    "name": "standard",
    "split": "test",
    "images_a": "93630a28fda2582f",
    "images_b": "17fe42fc07ec90bf",
    "extractor": "pixels",
    "judges": ["36c11d8890211f4e", "25f0b70f83b0a8f9"],
    "resize": "bicubic, anti-aliased, unquantised",
    "palette": [],
    "formats": [],
    "counts": [],
    "distances": "equal n; floor: against training images",
    "style_seed": 0,
    "resamples": 200,
}


def test_a_log_point_is_read_as_it_was_written(tmp_path: Path) -> None:
    append_line(tmp_path / "metrics.jsonl", POINT.as_json())
    (line,) = read_lines(tmp_path / "metrics.jsonl")
    assert LogPoint.from_json(line) == POINT
    assert (line["epochs_a"], line["epochs_b"]) == (0.5, 1.5)


def test_a_training_of_one_domain_has_the_epochs_of_one() -> None:
    line = replace(POINT, epochs={"b": 1.5}).as_json()
    assert "epochs_a" not in line
    assert LogPoint.from_json(line).epochs == {"b": 1.5}


def test_an_evaluation_is_read_as_it_was_written(tmp_path: Path) -> None:
    append_line(tmp_path / "evaluations.jsonl", RECORD.as_json())
    assert read_evaluations(tmp_path / "evaluations.jsonl") == (RECORD,)


def test_what_a_later_version_adds_to_a_measurement_is_no_hindrance() -> None:
    content = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9, "scale": "mean colour"}
    assert Measurement.from_json(content) == Measurement(0.5, 0.4, 0.6, 9)


@pytest.mark.parametrize("content", [None, 3, {}, {"value": None}, {"value": "0.5"}])
def test_a_measurement_without_value_is_none(content: object) -> None:
    assert Measurement.from_json(content) is None


def test_a_value_alone_has_no_interval() -> None:
    bare = Measurement.from_json({"value": 0.5})
    assert bare is not None
    assert not bare.has_interval
    assert math.isnan(bare.low)
    assert Measurement(0.5, 0.4, 0.6, 9).has_interval


@pytest.mark.parametrize("key", ["judges", "evaluators"])
def test_a_protocol_keeps_its_fingerprint_under_the_old_name_and_the_new(key: str) -> None:
    content = {(key if name == "judges" else name): part for name, part in OF_OLD.items()}
    protocol = Protocol.from_json(json.loads(json.dumps(content)))
    assert protocol.evaluators == ("36c11d8890211f4e", "25f0b70f83b0a8f9")
    assert protocol.fingerprint == "d276a2a1dd67"
    assert Protocol.from_json(protocol.as_json()) == protocol


def test_what_a_protocol_does_not_say_has_its_default() -> None:
    assert Protocol.from_json({"resamples": "many", "later": 1}) == Protocol()


@pytest.mark.parametrize("directions", [("a2b", "b2a"), ("a2b",), ()])
def test_a_run_records_its_directions(tmp_path: Path, directions: tuple[str, ...]) -> None:
    write_directions(tmp_path, directions)
    assert read_directions(tmp_path, {"method": {"kind": "of tomorrow"}}) == directions


def test_a_damaged_record_of_directions_is_noted_and_they_follow_from_the_kind(
    tmp_path: Path,
) -> None:
    (tmp_path / "run.json").write_text("{")
    notes: list[str] = []
    assert read_directions(tmp_path, {"method": {"kind": "dtn"}}, notes) == ("a2b",)
    assert notes == ["run.json could not be read as a JSON object."]
    assert directions_of_kind({}) == ("a2b", "b2a")


def test_lines_of_a_stage_are_forgotten_alone(tmp_path: Path) -> None:
    path = tmp_path / "stages.jsonl"
    points = [
        StagePoint(stage=stage, images=images, total=32, loss=0.5)
        for stage in ("encoder", "cycle")
        for images in (0, 16)
    ]
    for point in points:
        append_line(path, point.as_json())
    forget_after(path, 8, "cycle")
    assert [StagePoint.from_json(line) for line in read_lines(path)] == points[:3]
    forget_after(path, -1, "encoder")
    assert [StagePoint.from_json(line) for line in read_lines(path)] == [points[2]]


def test_lines_after_a_checkpoint_are_forgotten_and_torn_ones_with_them(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for images in (8, 16, 24):
        append_line(path, {"images": images})
    path.write_text(path.read_text() + '{"images": 3')
    forget_after(path, 16)
    assert [line["images"] for line in read_lines(path)] == [8, 16]
    assert path.read_text().count("\n") == 2
