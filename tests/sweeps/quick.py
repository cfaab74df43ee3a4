"""Sweeps in processes of their own that measure nothing: they train, save and stop for real.

As a program: `quick.py EXPERIMENT FOLDER [--pretend]` sweeps two weights of the cycle; with
--pretend, its runs are not trained but written down in `trained.txt`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol

CHILD = """
import os, sys, torch
from pathlib import Path
sys.path.insert(0, os.environ["QUICK"])
from quick import QuickEvaluator
from unpaired.training import observer as run_observer
from unpaired.sweeps import process
run_observer.Evaluator = QuickEvaluator
torch.set_num_threads(1)
Path(os.environ["QUICK_PID"]).write_text(str(os.getpid()))
sys.exit(process.main())
"""


class QuickEvaluator:
    """Measures nothing; the real one is met in tests/cli."""

    def __init__(self, experiment: Any, split: str, *_: Any, **__: Any) -> None:
        self.split = split

    def measure(self, networks: Any, images: int) -> Any:
        from unpaired.evaluation.model import Result

        measured = record(self.split, images)
        return Result(measured, translated={}, from_noise=None, hidden={}, worst={})


def record(split: str, images: int) -> EvaluationRecord:
    protocol = Protocol(split="test" if split == "test" else "validation")
    return EvaluationRecord(
        images=images,
        weights="ema",
        split=split,
        protocol=protocol,
        fingerprint=split,
        metrics={"translation_accuracy/a2b": Measurement(0.5, 0.4, 0.6, 10)},
    )


def finish(run: Path, config: str = "{}") -> None:
    """What makes a run count as finished."""
    (run / "model").mkdir(parents=True, exist_ok=True)
    (run / "config.json").write_text(config)
    (run / "model" / "config.json").write_text("{}")
    (run / "evaluations.jsonl").write_text(json.dumps(record("test", 20).as_json()) + "\n")


def pretend(cell: Any, folder: Path, **_: Any) -> int:
    with (folder / "trained.txt").open("a") as file:
        file.write(f"{cell.name} {os.getpid()}\n")
    time.sleep(0.3)
    finish(folder / cell.name)
    return 0


if __name__ == "__main__":
    # A shell's background job, such as a test run with &, hands down that Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from unpaired.experiment.experiment import load
    from unpaired.sweeps import process, sweep
    from unpaired.sweeps.grid import grid

    process.CHILD = ("-c", CHILD)
    if "--pretend" in sys.argv:
        sweep.train_apart = pretend
    cells = grid(load(Path(sys.argv[1])), {"method.cycle_weight": [0.0, 5.0]}, 3)
    print("started", flush=True)
    print(json.dumps(sweep.train_cells(cells, Path(sys.argv[2]))))
