"""A tracker may be absent, or fail at any time, without stopping a training."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from unpaired.core.errors import MissingExtra
from unpaired.engine import trackers as track
from unpaired.records.log import LogPoint
from unpaired.training import train as training

POINT = LogPoint(
    images=32,
    losses={"generators/cycle_a": 1.5},
    health={"memory_mb": 10.0},
    learning_rate={"generators": 1e-4},
    images_per_second=3.0,
)


class Writer:
    def __init__(self, fail_at: int = 99) -> None:
        self.scalars: list[tuple[str, float, int]] = []
        self.fail_at = fail_at
        self.ends = 0

    def add_scalar(self, name: str, value: float, step: int) -> None:
        if len(self.scalars) >= self.fail_at:
            raise ConnectionError("the server is gone")
        self.scalars.append((name, value, step))

    def close(self) -> None:
        self.ends += 1

    finish = close


def test_every_number_is_sent_at_its_images_seen(monkeypatch, tmp_path: Path):
    writer = Writer()
    monkeypatch.setattr(track, "_open", lambda name, folder: writer)
    track.Tracker("tensorboard", tmp_path).log(POINT)
    assert ("generators/cycle_a", 1.5, 32) in writer.scalars
    assert ("images_per_second", 3.0, 32) in writer.scalars


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_each_training_of_a_process_has_a_tracker_that_ends_with_it(
    tiny, monkeypatch, tmp_path: Path, name
):
    writers: list[Writer] = []

    def begin(name: str, folder: Path) -> Writer:
        writers.append(Writer())
        return writers[-1]

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(track, "_open", begin)
    monkeypatch.setattr(training, "train_networks", fail)
    for run in ("1", "2"):
        with pytest.raises(MemoryError):
            training.train(tiny, tmp_path / run, track=name, quiet=True)
    assert [writer.ends for writer in writers] == [1, 1]


def test_a_run_that_the_caller_has_opened_is_left_open(monkeypatch, tmp_path: Path):
    mine = Writer()
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(run=mine))
    monkeypatch.setattr(track, "_open", lambda name, folder: mine)
    track.Tracker("wandb", tmp_path).close()
    assert mine.ends == 0


def test_a_failing_tracker_is_left_with_one_warning(monkeypatch, tmp_path: Path, caplog):
    writer = Writer(fail_at=1)
    monkeypatch.setattr(track, "_open", lambda name, folder: writer)
    tracker = track.Tracker("tensorboard", tmp_path)
    for _ in range(3):
        tracker.log(POINT)
    assert caplog.text.count("training goes on without it") == 1
    assert len(writer.scalars) == 1


def test_a_tracker_that_cannot_start_is_left_too(monkeypatch, tmp_path: Path, caplog):
    def fail(name: str, folder: Path) -> None:
        raise OSError("no network")

    monkeypatch.setattr(track, "_open", fail)
    track.Tracker("wandb", tmp_path).log(POINT)
    assert "wandb failed (no network)" in caplog.text


@pytest.mark.parametrize(
    ("name", "module"), [("wandb", "wandb"), ("tensorboard", "torch.utils.tensorboard")]
)
def test_an_absent_package_is_named_before_training(monkeypatch, tmp_path, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r'pip install "unpaired\[track\]"') as error:
        track.Tracker(name, tmp_path)
    assert error.value.code == "missing-extra"
