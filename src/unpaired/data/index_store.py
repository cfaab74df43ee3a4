"""Index store: content hashes of the files of a folder, kept in a memory-mapped file.

One file a folder, below `cache_folder("indexes")`: a line of JSON, then arrays, then a SHA-256 of
all that. What was written by another version, or is damaged, counts as absent.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unpaired.core.files import cache_folder, write_atomically
from unpaired.data.codecs.formats import FORMATS
from unpaired.data.names import PackedNames

logger = logging.getLogger(__name__)

KINDS = ("unreadable", "pixels", *(format.name for format in FORMATS))
"""Formats of images by the number that stands for them; "pixels" where they are not encoded."""

_VERSION = 1
_DIGEST_BYTES = 32
_ALIGNMENT = 8  # of the arrays of 64-bit numbers


@dataclass(frozen=True)
class Kept:
    """What is known of N files, in the order of their names."""

    names: PackedNames
    stamps: NDArray[np.int64]
    """See `folder.Stamp`, (N, 3); UNKNOWN as the mtime of a file that must be hashed again."""
    hashes: NDArray[np.uint8]
    """(N, 32)."""
    kinds: NDArray[np.uint8]
    """Places in `KINDS`, (N,)."""


UNKNOWN = np.iinfo(np.int64).min


def load(folder: Path) -> Kept | None:
    """What is kept of the files in a folder, mapped and not copied; None where nothing is."""
    path = _path(folder)
    try:
        content = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError):  # ValueError: an empty file
        return None
    try:
        return _parse(content, folder)
    except (ValueError, KeyError, TypeError) as error:
        logger.warning("the kept index %s is not used (%s); hashing anew", path, error)
        return None


def save(folder: Path, kept: Kept) -> None:
    """Keep it for next time; where that cannot be, a warning says so."""
    arrays = (kept.stamps, kept.names.ends, kept.hashes, kept.kinds, kept.names.text)
    header = json.dumps(
        {
            "version": _VERSION,
            "folder": str(folder),
            "files": len(kept.names),
            "text": len(kept.names.text),
            "kinds": KINDS,
        }
    ).encode()
    header += b" " * (-(len(header) + 1) % _ALIGNMENT) + b"\n"
    content = header + b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    path = _path(folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content + hashlib.sha256(content).digest())
    except OSError as error:
        logger.warning("hashes of %s cannot be kept for next time: %s", folder, error)


def _parse(content: NDArray[np.uint8], folder: Path) -> Kept | None:
    """Raises ValueError, KeyError or TypeError for what is damaged."""
    body = content[:-_DIGEST_BYTES].view(np.ndarray)
    if hashlib.sha256(body.data).digest() != content[-_DIGEST_BYTES:].tobytes():
        raise ValueError("its content is not what was written")
    line = body[: 1 << 16].tobytes().partition(b"\n")[0]
    header = json.loads(line)
    if header["version"] != _VERSION or tuple(header["kinds"]) != KINDS:
        return None  # written by another version
    if header["folder"] != str(folder):
        return None
    count, offset = int(header["files"]), len(line) + 1

    def take(kind: Any, *shape: int) -> NDArray[Any]:
        nonlocal offset
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        part: NDArray[Any] = body[offset : offset + size].view(kind).reshape(shape)
        offset += size
        return part

    stamps, ends = take(np.int64, count, 3), take(np.int64, count)
    hashes, kinds = take(np.uint8, count, 32), take(np.uint8, count)
    return Kept(PackedNames(take(np.uint8, header["text"]), ends), stamps, hashes, kinds)


def _path(folder: Path) -> Path:
    name = hashlib.sha256(str(folder).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return cache_folder("indexes") / f"{name}.index"
