"""Output formats: how translations are encoded, and what each format holds of them."""

from __future__ import annotations

import errno
import os
import threading
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.data.codecs.tiff import write as write_tiff
from unpaired.data.domain import Domain, DomainName, Pixels
from unpaired.data.pixels import convert, to_pillow

ImageFormat = Literal["png", "jpeg", "webp", "tiff"]

# PNG: run-length coding of the filtered pixels takes a fifth of the time of Pillow's default, and
# no more space on photographs (measured: 4.6 against 23 ms at 256×256, both 101 kB).
_PNG = ("PNG", {"compress_level": 1, "compress_type": zlib.Z_RLE})
_JPEG = ("JPEG", {"quality": 95})
WRITERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".jpe": _JPEG,
    ".jfif": _JPEG,
    ".webp": ("WEBP", {"quality": 95}),
    ".tif": ("TIFF", {}),
    ".tiff": ("TIFF", {}),
    ".bmp": ("BMP", {}),
    ".ppm": ("PPM", {}),
}
"""Pillow's name and settings of the formats that are written, by extension."""

HOLD_16_BITS = {".png", ".tif", ".tiff", ".ppm"}
HOLD_ALPHA = {".png", ".webp", ".tif", ".tiff"}


def notes_of_values(to: DomainName, target: Domain, paths: Collection[Path]) -> Iterator[str]:
    """What the numbers in translations stand for, where they are not those of the originals."""
    if target.range is not None:
        low, high = target.range
        yield (
            f"the numbers {low:g} and {high:g} of {to}.range are written as black and white, 0 and "
            f"{target.levels:,} (255 in formats of 8 bits)"
        )
    formats = {WRITERS[path.suffix.lower()][0] for path in paths}
    if target.decoding.depth == 16 and target.channels == 3 and formats - {"TIFF"}:
        yield (
            "colour of 16 bits is written with 8, but as TIFF: --format tiff "
            '(image_format="tiff") keeps 16'
        )


def why_opaque(path: Path, target: Domain) -> str:
    """Why a translation that is written here cannot be transparent; empty where it can."""
    format = WRITERS[path.suffix.lower()][0]
    if path.suffix.lower() not in HOLD_ALPHA:
        return f"{format} holds no transparency"
    if target.channels == 1 and target.decoding.depth == 16 and format != "TIFF":
        return f"grey of 16 bits is written without transparency as {format}, with it as TIFF"
    return ""


def write(pixels: Pixels, path: Path, name: str) -> None:
    """Encode the translation (H, W, 1 to 4) of the image `name`, and put it in its place at once.

    Raises:
        UnreadableImage: when the format cannot hold it.
        DataError: when nothing can be written there.
    """
    extension = path.suffix.lower()
    format, options = WRITERS[extension]
    # Short, as the name itself may be as long as a name can be.
    temporary = path.with_name(f".unpaired-{os.getpid()}-{threading.get_ident()}")
    if extension not in HOLD_16_BITS:
        pixels = convert(pixels, pixels.shape[2], 8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if format == "TIFF" and pixels.dtype == np.uint16 and pixels.shape[2] > 1:
            write_tiff(temporary, pixels)
        else:
            to_pillow(pixels).save(temporary, format, **options)
        os.replace(temporary, path)
    except (OSError, ValueError) as error:
        with suppress(OSError):
            temporary.unlink()
        # Without a number it is Pillow's: the format cannot hold this image.
        number = getattr(error, "errno", None)
        if number in (None, errno.ENAMETOOLONG):
            raise UnreadableImage(
                name,
                f"cannot be written as {path}: {error}",
                code="format-cannot-hold-it",
            ) from error
        raise DataError(
            f"{path} cannot be written: {os.strerror(number)}.", code="output-unwritable"
        ) from error
