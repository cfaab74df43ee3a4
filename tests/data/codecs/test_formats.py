"""Formats by content: HEIC and AVIF, their guises, and files that hold images and are not read."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, features

from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.decode import Decoded, decode
from unpaired.data.codecs.foreign import by_extension
from unpaired.data.codecs.formats import recognise
from unpaired.data.codecs.settings import Reading
from unpaired.data.missing import left_out, not_named_like_images

needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no libavif")

COLUMNS = np.zeros((32, 48, 3), np.uint8)
COLUMNS[:, :24] = (200, 40, 40)
COLUMNS[:, 24:] = (40, 60, 200)
"""Red to the left, blue to the right: compression changes little of it."""


def heic(**options: Any) -> bytes:
    package = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    image = package.from_pillow(Image.fromarray(COLUMNS))
    if "append" in options:
        image.add_from_pillow(Image.fromarray(COLUMNS[:, ::-1].copy()))
        image.save(file, quality=90, primary_index=options["append"])
    else:
        image.save(file, quality=90, **options)
    return file.getvalue()


def avif(image: Image.Image | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    (image or Image.fromarray(COLUMNS)).save(file, "AVIF", quality=90, **options)
    return file.getvalue()


def read(content: bytes | Path, name: str = "x", depth: Any = 8) -> Decoded:
    return decode(content, name=name, channels=3, decoding=Reading(depth=depth))


def refusal(content: bytes, name: str = "x") -> UnreadableImage:
    with pytest.raises(UnreadableImage) as caught:
        read(content, name)
    return caught.value


def close(pixels: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> bool:
    """But for what compression does to the edge."""
    away = np.abs(pixels.astype(int) - expected)[:, [0, 1, 2, -3, -2, -1]]
    return pixels.shape == expected.shape and int(away.max()) < 12


def test_a_heic_photo_is_read(tmp_path: Path) -> None:
    path = tmp_path / "photo.heic"
    path.write_bytes(heic())
    for content in (path, path.read_bytes()):
        result = read(content, "photo.heic")
        assert close(result.pixels, COLUMNS)
        assert result.notes == ()


@needs_avif
def test_an_avif_image_is_read(tmp_path: Path) -> None:
    path = tmp_path / "image.avif"
    path.write_bytes(avif())
    for content in (path, path.read_bytes()):
        result = read(content, "image.avif")
        assert close(result.pixels, COLUMNS)
        assert result.notes == ()


def test_a_photo_taken_upright_is_turned_once() -> None:
    package = pytest.importorskip("pillow_heif")
    image = Image.fromarray(COLUMNS)
    exif = image.getexif()
    exif[0x0112] = 6  # as phones hold it
    package.register_heif_opener()
    file = io.BytesIO()
    image.save(file, "HEIF", quality=90, exif=exif.tobytes())
    as_heic = file.getvalue()
    upright = np.rot90(COLUMNS, -1)
    turned = read(as_heic).pixels
    assert turned.shape == upright.shape
    assert (turned[2, 10, 0] > 150, turned[-3, 10, 2] > 150) == (True, True)
    if features.check("avif"):
        assert np.abs(read(avif(image, exif=exif)).pixels.astype(int) - turned).mean() < 12


@needs_avif
def test_a_grey_image_and_a_transparent_one() -> None:
    grey = read(avif(Image.fromarray(COLUMNS).convert("L"))).pixels
    assert (grey == grey[..., :1]).all()
    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    assert read(avif(clear)).pixels.min() > 250  # the background is white


@pytest.mark.parametrize("name", ["photo.jpg", "photo.heic.png"])
def test_a_heic_photo_under_another_name_is_read_and_said(name: str) -> None:
    result = read(heic(), name)
    assert close(result.pixels, COLUMNS)
    extension = name[name.rindex(".") :]
    assert result.notes == (f"is a HEIC though its name says {extension}",)


def test_a_name_with_two_endings_counts_by_the_last() -> None:
    assert read(heic(), "photo.jpeg.heic").notes == ()
    assert read(heic(), "photo.HEIF").notes == ()


@needs_avif
def test_an_avif_image_named_png_is_read_and_said() -> None:
    result = read(avif(), "image.png")
    assert close(result.pixels, COLUMNS)
    assert result.notes == ("is an AVIF though its name says .png",)


@needs_avif
def test_of_an_avif_sequence_the_first_frame_is_used() -> None:
    frames = [Image.fromarray(np.roll(COLUMNS, 24 * i, axis=1)) for i in range(3)]
    result = read(avif(frames[0], save_all=True, append_images=frames[1:]))
    assert close(result.pixels, COLUMNS)
    assert result.notes == ("animated: the first of 3 frames is used",)


def test_of_several_photos_in_a_heic_file_the_main_one_is_used() -> None:
    result = read(heic(append=1))
    assert close(result.pixels, COLUMNS[:, ::-1])
    assert result.notes == ("several photos: the main one of 2 is used",)


def test_more_than_8_bits_are_said_where_16_are_wanted() -> None:
    package = pytest.importorskip("pillow_heif")
    deep = COLUMNS.astype(np.uint16) * 257
    file = io.BytesIO()
    package.from_bytes("RGB;16", (48, 32), deep.tobytes()).save(file, quality=90)
    result = read(file.getvalue(), depth=16)
    assert result.notes == ("has 10 bits per channel, of which 8 are read",)
    assert close(result.pixels // 257, COLUMNS)
    assert read(file.getvalue()).notes == ()
    assert read(heic(), depth=16).notes == ()


@pytest.mark.parametrize("make", [heic, pytest.param(avif, marks=needs_avif)])
def test_half_a_file_is_refused(make: Any) -> None:
    content = make()
    error = refusal(content[: len(content) // 2])
    assert error.code == "damaged"


@pytest.mark.parametrize("make", [heic, pytest.param(avif, marks=needs_avif)])
def test_a_flipped_byte_is_refused_or_decoded_but_nothing_else(make: Any) -> None:
    content = make()
    for position in range(0, len(content), 7):
        flipped = bytearray(content)
        flipped[position] ^= 0x41
        try:
            pixels = read(bytes(flipped)).pixels
        except UnreadableImage:
            continue
        assert pixels.dtype == np.uint8
        assert pixels.shape[2] == 3


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    content = heic()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    error = refusal(content, "photo.heic")
    assert error.code == "missing-decoder"
    assert 'pip install "unpaired[heif]"' in error.reason


def test_a_pillow_without_libavif_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda feature: False)
    error = refusal(box(b"avif", b"mif1", b"miaf") + bytes(64))
    assert error.code == "missing-decoder"
    assert "this Pillow was built without" in error.reason


def box(brand: bytes, *compatible: bytes) -> bytes:
    """The first box of an ISO base media file."""
    content = b"ftyp" + brand + bytes(4) + b"".join(compatible)
    return (len(content) + 4).to_bytes(4, "big") + content


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (box(b"heic", b"mif1", b"heic"), "HEIC"),
        (box(b"mif1", b"mif1", b"heic"), "HEIC"),
        (box(b"heix", b"mif1"), "HEIC"),
        (box(b"mif1", b"mif1", b"avif", b"miaf"), "AVIF"),
        (box(b"avis", b"avif", b"msf1"), "AVIF"),
        (box(b"msf1", b"hevc"), "HEIC"),
    ],
)
def test_what_a_file_may_be_by_its_brands(start: bytes, name: str) -> None:
    assert recognise(start).name == name


@pytest.mark.parametrize(
    ("start", "what", "advice"),
    [
        (b"\xff\x0a" + bytes(30), "a JPEG XL image", "djxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(30), "a JPEG XL image", "djxl"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(30), "a camera's raw file", "develop it"),
        (box(b"crx ", b"crx ", b"isom"), "a camera's raw file", "develop it"),
        (b"FUJIFILMCCD-RAW 0201", "a camera's raw file", "develop it"),
        (b"8BPS\0\1" + bytes(30), "a Photoshop document", "magick"),
        (b"\x76\x2f\x31\x01" + bytes(30), "an OpenEXR image", "set range"),
        (bytes(128) + b"DICM" + bytes(30), "a DICOM image", "set range"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(30), "a JPEG 2000 image", "opj_decompress"),
        (box(b"isom", b"mp41"), "a video", "ffmpeg"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS", "lfs pull"),
        (b"/annex/objects/SHA256E-s1--ab.jpg\n", "a pointer of git-annex", "git annex get"),
        (b"PK\x03\x04" + bytes(30), "an archive", "unpack"),
    ],
)
def test_what_is_not_read_says_what_to_do(start: bytes, what: str, advice: str) -> None:
    error = refusal(start, "x.jpg")
    assert error.code == "unknown-format"
    assert error.reason.startswith(f"is {what}, which is not read: ")
    assert advice in error.reason


@pytest.mark.parametrize("kind", ["dng", "nef"])
def test_the_preview_in_a_raw_file_is_not_taken_for_the_photo(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    with tifffile.TiffWriter(path) as file:
        if kind == "dng":
            version = (50706, "B", 4, (1, 4, 0, 0), True)
            file.write(COLUMNS, photometric="rgb", extratags=[version])
        else:
            file.write(COLUMNS, photometric="rgb", subfiletype=1, subifds=1)
            file.write(np.zeros((64, 96), np.uint16), photometric="minisblack")
    error = refusal(path.read_bytes(), "photo.tif")
    assert error.reason.startswith("is a camera's raw file, which is not read: develop it")


def test_a_tiff_with_smaller_copies_of_itself_is_read() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as written:
        written.write(COLUMNS, photometric="rgb", subifds=1)
        written.write(COLUMNS[::2, ::2], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read(file.getvalue()).pixels, COLUMNS)


def test_most_of_what_is_ignored_comes_with_advice() -> None:
    assert not_named_like_images({}) == []
    assert not_named_like_images({".txt": 2}) == ["2 other files (2 .txt), not named like images"]
    (line,) = not_named_like_images({".cr2": 40, ".nef": 20, ".psd": 1, ".txt": 70})
    assert line.startswith("131 other files (70 .txt, 40 .cr2, 20 .nef, 1 .psd), not named like")
    assert line.endswith(
        "60 are each a camera's raw file: develop it to TIFF or PNG first, as with darktable-cli "
        "or `dcraw -T`"
    )
    assert by_extension({".txt": 1}) is None


def test_what_is_left_out_is_a_line_for_each_reason() -> None:
    refused = [UnreadableImage(f"{i}.heic", "is a HEIC photo") for i in range(60)]
    refused.append(UnreadableImage("x.png", "is empty (zero bytes)"))
    assert left_out(refused, {".cr2": 1}) == [
        "0.heic: is a HEIC photo (and so are 59 more)",
        "x.png: is empty (zero bytes)",
        "1 other file (1 .cr2), not named like images; 1 is a camera's raw file: develop it to "
        "TIFF or PNG first, as with darktable-cli or `dcraw -T`",
    ]
    many = [UnreadableImage(f"{i}.png", f"reason {i}") for i in range(9)]
    assert left_out(many, {})[-1] == "4 more; `unpaired check` lists them"
