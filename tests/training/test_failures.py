"""No measurement, picture or page ends a training: what fails is noted, with its reason."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from image_folders import of_folders, write_images
from unpaired.data.sources import Folder
from unpaired.evaluation.model import Result
from unpaired.experiment.experiment import Experiment
from unpaired.models.folder import load_model
from unpaired.records.evaluation import EvaluationRecord, read_evaluations
from unpaired.records.failures import read_failures
from unpaired.records.runs import read_run
from unpaired.training import observer
from unpaired.training.run_folder import is_finished
from unpaired.training.train import train


class Evaluator:
    """Measures nothing, or fails for a reason."""

    error: Exception | None = None
    value: float = 0.5
    unmeasured: tuple[int, ...] = ()  # moments, by images seen, that have no score

    def __init__(self, experiment: Experiment, split: str, *_: Any, **__: Any) -> None:
        self.split = split

    def measure(self, networks: Any, images: int) -> Result:
        if self.error is not None:
            raise self.error
        metrics = {"translation_accuracy/a2b": {"value": self.value}}
        line = {
            "images": images,
            "split": self.split,
            "metrics": {} if images in self.unmeasured else metrics,
        }
        record = EvaluationRecord.from_json(line)
        return Result(record, translated={}, from_noise=None, hidden={}, worst={})


@pytest.fixture
def evaluator(monkeypatch: pytest.MonkeyPatch) -> type[Evaluator]:
    monkeypatch.setattr(observer, "Evaluator", Evaluator)
    monkeypatch.setattr(Evaluator, "error", None)
    return Evaluator


def test_held_out_blank_pages_leave_out_their_diversity_alone(tiny: Experiment, tmp_path: Path):
    a, b = (write_images(tmp_path / name, 24, seed) for seed, name in enumerate("ab"))
    pages = Folder(path=str(write_images(tmp_path / "pages", 5, 2, value=255)))
    experiment = of_folders(tiny, a, b)
    blank = replace(experiment.b, test_source=pages, validation_source=pages)
    run = train(replace(experiment, b=blank), tmp_path / "run", quiet=True)
    assert load_model(run / "model").images == 8
    records = read_evaluations(run / "evaluations.jsonl")
    assert [record.split for record in records] == ["validation", "test"]
    for record in records:
        (note,) = record.notes
        assert note.startswith("diversity/a2b is missing: The 4 real images are all alike")
        assert "diversity/b2a" in record.metrics
        assert "fd/pixels/b" in record.metrics
    assert is_finished(run)
    assert "diversity/a2b is missing" in (run / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("a defect of ours"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_an_evaluation_that_fails_is_left_out_and_made_up_for(
    tiny: Experiment,
    tmp_path: Path,
    evaluator: type[Evaluator],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
):
    often = replace(tiny, evaluation=replace(tiny.evaluation, images=8, export="best"))
    with monkeypatch.context() as patched:
        patched.setattr(evaluator, "error", error)
        run = train(often, tmp_path / "run", quiet=True)
    failures = read_failures(run)
    assert [failure.images for failure in failures] == [8, 16, 20, 20]
    assert [failure.what.split()[-2] for failure in failures] == [*["validation"] * 3, "test"]
    assert all(str(error).rstrip(".") in failure.reason for failure in failures)
    assert failures[0].sentence in caplog.text
    assert ("Traceback" in caplog.text) == isinstance(error, AttributeError)
    assert set(read_run(run).notes) == {failure.sentence for failure in failures}
    assert (run / "report.html").is_file()
    assert load_model(run / "model").images == 20
    assert not is_finished(run)

    train(often, run, quiet=True)
    assert is_finished(run)
    moments = [(r.split, r.images) for r in read_evaluations(run / "evaluations.jsonl")]
    assert moments == [("validation", 20), ("test", 20)]


def test_a_picture_or_page_that_cannot_be_written_is_left_out(
    tiny: Experiment, tmp_path: Path, evaluator: Any, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(observer, "save_png", full)
    monkeypatch.setattr(observer, "write_report", full)
    run = train(tiny, tmp_path / "run", quiet=True)
    whats = [failure.what for failure in read_failures(run)]
    assert whats == [*["the sample grid"] * 4, "the report"]
    assert is_finished(run)


def test_a_moment_without_a_score_is_no_rival_of_one_with(
    tiny: Experiment, tmp_path: Path, evaluator: type[Evaluator], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(evaluator, "unmeasured", (8, 20))
    often = replace(tiny, evaluation=replace(tiny.evaluation, images=8))
    run = train(often, tmp_path / "run", quiet=True)
    assert json.loads((run / "best" / "config.json").read_text())["images"] == 16
