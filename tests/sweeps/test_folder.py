"""The folder of a sweep: it may grow, but not become another's."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from image_folders import of_folders, write_images
from unpaired.core.errors import RunError
from unpaired.core.files import UNFINISHED
from unpaired.engine.schedules import Constant
from unpaired.experiment.experiment import Experiment, to_json
from unpaired.report.comparison.entries import failure_path
from unpaired.sweeps.folder import claim, failure_of, record_failure, state_of, store
from unpaired.sweeps.grid import Cell, grid
from unpaired.training.contents import describe_data, training_names
from unpaired.training.run_folder import open_run


def cells(base: Experiment, *weights: float, seeds: int = 1) -> list[Cell]:
    return grid(base, {"method.cycle_weight": weights}, seeds)


def names(folder: Path) -> list[str]:
    return [run["name"] for run in json.loads((folder / "sweep.json").read_text())["runs"]]


def test_the_grid_is_stored_with_everything_that_trains_it(tiny: Experiment, tmp_path: Path):
    store(tmp_path / "sweep", cells(tiny, 0.0, 5.0))
    content = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    assert content["schema_version"] == 1
    first = content["runs"][0]
    assert first["name"] == "cycle_weight=0,seed=0"
    assert first["settings"] == {"method.cycle_weight": 0.0, "training.seed": 0}
    assert first["experiment"] == json.loads(to_json(cells(tiny, 0.0)[0].experiment))


def test_values_and_seeds_can_be_added(tiny: Experiment, tmp_path: Path):
    store(tmp_path, cells(tiny, 0.0, 5.0))
    store(tmp_path, cells(tiny, 0.0, 5.0))
    store(tmp_path, cells(tiny, 0.0, 2.0, 5.0, seeds=2))
    assert len(names(tmp_path)) == 6


def test_another_grid_is_refused_with_the_differences(tiny: Experiment, tmp_path: Path):
    store(tmp_path, cells(tiny, 0.0, 5.0, seeds=2))
    before = (tmp_path / "sweep.json").read_bytes()
    with pytest.raises(RunError, match=r"method\.cycle_weight: 0, 5 there, 0, 7 here") as error:
        store(tmp_path, cells(tiny, 0.0, 7.0, seeds=2))
    assert error.value.code == "sweep-differs"
    with pytest.raises(RunError, match=r"training\.seed: 0, 1 there, 0 here") as error:
        store(tmp_path, cells(tiny, 0.0, 5.0))
    assert error.value.code == "sweep-differs"
    with pytest.raises(RunError) as caught:
        store(tmp_path, grid(tiny, {"method.cycle_noise": [0.0, 0.1]}, 2))
    assert caught.value.code == "sweep-differs"
    assert "method.cycle_weight: 0, 5 there, not varied here" in str(caught.value)
    assert "method.cycle_noise: not varied there, 0, 0.1 here" in str(caught.value)
    other = replace(tiny, training=replace(tiny.training, batch_size=2))
    with pytest.raises(RunError, match=r"training\.batch_size: 4 there, 2 here") as caught:
        store(tmp_path, cells(other, 0.0, 5.0, seeds=2))
    assert caught.value.code == "sweep-differs"
    assert str(caught.value).count("batch_size") == 1
    assert "Values and seeds can be added" in str(caught.value)
    assert (tmp_path / "sweep.json").read_bytes() == before


def test_a_setting_that_is_newer_than_the_sweep_had_its_default(tiny: Experiment, tmp_path: Path):
    """As a run's own: a sweep is continued after an upgrade that has added a setting."""
    store(tmp_path, cells(tiny, 0.0, 5.0))
    content = json.loads((tmp_path / "sweep.json").read_text())
    for run in content["runs"]:
        del run["experiment"]["method"]["class_colours_weight"]
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    other = replace(tiny, method=replace(tiny.method, class_colours_weight=1.0))
    with pytest.raises(RunError, match=r"method\.class_colours_weight: 0\.0 there, 1\.0 here"):
        store(tmp_path, cells(other, 0.0, 5.0))
    store(tmp_path, cells(tiny, 0.0, 5.0))


def test_what_would_mix_lengths_or_measurements_is_refused(tiny: Experiment, tmp_path: Path):
    """A single run may be lengthened or measured otherwise, where all of a sweep are alike."""
    constant = replace(tiny, training=replace(tiny.training, schedule=Constant()))
    store(tmp_path, cells(constant, 0.0, 5.0))
    longer = replace(constant, training=replace(constant.training, images=40))
    otherwise = replace(constant, evaluation=replace(constant.evaluation, classifier=True))
    for other, name in ((longer, "training.images"), (otherwise, "evaluation.classifier")):
        with pytest.raises(RunError, match=name) as error:
            store(tmp_path, cells(other, 0.0, 5.0))
        assert error.value.code == "sweep-differs"


def test_the_device_may_change_as_in_a_single_run(tiny: Experiment, tmp_path: Path):
    store(tmp_path, cells(tiny, 0.0, 5.0))
    other = replace(tiny, training=replace(tiny.training, device="auto"))
    store(tmp_path, cells(other, 0.0, 5.0))


def test_a_folder_of_something_else_is_not_touched(tiny: Experiment, tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError) as error:
        store(tmp_path, cells(tiny, 0.0))
    assert error.value.code == "folder-not-empty"
    with pytest.raises(RunError) as error:
        store(tmp_path / "thesis.txt", cells(tiny, 0.0))
    assert error.value.code == "folder-is-a-file"
    with pytest.raises(RunError) as error:
        store(tmp_path / "thesis.txt" / "sweep", cells(tiny, 0.0))
    assert error.value.code == "cannot-be-made"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_states(tiny: Experiment, tmp_path: Path):
    (cell,) = cells(tiny, 0.0)
    assert state_of(tmp_path, cell) == "open"
    run = tmp_path / cell.name
    (run / "model").mkdir(parents=True)
    (run / "evaluations.jsonl").write_text(
        '{"split": "validation", "protocol": {"name": "standard"}}\n{"te'
    )
    (run / "model" / "config.json").write_text("{}")
    assert state_of(tmp_path, cell) == "open"  # killed between its last words
    record_failure(failure_path(tmp_path, cell.name), 3, "diverged")
    assert state_of(tmp_path, cell) == "failed"
    assert failure_of(tmp_path, cell) == {"exit_code": 3, "message": "diverged"}
    with (run / "evaluations.jsonl").open("a") as file:
        file.write('\n{"split": "test", "protocol": {"name": "standard"}}\n')
    assert state_of(tmp_path, cell) == "finished"
    (run / UNFINISHED).touch()  # stopped, and measured by its owner
    assert state_of(tmp_path, cell) == "failed"


HOLD = """
import sys
from pathlib import Path
from unpaired.sweeps.folder import claim
class Cell: name = sys.argv[2]
with claim(Path(sys.argv[1]), Cell()) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


def test_a_run_belongs_to_one_process_at_a_time(tiny: Experiment, tmp_path: Path):
    one, other = cells(tiny, 0.0, 5.0)
    command = [sys.executable, "-c", HOLD, str(tmp_path), one.name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with claim(tmp_path, one) as held:
            assert not held
        with claim(tmp_path, other) as held:
            assert held
        holder.kill()
    with claim(tmp_path, one) as held:  # a lock dies with its process
        assert held


def test_a_run_that_train_holds_by_itself_is_left_alone(tiny: Experiment, tmp_path: Path):
    (cell,) = cells(tiny, 0.0)
    with open_run(tmp_path / cell.name, cell.experiment), claim(tmp_path, cell) as held:
        assert not held
    with claim(tmp_path, cell) as held:
        assert held


def test_a_sweep_goes_on_where_its_data_has_moved(tiny: Experiment, tmp_path: Path):
    folders = [write_images(tmp_path / name, 24, seed) for seed, name in enumerate("ab")]
    base = of_folders(tiny, *folders)
    assert store(tmp_path / "sweep", cells(base, 0.0, 5.0)) == []
    (tmp_path / "a").rename(tmp_path / "photos")
    moved = of_folders(tiny, tmp_path / "photos", tmp_path / "b")
    (sentence,) = store(tmp_path / "sweep", cells(moved, 0.0, 5.0, 7.0))
    assert sentence == "The data has moved: its content is the same."
    stored = json.loads((tmp_path / "sweep" / "sweep.json").read_text())["runs"]
    assert {run["experiment"]["a"]["source"]["path"] for run in stored} == {
        str(tmp_path / "photos")
    }
    assert len({json.dumps(run["contents"]) for run in stored}) == 1

    (tmp_path / "photos" / "03.png").unlink()
    (tmp_path / "photos").rename(tmp_path / "a")
    with pytest.raises(RunError, match=r"a\.source\.path") as error:
        store(tmp_path / "sweep", cells(base, 0.0, 5.0, 7.0))
    assert error.value.code == "sweep-differs"


def test_a_sweep_of_an_earlier_version_goes_on_by_what_its_runs_have_noted(
    tiny: Experiment, tmp_path: Path
):
    folders = [write_images(tmp_path / name, 24, seed) for seed, name in enumerate("ab")]
    base = of_folders(tiny, *folders)
    found = cells(base, 0.0, 5.0)
    store(tmp_path / "sweep", found)
    content = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    for run in content["runs"]:
        del run["contents"]
    (tmp_path / "sweep" / "sweep.json").write_text(json.dumps(content))
    (tmp_path / "a").rename(tmp_path / "photos")
    moved = cells(of_folders(tiny, tmp_path / "photos", tmp_path / "b"), 0.0, 5.0)
    with pytest.raises(RunError, match=r"a\.source\.path"):  # nothing says what they were
        store(tmp_path / "sweep", moved)
    for cell in moved:
        (tmp_path / "sweep" / cell.name).mkdir()
        noted = describe_data(cell.experiment, training_names(cell.experiment))
        del noted["contents"]
        (tmp_path / "sweep" / cell.name / "piles.json").write_text(json.dumps(noted))
    (sentence,) = store(tmp_path / "sweep", moved)
    assert "number and names" in sentence
