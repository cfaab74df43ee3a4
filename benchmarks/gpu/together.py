"""Many trainings at once on one GPU: python benchmarks/gpu/together.py LIST SECONDS [--slots N]

Networks of 32×32 images are small: 22 trainings fitted on one H100 (30 GiB of its memory), and what
they lacked was processor cores. LIST has a run a line, `NAME BUDGET FLAGS…`, which becomes
`unpaired train FLAGS --time BUDGET -o runs/NAME`. Runs are started in this order, N at a time, each
with what is left of its budget before the end; the same call again goes on with what is unfinished.
Start the multi-process service first (`nvidia-cuda-mps-control -d`), or the processes take turns on
the card.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SHORTEST = 30
"""Seconds of training that are worth a start."""


def main() -> None:
    """Start, watch, and say what came of each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("list", type=Path)
    parser.add_argument("seconds", type=float, help="all runs are stopped then")
    parser.add_argument("--slots", type=int, default=os.cpu_count(), help="runs at a time")
    parser.add_argument(
        "--tail", type=float, default=120, help="seconds that loading, evaluation and report take"
    )
    given = parser.parse_args()
    lines = [line.split() for line in given.list.read_text().splitlines()]
    waiting = [line for line in lines if line and not line[0].startswith("#")]
    running: dict[str, subprocess.Popen[bytes]] = {}
    Path("runs").mkdir(exist_ok=True)
    started = time.monotonic()
    while (waiting or running) and time.monotonic() - started < given.seconds:
        while waiting and len(running) < given.slots:
            name, budget, *flags = waiting.pop(0)
            left = given.seconds - given.tail - (time.monotonic() - started)
            if Path("runs", name, "report.html").exists() or left < min(SHORTEST, float(budget)):
                print(f"{name}: finished before, or too late to start", flush=True)
                continue
            running[name] = start(name, min(float(budget), left), flags)
        for name, process in list(running.items()):
            if process.poll() is not None:
                print(f"{name}: exit status {running.pop(name).returncode}", flush=True)
        time.sleep(0.5)
    for name, process in running.items():
        os.killpg(process.pid, signal.SIGTERM)  # saves
        print(f"{name}: unfinished", flush=True)
    for process in running.values():
        process.wait()
    for name, *_ in waiting:
        print(f"{name}: not started", flush=True)


def start(name: str, seconds: float, flags: list[str]) -> subprocess.Popen[bytes]:
    """One training, on one thread, its output in runs/NAME.log."""
    stored = Path("runs", name, "config.json")
    if stored.exists():  # the budget is one of the settings, which must be those it was begun with
        seconds = json.loads(stored.read_text())["training"]["seconds"]
    command = [sys.executable, "-m", "unpaired", "train", *flags, "--time", f"{seconds:.0f}s"]
    command += ["-o", f"runs/{name}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with Path("runs", f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, start_new_session=True
        )


if __name__ == "__main__":
    main()
