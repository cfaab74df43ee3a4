"""Image names: many in little memory, what pairs have in common, and names as files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import overload

import numpy as np
from numpy.typing import NDArray

_FILE_NAME = re.compile(r'[^\x00-\x1f/\\:*?"<>|.][^\x00-\x1f/\\:*?"<>|]{0,150}')
"""A visible name that every system takes."""

_AT_ONCE = 4096


class PackedNames(Sequence[str]):
    """Names in one array of bytes: a million take some 30 MB, and 100 as Python's texts."""

    def __init__(self, text: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        """`text`: all names in UTF-8, one after the other; `ends`: where each ends, (N,)."""
        self.text, self.ends = text, ends

    @classmethod
    def pack(cls, names: Iterable[str]) -> PackedNames:
        """From texts that can be written as UTF-8."""
        parts = [name.encode() for name in names]
        lengths = np.fromiter(map(len, parts), np.int64, len(parts))
        return cls(np.frombuffer(b"".join(parts), np.uint8), np.cumsum(lengths))

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        i = place % len(self)
        start = int(self.ends[i - 1]) if i else 0
        return self.text[start : int(self.ends[i])].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        start = 0
        for first in range(0, len(self), _AT_ONCE):
            ends = self.ends[first : first + _AT_ONCE].tolist()
            part = self.text[start : ends[-1]].tobytes()
            for begin, end in zip([start, *ends[:-1]], ends, strict=True):
                yield part[begin - start : end - start].decode()
            start = ends[-1]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PackedNames):
            return np.array_equal(self.ends, other.ends) and np.array_equal(self.text, other.text)
        return isinstance(other, list) and list(self) == other

    __hash__ = None  # type: ignore[assignment]  # equal to a list, which has none

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self[:3])}, …)" if len(self) > 3 else repr(list(self))


def file_names(names: Sequence[str], ids: list[str] | None) -> Sequence[str]:
    """What images are called as files: by their ids where these can be names of files, or as they
    are."""
    usable = ids and len(set(ids)) == len(ids) and all(map(_FILE_NAME.fullmatch, ids))
    return ids if ids and usable else names


def pair_id(name: str) -> str:
    """What the names of a pair's two files have in common."""
    return re.sub(r"_[AB]$", "", str(PurePosixPath(name).with_suffix("")))
