"""Pillow's images to pixels: orientation, transparency, palettes, 16 bits and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.ExifTags import Base as ExifTag
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, SAMPLEFORMAT

from unpaired.data.codecs.decoded import EIGHT_BITS_IN_SIXTEEN, Decoded
from unpaired.data.codecs.numbers import from_integers, from_numbers
from unpaired.data.codecs.profiles import pixels_to_srgb, to_srgb
from unpaired.data.codecs.settings import Reading

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


def note_what_is_lost(image: ImageFile, decoding: Reading, notes: list[str]) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format == "TIFF":
        notes.append(f"several pages: the first of {frames} is used")
    elif frames > 1 and image.format == "HEIF":
        notes.append(f"several photos: the main one of {frames} is used")
    elif frames > 1:
        notes.append(f"animated: the first of {frames} frames is used")
    bits = _bits_per_channel(image)
    if decoding.depth == 16 and bits > 8 and not image.mode.startswith("I"):
        notes.append(f"has {bits} bits per channel, of which 8 are read")


def _bits_per_channel(image: ImageFile) -> int:
    """Of the stored image: what Pillow opens has 8, but for grey."""
    if image.format == "AVIF":
        return _bits_of_avif(image)
    if ";16" in str(image.tile):  # names the stored form, such as "RGB;16B"
        return 16
    return int(image.info.get("bit_depth", 8))


def _bits_of_avif(image: ImageFile) -> int:
    """By the property `pixi` (ISO/IEC 23008-12, section 6.5.6): type, version, channels, bits."""
    assert image.fp is not None
    image.fp.seek(0)
    start = image.fp.read(4096)
    place = start.find(b"pixi")
    return start[place + 9] if 0 <= place < len(start) - 9 else 8


def upright(image: Image.Image, notes: list[str]) -> Image.Image:
    """Apply EXIF's Orientation; unlike Pillow's exif_transpose, without rewriting the EXIF data."""
    try:
        orientation = image.getexif().get(ExifTag.Orientation)
    except Exception:  # as many kinds as for damaged pixels, which these are not
        notes.append("has damaged EXIF data: it may need a rotation that was not applied")
        return image
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def from_8_bits(image: Image.Image, channels: int, decoding: Reading, notes: list[str]) -> Decoded:
    """Grey, colour, palette, CMYK, with or without transparency => HWC at the wanted depth."""
    image = to_srgb(image, decoding, notes)
    if image.mode == "La":  # premultiplied; has no other conversion
        image = image.convert("LA")
    alpha = None
    if image.has_transparency_data:
        front = image.convert("RGBA")
        alpha = _at_depth(np.array(front.getchannel("A"))[..., None], decoding.depth)
        canvas = Image.new("RGBA", image.size, (*decoding.background, 255))
        image = Image.alpha_composite(canvas, front)
    if image.mode not in ("1", "L"):
        image = image.convert("RGB")
    pixels = np.array(image.convert("L" if channels == 1 or image.mode != "RGB" else "RGB"))
    pixels = pixels.reshape(image.height, image.width, -1)
    if decoding.range is not None:
        return replace(from_integers(pixels, 255, decoding, notes), alpha=alpha)
    return Decoded(_at_depth(pixels, decoding.depth), alpha=alpha, stored=pixels)


def from_16_bits(
    image: Image.Image,
    tags: Mapping[int, Any],
    channels: int,
    decoding: Reading,
    notes: list[str],
) -> Decoded:
    """Grey of 9 to 16 bits, with at most one transparent level => HWC at the wanted depth."""
    values = np.asarray(image)
    # Pillow scales to 16 bits, all but the 12-bit values of TIFF.
    limit = 4095 if tags.get(BITSPERSAMPLE) == (12,) else 65535
    decoded = from_integers(values[..., None], limit, decoding, notes)
    pixels = decoded.pixels
    if tags.get(PHOTOMETRIC_INTERPRETATION) == WHITE_IS_ZERO:  # Pillow inverts up to 8 bits only
        pixels = np.invert(pixels)
    pixels = pixels_to_srgb(pixels, image.info.get("icc_profile"), decoding, notes)
    level = image.info.get("transparency")
    if level is None:
        return replace(decoded, pixels=pixels)
    is_opaque = (values != level)[..., None]
    patch = Image.new("RGB", (1, 1), decoding.background)
    under = from_8_bits(patch, channels, replace(decoding, range=None), notes).pixels[0, 0]
    alpha = is_opaque * np.iinfo(pixels.dtype).max
    return replace(
        decoded, pixels=np.where(is_opaque, pixels, under), alpha=alpha.astype(pixels.dtype)
    )


def from_32_bits(
    image: Image.Image,
    tags: Mapping[int, Any],
    name: str,
    decoding: Reading,
    notes: list[str],
) -> Decoded:
    """Floating-point or 32-bit numbers => HW1 at the wanted depth."""
    values = np.asarray(image)
    if image.mode == "I" and tags.get(SAMPLEFORMAT, (1,)) == (1,):
        values = values.view(np.uint32)  # Pillow gives its large numbers as negative ones
    return from_numbers(values[..., None], name, decoding, notes)


def _at_depth(pixels: npt.NDArray[Any], depth: int) -> npt.NDArray[Any]:
    return pixels if depth == 8 else pixels.astype(np.uint16) * EIGHT_BITS_IN_SIXTEEN
