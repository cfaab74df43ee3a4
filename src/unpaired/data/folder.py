"""Folder listing: which entries are images, which are refused unread, which are ignored."""

from __future__ import annotations

import errno
import os
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.formats import EXTENSIONS

Stamp = tuple[int, int, int]
"""What changes with a file's content: size in bytes, mtime in nanoseconds, and inode where the
platform gives one (else 0)."""


@dataclass
class Listing:
    """What a folder holds, by names relative to it, in sorted order."""

    names: list[str] = field(default_factory=list)
    """Images: regular files with a known extension, in any letter case."""

    stamps: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), np.int64))
    """The `Stamp` of each image, (N, 3)."""

    refused: list[UnreadableImage] = field(default_factory=list)
    """What is named like an image or a folder but cannot be read as one, with the reason."""

    ignored: Counter[str] = field(default_factory=Counter)
    """Number of other files by extension, in lower case."""


def list_images(root: Path) -> Listing:
    """List the images below `root`, at any depth. Entries that begin with a dot are skipped.

    Links to files inside `root` are images like others. Links to folders are never followed, as
    they lead outside, to images that are listed anyway, or in circles.
    """
    root = root.resolve()
    listing = Listing()
    stamps = array("q")  # as a list of tuples, those of a million files would take 200 MB
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder) as entries:
                shown = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            reason = f"cannot be listed: {error.strerror}"
            listing.refused.append(UnreadableImage(folder or ".", reason, code="cannot-be-listed"))
            continue
        prefix = f"{folder}/" if folder else ""
        for entry in shown:
            _add(entry, prefix + entry.name, root, listing, stamps, folders)
    order = sorted(range(len(listing.names)), key=listing.names.__getitem__)
    listing.names = [listing.names[i] for i in order]
    listing.stamps = np.frombuffer(stamps, np.int64).reshape(-1, 3)[order]
    listing.refused.sort(key=lambda refused: refused.name)
    return listing


def labels_by_folder(names: list[str]) -> NDArray[np.int64] | None:
    """Classes 0..K-1 in the sorted order of the first-level folders; shape (len(names),).

    None unless all images lie in at least two such folders.
    """
    folders = [name.partition("/")[0] if "/" in name else "" for name in names]
    different = sorted(set(folders))
    if "" in different or len(different) < 2:
        return None
    classes = {folder: number for number, folder in enumerate(different)}
    return np.array([classes[folder] for folder in folders], np.int64)


def _add(
    entry: os.DirEntry[str],
    name: str,
    root: Path,
    listing: Listing,
    stamps: array[int],
    folders: list[str],
) -> None:
    """File one entry of a folder under names, folders, refused or ignored."""
    extension = os.path.splitext(entry.name)[1].lower()
    is_image, is_link = extension in EXTENSIONS, entry.is_symlink()
    is_folder = os.path.isdir(entry.path) if is_link else entry.is_dir()
    if not is_image and not is_folder:
        listing.ignored[(extension.strip(".") and extension) or "without extension"] += 1
        return
    stamp: Stamp | None = None
    reason = _why_not_followed(root / name, root) if is_link else None
    if is_folder and not is_link:
        if is_image:
            reason = "is a folder, though named like an image"
        else:
            folders.append(name)
    elif reason is None:
        stamp, reason = _stamp(entry)
    printable = name if name.isascii() else name.encode("utf-8", "backslashreplace").decode()
    if reason is None and printable != name:
        reason = "has a name that is not valid UTF-8"
    if reason:
        listing.refused.append(UnreadableImage(printable, reason, code="refused-entry"))
    elif stamp is not None:
        listing.names.append(name)
        stamps.extend(stamp)


def _stamp(entry: os.DirEntry[str]) -> tuple[Stamp | None, str | None]:
    """The stamp of a regular file, or the reason why it is none."""
    try:
        if not entry.is_file():
            return None, "is not a regular file"
        state = entry.stat()
    except OSError as error:
        return None, f"cannot be opened: {error.strerror}"
    # Inodes fill 64 bits without sign, of which the array has 63.
    return (state.st_size, state.st_mtime_ns, state.st_ino & (2**63 - 1)), None


def _why_not_followed(link: Path, root: Path) -> str | None:
    try:
        target = Path(os.path.realpath(link, strict=True))
    except OSError as error:
        return "is a link that loops" if error.errno == errno.ELOOP else "is a broken link"
    if not target.is_relative_to(root):
        return "is a link that leads outside the folder"
    if target.is_dir():
        return "is a link to a folder, which would be read twice or for ever"
    return None if target.is_file() else "is a link to something that is not a regular file"
