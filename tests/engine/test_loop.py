"""The loop stops where it must, and leaves the run folder whole."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from observers import Silent
from unpaired.core.errors import RunError
from unpaired.data.dataset import load_images
from unpaired.data.sources import Folder
from unpaired.engine import loop
from unpaired.engine.distributed import build_fabric
from unpaired.engine.log import memory_mb
from unpaired.engine.signals import interruption
from unpaired.engine.state import State
from unpaired.experiment.experiment import Experiment, load
from unpaired.training.run_folder import open_run


def run(experiment: Experiment, folder: Path) -> State:
    images = {name: load_images(getattr(experiment, name), "train") for name in ("a", "b")}
    with open_run(folder, experiment):
        return loop.train(build_fabric(experiment.training), experiment, images, folder, Silent())


def test_training_changes_every_trained_weight_and_averages_them(tiny, tmp_path):
    torch.manual_seed(tiny.training.seed)
    before = dict(tiny.method.build(tiny.a, tiny.b).named_parameters())
    state = run(tiny, tmp_path / "run")
    after = dict(state.networks.named_parameters())
    # A bias before an instance norm is subtracted again: its gradient is zero.
    still = [n for n, p in after.items() if torch.equal(p, before[n])]
    assert all(name.endswith("bias") for name in still)
    averaged = dict(state.average.generators.named_parameters())
    trained = dict(state.networks.generators.named_parameters())
    assert any(not torch.equal(averaged[n], trained[n]) for n in trained)


def test_metrics_say_what_the_design_promises(tiny, tmp_path):
    run(tiny, tmp_path / "run")
    lines = [json.loads(s) for s in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["images"] for line in lines] == [4, 8, 12, 16, 20]
    last = lines[-1]
    assert last["images_per_second"] > 0
    assert 0 <= last["data_wait"] <= 1
    assert {"generators/adversarial_a", "generators/cycle_b", "discriminators/a"} <= set(
        last["losses"]
    )
    assert last["health"]["gradient_norm/generators"] > 0
    assert last["health"]["memory_mb"] > 10
    assert last["epochs_a"] == pytest.approx(20 / 628)


def test_memory_is_that_of_the_device_that_trains(monkeypatch):
    """A machine with a GPU may train on its processor."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda *_: 0)
    assert memory_mb(torch.device("cpu")) > 10
    assert memory_mb(torch.device("cuda")) == 0


def test_a_second_process_is_refused(tiny, tmp_path):
    folder = tmp_path / "run"
    with open_run(folder, tiny), pytest.raises(RunError) as error, open_run(folder, tiny):
        pass
    assert error.value.code == "run-in-use"


def test_other_settings_are_refused_and_named(tiny, tmp_path):
    folder = tmp_path / "run"
    run(tiny, folder)
    before = (folder / "config.json").read_bytes()
    other = replace(tiny, method=replace(tiny.method, cycle_weight=5.0))
    with pytest.raises(RunError, match=r"method\.cycle_weight: 10\.0 there, 5\.0 here") as error:
        run(other, folder)
    assert error.value.code == "other-settings"
    assert (folder / "config.json").read_bytes() == before


def test_one_image_set_typed_in_two_ways_is_one_setting(tiny, tmp_path):
    image_sets = [
        replace(tiny.a, source=Folder(path=path)) for path in ("photos/", "photos", "other")
    ]
    first, same, other = (replace(tiny, a=image_set) for image_set in image_sets)
    with open_run(tmp_path / "run", first):
        pass
    with open_run(tmp_path / "run", same):
        pass
    with pytest.raises(RunError, match=r"a\.source\.path"), open_run(tmp_path / "run", other):
        pass


def test_what_does_not_change_what_is_learned_may_differ(tiny, tmp_path):
    with open_run(tmp_path / "run", tiny):
        pass
    other = replace(
        tiny,
        training=replace(tiny.training, log_images=8, sample_images=4, checkpoint_images=12),
        evaluation=replace(tiny.evaluation, classifier=True),
    )
    with open_run(tmp_path / "run", other):
        pass
    assert load(tmp_path / "run" / "config.json") == other


def test_a_folder_of_something_else_is_refused(tiny, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(RunError) as caught:
        run(tiny, tmp_path)
    assert caught.value.code == "folder-not-empty"
    assert f"-o runs/run-{tmp_path.name}." in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["holiday.jpg"]


def test_what_a_process_leaves_that_is_just_starting_is_nothing_else(tiny, tmp_path):
    (tmp_path / "run.lock").touch()
    (tmp_path / ".writing-1-config.json").touch()
    with open_run(tmp_path, tiny):
        assert (tmp_path / "config.json").is_file()


def test_an_example_is_named_after_the_folder_also_from_inside_it(tiny, tmp_path, monkeypatch):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError) as caught:
        run(tiny, Path("."))
    assert f"-o runs/run-{tmp_path.name}." in str(caught.value)


def test_a_time_budget_ends_the_training(tiny, tmp_path):
    training = replace(tiny.training, images=10**9, seconds=1.0)
    state = run(replace(tiny, training=training), tmp_path / "run")
    assert 0 < state.images < 10**9
    assert state.seconds < 10


def test_one_phase_compiles_as_a_whole(tiny):
    state = State(tiny, torch.device("cpu"))
    batch = {"a": torch.rand(2, 1, 32, 32), "b": torch.rand(2, 3, 32, 32)}
    explained = torch._dynamo.explain(tiny.method.discriminator_losses)(
        state.networks, batch, {"a": batch["a"], "b": batch["b"]}
    )
    assert explained.graph_break_count == 0


@pytest.mark.parametrize(
    ("arguments", "command"),
    [([], "python"), ([""], "python"), (["dir/mine.py", "a b"], "mine.py 'a b'")],
)
def test_the_command_is_known_as_far_as_there_is_one(
    tiny, tmp_path, monkeypatch, arguments, command
):
    """Python inside another program has none, and at a prompt an empty one."""
    monkeypatch.setattr(sys, "argv", arguments)
    with open_run(tmp_path / "run", tiny):
        assert (tmp_path / "run" / "command.txt").read_text() == command + "\n"


def test_a_handler_that_is_not_pythons_stays(monkeypatch):
    """As R, Julia and Java have them, in which Python may run."""
    before = signal.getsignal(signal.SIGTERM)
    foreign = {signal.SIGTERM: None}
    original = signal.getsignal
    monkeypatch.setattr(signal, "getsignal", lambda s: foreign.get(s, original(s)))
    with interruption():
        assert original(signal.SIGTERM) is before
        assert original(signal.SIGINT) is not signal.default_int_handler
    assert original(signal.SIGINT) is signal.default_int_handler
