"""Embedded pictures, within a limit on the page's size."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

PICTURE_BYTES = 6_500_000
"""All pictures of a page together, as characters of base64; the page stays below 8 MB."""

_LARGEST_PNG = 700_000
_MOST_STEPS = 24


@dataclass(frozen=True)
class Embedded:
    """A picture as a data URI."""

    uri: str
    width: int
    height: int
    exact: bool
    """False where the page shows a compressed copy because the PNG is large."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with a title and notes; words instead of one that cannot be shown."""

    title: str
    picture: Embedded | None
    alt: str = ""
    notes: tuple[str, ...] = ()
    missing: str = ""
    """Why there is no picture, where there is none."""


class Album:
    """Embeds pictures until the room that a page has for them is used up."""

    def __init__(self, room: int = PICTURE_BYTES) -> None:
        self._room = room

    def embed(self, path: Path) -> Embedded | None:
        """The picture in `path`; None if it is no whole PNG (a run may be writing it) or no room
        is left."""
        picture = _read(path)
        if picture is None or len(picture.uri) > self._room:
            return None
        self._room -= len(picture.uri)
        return picture

    def embed_picture(self, picture: Image.Image) -> Embedded | None:
        """A picture from memory; None where no room is left."""
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        uri = _uri("png", buffer.getvalue())
        if len(uri) > self._room:
            return None
        self._room -= len(uri)
        return Embedded(uri, *picture.size, exact=True)

    def embed_steps(self, steps: list[list[Path]]) -> list[list[Embedded | None]]:
        """As many of the steps as fit, evenly spread from the first to the last.

        Each step keeps its shape: None stands for a picture that is left out or cannot be read.
        """
        kept = _spread(len(steps), min(len(steps), _MOST_STEPS))
        pictures = {index: [_read(path) for path in steps[index]] for index in kept}
        if sum(_size(pictures[index]) for index in kept) > self._room:
            # Many moments tell more about a training than the exact pixels of few.
            pictures = {index: [_read(path, 0) for path in steps[index]] for index in kept}
        while sum(_size(pictures[index]) for index in kept) > self._room:
            kept = [kept[index] for index in _spread(len(kept), len(kept) // 2)]
        self._room -= sum(_size(pictures[index]) for index in kept)
        return [
            pictures[index] if index in kept else [None] * len(step)
            for index, step in enumerate(steps)
        ]


def _size(pictures: Iterable[Embedded | None]) -> int:
    return sum(len(picture.uri) for picture in pictures if picture is not None)


def _spread(num_items: int, num_kept: int) -> list[int]:
    """`num_kept` indices from first to last, evenly apart."""
    if num_kept < 2:
        return [num_items - 1] * num_kept
    return sorted({round(i * (num_items - 1) / (num_kept - 1)) for i in range(num_kept)})


def _read(path: Path, largest_png: int = _LARGEST_PNG) -> Embedded | None:
    """The PNG in `path`, as it is up to `largest_png` bytes and compressed beyond."""
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            image.load()
            exact = len(content) <= largest_png
            kind = "png" if exact else "webp"
            if not exact:
                # WebP keeps transparency, which JPEG would not.
                buffer = io.BytesIO()
                image.save(buffer, "WEBP", quality=85)
                content = buffer.getvalue()
            size = image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return Embedded(_uri(kind, content), *size, exact)


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
