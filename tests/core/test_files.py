"""Files are written whole, whoever writes them at the same moment."""

from __future__ import annotations

import errno
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from PIL import Image

from unpaired.core.files import replacing, sync, write_atomically
from unpaired.core.weights import write_weights
from unpaired.engine.checkpoint import save
from unpaired.report.plots.image_grid import save_png


def test_two_threads_may_write_one_file(tmp_path, monkeypatch):
    """As two evaluations in one process do, which keep the same features."""
    both_are_open = threading.Barrier(2, timeout=30)
    monkeypatch.setattr(os, "fsync", lambda _: both_are_open.wait())
    with ThreadPoolExecutor(2) as pool:
        writes = [pool.submit(write_atomically, tmp_path / "x", c * 100_000) for c in "ab"]
    assert [write.exception() for write in writes] == [None, None]
    assert (tmp_path / "x").read_text() in ("a" * 100_000, "b" * 100_000)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_folder_that_cannot_be_synced_is_left_to_the_system(tmp_path, monkeypatch):
    """Windows opens no folder, and syncs only what is open for writing; CIFS refuses folders."""
    opened: dict[int, int] = {}
    original, sync_descriptor = os.open, os.fsync

    def open_as_windows(path, flags, *rest, **more):
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        descriptor = original(path, flags, *rest, **more)
        opened[descriptor] = flags
        return descriptor

    def fsync_as_windows(descriptor):
        if opened.get(descriptor, os.O_RDWR) & (os.O_RDWR | os.O_WRONLY) == 0:
            raise OSError(errno.EBADF, "Bad file descriptor")
        sync_descriptor(descriptor)

    monkeypatch.setattr(os, "open", open_as_windows)
    monkeypatch.setattr(os, "fsync", fsync_as_windows)
    with replacing(tmp_path / "model") as temporary:
        (temporary / "x").write_text("new")
    assert (tmp_path / "model" / "x").read_text() == "new"


def test_a_full_disk_is_no_folder_that_cannot_be_synced(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        sync(tmp_path)


@pytest.mark.parametrize(("winerror", "waits"), [(32, True), (5, True), (None, False)])
def test_a_file_that_windows_holds_for_somebody_is_waited_for(
    tmp_path, monkeypatch, winerror, waits
):
    original, tries = os.replace, []

    def held_at_first(source, target):
        tries.append(target)
        if len(tries) < 3:
            error = PermissionError(errno.EACCES, "Permission denied")
            error.winerror = winerror
            raise error
        original(source, target)

    monkeypatch.setattr(os, "replace", held_at_first)
    if waits:
        write_atomically(tmp_path / "x", "content")
        assert (tmp_path / "x").read_text() == "content"
    else:
        with pytest.raises(PermissionError):
            write_atomically(tmp_path / "x", "content")
    assert len(tries) == (3 if waits else 1)


@pytest.mark.parametrize(
    ("umask", "file_mode", "folder_mode"),
    [(0o002, 0o664, 0o775), (0o022, 0o644, 0o755), (0o077, 0o600, 0o700)],
)
def test_modes_follow_the_umask(tmp_path, umask, file_mode, folder_mode):
    """safetensors by itself writes for the owner alone."""
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "model") as temporary:
            write_weights({"x": torch.zeros(2)}, temporary / "model.safetensors")
            (temporary / "config.json").write_text("{}")
        write_atomically(tmp_path / "report.html", "x")
        save_png(Image.new("RGB", (4, 4)), tmp_path / "grid.png")
        checkpoint = save(tmp_path / "checkpoints", 4, {"x": torch.zeros(2)}, {})
    finally:
        os.umask(before)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) == 6
    assert {stat.S_IMODE(p.stat().st_mode) for p in files} == {file_mode}
    folders = {tmp_path / "model", checkpoint}
    assert {stat.S_IMODE(p.stat().st_mode) for p in folders} == {folder_mode}


def test_a_folder_of_a_group_hands_its_group_down(tmp_path):
    tmp_path.chmod(0o2775)
    if not tmp_path.stat().st_mode & stat.S_ISGID:
        pytest.skip("no such bit here")
    with replacing(tmp_path / "model") as temporary:
        write_weights({"x": torch.zeros(2)}, temporary / "model.safetensors")
    group = tmp_path.stat().st_gid
    assert {p.stat().st_gid for p in tmp_path.rglob("*")} == {group}
    assert (tmp_path / "model").stat().st_mode & stat.S_ISGID
