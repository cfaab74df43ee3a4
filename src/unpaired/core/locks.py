"""File locks between processes; a lock is let go when its process ends, however it ends."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

logger = logging.getLogger(__name__)

_NO_LOCKS_HERE = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}
"""What Lustre without -o flock, NFS without its lock service and some FUSE systems say."""

_warned: set[Path] = set()


@contextmanager
def holding(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold the lock of a file, which is made where it is absent; yields whether it is held.

    It is not, where another process holds it, unless this one shall `wait` for it. On a file system
    without locks it counts as held, with a warning: a file that stands for a lock would do there as
    well, but stays behind where its process is killed, and then shuts everybody out.
    """
    lock = FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        yield False
        return
    except OSError as error:
        if error.errno not in _NO_LOCKS_HERE:
            raise
        _warn(path.parent, error)
        yield True
        return
    try:
        yield True
    finally:
        lock.release()


def _warn(folder: Path, error: OSError) -> None:
    """Once a folder."""
    if folder not in _warned:
        _warned.add(folder)
        logger.warning(
            "the file system of %s has no locks (%s): nothing keeps a second process from working "
            "there at the same time. Start one alone; processes that share a sweep need --worker.",
            folder,
            error.strerror,
        )
