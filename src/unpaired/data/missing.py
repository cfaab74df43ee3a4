"""Missing images: what a folder holds instead, and what a path that does not exist may mean."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping
from pathlib import Path

from unpaired.core.errors import DataError
from unpaired.data.codecs.formats import EXTENSIONS
from unpaired.data.folder import Listing


def other_files(ignored: Mapping[str, int]) -> str:
    """How many files of a folder are not read, and what their names end in."""
    number = sum(ignored.values())
    text = f"{number:,} other file{'s' * (number != 1)}"
    if ignored:
        most = sorted(ignored.items(), key=lambda item: (-item[1], item[0]))[:5]
        text += f" ({', '.join(f'{count:,} {extension}' for extension, count in most)})"
    return text


def instead(listing: Listing) -> str:
    """What a folder without images holds, and what to do."""
    text = f": {other_files(listing.ignored)}, {len(listing.refused)} refused"
    if listing.refused:
        text += f" (first: {listing.refused[0]})"
    return f"{text}. The names of images must end in {', '.join(EXTENSIONS)}."


def not_found(path: Path) -> DataError:
    """Name the most similar neighbour of the first part of the path that does not exist."""
    message = f"{str(path)!r} does not exist."
    if re.search(r"[*?\[]", str(path)):
        plain = Path(*itertools.takewhile(lambda part: not re.search(r"[*?\[]", part), path.parts))
        return DataError(
            f"{message} Give a folder, not a pattern: {str(plain)!r}.", code="source-is-a-pattern"
        )
    missing = path
    while not missing.parent.exists():
        missing = missing.parent
    try:
        neighbours = sorted(
            entry.name
            for entry in missing.parent.iterdir()
            if entry.is_dir() or entry.suffix == ".parquet"
        )
    except OSError:
        neighbours = []
    if near := difflib.get_close_matches(missing.name, neighbours, n=1):
        message += f" Did you mean {str(missing.parent / near[0])!r}?"
    if re.fullmatch(r"[\w.-]+/[\w.-]+", str(path)):
        message += f" For a data set of the Hugging Face hub, type hf:{path}."
    return DataError(message, code="source-not-found")
