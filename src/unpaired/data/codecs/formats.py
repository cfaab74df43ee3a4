"""Image formats, recognised by a file's first bytes and never by its name.

The list is closed: Pillow alone would try everything it knows, and start Ghostscript for EPS.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile


@dataclass(frozen=True)
class Format:
    """How files of one format begin, what their names end with, and Pillow's class for them."""

    name: str
    signatures: tuple[bytes, ...]
    extensions: tuple[str, ...]
    reader: type[ImageFile]


# The readers are for direct use: the limit of Image.open on an image's size can only be changed
# for the whole process.
FORMATS = (
    Format("JPEG", (b"\xff\xd8\xff",), (".jpg", ".jpeg", ".jpe", ".jfif"), JpegImageFile),
    Format("PNG", (b"\x89PNG\r\n\x1a\n",), (".png",), PngImageFile),
    Format("WebP", (b"RIFF",), (".webp",), WebPImageFile),
    Format("TIFF", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), (".tif", ".tiff"), TiffImageFile),
    Format("GIF", (b"GIF87a", b"GIF89a"), (".gif",), GifImageFile),
    Format("BMP", (b"BM",), (".bmp",), BmpImageFile),
    Format(
        "PPM",
        (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"Pf"),
        (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
        PpmImageFile,
    ),
)
EXTENSIONS = tuple(extension for format in FORMATS for extension in format.extensions)
NUM_BYTES_TO_RECOGNISE = 512

# What is most often taken for one of these, by a sign among the first bytes in lower case.
LOOKALIKES = {
    b"<svg": "an SVG drawing",
    b"<!doctype html": "a web page (HTML)",
    b"<html": "a web page (HTML)",
    b"%!ps": "an EPS or PostScript drawing",
    b"%pdf": "a PDF document",
    b"ftyphei": "a HEIC photo",
    b"ftypavif": "an AVIF image",
}


def recognise(start: bytes) -> Format:
    """The format of a file by its first `NUM_BYTES_TO_RECOGNISE` bytes.

    Raises `ValueError` with the reason, in words for users, why it is none of `FORMATS`.
    """
    for format in FORMATS:
        if start.startswith(format.signatures):
            return format
    if not start:
        raise ValueError("is empty (zero bytes)")
    lowered = start.lower()
    what = next((text for sign, text in LOOKALIKES.items() if sign in lowered), None)
    known = ", ".join(format.name for format in FORMATS)
    raise ValueError(f"is {what or 'of an unknown kind'}; the kinds that are read are {known}")
