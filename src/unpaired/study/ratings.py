"""Ratings table of a study: how it is read; `unpaired.study.columns` describes what it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from unpaired.core.errors import DataError, SettingError
from unpaired.study import columns
from unpaired.study.judgements import CATCH_THRESHOLD, STEPS, CatchRecord, Kind, LeftOut, Study
from unpaired.study.sheet import Row, Sheet, one_of, read_sheet

_COLUMN: Mapping[Kind, str] = {"rating": columns.RATING, "2afc": columns.CHOICE}
_CHOICES = {"real": 1, "fake": 0}


@dataclass(frozen=True)
class _Judgement:
    row: int
    rater: str
    image: str
    method: str
    value: int


@dataclass
class _Sorted:
    """Every row of a table in its place."""

    judgements: list[_Judgement] = field(default_factory=list)
    catch: dict[str, CatchRecord] = field(default_factory=dict)
    unanswered: Counter[str] = field(default_factory=Counter)
    """By method."""
    num_practice: int = 0


def read_study(
    path: Path, kind: Kind | Literal["auto"] = "auto", catch_threshold: float = CATCH_THRESHOLD
) -> Study:
    """Read and check the table at `path`; `kind` "auto" goes by the columns.

    Who fails more than the share `catch_threshold` of their catch trials is excluded.

    Raises:
        DataError: with row and column, when the table cannot be used.
        SettingError: when `kind` or `catch_threshold` has no meaning for it.
    """
    if not 0 <= catch_threshold <= 1:
        raise SettingError(
            f"--catch-threshold is {catch_threshold:g}, but is a share of a rater's catch trials: "
            "0 to 1.",
            code="catch-threshold-range",
            setting="catch_threshold",
        )
    sheet = read_sheet(path, columns.ALIASES)
    for column in (columns.RATER, columns.IMAGE, columns.METHOD):
        sheet.require(column)
    kind = _kind(sheet) if kind == "auto" else kind
    sheet.require(_COLUMN[kind])

    table = _sort(sheet, kind)
    _refuse_duplicates(sheet, table.judgements)
    excluded = [r for r, c in table.catch.items() if c.failed > catch_threshold * c.shown]
    kept = [judgement for judgement in table.judgements if judgement.rater not in excluded]
    _refuse_methods_without_judgement(sheet, table, kept, excluded)

    raters, rater = _places([judgement.rater for judgement in kept])
    images, image = _places([judgement.image for judgement in kept])
    methods, method = _places([judgement.method for judgement in kept])
    left_out = LeftOut(
        num_practice=table.num_practice,
        num_unanswered=table.unanswered.total(),
        num_of_excluded=len(table.judgements) - len(kept),
        excluded=tuple(excluded),
        catch=table.catch,
        catch_threshold=catch_threshold,
    )
    value = np.array([judgement.value for judgement in kept], np.float64)
    return Study(kind, raters, images, methods, rater, image, method, value, left_out)


def _kind(sheet: Sheet) -> Kind:
    kinds = [kind for kind in get_args(Kind) if _COLUMN[kind] in sheet.columns]
    if len(kinds) == 2:
        raise SettingError(
            f"{sheet.path} has both a column 'rating' and a column 'choice'. Say which to analyse: "
            "--kind rating or --kind 2afc.",
            code="study-kind-unclear",
            setting="kind",
        )
    if not kinds:
        names = ", ".join(map(repr, sheet.columns))
        near = [n for column in _COLUMN.values() if (n := sheet.nearest(column))]
        raise DataError(
            f"{sheet.path}: there is neither a column 'rating' (1 to 5) nor a column 'choice' "
            f"(real or fake). The columns are {names}. Rename the one that holds the judgements"
            + (f": {near[0]!r}?" if near else "."),
            code="study-answer-missing",
        )
    kind: Kind = kinds[0]
    return kind


def _sort(sheet: Sheet, kind: Kind) -> _Sorted:
    table = _Sorted()
    for row in sheet.rows:
        if sheet.flag(row, columns.PRACTICE):
            table.num_practice += 1
            continue
        rater = sheet.text(row, columns.RATER)
        value = _answer(sheet, row, _COLUMN[kind], kind)
        if sheet.flag(row, columns.CATCH):
            before = table.catch.get(rater, CatchRecord(0, 0))
            failed = before.failed + _is_failed(sheet, row, kind, value)
            table.catch[rater] = CatchRecord(failed, before.shown + 1)
            continue
        image, method = sheet.text(row, columns.IMAGE), sheet.text(row, columns.METHOD)
        if value is None:
            table.unanswered[method] += 1
        else:
            table.judgements.append(_Judgement(row.number, rater, image, method, value))
    return table


def _answer(sheet: Sheet, row: Row, column: str, kind: Kind) -> int | None:
    """1…5, or 1 for real and 0 for fake; None for an empty cell."""
    text = row.cells[column]
    if not text:
        return None
    if kind == "2afc":
        return _CHOICES[one_of(sheet, row, column, _CHOICES)]
    try:
        number = float(text)  # 4.0 is what some programs make of 4
    except ValueError:
        number = float("nan")
    if number not in STEPS:
        raise sheet.error(
            row,
            column,
            f"{text!r} is no whole number from 1 to 5. Correct it.",
            code="study-rating-unknown",
        )
    return int(number)


def _is_failed(sheet: Sheet, row: Row, kind: Kind, value: int | None) -> bool:
    """Whether a catch trial was failed."""
    has_answer = columns.EXPECTED in sheet.columns
    expected = _answer(sheet, row, columns.EXPECTED, kind) if has_answer else None
    if expected is None:
        expected = _CHOICES["fake"] if kind == "2afc" else STEPS[0]
    return value is None or abs(value - expected) > (0 if kind == "2afc" else 1)


def _refuse_duplicates(sheet: Sheet, judgements: list[_Judgement]) -> None:
    first_rows: dict[tuple[str, str, str], int] = {}
    for judgement in judgements:
        first = first_rows.setdefault(
            (judgement.rater, judgement.image, judgement.method), judgement.row
        )
        if first != judgement.row:
            raise DataError(
                f"{sheet.path}, rows {first} and {judgement.row}: rater "
                f"{judgement.rater!r} judges image {judgement.image!r} of method "
                f"{judgement.method!r} twice. Keep one of the rows.",
                code="study-judged-twice",
            )


def _refuse_methods_without_judgement(
    sheet: Sheet, table: _Sorted, kept: list[_Judgement], excluded: list[str]
) -> None:
    answered = Counter(judgement.method for judgement in table.judgements)
    if not answered and not table.unanswered:
        raise DataError(
            f"{sheet.path} has no scored judgement: all rows are practice or catch.",
            code="study-nothing-scored",
        )
    for method in (answered | table.unanswered).keys() - {judgement.method for judgement in kept}:
        reasons = [f"{table.unanswered[method]} without an answer"]
        if excluded:
            names = ", ".join(map(repr, excluded))
            reasons.append(f"{answered[method]} of raters who failed catch trials ({names})")
        raise DataError(
            f"{sheet.path}: method {method!r} has no judgement that counts: its rows are "
            f"{' and '.join(reasons)}. Collect judgements of it, or delete its rows.",
            code="study-method-without-judgement",
        )


def _places(names: list[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Distinct names in the order of the table, and the place of each row's name among them."""
    place = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return tuple(place), np.array([place[name] for name in names], np.int64)
