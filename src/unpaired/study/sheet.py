"""CSV reading: comma-separated tables as spreadsheets and programs write them."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from unpaired.core.errors import DataError

_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Row:
    """One row: its number as a spreadsheet counts, the header being row 1, and its cells."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Sheet:
    """A table with named columns; names are in lower case, cells without spaces around them."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def require(self, column: str) -> None:
        """Raises DataError, with the columns that there are, when this one is missing."""
        if column in self.columns:
            return
        near = self.nearest(column)
        hint = f" Is {near!r} meant? Rename it to {column!r}." if near else ""
        raise DataError(
            f"{self.path}: there is no column {column!r}. The columns are "
            f"{', '.join(map(repr, self.columns))}.{hint}",
            code="study-column-missing",
        )

    def nearest(self, column: str) -> str | None:
        """The column whose name is most similar, if one is."""
        return next(iter(difflib.get_close_matches(column, self.columns, 1)), None)

    def error(self, row: Row, column: str, problem: str, code: str) -> DataError:
        """What is wrong in a cell, and where it stands."""
        return DataError(f"{self.path}, row {row.number}, column {column!r}: {problem}", code=code)

    def text(self, row: Row, column: str) -> str:
        """A cell that must not be empty. Raises DataError when it is."""
        if cell := row.cells[column]:
            return cell
        raise self.error(
            row,
            column,
            "the cell is empty. Fill it in, or delete the row.",
            code="study-cell-empty",
        )

    def flag(self, row: Row, column: str) -> bool:
        """A cell that says yes or no; an empty one and an absent column say no."""
        cell = row.cells.get(column, "").lower()
        if cell in ("", "0", "0.0", "no", "false"):
            return False
        if cell in ("1", "1.0", "yes", "true"):
            return True
        raise self.error(row, column, f"{cell!r} is neither 1 nor 0.", code="study-flag-unclear")


def read_sheet(path: Path, aliases: Mapping[str, str] | None = None) -> Sheet:
    """Read a table in UTF-8, with or without a byte order mark, separated by , or ; or tabs.

    `aliases` gives other names of columns: {"item": "image"}. Blank lines are skipped.

    Raises:
        DataError: when there is no such file, no row in it, or no way to read it as a table.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text. Save it once more as CSV UTF-8 (comma separated).",
            code="study-not-utf8",
        ) from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}.", code="study-unreadable"
        ) from error
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text)))
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as CSV: {error}.", code="study-not-csv") from error
    filled = [(number, record) for number, record in enumerate(records, 1) if _is_filled(record)]
    if not filled:
        raise DataError(
            f"{path} is empty. Its first row must name the columns.", code="study-empty"
        )
    names = [_name(cell, aliases or {}) for cell in filled[0][1]]
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise DataError(
            f"{path} has more than one column {twice[0]!r}. Keep one of them.",
            code="study-column-twice",
        )
    rows = [_row(path, number, record, names) for number, record in filled[1:]]
    if not rows:
        raise DataError(f"{path} has a header and no row below it.", code="study-no-rows")
    return Sheet(path, tuple(filter(None, names)), tuple(rows))


def one_of(sheet: Sheet, row: Row, column: str, choices: Collection[str]) -> str:
    """A cell that holds one of the choices, in any case. Raises DataError otherwise."""
    cell = row.cells[column].lower()
    if cell in choices:
        return cell
    raise sheet.error(
        row,
        column,
        f"{row.cells[column]!r} is none of {', '.join(choices)}.",
        code="study-choice-unknown",
    )


def _separator(text: str) -> str:
    """The one that cuts the header into most columns."""
    header = next((line for line in text.splitlines() if line.strip()), "")

    def num_columns(separator: str) -> int:
        return max(map(len, csv.reader([header], delimiter=separator)), default=0)

    return max(_SEPARATORS, key=num_columns)


def _name(cell: str, aliases: Mapping[str, str]) -> str:
    name = cell.strip().lower()
    return aliases.get(name, name)


def _is_filled(cells: list[str]) -> bool:
    return any(cell.strip() for cell in cells)


def _row(path: Path, number: int, record: list[str], names: list[str]) -> Row:
    if _is_filled(record[len(names) :]):
        raise DataError(
            f"{path}, row {number}: {len(record)} cells under {len(names)} columns. A separator "
            'inside a text must stand in quotes: "a, b".',
            code="study-row-too-long",
        )
    cells = [cell.strip() for cell in record] + [""] * (len(names) - len(record))
    return Row(number, {name: cell for name, cell in zip(names, cells, strict=False) if name})
