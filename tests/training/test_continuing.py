"""A run goes on where its data has moved, and with what steadies a training after a divergence."""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from image_folders import of_folders, write_images
from unpaired.core.errors import NonFiniteLoss, RunError
from unpaired.data.sources import Folder
from unpaired.engine.optimisers import build_optimiser, restore, stored_form
from unpaired.engine.settings import Optimiser
from unpaired.engine.step import Step
from unpaired.experiment.experiment import Experiment, load
from unpaired.models.folder import load_model
from unpaired.records.changes import read_changes
from unpaired.records.runs import read_run
from unpaired.training.contents import content_digests
from unpaired.training.observer import RunObserver
from unpaired.training.run_folder import open_run
from unpaired.training.train import train


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured or drawn: how trainings go on is what is asked."""
    monkeypatch.setattr(RunObserver, "finish", RunObserver.stop)
    monkeypatch.setattr(RunObserver, "sample", lambda *_: None)


@pytest.fixture
def begun(tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """A run of 8 images in `run`, with its images in `a` and `b` of the working directory."""
    for seed, name in enumerate("ab"):
        write_images(tmp_path / name, 24, seed)
    monkeypatch.chdir(tmp_path)
    experiment = of_folders(tiny, Path("a"), Path("b"))
    train(experiment, "run", quiet=True)
    return experiment


def longer(experiment: Experiment, a: Path | str = "a", b: Path | str = "b") -> Experiment:
    """The same to 16 images, from other places."""
    return replace(
        experiment,
        a=replace(experiment.a, source=Folder(path=str(a))),
        b=replace(experiment.b, source=Folder(path=str(b))),
        training=replace(experiment.training, images=16),
    )


def test_a_run_goes_on_from_another_directory_with_data_that_has_moved(
    begun: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a").rename(tmp_path / "elsewhere" / "photos")
    (tmp_path / "run").rename(tmp_path / "elsewhere" / "run")  # which knows no place of its own
    (tmp_path / "link").symlink_to("elsewhere/run")
    monkeypatch.chdir(tmp_path / "elsewhere")
    moved = longer(begun, tmp_path / "elsewhere" / "photos", tmp_path / "b")
    run = train(moved, Path("..") / "link")
    text = capsys.readouterr().err
    assert "from 8 images seen on: a.source.path 'a' → " in text
    assert "its content is the same" in text
    assert "continues after 8 images" in text
    assert "warning" not in text
    assert load(run / "config.json") == moved
    (change,) = read_changes(run)
    assert change.images == 8
    assert change.settings.keys() == {"a.source.path", "b.source.path"}
    assert read_run(run).notes == (f"Continued {change.sentence}",)
    assert load_model(run / "model").images == 16


def test_other_images_in_another_place_are_another_run(begun: Experiment, tmp_path: Path):
    write_images(tmp_path / "more", 24, 7)
    before = Path("run/config.json").read_bytes()
    with pytest.raises(RunError, match=r"a\.source\.path: 'a' there") as error:
        train(longer(begun, "more"), "run", quiet=True)
    assert error.value.code == "other-settings"
    with pytest.raises(RunError, match="source"):  # one domain for the other
        train(longer(begun, "b", "a"), "run", quiet=True)
    shutil.copytree("a", "changed")
    Path("changed/03.png").unlink()
    with pytest.raises(RunError, match="source"):
        train(longer(begun, "changed"), "run", quiet=True)
    assert Path("run/config.json").read_bytes() == before
    assert read_changes(Path("run")) == ()


def test_a_test_set_moves_as_training_images_do(begun: Experiment, tmp_path: Path):
    own = write_images(tmp_path / "test", 5, 9)
    apart = replace(begun, b=replace(begun.b, test_source=Folder(path="test")))
    train(apart, "apart", quiet=True)
    own.rename(tmp_path / "held-out")
    moved = replace(apart, b=replace(apart.b, test_source=Folder(path="held-out")))
    train(moved, "apart", quiet=True)
    assert read_changes(Path("apart"))[0].settings.keys() == {"b.test_source.path"}
    (tmp_path / "held-out" / "00.png").unlink()
    (tmp_path / "held-out").rename(tmp_path / "test")
    with pytest.raises(RunError, match=r"b\.test_source\.path"):
        train(apart, "apart", quiet=True)


def test_a_run_of_an_earlier_version_goes_on_by_names_and_number(begun: Experiment, capsys: Any):
    stored = json.loads(Path("run/piles.json").read_text())
    assert set(stored.pop("contents")) == {f"{d}.{s}" for d in "ab" for s in SPLITS}
    Path("run/piles.json").write_text(json.dumps(stored) + "\n")
    Path("a").rename("photos")
    train(longer(begun, "photos"), "run")
    text = capsys.readouterr().err
    assert "number and names of its training images are the same, and no digest" in text
    assert "contents" in json.loads(Path("run/piles.json").read_text())  # from now on
    (Path("photos") / "03.png").rename("photos/x.png")
    Path("run/piles.json").write_text(json.dumps(stored) + "\n")
    Path("photos").rename("a")
    with pytest.raises(RunError, match=r"a\.source\.path"):
        train(longer(begun), "run", quiet=True)


SPLITS = ("train", "validation", "test")


def test_images_that_were_renamed_are_told_from_others(begun: Experiment, capsys: Any):
    train_names = set(content_digests(begun))
    assert train_names == {f"{d}.{s}" for d in "ab" for s in SPLITS}
    for path in Path("a").iterdir():
        path.rename(path.with_name(f"photo-{path.name}"))
    train(longer(begun), "run")
    text = capsys.readouterr().err
    assert "warning: the training images of a have other names than when this run began" in text
    assert "are others" not in text
    write_images(Path("c"), 24, 5)
    shutil.rmtree("b")
    Path("c").rename("b")  # other images under the same names, in the same place
    train(replace(begun, training=replace(begun.training, images=20)), "run")
    assert "warning: the training images of b are others" in capsys.readouterr().err


# After a value that is not finite


def failing_at(monkeypatch: pytest.MonkeyPatch, images: int) -> None:
    """Losses are not finite from the step at so many images on."""
    advance = Step.advance

    def fail(self: Step, batch: Any) -> None:
        if self.state.images >= images:
            self.tally.finite.zero_()
        advance(self, batch)

    monkeypatch.setattr(Step, "advance", fail)


def slower(experiment: Experiment, rate: float = 1e-4, **changes: Any) -> Experiment:
    training = experiment.training
    optimiser = replace(training.generators, learning_rate=rate)
    changed = replace(training, generators=optimiser, **changes)
    return replace(experiment, training=changed)


def test_a_run_that_diverged_goes_on_with_what_steadies_it(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    run = tmp_path / "run"
    with monkeypatch.context() as patched:
        failing_at(patched, 12)
        with pytest.raises(NonFiniteLoss) as error:
            train(tiny, run)
    assert error.value.images == 12
    assert error.value.exit_code == 3
    assert load_model(run / "model").images == 8  # that of the last checkpoint
    words = " ".join(capsys.readouterr().err.split())
    assert "is of the last good state, after 8 images" in words
    averaged = load_model(run / "model").networks.generators.state_dict()

    with pytest.raises(RunError, match=r"batch_size: 4 there, 2 here") as refused:
        train(slower(tiny, batch_size=2), run, quiet=True)
    assert "learning_rate" not in str(refused.value)  # which may change
    other = replace(tiny, method=replace(tiny.method, cycle_weight=5.0))
    with pytest.raises(RunError, match="cycle_weight"):
        train(slower(other), run, quiet=True)

    changed = slower(tiny, precision="float32")
    train(changed, run)
    text = capsys.readouterr().err
    assert (
        "continues from 8 images seen on: training.generators.learning_rate 0.001 → 0.0001" in text
    )
    assert "continues after 8 images" in text
    assert load(run / "config.json") == changed
    (change,) = read_changes(run)
    assert set(change.settings) == {"training.generators.learning_rate", "training.precision"}
    assert "is not finite after 12 images seen" in change.reason
    assert f"Continued {change.sentence}" in read_run(run).notes
    rates = [point.learning_rate["generators"] for point in read_run(run).log]
    assert rates[:2] == [1e-3, 1e-3]
    assert max(rates[2:]) <= 1e-4
    model = load_model(run / "model")
    assert model.images == 20
    now = model.networks.generators.state_dict()
    assert any(not torch.equal(now[name], averaged[name]) for name in now)

    # The training has passed the moment: one run has one set of settings again.
    with pytest.raises(RunError, match="only after a training met a value") as refused:
        train(tiny, run, quiet=True)
    assert refused.value.code == "other-settings"


def test_before_the_first_checkpoint_the_model_is_of_the_steps_until_then(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rarely = replace(tiny, training=replace(tiny.training, checkpoint_images=100))
    with monkeypatch.context() as patched:
        failing_at(patched, 8)
        with pytest.raises(NonFiniteLoss):
            train(rarely, tmp_path / "run", quiet=True)
    assert load_model(tmp_path / "run" / "model").images == 8
    with monkeypatch.context() as patched:
        failing_at(patched, 0)
        with pytest.raises(NonFiniteLoss, match="after 0 images seen"):
            train(rarely, tmp_path / "at-once", quiet=True)
    assert not (tmp_path / "at-once" / "model").exists()  # nothing was learned
    train(slower(rarely), tmp_path / "at-once", quiet=True)
    assert read_changes(tmp_path / "at-once")[0].images == 0


def test_without_a_divergence_a_forgotten_flag_is_refused(tiny: Experiment, tmp_path: Path):
    with open_run(tmp_path / "run", tiny):
        pass
    with (
        pytest.raises(RunError, match="learning_rate") as error,
        open_run(tmp_path / "run", slower(tiny)),
    ):
        pass
    assert "only after a training met a value" in str(error.value)


def test_a_stage_that_diverged_goes_on_with_its_own_rate_too(tiny: Experiment, tmp_path: Path):
    from unpaired.training.divergence import record_divergence, steadying

    changed = ["method.encoder_training.learning_rate", "method.cycle_weight", "training.precision"]
    record_divergence(tmp_path, 0, "a stage diverged")
    assert steadying(tmp_path, dict.fromkeys(changed)) == [changed[0], changed[2]]
    (tmp_path / "checkpoints" / f"{0:012d}").mkdir(parents=True)  # the stage is over
    assert steadying(tmp_path, dict.fromkeys(changed)) == []
    record_divergence(tmp_path, 4, "the main training diverged")
    assert steadying(tmp_path, dict.fromkeys(changed)) == [changed[2]]


@pytest.mark.parametrize("algorithm", ["adam", "rmsprop"])
def test_decays_of_a_restored_optimiser_are_those_of_the_settings(algorithm: Any):
    weight = torch.nn.Parameter(torch.ones(3))
    settings = Optimiser(algorithm=algorithm)
    optimiser = build_optimiser(settings, [weight])
    weight.grad = torch.ones(3)
    optimiser.step()
    form = stored_form(optimiser)
    changed = replace(settings, beta1=0.1, beta2=0.9)
    again = build_optimiser(changed, [weight])
    restore(again, form, changed)
    (group,) = again.param_groups
    assert group.get("betas", (0.1, group.get("alpha"))) == (0.1, 0.9)


def test_a_file_system_without_locks_is_trained_on_and_said(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
):
    fcntl = pytest.importorskip("fcntl")

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    run = train(tiny, tmp_path / "run", quiet=True)
    assert load_model(run / "model").images == 20
    assert f"the file system of {run} has no locks" in caplog.text
