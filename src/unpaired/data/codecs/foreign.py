"""Foreign files: camera raw, JPEG XL, Photoshop, DICOM and others, which hold images unread.

Each with what to do, by the ending of its name, and by its first bytes where it has another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Foreign:
    """One kind of file."""

    name: str
    """One of them, with its article."""
    advice: str = ""
    """How to come by an image that is read; empty where there is no common way."""
    extensions: tuple[str, ...] = ()
    beginnings: tuple[bytes, ...] = ()
    """How such files begin."""
    signs: tuple[bytes, ...] = ()
    """What is among their first bytes, in lower case."""


RAW = Foreign(
    "a camera's raw file",
    "develop it to TIFF or PNG first, as with darktable-cli or `dcraw -T`",
    (".nef", ".cr2", ".cr3", ".arw", ".dng", ".orf", ".rw2", ".raf", ".pef", ".srw", ".x3f"),
    (b"II*\0\x10\0\0\0CR", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILMCCD-RAW"),
    (b"ftypcrx ",),
)

FOREIGN = (
    RAW,
    Foreign(
        "a JPEG XL image",
        "convert it first, as with `djxl x.jxl x.png`",
        (".jxl",),
        (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),
    ),
    Foreign(
        "a JPEG 2000 image",
        "convert it first, as with `opj_decompress -i x.jp2 -o x.png`",
        (".jp2", ".j2k", ".jpx", ".jpf"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    ),
    Foreign(
        "a Photoshop document",
        "export it as one layer, as with `magick 'x.psd[0]' x.png`",
        (".psd", ".psb"),
        (b"8BPS",),
    ),
    Foreign(
        "an OpenEXR image",
        "convert it to a TIFF of floating-point numbers, as with `oiiotool x.exr -o x.tif`, and "
        "set range",
        (".exr",),
        (b"\x76\x2f\x31\x01",),
    ),
    Foreign(
        "a Radiance HDR image",
        "convert it to a TIFF of floating-point numbers, as with `oiiotool x.hdr -o x.tif`, and "
        "set range",
        (".hdr",),
        (b"#?RADIANCE", b"#?RGBE"),
    ),
    Foreign(
        "a DICOM image",
        "write its pixels to 16-bit TIFF or PNG, as with pydicom or `dcm2img`, and set range",
        (".dcm", ".dicom", ".ima"),
        (),
        (b"\0\0\0\0dicm",),
    ),
    Foreign("a NIfTI volume", "write its slices to 16-bit TIFF, as with nibabel", (".nii",)),
    Foreign(
        "an array of NumPy",
        "write it to PNG or TIFF, as with Pillow or tifffile",
        (".npy", ".npz"),
        (b"\x93NUMPY",),
    ),
    Foreign(
        "a video",
        "take its frames, as with `ffmpeg -i x.mp4 frames/%05d.png`",
        (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm"),
        (b"\x1aE\xdf\xa3",),
        (b"ftypisom", b"ftypmp4", b"ftypqt  ", b"ftypm4v", b"ftyp3gp"),
    ),
    Foreign(
        "an archive",
        "unpack it first",
        (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z"),
        (b"PK\x03\x04", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf\x27\x1c"),
    ),
    Foreign(
        "a pointer of Git LFS",
        "`git lfs pull` brings the image",
        beginnings=(b"version https://git-lfs.github.com/",),
    ),
    Foreign(
        "a pointer of git-annex",
        "`git annex get` brings the image",
        beginnings=(b"/annex/objects/",),
    ),
    Foreign("an SVG drawing", extensions=(".svg",), signs=(b"<svg",)),
    Foreign("a web page (HTML)", signs=(b"<!doctype html", b"<html")),
    Foreign("an EPS or PostScript drawing", extensions=(".eps", ".ps"), signs=(b"%!ps",)),
    Foreign("a PDF document", extensions=(".pdf",), signs=(b"%pdf",)),
)


def by_beginning(start: bytes) -> Foreign | None:
    """What a file certainly is by its first bytes, if it is one of these."""
    return next((kind for kind in FOREIGN if start.startswith(kind.beginnings)), None)


def by_sign(start: bytes) -> Foreign | None:
    """What a file of no known format probably is by its first bytes."""
    lowered = start.lower()
    return next((k for k in FOREIGN if any(sign in lowered for sign in k.signs)), None)


def by_extension(counts: Mapping[str, int]) -> tuple[Foreign, int] | None:
    """The kind with advice that most files are of by their endings, and how many are.

    `counts`: number of files by extension, in lower case.
    """
    of_kind = {
        kind: sum(counts.get(extension, 0) for extension in kind.extensions)
        for kind in FOREIGN
        if kind.advice
    }
    kind = max(of_kind, key=of_kind.__getitem__)
    return (kind, of_kind[kind]) if of_kind[kind] else None
