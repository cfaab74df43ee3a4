"""Image index: names, labels, ids, content hashes and formats of a source, found once.

A folder is listed once and each file read at most once for its hash, none where the store knows
it; who decodes an image before its hash is known brings the hash along. Within `opened_once`, a
source is opened once: what a command sees of it stays as it was at the command's begin.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unpaired.core.errors import UnreadableImage
from unpaired.data import index_store
from unpaired.data.codecs.decode import open_regular
from unpaired.data.codecs.formats import NUM_BYTES_TO_RECOGNISE, recognise
from unpaired.data.index_store import KINDS, Kept
from unpaired.data.names import PackedNames
from unpaired.data.sources import Content, Records, Source

NUM_THREADS = min(os.cpu_count() or 1, 16)
"""Threads that read and decode."""

RECENT_NANOSECONDS = 2_000_000_000
"""A file that changed this shortly before it was listed may change again under the same mtime, as
some systems count these in steps of two seconds: it is hashed again next time."""


class ImageIndex:
    """The images of a source as they were found.

    Images are numbered as in `names`. What cannot be read has the hash of its name, and no format.
    """

    def __init__(self, records: Records, listed: int = 0) -> None:
        """`listed`: when the records were, in nanoseconds since 1970."""
        self.records = records
        self.derived: dict[Any, Any] = {}
        """What was worked out of the images and is wanted more than once in a command."""
        count = len(records.names)
        self._hashes = np.zeros((count, 32), np.uint8)
        self._kinds = np.zeros(count, np.uint8)
        self._known = np.zeros(count, bool)
        self._listed, self._is_stored = listed, False
        self._turn = threading.Lock()
        self._recall()

    def __len__(self) -> int:
        return len(self.records.names)

    @property
    def names(self) -> Sequence[str]:
        """Unique names, relative to the source."""
        return self.records.names

    @property
    def hashes(self) -> NDArray[np.uint8]:
        """SHA-256 of each image's content as stored, (N, 32)."""
        self.complete()
        return self._hashes

    @property
    def formats(self) -> list[str]:
        """Of each image "PNG", "JPEG", …; "pixels" where it is not encoded, or "unreadable"."""
        self.complete()
        return [KINDS[kind] for kind in self._kinds]

    def read(self, i: int) -> Content:
        """The content of image i: of a file whose hash is not known yet its bytes, read once.

        Raises:
            UnreadableImage: for a file that cannot be read.
        """
        content = self.records.read(i)
        if self._known[i]:
            return content
        if isinstance(content, Path):
            with open_regular(content, self.names[i]) as file:
                try:
                    content = file.read()
                except OSError as error:
                    reason = f"cannot be read: {error.strerror}"
                    raise UnreadableImage(self.names[i], reason, code="cannot-be-read") from error
        self._note(i, content)
        return content

    def _note(self, i: int, content: Content) -> None:
        """Keep hash and format of an image."""
        if isinstance(content, np.ndarray):
            data, kind = content.tobytes(), "pixels"
        else:
            assert isinstance(content, bytes)
            data, kind = content, _format(content)
        self._hashes[i] = np.frombuffer(hashlib.sha256(data).digest(), np.uint8)
        self._kinds[i] = KINDS.index(kind)
        self._known[i] = True

    def complete(self) -> None:
        """Read what has no hash yet, and store the hashes of files for next time."""

        def read(i: int) -> int | None:
            try:
                self.read(i)
            except UnreadableImage:
                name = self.names[i].encode("utf-8", "surrogatepass")
                self._hashes[i] = np.frombuffer(hashlib.sha256(name).digest(), np.uint8)
                self._kinds[i], self._known[i] = KINDS.index("unreadable"), True
                return i
            return None

        with self._turn:
            missing = np.flatnonzero(~self._known).tolist()
            if missing:
                with ThreadPoolExecutor(NUM_THREADS) as pool:
                    unread = [i for i in pool.map(read, missing) if i is not None]
            else:
                unread = []
            if not self._is_stored:
                self._store(unread)

    def _recall(self) -> None:
        """Take over what the store knows of files that have not changed since."""
        folder, stamps, names = self.records.folder, self.records.stamps, self.records.names
        if folder is None or stamps is None or (kept := index_store.load(folder)) is None:
            return
        here, there = _in_both(names, kept.names)
        same = (stamps[here] == kept.stamps[there]).all(1)
        here, there = here[same], there[same]
        self._hashes[here], self._kinds[here] = kept.hashes[there], kept.kinds[there]
        self._known[here] = True
        self._is_stored = len(here) == len(names) == len(kept.names)

    def _store(self, unread: Sequence[int]) -> None:
        """Keep all hashes, but for files that must be read again next time."""
        self._is_stored = True
        folder, stamps, names = self.records.folder, self.records.stamps, self.records.names
        if folder is None or stamps is None or not isinstance(names, PackedNames):
            return
        stamps = stamps.copy()
        stamps[stamps[:, 1] > self._listed - RECENT_NANOSECONDS, 1] = index_store.UNKNOWN
        stamps[list(unread), 1] = index_store.UNKNOWN
        index_store.save(folder, Kept(names, stamps, self._hashes, self._kinds))


_OPENED: ContextVar[dict[Source, ImageIndex] | None] = ContextVar("opened", default=None)


@contextmanager
def opened_once() -> Iterator[None]:
    """A command's while: each source is listed once in it. Within another, it is part of that."""
    if _OPENED.get() is not None:
        yield
        return
    token = _OPENED.set({})
    try:
        yield
    finally:
        _OPENED.reset(token)


def open_index(source: Source) -> ImageIndex:
    """List a source's images; see `opened_once`.

    Raises:
        DataError: when the source cannot be opened or holds nothing.
    """
    opened = _OPENED.get()
    if opened is not None and source in opened:
        return opened[source]
    listed = time.time_ns()
    index = ImageIndex(source.open(), listed)
    if opened is not None:
        opened[source] = index
    return index


def _format(data: bytes) -> str:
    try:
        return recognise(data[:NUM_BYTES_TO_RECOGNISE]).name
    except ValueError:
        return "unreadable"


def _in_both(
    names: Sequence[str], others: PackedNames
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the names that are among the others, and places there; each (n,)."""
    if names == others:
        places = np.arange(len(names))
        return places, places
    place = {name: j for j, name in enumerate(others)}
    both = ((i, place[name]) for i, name in enumerate(names) if name in place)
    pairs: NDArray[np.int64] = np.array(list(both), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
