"""TIFF files: grey and colour of more than 8 bits, integers and floating point, by tifffile.

Other TIFFs are Pillow's: up to 8 bits, palettes, CMYK, fax; and those of a compression for which
tifffile needs the package imagecodecs (LZW, JPEG and others) where that is not installed. Of the
latter, Pillow keeps 8 bits a channel of colour, and a note says so.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.decoded import Decoded
from unpaired.data.codecs.foreign import RAW
from unpaired.data.codecs.numbers import from_integers, from_numbers
from unpaired.data.codecs.profiles import pixels_to_srgb
from unpaired.data.codecs.settings import Reading, check_size

# It tells of slips in metadata that we do not use.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
"""TIFF's PhotometricInterpretation; the first is that of scanners and radiographs."""

LAB = (8, 9, 10)
"""Those of L*a*b*: CIE's, ICC's and ITU's."""

PREMULTIPLIED, ALPHA = 1, 2
"""TIFF's ExtraSamples."""

_SUB_IFDS, _DNG_VERSION = 330, 50706  # tags

# TIFF's Orientation to what makes (H, W, C) upright: whether rows and columns change places, then
# whether the rows, then whether the columns are mirrored (TIFF 6.0, section 8).
_UPRIGHT = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def read(file: BinaryIO, name: str, decoding: Reading, notes: list[str]) -> Decoded | None:
    """Pixels (H, W, 1 or 3) at the wanted depth; None, and the file at its begin, for Pillow's.

    Raises `UnreadableImage` for limits that are broken, and what no decoder here reads; anything
    else for damaged content.
    """
    import tifffile

    with tifffile.TiffFile(file) as opened:
        page = opened.pages.first
        _check_is_no_preview(page, name)
        bits, colour = page.bitspersample, page.photometric == RGB
        if bits > 8 and page.photometric in LAB:
            raise UnreadableImage(
                name,
                f"has L*a*b* colours of {bits} bits, of which those of 8 are read: convert it to "
                "RGB first",
                code="lab-of-more-bits",
            )
        if bits <= 8 or page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
            file.seek(0)
            return None
        check_size((page.imagewidth, page.imagelength), name, decoding)
        num_colours = 3 if colour else 1
        extra = tuple(map(int, page.extrasamples))
        if page.imagedepth != 1 or page.samplesperpixel not in (num_colours, num_colours + 1):
            raise UnreadableImage(
                name,
                f"has {page.samplesperpixel} channels in {page.imagedepth} planes; 1 for grey or "
                "3 for colour are read, with or without transparency",
                code="too-many-channels",
            )
        _check_data_is_there(page, file)
        try:
            values = page.asarray(maxworkers=1)
        except (ValueError, KeyError, NotImplementedError) as error:
            if "imagecodecs" not in str(error):
                raise
            _note_missing_decoder(page, name, decoding, notes)
            file.seek(0)
            return None
        if (count := len(opened.pages)) > 1:
            notes.append(f"several pages: the first of {count} is used")
        values = values.reshape(page.shape)
        values = np.moveaxis(values, 0, -1) if page.axes == "SYX" else values
        values = values.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
        tag, icc = page.tags.get("Orientation"), page.tags.get("InterColorProfile")
        values = _upright(values, 1 if tag is None else int(tag.value))
    decoded = _to_pixels(values[..., :num_colours], bits, name, decoding, notes)
    pixels, alpha = decoded.pixels, None
    if page.photometric == WHITE_IS_ZERO:
        pixels = np.invert(pixels)
    is_premultiplied = extra[:1] == (PREMULTIPLIED,)
    profile = None if icc is None else bytes(icc.value)
    if not is_premultiplied:
        pixels = pixels_to_srgb(pixels, profile, decoding, notes)
    if values.shape[2] > num_colours and extra[:1] in ((), (PREMULTIPLIED,), (ALPHA,)):
        share = _share(values[..., num_colours:], bits)
        pixels = _over_background(pixels, share, decoding, is_premultiplied)
        alpha = np.rint(share * np.iinfo(pixels.dtype).max).astype(pixels.dtype)
    if is_premultiplied:
        pixels = pixels_to_srgb(pixels, profile, decoding, notes)
    return replace(decoded, pixels=pixels, alpha=alpha)


def write(path: Path, pixels: npt.NDArray[np.uint16]) -> None:
    """Write colour, or grey or colour with transparency, (H, W, 2 to 4) of 16 bits."""
    import tifffile

    has_alpha = pixels.shape[2] in (2, 4)
    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb" if pixels.shape[2] > 2 else "minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"] if has_alpha else None,
        metadata=None,
    )


def _check_is_no_preview(page: Any, name: str) -> None:
    """Refuse raw files in the guise of TIFF (DNG, NEF, ARW), which begin with a small preview."""
    if _DNG_VERSION in page.tags or (page.is_reduced and _SUB_IFDS in page.tags):
        raise UnreadableImage(
            name, f"is {RAW.name}, which is not read: {RAW.advice}", code="unknown-format"
        )


def _check_data_is_there(page: Any, file: BinaryIO) -> None:
    """Raise ValueError where parts of the image lie behind the file's end: tifffile shows zeros."""
    end = file.seek(0, 2)
    parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not parts or any(count == 0 or offset + count > end for offset, count in parts):
        raise ValueError("pixels are missing")
    row_bits = page.imagewidth * page.samplesperpixel * page.bitspersample
    needed = page.imagelength * -(-row_bits // 8)
    if page.compression == 1 and sum(count for _, count in parts) < needed:
        raise ValueError("pixels are missing")


def _note_missing_decoder(page: Any, name: str, decoding: Reading, notes: list[str]) -> None:
    """Say what Pillow makes less of, or refuse what it does not read at all."""
    compression = getattr(page.compression, "name", page.compression)
    kind = f"TIFF of {page.bitspersample} bits, compression {compression}"
    advice = f"{kind}: read in full where the package imagecodecs is installed"
    if page.samplesperpixel == 1:
        return  # Pillow keeps all bits of grey
    if page.bitspersample != 16 or page.sampleformat != 1:
        raise UnreadableImage(
            name,
            f"is a {advice} (pip install imagecodecs)",
            code="missing-decoder",
        )
    if decoding.depth == 16:
        notes.append(advice)


def _upright(values: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    swapped, rows, columns = _UPRIGHT.get(orientation, (False, False, False))
    values = values.swapaxes(0, 1) if swapped else values
    return values[:: -1 if rows else 1, :: -1 if columns else 1]


def _to_pixels(
    values: npt.NDArray[Any], bits: int, name: str, decoding: Reading, notes: list[str]
) -> Decoded:
    """Integers of up to 16 bits without sign may go by their own range, others by the one set."""
    if values.dtype.kind == "u" and bits <= 16:
        return from_integers(values, 2**bits - 1, decoding, notes)
    return from_numbers(values, name, decoding, notes)


def _share(alpha: npt.NDArray[Any], bits: int) -> npt.NDArray[np.float32]:
    """Opacity in 0…1."""
    largest = 1 if alpha.dtype.kind == "f" else 2**bits - 1
    share: npt.NDArray[np.float32] = alpha.astype(np.float32) / largest
    return share.clip(0, 1)


def _over_background(
    pixels: npt.NDArray[Any],
    alpha: npt.NDArray[np.float32],
    decoding: Reading,
    premultiplied: bool,
) -> npt.NDArray[Any]:
    """Put the background under (H, W, 1 or 3), which is opaque by `alpha` (H, W, 1)."""
    background = np.array(decoding.background, np.float32) * (2**decoding.depth - 1) / 255
    front = pixels if premultiplied else pixels * alpha
    if pixels.shape[2] == 1 and len(set(decoding.background)) > 1:
        front = np.repeat(front, 3, axis=2)  # grey before a coloured background
    elif pixels.shape[2] == 1:
        background = background[:1]
    mixed = np.rint(front + background * (1 - alpha)).clip(0, 2**decoding.depth - 1)
    result: npt.NDArray[Any] = mixed.astype(pixels.dtype)
    return result
