"""Image decoding: one file to an array of pixels, or a reason in plain words why not.

The original bytes are never passed on, so whatever else a file carries (a ZIP archive, scripts,
EXIF data, colour profiles) ends here. Colours are those of sRGB afterwards; see `profiles`.

Known limits. Outside TIFF, colour with more than 8 bits per channel (HEIC and AVIF have up to 12)
and 16-bit grey with an alpha channel are read at 8 bits; a note says so where 16 are wanted. JPEG,
WebP, HEIC, AVIF and uncompressed formats carry no checksum: of a flipped bit in them, only what
breaks the decoder is found. PNG is checked in full.
"""

from __future__ import annotations

import io
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

import numpy as np

from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs import pillow, tiff
from unpaired.data.codecs.decoded import Decoded
from unpaired.data.codecs.formats import (
    EXTENSIONS,
    NUM_BYTES_TO_RECOGNISE,
    Format,
    MissingDecoder,
    recognise,
)
from unpaired.data.codecs.numbers import to_grey
from unpaired.data.codecs.settings import Reading, check_size

# Pillow warns about slips in metadata that we do not use. Set once, as changing the filters while
# decoding would race between threads.
warnings.filterwarnings("ignore", module=r"PIL\.")


def decode(
    content: bytes | Path, *, name: str, channels: Literal[1, 3], decoding: Reading
) -> Decoded:
    """Decode one image, upright and opaque, with the given number of channels, in sRGB.

    What is transparent shows the background of `decoding`. Grey is replicated to 3 channels; colour
    becomes 1 channel by its luma (ITU-R 601). 16-bit values are scaled to 8 bits by range, 8-bit
    ones to 16 bits by 257. Of an animation, the first frame is used, and of several photos in one
    HEIC file the main one. `name` serves the messages, and a note where it contradicts the
    content.

    Raises `UnreadableImage` for whatever cannot be decoded in full.
    """
    notes: list[str] = []
    with _opened(content, name) as file, _damage_refused(name):
        format = _recognised(file, name, notes)
        if format.name == "PNG":
            # Loading alone ignores the checksums of the pixels' chunks.
            format.reader(file).verify()
            file.seek(0)
        decoded = tiff.read(file, name, decoding, notes) if format.name == "TIFF" else None
        if decoded is None:
            decoded = _with_pillow(file, format, name, channels, decoding, notes)
    pixels = decoded.pixels
    if pixels.shape[2] > channels:
        pixels = to_grey(pixels)
    if pixels.shape[2] < channels:
        pixels = np.repeat(pixels, channels, axis=2)
    # Not by `replace`, which takes as long as a small image.
    return Decoded(pixels, tuple(notes), decoded.alpha, decoded.stored, decoded.limit)


def _with_pillow(
    file: BinaryIO,
    format: Format,
    name: str,
    channels: Literal[1, 3],
    decoding: Reading,
    notes: list[str],
) -> Decoded:
    """(H, W, 1 or `channels`) at the wanted depth."""
    source = format.reader(file)
    check_size(source.size, name, decoding)
    pillow.note_what_is_lost(source, decoding, notes)
    source.load()
    tags = getattr(source, "tag_v2", {})  # of TIFF; a rotated image has them no more
    image = pillow.upright(source, notes)
    if image.mode == "F" or (image.mode == "I" and format.name == "TIFF"):
        return pillow.from_32_bits(image, tags, name, decoding, notes)
    if image.mode.startswith("I"):
        return pillow.from_16_bits(image, tags, channels, decoding, notes)
    return pillow.from_8_bits(image, channels, decoding, notes)


@contextmanager
def _opened(content: bytes | Path, name: str) -> Iterator[BinaryIO]:
    if isinstance(content, bytes):
        yield io.BytesIO(content)
        return
    with open_regular(content, name) as file:
        yield file


def open_regular(path: Path, name: str) -> BinaryIO:
    """Open a file for reading. Raises `UnreadableImage` for what cannot be, or is none."""
    try:
        # Before opening, which would wait for ever on a named pipe.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableImage(
                name, "is a folder or a device, not a regular file", code="no-regular-file"
            )
        return path.open("rb")
    except OSError as error:
        raise UnreadableImage(
            name, f"cannot be opened: {error.strerror}", code="cannot-be-opened"
        ) from error


@contextmanager
def _damage_refused(name: str) -> Iterator[None]:
    """Turn what decoders raise on damaged content into a reason for the user."""
    try:
        yield
    except UnreadableImage:
        raise
    except MissingDecoder as error:
        raise UnreadableImage(name, str(error), code="missing-decoder") from error
    except Exception as error:  # SyntaxError, ValueError, struct.error, zlib.error and others
        raise UnreadableImage(name, f"is damaged or cut short ({error})", code="damaged") from error


def _recognised(file: BinaryIO, name: str, notes: list[str]) -> Format:
    try:
        format = recognise(file.read(NUM_BYTES_TO_RECOGNISE))
    except ValueError as error:
        raise UnreadableImage(name, str(error), code="unknown-format") from None
    file.seek(0)
    extension = PurePosixPath(name).suffix.lower()
    if extension in EXTENSIONS and extension not in format.extensions:
        article = "an" if format.name == "AVIF" else "a"
        notes.append(f"is {article} {format.name} though its name says {extension}")
    return format
