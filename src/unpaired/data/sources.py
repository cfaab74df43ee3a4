"""Image sources: a folder, a Hugging Face data set or parquet file, or the built-in data.

A new source is a class with `open`, one name in `Source`, and a line in `parse_source` and
`describe`. Importing this module loads neither torch nor the packages that a source needs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from unpaired.core.config import config
from unpaired.core.errors import DataError, SettingError, UnreadableImage
from unpaired.core.files import at_home
from unpaired.data import tables
from unpaired.data.classes import Labels, labels_by_folder
from unpaired.data.folder import list_images
from unpaired.data.missing import instead, not_found
from unpaired.data.names import PackedNames, pair_id

Style = Literal["ink", "sign"]
Part = Literal["train", "validation", "test"]

Content = bytes | Path | NDArray[np.uint8]
"""Of an image: encoded bytes, a file, or decoded pixels (height, width, channels)."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """The images of a source, not decoded yet."""

    names: Sequence[str]
    """Unique names, relative to the source, with forward slashes."""

    labels: NDArray[np.int64] | None
    """Class of each image, (N,)."""

    ids: list[str] | None
    """Equal ids in two domains mark a pair."""

    read: Callable[[int], Content]
    """The content of image i."""

    refused: list[UnreadableImage] = field(default_factory=list)
    """Entries that are refused without decoding; they are not among `names`."""

    ignored: Mapping[str, int] = field(default_factory=dict)
    """Number of files that are no images by their extension, by extension."""

    class_names: Mapping[int, str] = field(default_factory=dict)
    """What the labels stand for; empty where they are numbers and no more."""

    folder: Path | None = None
    """Where the images are files below one folder."""

    stamps: NDArray[np.int64] | None = None
    """Of such files: size, mtime in nanoseconds and inode, (N, 3); see `folder.Stamp`."""

    @property
    def labelled(self) -> Labels | None:
        """The labels with their names."""
        return None if self.labels is None else Labels(self.labels, self.class_names)


@config
class Folder:
    """A folder of image files, at any depth.

    Where all images lie in at least two first-level folders, these are its classes; those of two
    domains are compared where they have the same names in both.
    """

    kind: Literal["folder"] = "folder"
    """Name of this kind of source."""

    path: str
    """The folder."""

    pairs: bool = False
    """Files of one name in both domains are pairs, whatever their ending; a last _A or _B does not
    count (1_A.jpg and 1_B.jpg are a pair)."""

    def open(self) -> Records:
        """List the images. Raises `DataError` when there is none."""
        root = at_home(self.path)
        if not root.exists():
            raise not_found(root)
        if not root.is_dir():
            raise DataError(
                f"{self.path!r} is a file. Give a folder of images or a .parquet file.",
                code="source-is-a-file",
            )
        listing = list_images(root)
        if not listing.names:
            there = instead(listing.refused, listing.ignored)
            raise DataError(
                f"{self.path!r} holds no image that can be used{there}",
                code="no-images",
            )
        names, labels = PackedNames.pack(listing.names), labels_by_folder(listing.names)
        return Records(
            names=names,
            labels=None if labels is None else labels.numbers,
            class_names={} if labels is None else labels.names,
            ids=[pair_id(name) for name in listing.names] if self.pairs else None,
            read=lambda index: root / names[index],
            refused=listing.refused,
            ignored=listing.ignored,
            folder=root.resolve(),
            stamps=listing.stamps,
        )


@config
class HuggingFace:
    """A data set of the Hugging Face hub, or local files in its layout.

    The images of a single parquet file are kept in memory in their encoded form; those of the hub
    and of folders stay on the disk.
    """

    kind: Literal["hf"] = "hf"
    """Name of this kind of source."""

    name: str
    """Id on the hub (owner/name), a file that ends in .parquet, or a folder of such files."""

    subset: str = ""
    """Configuration of a data set that has several, such as "cropped_digits"."""

    split: str = "train"
    """Split of the data set, such as "test" or "train[:1000]"; a parquet file has only one."""

    image_column: str = "image"
    """Column that holds the encoded images."""

    label_column: str = "label"
    """Column that holds one class per image; may be absent."""

    id_column: str = "id"
    """Column whose values mark pairs across the domains; may be absent."""

    def open(self) -> Records:
        """Read all but the images. Raises `DataError`, or `MissingExtra` without the packages."""
        path = at_home(self.name)
        if path.is_file():
            table = tables.open_parquet(path)
        elif path.suffix == ".parquet" and not path.exists():
            raise not_found(path)
        else:
            table = tables.load_dataset(
                str(path) if path.is_dir() else self.name, self.split, self.subset
            )
        images = self._column(table, "image_column", tables.image_column)
        if not len(images):
            raise DataError(f"{describe(self)} has no rows.", code="no-rows")
        labels = self._column(
            table,
            "label_column",
            lambda column: tables.read_labels(column, table.class_names(self.label_column)),
        )
        return Records(
            names=[f"row-{index:06d}" for index in range(len(images))],
            labels=None if labels is None else labels.numbers,
            class_names={} if labels is None else labels.names,
            ids=self._column(table, "id_column", tables.read_ids),
            read=lambda index: tables.read_image(images, index),
        )

    def _column(self, table: tables.Table, setting: str, read: Callable[[Any], Any]) -> Any:
        """What `read` makes of the column that a setting names; None if it is absent and may be."""
        column = getattr(self, setting)
        if column in table.columns:
            try:
                return read(table.read(column))
            except (ValueError, OSError) as error:
                raise DataError(
                    f"{describe(self)}: the column {column!r} {error}. Set {setting} to another.",
                    code="unusable-column",
                    setting=setting,
                ) from error
        # A column that was asked for by name must be there.
        if setting != "image_column" and column == getattr(type(self), setting):
            return None
        raise DataError(
            f"{describe(self)} has no column {column!r} ({setting}). "
            f"Its columns are: {', '.join(table.columns)}.",
            code="column-not-found",
            setting=setting,
        )


@config
class BuiltIn:
    """Handwritten digits in two styles that come with the package and need no download."""

    kind: Literal["builtin"] = "builtin"
    """Name of this kind of source."""

    name: Style
    """Style: "ink" (grey, on paper) or "sign" (colour, on street signs)."""

    part: Part = "train"
    """Part of the data; validation and test hold the same digits in both styles."""

    def open(self) -> Records:
        """Render the images."""
        from unpaired.data import builtin

        pixels, labels, ids = builtin.render(self.name, self.part)
        return Records(
            names=ids,
            labels=labels,
            class_names={digit: str(digit) for digit in range(10)},
            ids=ids,
            read=pixels.__getitem__,
        )


Source = Folder | HuggingFace | BuiltIn


def parse_source(text: str) -> Source:
    """The source that a shorthand stands for.

    `photos/` is a folder, `x/train.parquet` a file, `hf:ylecun/mnist:train` a data set of the hub
    with its split, `builtin:ink:test` a part of the built-in data. Split and part may be omitted.

    Raises `SettingError` for a shorthand without meaning; whether the source exists shows when
    it is opened.
    """
    scheme, _, rest = text.partition(":")
    name, separator, part = rest.partition(":")
    if scheme == "hf":
        if not name or (separator and not part):
            raise SettingError(
                f"{text!r} is incomplete. Type hf:owner/name or hf:owner/name:split.",
                code="incomplete-source",
            )
        return HuggingFace(name=name, split=part or "train")
    if scheme == "builtin":
        if name not in get_args(Style) or (part or "train") not in get_args(Part):
            raise SettingError(
                f"{text!r} is not built in. Type builtin:NAME or builtin:NAME:PART, with the name "
                f"{_either(Style)} and the part {_either(Part)}.",
                code="unknown-built-in",
            )
        return BuiltIn(name=cast(Style, name), part=cast(Part, part or "train"))
    # One letter before the colon is a drive of Windows.
    if not text or (re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", text) and not os.path.exists(text)):
        raise SettingError(
            f"{text!r} is not a source of images. Type the path of a folder or of a .parquet file, "
            "hf:owner/name:split, or builtin:ink. Web addresses are not fetched: download first.",
            code="unknown-source",
        )
    # photos, photos/ and ./photos are one folder, and one setting of a run that is continued.
    path = str(Path(text))
    return HuggingFace(name=path) if text.endswith(".parquet") else Folder(path=path)


def describe(source: Source) -> str:
    """The shorthand of a source: the inverse of `parse_source`, but for the names of columns."""
    if isinstance(source, Folder):
        return source.path
    if isinstance(source, BuiltIn):
        return f"builtin:{source.name}:{source.part}"
    return source.name if source.name.endswith(".parquet") else f"hf:{source.name}:{source.split}"


def _either(literal: Any) -> str:
    return " or ".join(get_args(literal))
