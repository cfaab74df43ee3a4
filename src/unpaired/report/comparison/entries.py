"""Runs of a comparison: run folders, sweep folders, and folders or patterns of either."""

from __future__ import annotations

import difflib
import glob
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unpaired.core.errors import RunError
from unpaired.core.files import UNFINISHED
from unpaired.core.setting_names import shortest_tails
from unpaired.records.directions import directions_of_kind
from unpaired.records.json_values import mapping, parse_object, read_object, read_text, texts
from unpaired.records.runs import Run, read_run

SWEEP = "sweep.json"
"""The file by which a folder is known as that of a sweep."""

SCHEMA = 1
"""Version of its form; a newer one is refused."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run of a comparison."""

    run: Run
    name: str
    """Its folder, with as many of the folders above as tell it from other runs."""
    failure: str = ""
    """Why a run of a sweep ended early, in one line."""

    @property
    def state(self) -> str:
        """Why it is not at its end; empty when it is."""
        ended = not (self.run.folder / UNFINISHED).exists()
        if ended and any(e.split == "test" for e in self.run.evaluations):
            return ""
        if self.failure:
            return self.failure
        if not self.run.images:
            return "not started"
        planned = mapping(self.run.config.get("training")).get("images")
        length = f" of {planned:,}" if isinstance(planned, int) and planned < 10**9 else ""
        return f"not finished: {self.run.images:,}{length} images seen"


def find_entries(paths: Iterable[str | Path]) -> tuple[list[Entry], list[str]]:
    """The runs at `paths`, each once, in that order; and notes on what was left out.

    A sweep stands for all of its runs, begun or not; another folder for the runs and sweeps in it.

    Raises:
        RunError: a path does not exist, or there is no run at all.
    """
    entries: dict[Path, Entry] = {}
    refused: list[RunError] = []
    for path in paths:
        for place in _places(Path(path)):
            if place.suffix == ".html" and place.is_file():
                continue  # a page that compares the runs beside it
            try:
                here = _entries(place)
            except RunError as error:
                refused.append(error)
                continue
            for entry in here:
                entries.setdefault(entry.run.folder.resolve(), entry)
    if not entries and len(refused) == 1:
        raise refused[0]
    if not entries:
        problems = "\n".join(map(str, refused))
        raise RunError(
            problems or "no run was given: unpaired compare runs/*", code="no-run-to-compare"
        )
    tails = shortest_tails([folder.parts for folder in entries])
    named = [
        replace(entry, name="/".join(tail))
        for entry, tail in zip(entries.values(), tails, strict=True)
    ]
    return named, [f"Left out: {error}" for error in refused]


def failure_path(sweep: Path, name: str) -> Path:
    """Where a sweep records why its run `name` ended early."""
    return sweep / "failures" / f"{name}.json"


def read_sweep(folder: Path) -> dict[str, Any]:
    """The content of `sweep.json`.

    Raises:
        RunError: when it is damaged or newer than this package.
    """
    path = folder / SWEEP
    content = parse_object(read_text(path))
    runs = (content or {}).get("runs")
    if content is None or not isinstance(runs, list):
        raise RunError(
            f"{path} is damaged. Restore it from a copy, or choose another folder.",
            code="sweep-damaged",
        )
    version = content.get("schema_version")
    if isinstance(version, int) and version > SCHEMA:
        raise RunError(
            f"{path} was written by a newer unpaired (schema {version}; this one reads up to "
            f"{SCHEMA}). Upgrade with: pip install -U unpaired",
            code="sweep-too-new",
        )
    return content


def _places(path: Path) -> list[Path]:
    """What a path or pattern stands for."""
    if path.exists():
        return [path]
    if matching := sorted(glob.glob(str(path)), key=_in_natural_order):
        return [Path(name) for name in matching]
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    near = difflib.get_close_matches(path.name, [entry.name for entry in beside], 1)
    hint = f" Did you mean {path.parent / near[0]}?" if near else ""
    raise RunError(f"{path} does not exist.{hint}", code="run-path-missing")


def _entries(place: Path) -> list[Entry]:
    if (place / SWEEP).is_file():
        return _entries_of_sweep(place)
    if (place / "config.json").is_file():
        run = read_run(place)
        if "experiment" in run.config:
            raise RunError(
                f"{place} is a model folder, which holds no measurements. Give the run folder that "
                "it came from.",
                code="run-is-model",
            )
        return [Entry(run=run, name=place.name)]
    inside = sorted(place.iterdir(), key=_in_natural_order) if place.is_dir() else []
    folders = [p for p in inside if (p / SWEEP).is_file() or (p / "config.json").is_file()]
    if not folders:
        what = "is a file" if place.is_file() else "holds no run and no sweep"
        raise RunError(
            f"{place} {what}. Give folders that `unpaired train` or `unpaired sweep` wrote.",
            code="no-run-in-folder",
        )
    return [entry for path in folders for entry in _entries(path)]


def _entries_of_sweep(folder: Path) -> list[Entry]:
    entries = []
    for cell in map(mapping, read_sweep(folder)["runs"]):
        name = str(cell.get("name"))
        begun = (folder / name / "config.json").is_file()
        run = read_run(folder / name) if begun else _planned(folder / name, cell)
        failure = str(read_object(failure_path(folder, name)).get("message", ""))
        entries.append(Entry(run=run, name=name, failure=failure.split("\n")[0]))
    return entries


def _planned(folder: Path, cell: Mapping[str, Any]) -> Run:
    """A run of a sweep that has not begun."""
    config, directions = mapping(cell.get("experiment")), cell.get("directions")
    known = texts(directions) if isinstance(directions, list) else directions_of_kind(config)
    return Run(folder=folder, config=config, directions=known)


def _in_natural_order(path: str | Path) -> list[Any]:
    """`run-2` before `run-10`."""
    parts = re.split(r"(\d+)", Path(path).name)
    return [int(part) if part.isdecimal() else part for part in parts]
