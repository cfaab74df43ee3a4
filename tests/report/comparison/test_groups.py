"""Runs are grouped by their settings, and named by those that differ."""

from pathlib import Path
from typing import Any

from fake_run import write_records
from unpaired.report.comparison.entries import find_entries
from unpaired.report.comparison.groups import Group, group


def groups(*folders: Path) -> list[Group]:
    return list(group(find_entries(folders)[0])[0])


def shown(*folders: Path) -> dict[str, list[str]]:
    return {g.label: [entry.name for entry in g.entries] for g in groups(*folders)}


def records(folder: Path, *runs: dict[str, Any]) -> list[Path]:
    found = []
    for number, changes in enumerate(runs):
        changes = dict(changes)
        seed = changes.pop("seed", 0)
        found.append(write_records(folder / f"run{number}", changes, seed=seed))
    return found


def test_seeds_of_one_setting_are_one_group(tmp_path: Path) -> None:
    weights = [(seed, weight) for seed in (0, 1) for weight in (5.0, 10.0)]
    runs = records(tmp_path, *({"seed": s, "method.cycle_weight": w} for s, w in weights))
    assert shown(*runs) == {
        "cycle_weight=5": ["run0", "run2"],
        "cycle_weight=10": ["run1", "run3"],
    }


def test_several_settings_stand_in_the_order_in_which_they_change(tmp_path: Path) -> None:
    runs = records(
        tmp_path,
        *(
            {"method.cycle_weight": weight, "a.fit": fit}
            for weight in (5.0, 10.0)
            for fit in ("pad", "cover")
        ),
    )
    assert list(shown(*runs)) == ["5 · pad", "5 · cover", "10 · pad", "10 · cover"]
    assert groups(*runs)[0].parts == ["cycle_weight=5", "fit=pad"]


def test_a_group_of_a_sweeps_runs_is_named_without_the_seed(tmp_path: Path) -> None:
    many = {f"method.setting{i}": 1 for i in range(6)}  # more than a name may list
    for weight in (0, 5):
        for seed in (0, 1):
            changes = {key: value + weight for key, value in many.items()}
            write_records(tmp_path / f"cycle_weight={weight},seed={seed}", changes, seed=seed)
    assert list(shown(tmp_path)) == ["cycle_weight=0", "cycle_weight=5"]


def test_what_changes_nothing_that_is_learned_tells_no_runs_apart(tmp_path: Path) -> None:
    runs = records(
        tmp_path,
        {"name": "x", "training.device": "cpu", "training.log_images": 10},
        {"name": "y", "training.device": "cuda", "training.log_images": 20, "seed": 1},
    )
    assert [len(g.entries) for g in groups(*runs)] == [2]


def test_what_a_kind_brings_along_is_left_out_but_not_what_differs_within_it(
    tmp_path: Path,
) -> None:
    unet = {"method.generator.kind": "unet", "method.generator.blocks": 2}
    resnet = {"method.generator.kind": "resnet", "method.generator.kernel": 3}
    runs = records(
        tmp_path,
        {**unet, "method.generator.width": 8},
        {**unet, "method.generator.width": 16},
        {**resnet, "method.generator.width": 8},
    )
    assert [dict(g.settings) for g in groups(*runs)] == [
        {"generator": "unet", "width": "8"},
        {"generator": "unet", "width": "16"},
        {"generator": "resnet", "width": "8"},
    ]
    _, differing = group(find_entries(runs)[0])
    assert differing["method.generator.blocks"] == ("2", "2", "none")


def test_the_same_seed_twice_is_no_second_seed(tmp_path: Path) -> None:
    runs = records(tmp_path, {"seed": 0}, {"seed": 0}, {"seed": 1})
    assert shown(*runs) == {"run0": ["run0"], "run1": ["run1"], "run2": ["run2"]}


def test_two_sweeps_with_the_same_seeds_stay_apart(tmp_path: Path) -> None:
    for place in ("old", "new"):
        records(tmp_path / place, {"seed": 0}, {"seed": 1})
    assert shown(tmp_path / "old", tmp_path / "new") == {
        "old": ["old/run0", "old/run1"],
        "new": ["new/run0", "new/run1"],
    }


def test_runs_that_differ_in_much_go_by_their_name(tmp_path: Path) -> None:
    many = {f"method.setting{i}": i for i in range(9)}
    folders = [
        write_records(tmp_path / f"{name}-{seed}", {"name": name, **changes}, seed=seed)
        for name, changes in (("digits", {}), ("faces", many))
        for seed in (0, 1)
    ]
    assert shown(*folders) == {
        "digits": ["digits-0", "digits-1"],
        "faces": ["faces-0", "faces-1"],
    }
    other = write_records(tmp_path / "faces-tuned", {**many, "name": "faces", "method.setting3": 9})
    assert list(shown(*folders, other)) == ["digits", "faces", "faces-tuned"]
