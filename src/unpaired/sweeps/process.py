"""Run process: one run of a sweep, whatever becomes of which the sweep goes on.

A process frees its memory, CUDA's included, takes no other run with it when it is killed, and
leaves a run folder like that of `unpaired train`.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from unpaired.core.errors import UnpairedError
from unpaired.core.locks import holding
from unpaired.engine.signals import ENDING, TERMINATED, code_of, handled
from unpaired.engine.trackers import TrackerName
from unpaired.experiment.experiment import from_json, to_json
from unpaired.report.comparison.entries import failure_path
from unpaired.sweeps.folder import lock_of_child, record_failure
from unpaired.sweeps.grid import Cell
from unpaired.training.train import train

STOPPED = (128 + signal.SIGINT, TERMINATED, -signal.SIGINT, *(-number for number in ENDING))
"""Exit codes of a run that was asked to stop: it is continued by the next start."""

CHILD = ("-m", "unpaired.sweeps.process")
"""Arguments of Python for a run in a process of its own."""


def train_apart(
    cell: Cell, folder: Path, *, track: TrackerName | None = None, quiet: bool = False
) -> int:
    """Train `cell` below `folder`; returns the exit code.

    Ctrl-C and the signals that ask for an end are passed on: the run saves, and this raises.

    Raises:
        SystemExit: 143 or 130, once the run has saved.
    """
    failure, run = failure_path(folder, cell.name), folder / cell.name
    failure.unlink(missing_ok=True)
    task = {
        "experiment": to_json(cell.experiment),
        "run": str(run),
        "failure": str(failure),
        "lock": str(lock_of_child(folder, cell.name)),
        "command": [*cell.command, "-o", str(run)] if cell.command else sys.argv,
        "track": track,
        "quiet": quiet,
    }
    with Signals() as signals:
        # In a process group of its own, Ctrl-C reaches the run once, and from here.
        child = subprocess.Popen(
            [sys.executable, *CHILD],
            stdin=subprocess.PIPE,
            text=True,
            process_group=0 if os.name == "posix" else None,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        signals.child = child
        child.communicate(json.dumps(task))
    if signals.received:
        raise SystemExit(code_of(signals.received))
    code = child.returncode
    if code and code not in STOPPED and not failure.exists():
        what = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        hint = ": the machine's memory may not be enough" if code == -9 else ""
        record_failure(failure, 1, f"the process {what}{hint}.")
    return code


class Signals:
    """Passes signals on to a child, and remembers the last one."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[str] | None = None
        self.received = 0
        self._handled = handled((*ENDING, signal.SIGINT), self._handle)

    def __enter__(self) -> Signals:
        self._handled.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._handled.__exit__(*error)

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.received = number
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(_passed_on(number))


def _passed_on(number: int) -> int:
    """What a child understands as this: a group of its own on Windows hears Ctrl-Break alone."""
    ctrl_break: int | None = getattr(signal, "CTRL_BREAK_EVENT", None)
    if ctrl_break is not None:
        return ctrl_break
    return signal.SIGINT if number == signal.SIGINT else signal.SIGTERM


def main() -> int:
    """The child: reads its task from standard input."""
    task = json.load(sys.stdin)
    sys.argv = task["command"]
    logging.basicConfig(format="warning: %(message)s", level=logging.WARNING, stream=sys.stderr)
    failure = Path(task["failure"])
    try:
        experiment = from_json(task["experiment"], "the task of a sweep")
        with holding(Path(task["lock"]), wait=True):
            train(experiment, task["run"], track=task["track"], quiet=task["quiet"])
    except UnpairedError as error:
        print(f"error: {error}", file=sys.stderr)
        record_failure(failure, error.exit_code, str(error))
        return error.exit_code
    except KeyboardInterrupt:  # before or after the loop, which saves and leaves by itself
        return 128 + signal.SIGINT
    except Exception as error:  # a defect, or no memory left: recorded, as it must stop no other
        traceback.print_exc()
        record_failure(failure, 1, f"{type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
