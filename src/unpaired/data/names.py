"""Image names: what pairs have in common, and what images are called as files."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unpaired.data.sources import Records

_FILE_NAME = re.compile(r'[^\x00-\x1f/\\:*?"<>|.][^\x00-\x1f/\\:*?"<>|]{0,150}')
"""A visible name that every system takes."""


def file_names(records: Records) -> list[str]:
    """What images are called as files: by their ids where these can be names of files, or as they
    are."""
    ids = records.ids or []
    usable = len(set(ids)) == len(ids) and all(_FILE_NAME.fullmatch(name) for name in ids)
    return ids if ids and usable else records.names


def pair_id(name: str) -> str:
    """What the names of a pair's two files have in common."""
    return re.sub(r"_[AB]$", "", str(PurePosixPath(name).with_suffix("")))
