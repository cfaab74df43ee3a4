"""Image decoding: one file to an array of pixels, or a reason in plain words why not.

The original bytes are never passed on, so whatever else a file carries (a ZIP archive, scripts,
EXIF data, colour profiles) ends here.

Known limits. Pillow reads colour with 16 bits per channel, and 16-bit grey with an alpha channel,
at 8 bits; a note says so where 16 are wanted. JPEG, WebP and uncompressed formats carry no
checksum: of a flipped bit in them, only what breaks the decoder is found. PNG is checked in full.
"""

from __future__ import annotations

import io
import math
import stat
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.ExifTags import Base as ExifTag
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, SAMPLEFORMAT

from unpaired.core.config import config
from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.formats import EXTENSIONS, NUM_BYTES_TO_RECOGNISE, Format, recognise

# Pillow warns about slips in metadata that we do not use. Set once, as changing the filters while
# decoding would race between threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

Transpose = Image.Transpose

WHITE_IS_ZERO = 0
"""TIFF's PhotometricInterpretation of scanners and radiographs."""

# EXIF's Orientation to what makes the image upright (EXIF 2.32, table 6).
UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


@config
class Decoding:
    """How encoded images become pixels."""

    depth: Literal[8, 16] = 8
    """Bits kept per channel."""

    background: tuple[int, int, int] = (255, 255, 255)
    """Colour put under transparent pixels: red, green, blue in 0..255."""

    float_range: tuple[float, float] | None = None
    """Values shown as black and as white in floating-point and 32-bit images; None refuses them."""

    max_megapixels: float = 64.0
    """Largest image that is decoded, in millions of pixels."""

    min_side: int = 4
    """Smallest width and height that is used, in pixels."""


@dataclass(frozen=True)
class Decoded:
    """Pixels of one image.

    `pixels`: (height, width, channels), uint8 for a depth of 8 bits, uint16 for 16.
    `notes`: warnings for the user, without the image's name.
    """

    pixels: npt.NDArray[Any]
    notes: tuple[str, ...] = ()


_VALUES = {"float_range": "LOW HIGH", "max_megapixels": "N"}


def flags_for(refused: Iterable[UnreadableImage], place: str) -> list[str]:
    """The flags that let refused images pass; `place` is where settings of decoding stand on this
    command line: "a.decoding.", or "" where they have flags of their own."""
    settings = dict.fromkeys(error.setting for error in refused if error.setting)
    return [f"--{place}{name.replace('_', '-')} {_VALUES[name]}" for name in settings]


def decode(
    content: bytes | Path, *, name: str, channels: Literal[1, 3], decoding: Decoding
) -> Decoded:
    """Decode one image, upright and opaque, with the given number of channels.

    Grey is replicated to 3 channels; colour becomes 1 channel by its luma (ITU-R 601). 16-bit
    values are scaled to 8 bits by range, 8-bit ones to 16 bits by 257. Of an animation, the first
    frame is used. `name` serves the messages, and a note where it contradicts the content.

    Raises `UnreadableImage` for whatever cannot be decoded in full.
    """
    notes: list[str] = []
    with _opened(content, name) as file, _damage_refused(name):
        format = _recognised(file, name, notes)
        if format.name == "PNG":
            # Loading alone ignores the checksums of the pixels' chunks.
            format.reader(file).verify()
            file.seek(0)
        source = format.reader(file)
        _check_size(source.size, name, decoding)
        _note_what_is_lost(source, decoding, notes)
        source.load()
        tags = getattr(source, "tag_v2", {})  # of TIFF; a rotated image has them no more
        image = _upright(source, notes)
        if image.mode == "F" or (image.mode == "I" and format.name == "TIFF"):
            pixels = _from_numbers(image, tags, name, decoding, notes)
        elif image.mode.startswith("I"):
            pixels = _from_16_bits(image, tags, channels, decoding)
        else:
            pixels = _from_8_bits(image, channels, decoding)
    if pixels.shape[2] < channels:
        pixels = np.repeat(pixels, channels, axis=2)
    return Decoded(pixels, tuple(notes))


@contextmanager
def _opened(content: bytes | Path, name: str) -> Iterator[BinaryIO]:
    if isinstance(content, bytes):
        yield io.BytesIO(content)
        return
    try:
        # Before opening, which would wait for ever on a named pipe.
        if not stat.S_ISREG(content.stat().st_mode):
            raise UnreadableImage(name, "is a folder or a device, not a regular file")
        file = content.open("rb")
    except OSError as error:
        raise UnreadableImage(name, f"cannot be opened: {error.strerror}") from error
    with file:
        yield file


@contextmanager
def _damage_refused(name: str) -> Iterator[None]:
    """Turn what Pillow raises on damaged content into a reason for the user."""
    try:
        yield
    except UnreadableImage:
        raise
    except Exception as error:  # SyntaxError, ValueError, struct.error, zlib.error and others
        raise UnreadableImage(name, f"is damaged or cut short (Pillow: {error})") from error


def _recognised(file: BinaryIO, name: str, notes: list[str]) -> Format:
    try:
        format = recognise(file.read(NUM_BYTES_TO_RECOGNISE))
    except ValueError as error:
        raise UnreadableImage(name, str(error)) from None
    file.seek(0)
    extension = PurePosixPath(name).suffix.lower()
    if extension in EXTENSIONS and extension not in format.extensions:
        notes.append(f"is a {format.name} though its name says {extension}")
    return format


def _check_size(size: tuple[int, int], name: str, decoding: Decoding) -> None:
    """Refuse by the size that the header declares, before memory is spent on the pixels."""
    width, height = size
    megapixels = width * height / 1e6
    if megapixels > decoding.max_megapixels:
        raise UnreadableImage(
            name,
            f"has {width}×{height} pixels, which is {megapixels:.1f} megapixels; "
            f"max_megapixels allows {decoding.max_megapixels:g}",
            "max_megapixels",
        )
    if min(size) < decoding.min_side:
        raise UnreadableImage(
            name,
            f"has {width}×{height} pixels; the smallest side allowed is {decoding.min_side} "
            "(min_side)",
        )


def _note_what_is_lost(image: ImageFile, decoding: Decoding, notes: list[str]) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format == "TIFF":
        notes.append(f"several pages: the first of {frames} is used")
    elif frames > 1:
        notes.append(f"animated: the first of {frames} frames is used")
    layout = str(image.tile)  # names the stored form, such as "RGB;16B"
    if decoding.depth == 16 and ";16" in layout and not image.mode.startswith("I"):
        notes.append("has 16 bits per channel, of which 8 are read")


def _upright(image: Image.Image, notes: list[str]) -> Image.Image:
    """Apply EXIF's Orientation; unlike Pillow's exif_transpose, without rewriting the EXIF data."""
    try:
        orientation = image.getexif().get(ExifTag.Orientation)
    except Exception:  # as many kinds as for damaged pixels, which these are not
        notes.append("has damaged EXIF data: it may need a rotation that was not applied")
        return image
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def _from_8_bits(image: Image.Image, channels: int, decoding: Decoding) -> npt.NDArray[Any]:
    """Grey, colour, palette, CMYK, with or without transparency => HWC at the wanted depth."""
    if image.mode == "La":  # premultiplied; has no other conversion
        image = image.convert("LA")
    if image.has_transparency_data:
        canvas = Image.new("RGBA", image.size, (*decoding.background, 255))
        image = Image.alpha_composite(canvas, image.convert("RGBA"))
    if image.mode not in ("1", "L"):
        image = image.convert("RGB")
    pixels = np.array(image.convert("L" if channels == 1 or image.mode != "RGB" else "RGB"))
    pixels = pixels.reshape(image.height, image.width, -1)
    return pixels if decoding.depth == 8 else pixels.astype(np.uint16) * 257


def _from_16_bits(
    image: Image.Image, tags: Mapping[int, Any], channels: int, decoding: Decoding
) -> npt.NDArray[Any]:
    """Grey of 9 to 16 bits, with at most one transparent level => HWC at the wanted depth."""
    values = np.asarray(image)
    # Pillow scales to 16 bits, all but the 12-bit values of TIFF.
    pixels = _scaled(values, 0, 4095 if tags.get(BITSPERSAMPLE) == (12,) else 65535, decoding.depth)
    if tags.get(PHOTOMETRIC_INTERPRETATION) == WHITE_IS_ZERO:  # Pillow inverts up to 8 bits only
        pixels = 2**decoding.depth - 1 - pixels
    level = image.info.get("transparency")
    if level is not None:
        patch = Image.new("RGB", (1, 1), decoding.background)
        under = _from_8_bits(patch, channels, decoding)[0, 0]
        pixels = np.where((values == level)[..., None], under, pixels)
    return pixels


def _from_numbers(
    image: Image.Image,
    tags: Mapping[int, Any],
    name: str,
    decoding: Decoding,
    notes: list[str],
) -> npt.NDArray[Any]:
    """Floating-point or 32-bit numbers, whose range only the user knows => HW1."""
    values = np.asarray(image)
    if image.mode == "I" and tags.get(SAMPLEFORMAT, (1,)) == (1,):
        values = values.view(np.uint32)  # Pillow gives its large numbers as negative ones
    smallest, largest = float(values.min()), float(values.max())
    if not (math.isfinite(smallest) and math.isfinite(largest)):
        raise UnreadableImage(name, "holds values that are not finite (NaN or infinite)")
    if decoding.float_range is None:
        raise UnreadableImage(
            name,
            f"holds numbers from {smallest:g} to {largest:g} without saying which of them are "
            "black and white; set float_range",
            "float_range",
        )
    low, high = decoding.float_range
    if smallest < low or largest > high:
        notes.append(f"has values from {smallest:g} to {largest:g}, clipped to {low:g}..{high:g}")
    return _scaled(np.clip(values, low, high), low, high, decoding.depth)


def _scaled(values: npt.NDArray[Any], low: float, high: float, depth: int) -> npt.NDArray[Any]:
    """HW in low..high => HW1 over the full range of `depth` bits, rounded to nearest."""
    unit = (values.astype(np.float32) - low) / (high - low)
    pixels: npt.NDArray[Any] = np.rint(unit * (2**depth - 1))
    return pixels.astype(np.uint8 if depth == 8 else np.uint16)[..., None]
