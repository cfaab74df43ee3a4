"""Sweep folder: which runs belong to it, who holds one, and which ended early."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from unpaired.core.config import encode
from unpaired.core.errors import RunError
from unpaired.core.files import write_atomically
from unpaired.core.locks import holding
from unpaired.core.setting_names import text_of
from unpaired.data.index import opened_once
from unpaired.experiment.experiment import from_json
from unpaired.records.json_values import mapping, parse_object, read_text
from unpaired.report.comparison.entries import SCHEMA, SWEEP, failure_path, read_sweep
from unpaired.sweeps.grid import Cell
from unpaired.training.contents import (
    content_digests,
    describe_data,
    relocated,
    stored_data,
    training_names,
)
from unpaired.training.run_folder import differences, is_finished, make_folder

State = Literal["finished", "failed", "open"]


@opened_once()
def store(folder: Path, cells: Sequence[Cell]) -> list[str]:
    """Write `sweep.json`, or prove that the folder belongs to this sweep or to a part of it.

    Data may lie elsewhere if it is the same: by its digests, which `sweep.json` holds, or of an
    earlier version's sweep, by what its runs have noted. Returns what there is to say of that.

    Raises:
        RunError: when the folder holds another sweep, or something else.
        DataError: when the images of a run that is new, or whose images have moved, cannot be had.
    """
    make_folder(folder, "sweep", folder / SWEEP)
    # Processes that start together write one at a time.
    with holding(folder / ".sweep.lock", wait=True):
        there = read_sweep(folder)["runs"] if (folder / SWEEP).is_file() else []
        stored = {str(run.get("name")): run for run in map(mapping, there)}
        runs = [_as_json(cell) for cell in cells]
        moved = _require_same(folder, stored, runs, cells) if stored else []
        for run, cell in zip(runs, cells, strict=True):
            known = stored.get(cell.name)
            run["contents"] = (
                content_digests(cell.experiment)
                if known is None
                else dict(mapping(known.get("contents")))
            )
        content = {"schema_version": SCHEMA, "runs": runs}
        write_atomically(folder / SWEEP, json.dumps(content, indent=2) + "\n")
    return moved


def state_of(folder: Path, cell: Cell) -> State:
    """How far a run has come; one that was killed or stopped is open, as is one never begun."""
    run = folder / cell.name
    if is_finished(run):
        return "finished"
    return "failed" if failure_of(folder, cell) else "open"


def failure_of(folder: Path, cell: Cell) -> Mapping[str, Any]:
    """Why a run ended early: `exit_code` and `message`; empty if it did not."""
    return parse_object(read_text(failure_path(folder, cell.name))) or {}


def record_failure(path: Path, exit_code: int, message: str) -> None:
    """Keep why a run ended early, for tables and for the next start."""
    path.parent.mkdir(exist_ok=True)
    content = {"exit_code": exit_code, "message": message}
    write_atomically(path, json.dumps(content, indent=2) + "\n")


@contextmanager
def claim(folder: Path, cell: Cell) -> Iterator[bool]:
    """Hold a run against other processes that work on the sweep, here or on other machines.

    Yields whether it is held. A run goes on if the process that claimed it is killed: the process
    that trains it holds a lock of its own (`lock_of_child`).
    """
    place = folder / ".claims" / cell.name
    place.parent.mkdir(exist_ok=True)
    run_lock = folder / cell.name / "run.lock"
    with holding(place) as held:
        # By itself, `unpaired train` holds the last of these alone.
        others = (lock_of_child(folder, cell.name), run_lock)
        yield held and all(_is_free(lock) for lock in others if lock.exists())


def lock_of_child(folder: Path, name: str) -> Path:
    """What the process that trains a run holds from its beginning to its end."""
    return folder / ".claims" / f"{name}.child"


def _is_free(path: Path) -> bool:
    with holding(path) as held:
        return held


def _as_json(cell: Cell) -> dict[str, Any]:
    return {
        "name": cell.name,
        "settings": dict(cell.settings),
        "command": list(cell.command),
        "experiment": encode(cell.experiment),
        "directions": list(cell.experiment.directions),
    }


def _require_same(
    folder: Path,
    stored: Mapping[str, Mapping[str, Any]],
    runs: Sequence[Mapping[str, Any]],
    cells: Sequence[Cell],
) -> list[str]:
    """Raises RunError unless `runs` are those that are `stored` or more; why moved data is."""
    there, here = _values(list(stored.values())), _values(runs)
    changed: dict[str, tuple[Any, Any]] = {}
    for path in dict.fromkeys([*there, *here]):
        if path not in there or path not in here or not set(there[path]) <= set(here[path]):
            old, new = (", ".join(values.get(path, ["not varied"])) for values in (there, here))
            changed[path] = old, new
    reasons: dict[str, None] = {}
    for run, cell in zip(runs, cells, strict=True):
        if known := stored.get(cell.name):
            # Decoded: a setting that is newer than the sweep has its default there.
            there_then = encode(from_json(json.dumps(known["experiment"]), str(folder / SWEEP)))
            different = differences(there_then, run["experiment"])
            moved = _relocated(folder, known, different, cell)
            reasons |= dict.fromkeys(moved.values())
            changed |= {path: v for path, v in different.items() if path not in moved}
    if changed:
        lines = "\n".join(f"  - {k}: {old} there, {new} here" for k, (old, new) in changed.items())
        raise RunError(
            f"{folder} holds another sweep:\n{lines}\n"
            "Values and seeds can be added to a sweep, but none taken away and nothing else "
            "changed. Give those that are there as well (what is finished is skipped), or choose "
            "another folder with -o.",
            code="sweep-differs",
        )
    return list(reasons)


def _relocated(
    folder: Path, known: Mapping[str, Any], different: Mapping[str, Any], cell: Cell
) -> dict[str, str]:
    """See `contents.relocated`."""
    if not different:
        return {}
    contents = mapping(known.get("contents"))
    before = {"contents": contents} if contents else stored_data(folder / cell.name)
    now = describe_data(cell.experiment, training_names(cell.experiment)) if before else {}
    return relocated(different, cell.experiment, before, now)


def _values(runs: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The values of each setting that varies, in words."""
    values_of: dict[str, list[str]] = {}
    for run in runs:
        for path, value in mapping(run.get("settings")).items():
            values = values_of.setdefault(path, [])
            if text_of(value) not in values:
                values.append(text_of(value))
    return values_of
