"""How long the command takes to answer: python benchmarks/startup.py

Seconds from the start of a process to its end, the fastest of several: of Python itself, of `import
unpaired`, of the help of the command and of a verb. Goals: 0.1 s more than Python's own for the
import, 0.3 s for `unpaired --help`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

COMMANDS = {
    "python": ["-c", "pass"],
    "import unpaired": ["-c", "import unpaired"],
    "unpaired --help": ["-m", "unpaired", "--help"],
    "unpaired translate --help": ["-m", "unpaired", "translate", "--help"],
}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="of which the fastest counts")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    seconds = {name: fastest(command, options.runs) for name, command in COMMANDS.items()}
    if options.json:
        print(json.dumps({"seconds": seconds}))
        return
    for name, value in seconds.items():
        print(f"{value:6.3f} s  {name}")


def fastest(arguments: list[str], runs: int) -> float:
    """Seconds of the fastest of a few runs: the others waited for something else."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


if __name__ == "__main__":
    main()
