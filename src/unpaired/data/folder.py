"""Folder listing: which entries are images, which are refused unread, which are ignored."""

from __future__ import annotations

import errno
import os
import stat
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
platform gives one (else 0); of a link, those of the file that it leads to."""

Problem = tuple[str, str]
"""Why an entry is refused: in words for users, and the code for programs."""


@dataclass
class Listing:
    """What a folder holds, by names relative to it, in sorted order."""

    names: list[str] = field(default_factory=list)
    """Images: regular files with a known extension, in any letter case, and links to files."""

    stamps: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), np.int64))
    """The `Stamp` of each image, (N, 3)."""

    refused: list[UnreadableImage] = field(default_factory=list)
    """What is named like an image or a folder but cannot be read as one, with the reason."""

    ignored: Counter[str] = field(default_factory=Counter)
    """Number of other files by extension, in lower case."""


def list_images(root: Path, *, outside: bool = True) -> Listing:
    """List the images below `root`, at any depth. Entries that begin with a dot are skipped.

    A link to a file is an image like others, by its own name, wherever it leads: data stores (DVC,
    git-annex, the cache of the Hugging Face hub) keep what a folder links to elsewhere, under names
    of their own. Without `outside`, which is for folders that strangers may fill, it must lead to a
    file below `root`. Links to folders are refused, as they may lead to images that are listed
    anyway, or in circles.
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
        limit = None if outside else root
        for entry in shown:
            _add(entry, prefix + entry.name, limit, listing, stamps, folders)
    order = sorted(range(len(listing.names)), key=listing.names.__getitem__)
    listing.names = [listing.names[i] for i in order]
    listing.stamps = np.frombuffer(stamps, np.int64).reshape(-1, 3)[order]
    listing.refused.sort(key=lambda refused: refused.name)
    return listing


def _add(
    entry: os.DirEntry[str],
    name: str,
    limit: Path | None,
    listing: Listing,
    stamps: array[int],
    folders: list[str],
) -> None:
    """File one entry of a folder under names, folders, refused or ignored; see `_stamp`."""
    extension = os.path.splitext(entry.name)[1].lower()
    is_image, is_link = extension in EXTENSIONS, _is_link(entry)
    is_folder = os.path.isdir(entry.path) if is_link else entry.is_dir()
    if not is_image and not is_folder:
        listing.ignored[(extension.strip(".") and extension) or "without extension"] += 1
        return
    stamp: Stamp | None = None
    problem: Problem | None = None
    if is_folder and is_link:
        problem = (
            "is a link to a folder, which is not followed: give that folder itself, or a folder of "
            "links to its files",
            "link-to-folder",
        )
    elif is_folder and is_image:
        problem = "is a folder, though named like an image", "folder-named-like-image"
    elif is_folder:
        folders.append(name)
    else:
        stamp, problem = _stamp(entry, limit if is_link else None)
    printable = _printable(name)
    if problem is None and printable != name:
        problem = "has a name that is not valid UTF-8", "name-not-utf8"
    if problem:
        reason, code = problem
        listing.refused.append(UnreadableImage(printable, reason, code=code))
    elif stamp is not None:
        listing.names.append(name)
        stamps.extend(stamp)


def _is_link(entry: os.DirEntry[str]) -> bool:
    """Whether it is a symbolic link, or a junction of Windows (which Python 3.11 cannot tell)."""
    is_junction = getattr(entry, "is_junction", None)
    return entry.is_symlink() or (is_junction is not None and is_junction())


def _stamp(entry: os.DirEntry[str], limit: Path | None) -> tuple[Stamp | None, Problem | None]:
    """The stamp of a regular file or of what a link leads to, or the problem, such as that it lies
    outside the folder `limit`."""
    try:
        state = entry.stat()
    except OSError as error:
        return None, _why_not_there(entry, error)
    if not stat.S_ISREG(state.st_mode):
        kind = "a link to something that is not" if entry.is_symlink() else "not"
        return None, (f"is {kind} a regular file", "no-regular-file")
    if limit is not None and not Path(os.path.realpath(entry.path)).is_relative_to(limit):
        return None, ("is a link that leads outside the folder", "link-leads-outside")
    # Inodes fill 64 bits without sign, of which the array has 63.
    return (state.st_size, state.st_mtime_ns, state.st_ino & (2**63 - 1)), None


_FETCHED_BY = {
    "/annex/objects/": "git annex get",
    "/files/md5/": "dvc pull",
    "/.dvc/": "dvc pull",
    "/blobs/": "another download from the hub",
}
"""What brings the content that a link to a data store lacks, by a part of the link's target."""


def _why_not_there(entry: os.DirEntry[str], error: OSError) -> Problem:
    if error.errno == errno.ELOOP:
        return "is a link that loops", "link-loops"
    if error.errno not in (errno.ENOENT, errno.ENOTDIR) or not entry.is_symlink():
        return f"cannot be opened: {error.strerror}", "cannot-be-opened"
    target = os.readlink(entry.path).replace(os.sep, "/")
    store = next((what for part, what in _FETCHED_BY.items() if part in target), None)
    advice = f": {store} brings what it leads to" if store else ""
    return f"is a broken link{advice}", "broken-link"


def _printable(name: str) -> str:
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode()
