"""Locks keep others out, in this process and in others, and end with their process."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_lets_one_work_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
):
    """Lustre, NFS. No file is left that would shut others out after a kill."""
    fcntl = pytest.importorskip("fcntl")

    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    for name in ("one", "another", "one"):
        with holding(tmp_path / name) as held:
            assert held
    with holding(tmp_path / "waiting", wait=True) as held:
        assert held
    assert caplog.text.count("has no locks") == 1
    assert os.strerror(number) in caplog.text


def test_another_failure_of_the_disk_is_not_taken_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fcntl = pytest.importorskip("fcntl")

    def flock(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(OSError, match="Input/output"), holding(tmp_path / "lock"):
        pass


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o077, 0o600)])
def test_the_file_of_a_lock_follows_the_umask(tmp_path: Path, umask: int, mode: int):
    """Others of a group go on with a run that one of them began."""
    before = os.umask(umask)
    try:
        with holding(tmp_path / "lock"):
            assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == mode
    finally:
        os.umask(before)
