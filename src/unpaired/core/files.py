"""Atomic file writes: a crash leaves the old content or the new, never a part."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNFINISHED = "unfinished"
"""An empty file in a run folder whose model is not that of the run's end."""


def at_home(path: str | Path) -> Path:
    """With a first ~ as the user's folder; unlike Path.expanduser, a folder may be called ~old."""
    return Path(os.path.expanduser(path))


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace the content of a file, on the disk, at once.

    Raises:
        OSError: naming `path`, of which nothing is left behind beside the old content.
    """
    writer = f"{os.getpid()}-{threading.get_ident()}"
    temporary = path.with_name(f".writing-{writer}-{path.name}"[:200])
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        move(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        error.filename = str(path)
        raise


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A folder to fill, which then takes the place of `folder`, whole or not at all."""
    folder = folder.absolute()
    temporary = folder.with_name(f".{folder.name}.writing")
    replaced = folder.with_name(f".{folder.name}.replaced")
    if replaced.exists() and not folder.exists():  # killed between the two renames below
        move(replaced, folder)
    for leftover in (temporary, replaced):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary.mkdir(parents=True)
    yield temporary
    for path in (*temporary.iterdir(), temporary):
        sync(path)
    if folder.exists():
        move(folder, replaced)
    move(temporary, folder)
    sync(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def cache_folder(name: str) -> Path:
    """Where things of a kind are kept for next time: below $UNPAIRED_CACHE or ~/.cache/unpaired."""
    root = os.environ.get("UNPAIRED_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "unpaired") / name


def sync(path: Path) -> None:
    """Force a file onto the disk; a folder, where the platform and its file system can."""
    is_folder = path.is_dir()
    try:
        # Windows syncs what is open for writing, and opens no folder.
        descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if not is_folder or error.errno not in _NO_SYNC_OF_FOLDERS:
            raise


_NO_SYNC_OF_FOLDERS = {
    errno.EACCES,
    errno.EBADF,
    errno.EINVAL,
    errno.EISDIR,
    errno.ENOTSUP,
    errno.EPERM,
}


def move(source: Path, target: Path) -> None:
    """Rename, with patience: on Windows, who looks into a file (a scanner, a browser) holds it."""
    for pause in _PAUSES:
        try:
            os.replace(source, target)
            return
        except PermissionError as error:
            if getattr(error, "winerror", None) not in _IN_USE:
                raise
            time.sleep(pause)
    os.replace(source, target)


_IN_USE = (5, 32)  # access denied, sharing violation
_PAUSES = (0.02, 0.1, 0.5, 1.0)  # seconds
