"""Sweep: trains its runs one after the other, alone or beside other processes."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unpaired.core.console import duration, say
from unpaired.core.errors import DataError, SettingError, UnpairedError
from unpaired.data.missing import left_out
from unpaired.data.sources import describe
from unpaired.engine.signals import ending_at_once
from unpaired.engine.trackers import TrackerName
from unpaired.experiment.experiment import Experiment
from unpaired.report.comparison.page import PAGE, compare
from unpaired.sweeps.folder import State, claim, failure_of, state_of, store
from unpaired.sweeps.grid import Cell, check_cells, grid
from unpaired.sweeps.process import STOPPED, train_apart

logger = logging.getLogger(__name__)


def sweep(
    experiment: Experiment,
    settings: Mapping[str, Sequence[Any]],
    folder: str | Path | None = None,
    *,
    seeds: int | Sequence[int] = 1,
    quiet: bool = False,
) -> Path:
    """Train every combination of the values of `settings` with every seed; returns the folder
    (default: runs/sweep-<name>), for `unpaired.compare`.

    `settings` and `seeds`: see `sweep.grid.grid`. Each run is a run folder of its own. Runs that
    fail are recorded and stop no others. The same call continues; added values and seeds extend.

    Raises:
        SettingError, DataError, RunError: before anything is trained.
    """
    target = Path(folder) if folder is not None else Path("runs") / f"sweep-{experiment.name}"
    train_cells(grid(experiment, settings, seeds), target, quiet=quiet)
    return target


@ending_at_once()
def train_cells(
    cells: Sequence[Cell],
    folder: Path,
    *,
    worker: tuple[int, int] = (1, 1),
    retry: bool = False,
    track: TrackerName | None = None,
    quiet: bool = False,
) -> dict[str, State]:
    """Train all cells that are neither finished nor held by another process; returns how far each
    has come.

    `worker` (k, n) leaves all but every n-th cell, from the k-th on, to others. A run that met a
    non-finite value would do so again: it is left as it is unless `retry`.

    Raises:
        SettingError, DataError, RunError: before anything is trained.
        SystemExit: 143 after SIGTERM, SIGHUP or SIGUSR1, 130 after Ctrl-C, with the current run
            saved.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise SettingError(
            "a sweep runs in one process: start it without torchrun. Several processes, each with "
            "the same command, share the runs among them.",
            code="sweep-under-torchrun",
        )
    check_cells(cells)
    mine = cells[worker[0] - 1 :: worker[1]]
    pending = [cell for cell in mine if _is_due(folder, cell, retry)]
    announce = _silent if quiet else say
    for line in _open_sources(pending):
        announce(line)
    store(folder, cells)
    seconds: list[float] = []
    while pending:
        for cell in pending:
            with claim(folder, cell) as held:
                if not held:
                    continue
                pending.remove(cell)
                if _is_due(folder, cell, retry):  # not finished by another process since
                    announce(f"{cell.name}: {len(mine) - len(pending)} of {len(mine)}")
                    started = time.monotonic()
                    code = train_apart(cell, folder, track=track, quiet=quiet)
                    seconds.append(time.monotonic() - started)
                    announce(_sentence(folder, cell, code, seconds, len(pending)))
                    _write_page(folder)
            break  # from the first again: another process may have let go of one
        else:
            names = ", ".join(cell.name for cell in pending)
            announce(f"other processes hold what is left: {names}")
            break
    return {cell.name: state_of(folder, cell) for cell in cells}


def _is_due(folder: Path, cell: Cell, retry: bool) -> bool:
    """Whether a run is to be trained: all but the finished, and those that cannot end otherwise."""
    state = state_of(folder, cell)
    diverged = state == "failed" and failure_of(folder, cell).get("exit_code") == 3
    return state != "finished" and (retry or not diverged)


def _open_sources(cells: Sequence[Cell]) -> list[str]:
    """Meet images that cannot be opened now, once, rather than in every run; returns what of the
    sources is no image.

    Raises:
        DataError: with all problems.
    """
    domains = [d for cell in cells for d in (cell.experiment.a, cell.experiment.b)]
    names = ("source", "test_source", "validation_source", "labelled_source")
    problems, lines = [], []
    for source in dict.fromkeys(getattr(d, name, None) for d in domains for name in names):
        try:
            if source is not None:
                records = source.open()
                missing = left_out(records.refused, records.ignored)
                lines += [f"{describe(source)}: left out {line}" for line in missing]
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError("\n".join(problems), code="sweep-sources-unusable")
    return lines


def _sentence(folder: Path, cell: Cell, code: int, seconds: list[float], num_left: int) -> str:
    """What became of a run, and how long the others will take."""
    took = duration(seconds[-1])
    if not code:
        what = f"finished in {took}"
    elif code in STOPPED:
        what = f"was stopped after {took}; the same command continues it"
    else:
        what = f"failed after {took}, and the sweep goes on"
    left = duration(num_left * sum(seconds) / len(seconds))
    return f"{cell.name}: {what}" + (f"; about {left} for {num_left} more" if num_left else "")


def _write_page(folder: Path) -> None:
    """The comparison as it stands: a convenience, that must not end hours of training."""
    try:
        compare([folder], folder / PAGE)
    except (UnpairedError, OSError) as error:
        logger.warning("%s was not written: %s", folder / PAGE, error)


def _silent(text: str) -> None:
    """Says nothing."""
