"""The cells of a grid, their names, and what is refused before anything is trained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from unpaired.core.errors import SettingError
from unpaired.experiment.experiment import Experiment
from unpaired.objectives import Hinge, LeastSquares
from unpaired.sweeps.grid import check_cells, grid, seeds_of, value_at


def test_every_combination_with_every_seed_one_seed_after_the_other(tiny: Experiment):
    settings = {"method.cycle_weight": [0.0, 5.0], "training.generators.beta1": [0.5, 0.9]}
    cells = grid(tiny, settings, seeds=2)
    assert [cell.name for cell in cells] == [
        "cycle_weight=0,beta1=0.5,seed=0",
        "cycle_weight=0,beta1=0.9,seed=0",
        "cycle_weight=5,beta1=0.5,seed=0",
        "cycle_weight=5,beta1=0.9,seed=0",
        "cycle_weight=0,beta1=0.5,seed=1",
        "cycle_weight=0,beta1=0.9,seed=1",
        "cycle_weight=5,beta1=0.5,seed=1",
        "cycle_weight=5,beta1=0.9,seed=1",
    ]
    last = cells[-1]
    assert last.settings == {
        "method.cycle_weight": 5.0,
        "training.generators.beta1": 0.9,
        "training.seed": 1,
    }
    generators = replace(tiny.training.generators, beta1=0.9)
    assert last.experiment == replace(
        tiny,
        method=replace(tiny.method, cycle_weight=5.0),
        training=replace(tiny.training, generators=generators, seed=1),
    )


def test_alternatives_are_named_by_their_kind(tiny: Experiment):
    cells = grid(tiny, {"method.adversarial": [Hinge(), LeastSquares()]}, seeds=[7])
    assert [cell.name for cell in cells] == [
        "adversarial=hinge,seed=7",
        "adversarial=least_squares,seed=7",
    ]
    assert value_at(cells[0].experiment, "method.adversarial.kind") == "hinge"
    assert cells[1].settings["method.adversarial.kind"] == "least_squares"


def test_seeds_alone_are_a_grid(tiny: Experiment):
    assert [cell.name for cell in grid(tiny, {}, 3)] == ["seed=0", "seed=1", "seed=2"]


def test_names_are_names_of_folders(tiny: Experiment):
    (cell,) = grid(tiny, {"a.crop": [(1, 2, 30, 31)]})
    assert cell.name == "crop=1-2-30-31,seed=0"
    (cell,) = grid(tiny, {"name": ["../../x y"]})
    assert "/" not in cell.name


@pytest.mark.parametrize(
    ("settings", "code", "named"),
    [
        ({"method.cycle_wieght": [1.0]}, "unknown-setting", "Did you mean 'cycle_weight'"),
        ({"methd.cycle_weight": [1.0]}, "unknown-setting", "Did you mean 'method'"),
        ({"training.seed.more": [1]}, "unknown-setting", "'more'"),
        ({"method.cycle_weight": [5.0, 5.0]}, "sweep-run-twice", "cycle_weight=5,seed=0"),
        ({"name": ["x" * 300]}, "sweep-name-too-long", "vary fewer"),
    ],
)
def test_settings_without_meaning(tiny: Experiment, settings: dict, code: str, named: str):
    with pytest.raises(SettingError) as caught:
        grid(tiny, settings)
    assert caught.value.code == code
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("seeds", "code"), [(0, "sweep-seeds-missing"), ([3, 3], "sweep-seed-twice")]
)
def test_seeds_without_meaning(seeds: int, code: str):
    with pytest.raises(SettingError) as caught:
        seeds_of(seeds)
    assert (caught.value.code, caught.value.setting) == (code, "seeds")


def test_all_problems_of_all_cells_are_told_at_once(tiny: Experiment):
    settings = {"method.cycle_weight": [5.0, -1.0], "training.batch_size": [4, 0]}
    with pytest.raises(SettingError) as caught:
        check_cells(grid(tiny, settings, seeds=2))
    assert caught.value.code == "sweep-runs-invalid"
    text = str(caught.value)
    assert "6 of 8 runs cannot be trained" in text
    assert "cycle_weight=5,batch_size=0,seed=0; cycle_weight=5,batch_size=0,seed=1: 1 set" in text
    both = "cycle_weight=-1,batch_size=0,seed=0; cycle_weight=-1,batch_size=0,seed=1: 2 settings"
    assert both in text
    assert "method.cycle_weight is -1" in text
    assert "training.batch_size is 0" in text


def test_a_value_of_another_type_is_a_problem_of_its_cell(tiny: Experiment):
    with pytest.raises(SettingError, match=r"(?s)cycle_weight=high,seed=0: .*valid number"):
        check_cells(grid(tiny, {"method.cycle_weight": [5.0, "high"]}))
