"""Files are written whole, whoever writes them at the same moment."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from unpaired.core.files import write_atomically


def test_two_threads_may_write_one_file(tmp_path, monkeypatch):
    """As two evaluations in one process do, which keep the same features."""
    both_are_open = threading.Barrier(2, timeout=30)
    monkeypatch.setattr(os, "fsync", lambda _: both_are_open.wait())
    with ThreadPoolExecutor(2) as pool:
        writes = [pool.submit(write_atomically, tmp_path / "x", c * 100_000) for c in "ab"]
    assert [write.exception() for write in writes] == [None, None]
    assert (tmp_path / "x").read_text() in ("a" * 100_000, "b" * 100_000)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
