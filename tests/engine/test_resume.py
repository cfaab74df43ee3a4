"""An interrupted training ends with the same bits as one that was not."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

import children
from observers import Silent
from unpaired.core import devices, weights
from unpaired.core.errors import RunError
from unpaired.data.dataset import load_images
from unpaired.engine import checkpoint
from unpaired.engine.distributed import build_fabric
from unpaired.engine.loop import train
from unpaired.engine.schedules import Linear
from unpaired.experiment.experiment import Experiment, load, to_json
from unpaired.networks import CNN
from unpaired.records.lines import append_line, read_lines
from unpaired.records.log import LogPoint
from unpaired.training.run_folder import open_run

STEPS = 40


class Telling(Silent):
    """Sends the number of images of each line of the log."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection

    def log(self, point: LogPoint) -> None:
        self.connection.send(point.images)


def work(config: Path, folder: Path, connection: Connection, kill_in_write_at: int) -> None:
    """Train through the public loop, with a checkpoint at every second step.

    So a kill at a random moment meets training, saving and pruning alike; or it comes in the middle
    of the write of the first checkpoint from `kill_in_write_at` images on.
    """
    original = checkpoint.save

    def save_or_die(folder: Path, images: int, *rest: Any) -> Path:
        if images >= kill_in_write_at:
            checkpoint.move = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        return original(folder, images, *rest)

    if kill_in_write_at:
        checkpoint.save = save_or_die
    experiment = load(config)
    images = {name: load_images(domain, "train") for name, domain in experiment.domains.items()}
    with open_run(folder, experiment):
        train(build_fabric(experiment.training), experiment, images, folder, Telling(connection))


class Child:
    """A training in a process of its own."""

    def __init__(self, experiment: Experiment, folder: Path, kill_in_write_at: int = 0) -> None:
        config = folder.parent / "experiment.json"
        config.write_text(to_json(experiment))
        self.connection, theirs = multiprocessing.Pipe(duplex=False)
        self.process = children.start(work, config, folder, theirs, kill_in_write_at)
        theirs.close()

    def wait_for(self, lines: int) -> None:
        """Until it has logged as many more lines."""
        for _ in range(lines):
            self.connection.recv()

    def end(self, number: int | None = None) -> int | None:
        """Send it a signal if one is given, and wait for its end; returns its exit code."""
        if number is not None:
            os.kill(self.process.pid, number)
        with suppress(EOFError):  # a child that cannot send would end for that reason
            while True:
                self.connection.recv()
        self.process.join(60)
        return self.process.exitcode


@pytest.fixture(scope="module")
def long(tiny: Experiment) -> Experiment:
    training = replace(
        tiny.training, images=4 * STEPS, log_images=4, checkpoint_images=8, schedule=Linear()
    )
    return replace(tiny, training=training)


@pytest.fixture(scope="module")
def unbroken(long: Experiment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """Everything that the last checkpoint of an uninterrupted run holds."""
    return run_here(long, tmp_path_factory.mktemp("unbroken") / "run")


def run_here(experiment: Experiment, folder: Path) -> dict[str, torch.Tensor]:
    images = {name: load_images(getattr(experiment, name), "train") for name in ("a", "b")}
    with open_run(folder, experiment):
        train(build_fabric(experiment.training), experiment, images, folder, Silent())
    return final_tensors(folder)


def final_tensors(folder: Path) -> dict[str, torch.Tensor]:
    newest = checkpoint.list_newest_first(folder / "checkpoints")[0]
    return load_file(newest / "state.safetensors")


def assert_same_bits(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert not different
    # What must be there for the comparison to mean anything:
    for part in ("networks.", "average.", "optimiser.generators.", "pool.a", "pool.b"):
        assert any(name.startswith(part) for name in first)


def test_kill_9_at_three_random_moments(long, unbroken, tmp_path):
    folder = tmp_path / "killed"
    for moment in (2, 11, 23):  # lines of the log after which the process is killed
        child = Child(long, folder)
        child.wait_for(lines=moment if moment == 2 else 7)
        time.sleep(0.013 * moment)
        assert child.end(signal.SIGKILL) == -signal.SIGKILL, "it ended before it could be killed"
    reached = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])["images"]
    assert 0 < reached < long.training.images
    assert_same_bits(unbroken, run_here(long, folder))


def test_channels_last_goes_on_with_the_moments_of_the_right_weights(long, tmp_path, monkeypatch):
    """Stored moments are contiguous; fused Adam pairs them with weights by place in memory."""
    monkeypatch.setattr(devices, "CHANNELS_LAST_SIZE", 0)
    folder = tmp_path / "run"
    unbroken = run_here(long, folder)
    shutil.rmtree(checkpoint.list_newest_first(folder / "checkpoints")[0])
    assert_same_bits(unbroken, run_here(long, folder))


def test_random_crops_go_on_to_the_bit(long: Experiment, tmp_path: Path):
    crops = replace(
        long,
        a=replace(long.a, size=16, fit="crop"),
        b=replace(long.b, size=16, fit="crop", short_side=24),
        method=replace(long.method, discriminator=CNN(width=8)),
        training=replace(long.training, images=40, keep_checkpoints=9),
    )
    unbroken = run_here(crops, tmp_path / "run")
    for later in checkpoint.list_newest_first(tmp_path / "run" / "checkpoints")[:3]:
        shutil.rmtree(later)
    assert_same_bits(unbroken, run_here(crops, tmp_path / "run"))


def test_kill_9_during_a_checkpoint_write(long, unbroken, tmp_path):
    folder = tmp_path / "killed"
    assert Child(long, folder, kill_in_write_at=48).end() == -signal.SIGKILL
    names = [path.name for path in (folder / "checkpoints").iterdir()]
    assert any(name.startswith(".writing-") for name in names), "the write was not interrupted"
    newest = checkpoint.list_newest_first(folder / "checkpoints")[0]
    assert int(newest.name) == 40
    assert_same_bits(unbroken, run_here(long, folder))


def test_a_damaged_checkpoint_is_passed_over(long, unbroken, tmp_path, caplog):
    folder = tmp_path / "damaged"
    short = replace(long, training=replace(long.training, keep_checkpoints=3))
    run_here(short, folder)
    newest, before, _ = checkpoint.list_newest_first(folder / "checkpoints")
    content = (newest / "state.safetensors").read_bytes()
    (newest / "state.safetensors").write_bytes(content[: len(content) // 2])
    assert_same_bits(unbroken, run_here(long, folder))
    assert f"{newest} is damaged" in caplog.text
    assert before.name in {p.name for p in (folder / "checkpoints").iterdir()}


def test_a_run_whose_checkpoints_are_all_damaged_is_not_begun_anew(long, tmp_path):
    """To begin anew would overwrite what the run has recorded."""
    folder = tmp_path / "run"
    run_here(long, folder)
    for path in checkpoint.list_newest_first(folder / "checkpoints"):
        (path / "state.json").write_text("{")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    with pytest.raises(RunError) as error:
        run_here(long, folder)
    assert error.value.code == "checkpoints-damaged"
    after = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert after == before


def test_sigterm_saves_and_exits_143(long, unbroken, tmp_path):
    folder = tmp_path / "terminated"
    child = Child(long, folder)
    child.wait_for(lines=5)
    assert child.end(signal.SIGTERM) == 143
    newest = checkpoint.list_newest_first(folder / "checkpoints")[0]
    assert 20 <= int(newest.name) < long.training.images
    assert_same_bits(unbroken, run_here(long, folder))


def test_metrics_are_not_written_twice(long, tmp_path):
    folder = tmp_path / "run"
    child = Child(long, folder)
    child.wait_for(lines=9)
    child.end(signal.SIGKILL)
    run_here(long, folder)
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    seen = [json.loads(line)["images"] for line in lines]
    assert seen == list(range(4, 4 * STEPS + 1, 4))


def test_a_line_after_a_torn_one_stands_alone(tmp_path: Path):
    path = tmp_path / "evaluations.jsonl"
    append_line(path, {"images": 1})
    with path.open("a") as file:
        file.write('{"images": 2, "met')  # a disk that was full, or a power cut
    append_line(path, {"images": 3})
    append_line(path, {"images": 4})
    assert [line["images"] for line in read_lines(path)] == [1, 3, 4]


def test_a_full_disk_is_an_error_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(weights, "save_file", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        checkpoint.save(tmp_path, 4, {"x": torch.zeros(1)}, {})
    assert caught.value.errno == errno.ENOSPC
    assert checkpoint.list_newest_first(tmp_path) == []
