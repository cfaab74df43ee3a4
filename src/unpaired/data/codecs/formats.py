"""Image formats, recognised by a file's first bytes and never by its name.

The list is closed: Pillow alone would try everything it knows, and start Ghostscript for EPS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from PIL import features
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from unpaired.data.codecs.foreign import by_beginning, by_sign


class MissingDecoder(Exception):
    """What decodes a known format is not installed; says in words for users what brings it."""


@dataclass(frozen=True)
class Format:
    """How files of one format begin, what their names end with, and what opens them."""

    name: str
    signatures: tuple[bytes, ...]
    extensions: tuple[str, ...]
    reader: Callable[[BinaryIO], ImageFile]
    """Opens a file, whose pixels it does not decode yet; may raise `MissingDecoder`."""
    brands: frozenset[bytes] = frozenset()
    """Of an ISO base media file: what it may say that it is."""


def _avif(file: BinaryIO) -> ImageFile:
    if not features.check("avif"):
        raise MissingDecoder(
            "is an AVIF image, which this Pillow was built without; its published wheels read "
            "them: pip install --force-reinstall --only-binary pillow pillow"
        )
    return AvifImageFile(file)


def _heif(file: BinaryIO) -> ImageFile:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise MissingDecoder(
            'is a HEIC photo, which needs one more package: pip install "unpaired[heif]"'
        ) from error
    opened: ImageFile = HeifImageFile(file)  # type: ignore[no-untyped-call]
    return opened


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
    # Before HEIC, as both may also call themselves HEIF in general (mif1, msf1).
    Format("AVIF", (), (".avif", ".avifs"), _avif, frozenset((b"avif", b"avis"))),
    Format(
        "HEIC",
        (),
        (".heic", ".heif", ".hif", ".heics", ".heifs"),
        _heif,
        frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")),
    ),
)
EXTENSIONS = tuple(extension for format in FORMATS for extension in format.extensions)
NUM_BYTES_TO_RECOGNISE = 512


def recognise(start: bytes) -> Format:
    """The format of a file by its first `NUM_BYTES_TO_RECOGNISE` bytes.

    Raises `ValueError` with the reason, in words for users, why it is none of `FORMATS`.
    """
    if not start:
        raise ValueError("is empty (zero bytes)")
    other = by_beginning(start)  # first, as some raw files pass for TIFF
    if other is None:
        brands = _brands(start)
        for format in FORMATS:
            if start.startswith(format.signatures) or not format.brands.isdisjoint(brands):
                return format
        other = by_sign(start)
    if other is not None and other.advice:
        raise ValueError(f"is {other.name}, which is not read: {other.advice}")
    known = ", ".join(format.name for format in FORMATS)
    what = other.name if other else "of an unknown kind"
    raise ValueError(f"is {what}; the kinds that are read are {known}")


def _brands(start: bytes) -> set[bytes]:
    """What an ISO base media file says that it is (ISO/IEC 14496-12, section 4.3)."""
    if start[4:8] != b"ftyp":
        return set()
    box = start[8 : int.from_bytes(start[:4], "big")]
    return {box[i : i + 4] for i in range(0, len(box), 4) if i != 4}  # 4: the minor version
