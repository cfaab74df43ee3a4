"""Missing images: what is left out of a source, and what a path that does not exist may mean."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.data.codecs.foreign import by_extension
from unpaired.data.codecs.formats import EXTENSIONS


def other_files(ignored: Mapping[str, int]) -> str:
    """How many files of a folder are not read, and what their names end in."""
    number = sum(ignored.values())
    text = f"{number:,} other file{'s' * (number != 1)}"
    if ignored:
        most = sorted(ignored.items(), key=lambda item: (-item[1], item[0]))[:5]
        text += f" ({', '.join(f'{count:,} {extension}' for extension, count in most)})"
    return text


def not_named_like_images(ignored: Mapping[str, int]) -> list[str]:
    """A line on the files that are left out by their endings, with what to do about most of them;
    none where there are no such."""
    if not ignored:
        return []
    text = f"{other_files(ignored)}, not named like images"
    if (most := by_extension(ignored)) is not None:
        kind, count = most
        text += f"; {count:,} {'is' if count == 1 else 'are each'} {kind.name}: {kind.advice}"
    return [text]


def left_out(refused: Sequence[UnreadableImage], ignored: Mapping[str, int]) -> list[str]:
    """What of a source is not used, and why: a line for each reason, and one for other files."""
    by_reason: dict[str, list[UnreadableImage]] = {}
    for error in refused:
        by_reason.setdefault(error.reason, []).append(error)
    lines = [
        str(errors[0]) + (f" (and so are {len(errors) - 1:,} more)" if len(errors) > 1 else "")
        for errors in by_reason.values()
    ]
    if len(lines) > _MOST_REASONS:
        unsaid = len(refused) - sum(map(len, list(by_reason.values())[:_MOST_REASONS]))
        lines = [*lines[:_MOST_REASONS], f"{unsaid:,} more; `unpaired check` lists them"]
    return [*lines, *not_named_like_images(ignored)]


_MOST_REASONS = 5


def instead(refused: Sequence[UnreadableImage], ignored: Mapping[str, int]) -> str:
    """What a folder without images holds, and what to do."""
    text = f": {other_files(ignored)}, {len(refused):,} refused"
    if refused:
        text += f" (first: {refused[0]})"
    if (most := by_extension(ignored)) is not None:
        text += f". What is most of it, {most[0].name}, is not read: {most[0].advice}"
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
