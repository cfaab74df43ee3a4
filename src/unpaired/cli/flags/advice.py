"""Unknown flags answered: the setting that does what was meant, or the most similar flag."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence

from unpaired.cli.flags.other_tools import TABLE, Row

EpochImages = Callable[[], int | None]
"""Images of an epoch of the image sets that flags name; None where that cannot be said."""

_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"


def unknown_flag(
    flag: str,
    values: Sequence[str],
    options: Iterable[str],
    verb: str,
    epoch_images: EpochImages = lambda: None,
) -> str:
    """What is wrong with a flag that a verb does not have, and what to type.

    `values`: the words that follow it; `options`: the verb's own flags.
    """
    name, equals, value = flag.partition("=")
    value = _plain(value if equals else " ".join(values))
    by_key = {_key(option): option for option in options}
    if own := by_key.get(_key(name)):  # --A, -images
        return f"unknown argument {name!r}; did you mean {' '.join([own, *value.split()])}?"
    if row := row_of(name, verb):
        return f"unknown argument {name!r}: {answer(row, value, epoch_images)}"
    near = difflib.get_close_matches(name, list(by_key.values()), 1)
    return f"unknown argument {name!r}" + (f"; did you mean {near[0]}?" if near else "")


def row_of(flag: str, verb: str) -> Row | None:
    """What the table says of a flag of other tools, or of a setting with such a last part."""
    rows = TABLE.get({"demo": "train", "sweep": "train"}.get(verb, verb), ())
    key = _key(flag.rpartition(".")[2])
    return next((row for row in rows if key in map(_key, row.names.split())), None)


def answer(row: Row, value: str, epoch_images: EpochImages = lambda: None) -> str:
    """What to type in place of another tool's flag with this value, and what there is to know."""
    if not row.flags:
        return row.note
    flags = row.choices.get(value, row.choices.get(_key(value), row.flags))
    note = row.note
    if "{" in flags:
        carried = _carried(value, row.example)
        if row.counts and carried is not None:
            carried, why = _converted(row, float(carried), epoch_images)
            note = "; ".join(filter(None, [why, note]))
        flags = flags.format(row.example if carried is None else carried)
    return f"what does it here is {flags}" + (f" ({note})" if note else "")


def _carried(value: str, example: str) -> str | None:
    """The value as it is typed here, if it is of the example's kind."""
    if not re.fullmatch(_NUMBER, example.rstrip("k")):
        return value or None
    square = re.fullmatch(rf"({_NUMBER})(?:[x×]\1)?(?:px)?", value, re.IGNORECASE)
    each = [part for part in value.split(",") if re.fullmatch(_NUMBER, part, re.IGNORECASE)]
    several = "," in value and len(each) == value.count(",") + 1
    return square[1] if square else value if several else None


def _converted(row: Row, value: float, epoch_images: EpochImages) -> tuple[str | None, str]:
    """A value in the unit of the setting, and how it was reckoned; None: it cannot be."""
    if row.counts == "kimg":
        return f"{value:g}k", ""
    if row.counts == "ratio":
        return f"{10 * value:g}", ""
    images = epoch_images()
    if images is None:
        return None, "times the images of the larger image set"
    return f"{round(value * images)}", f"{value:g} times the {images:,} images of the larger set"


def _plain(value: str) -> str:
    """Without what comes along when a value is copied: quotes, brackets, a last comma."""
    return value.strip().strip("[]()\"'").rstrip(",;")


def _key(text: str) -> str:
    return re.sub(r"[-_\s]", "", text).lower()
