"""Signals that ask for an end, save and exit with 143, whichever it is and wherever it arrives."""

from __future__ import annotations

import importlib
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from children import Alive
from unpaired.engine import signals
from unpaired.engine.checkpoint import list_newest_first
from unpaired.engine.signals import ending_at_once, interruption
from unpaired.evaluation.model import Result
from unpaired.experiment.experiment import Experiment
from unpaired.models.folder import load_model
from unpaired.records.evaluation import EvaluationRecord, read_evaluations
from unpaired.sweeps import process
from unpaired.training import observer
from unpaired.training.run_folder import is_finished
from unpaired.training.train import train

ENDING = [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1]


@pytest.fixture(autouse=True)
def as_at_a_terminal() -> Iterator[None]:
    """Whatever started the tests: nohup, say."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), [*((n, 143) for n in ENDING), (signal.SIGINT, 130)])
def test_each_is_received_and_afterwards_all_is_as_it_was(number: int, code: int):
    before = signal.getsignal(number)
    with interruption() as received:
        assert received() == 0
        signal.raise_signal(number)
        signal.raise_signal(number)  # the impatient send it twice
        assert received() == code
    assert signal.getsignal(number) == before


@pytest.mark.parametrize("number", ENDING)
def test_where_nothing_is_to_be_saved_it_ends_at_once(number: int):
    with pytest.raises(SystemExit) as ended, ending_at_once():
        signal.raise_signal(number)
    assert ended.value.code == 143


def test_what_nohup_switched_off_stays_off():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with ending_at_once(), interruption() as received:
        signal.raise_signal(signal.SIGHUP)
        assert received() == 0
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_a_program_around_keeps_its_plans_for_sigusr1():
    """Such as one that puts its job into the queue again."""
    heard: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))
    with ending_at_once(), interruption() as received:
        signal.raise_signal(signal.SIGUSR1)
        assert received() == 0
    assert heard == [signal.SIGUSR1]


def test_a_platform_may_lack_them(monkeypatch: pytest.MonkeyPatch):
    for name in ("SIGHUP", "SIGUSR1"):
        monkeypatch.delattr(signal, name)
    try:
        importlib.reload(signals)
        assert signals.ENDING == (signal.SIGTERM,)
    finally:
        monkeypatch.undo()
        importlib.reload(signals)
    assert set(ENDING) == set(signals.ENDING)


def test_what_a_signal_does_not_wait_for_is_cut_short_once():
    done: list[str] = []

    def work() -> None:
        signal.raise_signal(signal.SIGUSR1)
        done.append("the rest of it")

    with interruption() as received:
        received.cut_short(work)
        assert received() == 143
        signal.raise_signal(signal.SIGUSR1)  # while it saves, say
        done.append("saved")
        received.cut_short(lambda: done.append("what comes too late"))
    assert done == ["saved"]


class Signalled:
    """An evaluator that a signal meets at work."""

    number: int = 0
    at: str = ""

    def __init__(self, experiment: Experiment, split: str, *_: Any, **__: Any) -> None:
        self.split = split

    def measure(self, networks: Any, images: int) -> Result:
        if self.split == self.at:
            signal.raise_signal(self.number)
            raise AssertionError("it went on")
        line = {"images": images, "split": self.split, "metrics": {"kd/pixels/a": {"value": 1}}}
        return Result(EvaluationRecord.from_json(line), {}, None, {}, {})


@pytest.mark.parametrize("number", ENDING)
def test_a_training_is_not_held_up_by_its_evaluations(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, capsys: Any
):
    monkeypatch.setattr(observer, "Evaluator", Signalled)
    monkeypatch.setattr(Signalled, "number", number)
    monkeypatch.setattr(Signalled, "at", "validation")
    monkeypatch.setattr(observer.RunObserver, "sample", lambda *_: None)
    often = replace(tiny, evaluation=replace(tiny.evaluation, images=8))
    run = tmp_path / "run"
    with pytest.raises(SystemExit) as ended:
        train(often, run)
    assert ended.value.code == 143
    assert int(list_newest_first(run / "checkpoints")[0].name) == 12  # a step follows
    assert load_model(run / "model").images == 12
    assert "stopped: the same command continues" in capsys.readouterr().err.replace("\n", " ")

    monkeypatch.setattr(Signalled, "at", "test")
    with pytest.raises(SystemExit) as ended:
        train(often, run)
    assert ended.value.code == 143
    assert load_model(run / "model").images == 20
    assert not is_finished(run)
    monkeypatch.setattr(Signalled, "at", "")
    train(often, run)
    assert is_finished(run)
    moments = [(r.split, r.images) for r in read_evaluations(run / "evaluations.jsonl")]
    assert moments == [("validation", 16), ("validation", 20), ("test", 20)]


@pytest.mark.parametrize("number", ENDING)
def test_a_sweep_passes_it_on_to_the_run_that_saves(number: int):
    child = Alive()
    with process.Signals() as passing:
        passing.child = child  # type: ignore[assignment]
        signal.raise_signal(number)
    assert child.signals == [signal.SIGTERM]
    assert signals.code_of(passing.received) == 143
    assert {143, 130, -number} <= set(process.STOPPED)
