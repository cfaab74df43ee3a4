"""A sweep trains every run once, whatever becomes of the others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from quick import CHILD, finish

import unpaired
from children import Alive
from unpaired.core.errors import DataError, RunError, SettingError
from unpaired.data.sources import Folder
from unpaired.experiment.experiment import Experiment, load, to_json
from unpaired.report.comparison.entries import failure_path
from unpaired.sweeps import process, sweep
from unpaired.sweeps.folder import claim, record_failure
from unpaired.sweeps.grid import Cell, grid
from unpaired.sweeps.sweep import train_cells

HERE = Path(__file__).parent


def cells(base: Experiment, *weights: float, seeds: int = 1) -> list[Cell]:
    return grid(base, {"method.cycle_weight": weights}, seeds)


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs are not trained but finished at once; the list of those that were."""
    trained: list[str] = []

    def note(cell: Cell, folder: Path, **_: Any) -> int:
        trained.append(cell.name)
        finish(folder / cell.name)
        return 0

    monkeypatch.setattr(sweep, "train_apart", note)
    return trained


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Real trainings in processes of their own, which measure nothing; a file with their id."""
    monkeypatch.setenv("QUICK", str(HERE))
    monkeypatch.setenv("QUICK_PID", str(tmp_path / "pid"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(process, "CHILD", ("-c", CHILD))
    return tmp_path / "pid"


# Which runs are trained


def test_all_runs_one_after_the_other_and_no_finished_one_again(
    tiny: Experiment, tmp_path: Path, pretended: list[str]
):
    folder = tmp_path / "sweep"
    few, more = cells(tiny, 0.0, 5.0), cells(tiny, 0.0, 2.0, 5.0, seeds=2)
    states = train_cells(few, folder, quiet=True)
    assert pretended == [cell.name for cell in few]
    assert states == dict.fromkeys(pretended, "finished")
    assert (folder / "compare.html").exists()
    train_cells(more, folder, quiet=True)
    assert pretended == [*(c.name for c in few), *(c.name for c in more if c not in few)]


def test_shares_of_workers_are_whole_and_do_not_overlap(
    tiny: Experiment, tmp_path: Path, pretended: list[str]
):
    everything = cells(tiny, 0.0, 5.0, 10.0, seeds=3)
    for k in (1, 2, 3, 4):
        before = len(pretended)
        train_cells(everything, tmp_path / "sweep", worker=(k, 4), quiet=True)
        assert len(pretended) - before in (2, 3)
    assert sorted(pretended) == sorted(cell.name for cell in everything)


def test_a_run_that_another_holds_is_passed_over_and_come_back_to(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The holder of the first run lets go while the second is trained."""
    folder, order = tmp_path / "sweep", []
    one, two, three = cells(tiny, 0.0, 5.0, 10.0)
    sweep.store(folder, [one, two, three])
    holder = claim(folder, one)
    assert holder.__enter__()

    def note(cell: Cell, folder: Path, **_: Any) -> int:
        order.append(cell.name)
        if cell is two:
            holder.__exit__(None, None, None)
        finish(folder / cell.name)
        return 0

    monkeypatch.setattr(sweep, "train_apart", note)
    train_cells([one, two, three], folder, quiet=True)
    assert order == [two.name, one.name, three.name]


def test_runs_that_others_still_hold_are_left_to_them(
    tiny: Experiment, tmp_path: Path, pretended: list[str], capsys: pytest.CaptureFixture[str]
):
    one, two = cells(tiny, 0.0, 5.0)
    sweep.store(tmp_path, [one, two])
    with claim(tmp_path, one):
        states = train_cells([one, two], tmp_path)
    assert states == {one.name: "open", two.name: "finished"}
    assert f"other processes hold what is left: {one.name}" in capsys.readouterr().err


def test_two_processes_share_the_runs(tiny: Experiment, tmp_path: Path):
    config = tmp_path / "experiment.json"
    config.write_text(to_json(tiny))
    folder = tmp_path / "sweep"
    command = [sys.executable, str(HERE / "quick.py"), str(config), str(folder), "--pretend"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [worker.communicate()[0] for worker in both]
    assert [worker.returncode for worker in both] == [0, 0]
    trained = [line.split()[0] for line in (folder / "trained.txt").read_text().splitlines()]
    assert sorted(trained) == sorted(set(trained))
    assert len(trained) == 6
    last = [json.loads(output.splitlines()[-1]) for output in outputs]
    assert dict.fromkeys(trained, "finished") in last


# What fails


@pytest.mark.usefixtures("quick")
def test_a_run_that_diverges_is_recorded_and_stops_no_other(tiny: Experiment, tmp_path: Path):
    folder = tmp_path / "sweep"
    found = grid(tiny, {"training.generators.learning_rate": [1e30, 1e-3]})
    bad, good = (cell.name for cell in found)
    assert train_cells(found, folder, quiet=True) == {bad: "failed", good: "finished"}
    failure = json.loads(failure_path(folder, bad).read_text())
    assert failure["exit_code"] == 3
    assert "is not finite after" in failure["message"]
    assert unpaired.load(folder / good / "model", device="cpu")
    assert load(folder / good / "config.json") == found[1].experiment
    comparison = unpaired.compare([folder])
    states = {entry.name: entry.state for entry in comparison.entries}
    assert states[good] == ""
    assert states[bad] == failure["message"].split("\n")[0]


def test_only_retry_trains_again_what_would_diverge_again(
    tiny: Experiment, tmp_path: Path, pretended: list[str]
):
    diverged, refused = found = cells(tiny, 0.0, 5.0)
    sweep.store(tmp_path, found)
    for cell, code in ((diverged, 3), (refused, 2)):
        record_failure(failure_path(tmp_path, cell.name), code, "what happened")
    states = train_cells(found, tmp_path, quiet=True)
    assert states == {diverged.name: "failed", refused.name: "finished"}
    assert pretended == [refused.name]
    train_cells(found, tmp_path, retry=True, quiet=True)
    assert pretended == [refused.name, diverged.name]


@pytest.mark.usefixtures("quick")
def test_a_run_that_is_killed_or_refused_is_recorded(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "sweep"
    killed, refused = found = cells(tiny, 0.0, 5.0)
    sweep.store(folder, found)
    (folder / refused.name).mkdir()
    (folder / refused.name / "thesis.txt").write_text("years of work")
    kill = (
        "import io, os, sys\n"
        "task = sys.stdin.read()\n"
        f"if {killed.name!r} in task: os.kill(os.getpid(), 9)\n"
        "sys.stdin = io.StringIO(task)\n"
    )
    monkeypatch.setattr(process, "CHILD", ("-c", kill + CHILD))
    assert set(train_cells(found, folder, quiet=True).values()) == {"failed"}
    message = json.loads(failure_path(folder, killed.name).read_text())["message"]
    assert "killed by signal 9: the machine's memory may not be enough" in message
    failure = json.loads(failure_path(folder, refused.name).read_text())
    assert failure["exit_code"] == 2
    assert "is not empty and holds no run" in failure["message"]


def test_problems_are_told_before_anything_is_trained_or_written(
    tiny: Experiment, tmp_path: Path, pretended: list[str], monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "sweep"
    with pytest.raises(SettingError) as caught:
        train_cells(cells(tiny, 5.0, -1.0), folder, quiet=True)
    assert caught.value.code == "sweep-runs-invalid"
    gone = replace(tiny, b=replace(tiny.b, test_source=Folder(path=str(tmp_path / "gone"))))
    with pytest.raises(DataError) as caught:
        train_cells(cells(gone, 5.0, 10.0), folder, quiet=True)
    assert caught.value.code == "sweep-sources-unusable"
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SettingError) as caught:
        train_cells(cells(tiny, 5.0, 10.0), folder, quiet=True)
    assert caught.value.code == "sweep-under-torchrun"
    assert not pretended
    assert not list(tmp_path.iterdir())


def test_what_is_no_image_is_said_once_for_all_runs(
    tiny: Experiment, tmp_path: Path, pretended: list[str], capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "b").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "b" / "x.png")
    for i in range(60):
        (tmp_path / "b" / f"{i}.nef").touch()
    more = replace(tiny, b=replace(tiny.b, test_source=Folder(path=str(tmp_path / "b"))))
    train_cells(cells(more, 5.0, 10.0), tmp_path / "sweep")
    assert len(pretended) == 2
    text = capsys.readouterr().err
    assert text.count(f"{tmp_path / 'b'}: left out 60 other files (60 .nef)") == 1


def test_a_page_that_cannot_be_written_ends_no_sweep(
    tiny: Experiment, tmp_path: Path, pretended: list[str], caplog: pytest.LogCaptureFixture
):
    found = cells(tiny, 0.0, 5.0)
    sweep.store(tmp_path / "sweep", found)
    (tmp_path / "sweep" / "compare.html").mkdir()
    train_cells(found, tmp_path / "sweep", quiet=True)
    assert len(pretended) == 2
    assert "compare.html was not written" in caplog.text


# What is interrupted


@pytest.fixture
def start(tiny: Experiment, tmp_path: Path, quick: Path) -> Callable[[], subprocess.Popen[str]]:
    """Starts a sweep of long runs, and waits until the first of them has trained a little."""
    training = replace(tiny.training, images=600, log_images=4, checkpoint_images=300)
    config = tmp_path / "experiment.json"
    config.write_text(to_json(replace(tiny, training=training)))

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / "quick.py"), str(config), str(tmp_path / "sweep")]
        parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        log = tmp_path / "sweep" / "cycle_weight=0,seed=0" / "metrics.jsonl"
        until(lambda: log.exists() and len(log.read_text().splitlines()) > 3)
        return parent

    return start


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_the_sweep_with_the_current_run_saved(
    start: Callable[[], subprocess.Popen[str]], tmp_path: Path, number: int, code: int
):
    parent = start()
    parent.send_signal(number)
    assert parent.communicate()[0] == "started\n"
    assert parent.returncode == code
    folder = tmp_path / "sweep"
    assert [path.name for path in folder.glob("*seed*")] == ["cycle_weight=0,seed=0"]
    run = folder / "cycle_weight=0,seed=0"
    (saved,) = (run / "checkpoints").iterdir()
    assert 0 < int(saved.name) < 600
    assert not (folder / "failures").exists()

    if number != signal.SIGTERM:
        return
    # The same call goes on from there; to be quick, with all other runs already finished.
    experiment = load(tmp_path / "experiment.json")
    found = cells(experiment, 0.0, 5.0, seeds=3)
    for cell in found[1:]:
        finish(folder / cell.name, to_json(cell.experiment))
    logged = (run / "metrics.jsonl").read_text()
    assert set(train_cells(found, folder, quiet=True).values()) == {"finished"}
    assert (run / "metrics.jsonl").read_text().startswith(logged)


def test_a_run_whose_sweep_was_killed_stays_held_until_it_ends(
    start: Callable[[], subprocess.Popen[str]], tmp_path: Path, quick: Path
):
    with start() as parent:
        parent.kill()
    folder = tmp_path / "sweep"
    cell = cells(load(tmp_path / "experiment.json"), 0.0)[0]

    def is_free() -> bool:
        with claim(folder, cell) as held:
            return held

    assert not is_free()
    os.kill(int(quick.read_text()), signal.SIGTERM)
    until(is_free)
    assert list((folder / cell.name / "checkpoints").iterdir())


def test_the_end_of_the_terminal_stops_a_run_unless_nohup_switched_it_off():
    child = Alive()
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with process.Signals() as signals:
            signals.child = child  # type: ignore[assignment]
            signal.raise_signal(signal.SIGHUP)
        assert child.signals == [signal.SIGTERM]  # which saves; SIGHUP would not
        assert signals.received == signal.SIGHUP
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL

        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with process.Signals() as signals:
            signal.raise_signal(signal.SIGHUP)
        assert signals.received == 0
    finally:
        signal.signal(signal.SIGHUP, before)


# From Python


def test_a_sweep_from_python(
    tiny: Experiment, tmp_path: Path, pretended: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    settings = {"method.cycle_weight": [0.0, 5.0]}
    folder = unpaired.sweep(tiny, settings, seeds=2, quiet=True)
    assert folder == Path("runs/sweep-tiny")
    assert len(pretended) == 4
    with pytest.raises(RunError, match=r"cycle_weight: 0, 5 there, 0, 7 here") as error:
        unpaired.sweep(tiny, {"method.cycle_weight": [0.0, 7.0]}, seeds=2, quiet=True)
    assert error.value.code == "sweep-differs"
