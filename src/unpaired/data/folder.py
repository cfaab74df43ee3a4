"""Folder listing: which entries are images, which are refused unread, which are ignored."""

from __future__ import annotations

import errno
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.formats import EXTENSIONS


@dataclass
class Listing:
    """What a folder holds, by names relative to it, in sorted order."""

    names: list[str] = field(default_factory=list)
    """Images: regular files with a known extension, in any letter case."""

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
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
        except OSError as error:
            name = folder.relative_to(root).as_posix()
            reason = f"cannot be listed: {error.strerror}"
            listing.refused.append(UnreadableImage(name, reason))
            continue
        folders += [path for path in entries if _is_real_folder(path)]
        for path in entries:
            _add(path, root, listing)
    listing.names.sort()
    listing.refused.sort(key=lambda refused: refused.name)
    return listing


def labels_by_folder(names: list[str]) -> NDArray[np.int64] | None:
    """Classes 0..K-1 in the sorted order of the first-level folders; shape (len(names),).

    None unless all images lie in at least two such folders.
    """
    folders = [PurePosixPath(name).parts[0] if "/" in name else "" for name in names]
    if "" in folders or len(set(folders)) < 2:
        return None
    return np.unique(folders, return_inverse=True)[1].astype(np.int64)


def _add(path: Path, root: Path, listing: Listing) -> None:
    """File one entry of a folder under names, refused or ignored."""
    name = path.relative_to(root).as_posix()
    printable = name.encode("utf-8", "backslashreplace").decode()
    is_folder = os.path.isdir(path)
    extension = path.suffix.lower()
    if extension not in EXTENSIONS and not is_folder:
        listing.ignored[extension or "without extension"] += 1
        return
    reason = None
    if path.is_symlink():
        reason = _why_not_followed(path, root)
    elif is_folder and extension in EXTENSIONS:
        reason = "is a folder, though named like an image"
    elif not is_folder and not os.path.isfile(path):
        reason = "is not a regular file"
    elif printable != name:
        reason = "has a name that is not valid UTF-8"
    if reason:
        listing.refused.append(UnreadableImage(printable, reason))
    elif not is_folder:
        listing.names.append(name)


def _is_real_folder(path: Path) -> bool:
    return os.path.isdir(path) and not path.is_symlink() and path.suffix.lower() not in EXTENSIONS


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
