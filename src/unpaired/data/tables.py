"""Parquet and Hugging Face tables of images, read as Arrow columns.

Nothing is decoded here: a cell of the image column holds an encoded file, which is decoded like
any other file by `unpaired.data.codecs.decode`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unpaired.core.errors import DataError, MissingExtra
from unpaired.data.classes import Labels


@dataclass(frozen=True)
class Table:
    """Named columns of equal length; `read` gives one of them as a `pyarrow.ChunkedArray`."""

    columns: list[str]
    read: Callable[[str], Any]
    class_names: Callable[[str], list[str]] = lambda column: []
    """The names of a column's classes by their numbers; none where it declares no such."""


def open_parquet(path: Path) -> Table:
    """A parquet file, of which only the columns that are asked for are read into memory.

    Raises `DataError` for a file that is not parquet, `MissingExtra` without pyarrow.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("pyarrow", "hub", f"Reading {str(path)!r}") from error
    try:
        file = parquet.ParquetFile(path, memory_map=True)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{str(path)!r} cannot be read as a parquet file: {error}", code="no-parquet-file"
        ) from error
    schema = file.schema_arrow
    declared = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    features = declared.get("info", {}).get("features", {})
    return Table(
        schema.names,
        lambda name: file.read(columns=[name]).column(0),
        lambda name: (features.get(name) or {}).get("names") or [],
    )


def load_dataset(name: str, split: str, subset: str = "") -> Table:
    """One split of a data set from the Hugging Face hub or a local folder; stays on the disk.

    Raises `DataError` when it cannot be had, `MissingExtra` without the package `datasets`.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra("datasets", "hub", f"Reading the data set {name!r}") from error
    try:
        with _quiet_retries():
            dataset = datasets.load_dataset(name, subset or None, split=split)
    except ConnectionError as error:
        raise DataError(
            f"The data set {name!r}, split {split!r}, is not in the cache, and the Hugging Face "
            f"hub cannot be reached ({error}). Check the connection.",
            code="hub-unreachable",
        ) from error
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"The data set {name!r}, split {split!r}, cannot be loaded: {str(error).rstrip('.')}. "
            "Check its name (owner/name, as on the hub), its split and the connection.",
            code="data-set-not-loaded",
        ) from error
    # In this format image cells stay encoded, as with Image(decode=False).
    table = dataset.with_format("arrow")[:]
    features = dataset.features
    return Table(
        table.column_names,
        table.column,
        lambda name: getattr(features.get(name), "names", None) or [],
    )


@contextmanager
def _quiet_retries() -> Iterator[None]:
    """The hub's package warns of each of its tries twice; that all have failed is said once."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def image_column(column: Any) -> Any:
    """The column itself. Raises `ValueError` with the reason why it cannot hold encoded images."""
    from pyarrow import types

    kind = column.type
    is_file = types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    if is_file or types.is_binary(kind) or types.is_large_binary(kind):
        return column
    raise ValueError(
        f"holds {kind}, not images, which are expected as binary or as a struct with a field "
        "'bytes'"
    )


def read_image(column: Any, index: int) -> bytes | Path:
    """The encoded image of one row, or the file that the row names; empty for an empty row."""
    cell = column[index].as_py()
    if isinstance(cell, dict):
        content, path = cell["bytes"], cell.get("path")
        return Path(path) if content is None and path else content or b""
    return cell or b""


def read_labels(column: Any, names: Sequence[str] = ()) -> Labels:
    """Classes of the rows: whole numbers as they are, which `names` are those of; texts numbered
    0..K-1 in sorted order.

    Raises `ValueError` with the reason for anything else, and for rows without a label.
    """
    from pyarrow import types

    if column.null_count:
        raise ValueError(f"is empty in {column.null_count} of {len(column)} rows")
    if types.is_integer(column.type):
        return Labels(column.to_numpy().astype(np.int64), dict(enumerate(names)))
    if types.is_string(column.type) or types.is_large_string(column.type):
        texts, numbers = np.unique(column.to_pylist(), return_inverse=True)
        return Labels(numbers.astype(np.int64), dict(enumerate(map(str, texts))))
    raise ValueError(f"holds {column.type}, not one whole number or text per image")


def read_ids(column: Any) -> list[str]:
    """Ids as texts. Raises `ValueError` with the reason for rows without an id."""
    if column.null_count:
        raise ValueError(f"is empty in {column.null_count} of {len(column)} rows")
    return [str(value) for value in column.to_pylist()]
