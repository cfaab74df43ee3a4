"""File locks between processes; a lock is let go when its process ends, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def holding(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold the lock of a file, which is made where it is absent; yields whether it is held.

    It is not, where another process holds it, unless this one shall `wait` for it.
    """
    lock = FileLock(path)
    with suppress(Timeout):
        lock.acquire(timeout=-1 if wait else 0)
    try:
        yield lock.is_locked
    finally:
        lock.release()
