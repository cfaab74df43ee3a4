"""Which runs a comparison finds, and what it says of those that it cannot use."""

import json
from pathlib import Path

import pytest

from fake_run import CONFIG, write_records
from unpaired.core.errors import RunError
from unpaired.report.comparison.entries import find_entries


def names(*paths: Path | str) -> list[str]:
    return [entry.name for entry in find_entries(paths)[0]]


def write_sweep(folder: Path, *cells: str) -> None:
    runs = [{"name": name, "experiment": CONFIG} for name in cells]
    folder.mkdir(exist_ok=True)
    (folder / "sweep.json").write_text(json.dumps({"schema_version": 1, "runs": runs}))


def test_runs_folders_of_runs_and_patterns(tmp_path: Path) -> None:
    for name in ("digits-10", "digits-2", "signs"):
        write_records(tmp_path / name, {})
    (tmp_path / "compare.html").write_text("an earlier comparison")
    assert names(tmp_path / "signs", tmp_path / "digits-2") == ["signs", "digits-2"]
    assert names(tmp_path) == ["digits-2", "digits-10", "signs"]
    assert names(f"{tmp_path}/digits-*") == ["digits-2", "digits-10"]
    everything = [str(path) for path in sorted(tmp_path.iterdir())]  # as a shell expands runs/*
    assert names(*everything) == ["digits-10", "digits-2", "signs"]
    assert find_entries(everything)[1] == []


def test_a_run_that_is_given_twice_is_compared_once(tmp_path: Path) -> None:
    run = write_records(tmp_path / "run", {})
    assert names(run, tmp_path / "." / "run", tmp_path) == ["run"]


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for place in ("old", "new"):
        write_records(tmp_path / place / "demo", {})
    assert names(tmp_path / "old" / "demo", tmp_path / "new") == ["old/demo", "new/demo"]


def test_a_sweep_stands_for_all_its_runs_begun_or_not(tmp_path: Path) -> None:
    write_sweep(tmp_path, "seed=0", "seed=1", "seed=2", "seed=3")
    write_records(tmp_path / "seed=0", {}, seed=0)
    write_records(tmp_path / "seed=1", {}, accuracy=0, course=(0.5,))
    (tmp_path / "failures").mkdir()
    failure = {"exit_code": 3, "message": "the loss x is not finite.\nMore words."}
    for seed in (0, 2):  # the first has been trained to its end since
        (tmp_path / "failures" / f"seed={seed}.json").write_text(json.dumps(failure))
    entries, notes = find_entries([tmp_path])
    assert {entry.name: entry.state for entry in entries} == {
        "seed=0": "",
        "seed=1": "not finished: 100 of 51,200 images seen",
        "seed=2": "the loss x is not finite.",
        "seed=3": "not started",
    }
    assert notes == []


def test_what_is_no_run_is_left_out_and_told(tmp_path: Path) -> None:
    run = write_records(tmp_path / "run", {})
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    (run / "model").mkdir()
    (run / "model" / "config.json").write_text(json.dumps({"experiment": CONFIG, "images": 3}))
    others = [tmp_path / "empty", tmp_path / "notes.txt", run / "model"]
    entries, notes = find_entries([run, *others])
    assert [entry.name for entry in entries] == ["run"]
    for note, words in zip(notes, ("holds no run", "is a file", "is a model folder"), strict=True):
        assert words in note
    with pytest.raises(RunError) as caught:
        find_entries(others)
    assert caught.value.code == "no-run-to-compare"
    assert all(note.removeprefix("Left out: ") in str(caught.value) for note in notes)


def test_a_path_that_does_not_exist_is_answered_with_the_nearest(tmp_path: Path) -> None:
    run = write_records(tmp_path / "sweep-demo", {})
    with pytest.raises(RunError) as caught:
        find_entries([run, tmp_path / "sweep-dmo"])
    assert caught.value.code == "run-path-missing"
    assert "/sweep-demo?" in str(caught.value)
    with pytest.raises(RunError) as caught:
        find_entries([tmp_path / "nowhere" / "x-*"])
    assert caught.value.code == "run-path-missing"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "sweep-damaged"),
        ('{"schema_version": 1}', "sweep-damaged"),
        ('{"schema_version": 2, "runs": []}', "sweep-too-new"),
    ],
)
def test_a_sweep_that_cannot_be_read(tmp_path: Path, content: str, code: str) -> None:
    (tmp_path / "sweep.json").write_text(content)
    with pytest.raises(RunError) as caught:
        find_entries([tmp_path])
    assert caught.value.code == code
