"""Locks keep others out, in this process and in others, and end with their process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from unpaired.core.locks import holding

HOLD = """
import sys
from pathlib import Path
from unpaired.core.locks import holding
with holding(Path(sys.argv[1])) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


def test_one_holds_a_lock_at_a_time(tmp_path: Path):
    lock = tmp_path / "lock"
    with holding(lock) as first, holding(lock) as second:
        assert (first, second) == (True, False)
    with holding(lock) as third, holding(tmp_path / "other") as other:
        assert (third, other) == (True, True)


def test_a_lock_ends_with_its_process(tmp_path: Path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"True"
        with holding(tmp_path / "lock") as held:
            assert not held
        holder.kill()
    with holding(tmp_path / "lock") as held:
        assert held
