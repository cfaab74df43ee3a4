"""HTML tables: columns, rows and cells, which turn into lists on a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Column:
    """The head of a column."""

    text: str
    small: str = ""
    """What stands small below it."""
    label: str = ""
    """What stands before each cell on a phone; the text where it is empty."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell with its value."""

    text: str
    small: str = ""
    style: str = ""
    """Class: "absent", "prose" for text that may be broken, or none."""
    strong: bool = False


NOTHING = Cell(text="–", style="absent")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row with its head."""

    head: Sequence[str]
    """Lines of the head."""
    cells: Sequence[Cell]
    small: str = ""
    link: str = ""
    """Where the head leads, if anywhere."""
    style: str = ""


@dataclass(frozen=True, kw_only=True)
class HtmlTable:
    """A table; the first column is that of the heads of rows."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    style: str = ""


def flatten(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as ("a.source.kind", "folder") pairs."""
    pairs: list[tuple[str, str]] = []
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{name}.")
        elif isinstance(value, list):
            pairs.append((name, ", ".join(str(item) for item in value) or "none"))
        else:
            pairs.append((name, "none" if value is None else str(value) or "none"))
    return pairs
