"""Good and bad files to pixels; the numbers are the rows of the table of bad inputs."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.decode import Decoded, decode
from unpaired.data.codecs.formats import FORMATS
from unpaired.data.codecs.settings import Reading

Pixels = np.ndarray[Any, np.dtype[Any]]

NOISE = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
GREY_LEVELS = np.linspace(0, 65535, 64).round().astype(np.uint16).reshape(8, 8)


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def png(
    size: tuple[int, int], bits: int, colour: int, rows: bytes, *more: tuple[bytes, bytes]
) -> bytes:
    """A PNG put together by hand, for what Pillow does not write."""
    header = struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), *more, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        checksum = zlib.crc32(kind + data)
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
    return content


def rows_of(values: Pixels) -> bytes:
    """Unfiltered PNG rows of 16-bit values, HW or HWC."""
    return b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)


def decoded(
    content: bytes | Path, channels: Literal[1, 3] = 3, name: str = "image", **options: Any
) -> Decoded:
    return decode(content, name=name, channels=channels, decoding=Reading(**options))


def reason(content: bytes | Path, name: str = "image", **options: Any) -> str:
    """Why the content is refused."""
    with pytest.raises(UnreadableImage) as caught:
        decoded(content, name=name, **options)
    assert caught.value.name == name
    return caught.value.reason


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_lossless_formats_keep_every_pixel(format: str, tmp_path: Path) -> None:
    content = encoded(Image.fromarray(NOISE), format, lossless=True)
    path = tmp_path / "image"
    path.write_bytes(content)
    for source in (content, path):
        result = decoded(source)
        assert result.pixels.dtype == np.uint8
        np.testing.assert_array_equal(result.pixels, NOISE)
        assert result.notes == ()


def test_a_file_of_zero_bytes_is_refused() -> None:
    assert reason(b"") == "is empty (zero bytes)"


def test_a_web_page_named_jpg_is_refused() -> None:
    assert "a web page (HTML)" in reason(b"<!DOCTYPE html><html>404</html>", name="cat.jpg")


def test_unknown_content_is_told_what_is_read() -> None:
    text = reason(b"just some text")
    assert "of an unknown kind" in text
    assert all(format.name in text for format in FORMATS)


def test_the_first_twelve_bytes_of_a_png_are_refused() -> None:
    assert "damaged or cut short" in reason(encoded(Image.fromarray(NOISE))[:12])


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM"])
def test_half_an_image_is_refused(format: str) -> None:
    content = encoded(Image.fromarray(NOISE), format)
    assert "damaged or cut short" in reason(content[: len(content) // 2])


def test_a_png_without_its_last_chunk_is_refused() -> None:
    assert "damaged or cut short" in reason(encoded(Image.fromarray(NOISE))[:-12])


def test_one_byte_flipped_in_a_png_never_changes_a_pixel() -> None:
    content = encoded(Image.fromarray(NOISE))
    refused = 0
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 0x10
        try:
            np.testing.assert_array_equal(decoded(bytes(flipped)).pixels, NOISE)
        except UnreadableImage:
            refused += 1
    # The others lie in the last, empty chunk.
    assert refused >= len(content) - 8


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM"])
def test_one_byte_flipped_is_refused_or_decoded_but_nothing_else(format: str) -> None:
    content = encoded(Image.fromarray(NOISE), format)
    for position in range(0, len(content), 3):
        flipped = bytearray(content)
        flipped[position] ^= 0x41
        with contextlib.suppress(UnreadableImage):
            pixels = decoded(bytes(flipped), max_megapixels=0.01).pixels
            assert pixels.dtype == np.uint8
            assert pixels.shape[2] == 3


def test_too_many_pixels_are_refused_by_the_header() -> None:
    content = png((10_000, 10_000), 8, 0, b"")
    assert reason(content) == (
        "has 10000×10000 pixels, which is 100.0 megapixels; max_megapixels allows 64"
    )
    # With a higher limit the decoder gets to see the missing pixels.
    assert "damaged or cut short" in reason(content, max_megapixels=100.0)


def test_our_limit_of_pixels_counts_and_not_pillows() -> None:
    content = png((50_000, 50_000), 8, 0, b"")
    assert "2500.0 megapixels" in reason(content)
    assert "2500.0 megapixels" in reason(content, max_megapixels=2499.0)


def test_an_image_of_zero_width_is_refused() -> None:
    assert "damaged" in reason(png((0, 8), 8, 0, b""))


def test_a_text_bomb_in_a_png_is_refused() -> None:
    info = PngInfo()
    info.add_text("comment", "0" * 5_000_000, zip=True)
    content = encoded(Image.fromarray(NOISE), pnginfo=info)
    assert len(content) < 10_000
    assert "damaged" in reason(content)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (3, 3)])
def test_an_image_smaller_than_the_smallest_side_is_refused(size: tuple[int, int]) -> None:
    content = encoded(Image.new("L", size))
    text = f"has {size[0]}×{size[1]} pixels; the smallest side allowed is 4 (min_side)"
    assert reason(content) == text
    assert decoded(content, min_side=1).pixels.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_image(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(NOISE), format, exif=exif, lossless=True)
    with Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert expected.shape[:2] == ((20, 12) if orientation > 4 else (12, 20))
    np.testing.assert_array_equal(decoded(content).pixels, expected)


def test_exif_orientation_six_puts_the_left_edge_on_top() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = decoded(encoded(Image.fromarray(NOISE), exif=exif)).pixels
    np.testing.assert_array_equal(pixels[0], NOISE[::-1, 0])


def test_damaged_exif_is_noted_and_the_image_used() -> None:
    result = decoded(encoded(Image.fromarray(NOISE), exif=b"Exif\0\0garbage"))
    np.testing.assert_array_equal(result.pixels, NOISE)
    assert result.notes == ("has damaged EXIF data: it may need a rotation that was not applied",)


def test_a_cmyk_jpeg_is_converted() -> None:
    content = encoded(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "JPEG")
    pixels = decoded(content).pixels.astype(int)
    assert np.abs(pixels - [0, 255, 255]).max() <= 3


def test_grey_becomes_three_equal_channels() -> None:
    grey = NOISE[..., 0]
    pixels = decoded(encoded(Image.fromarray(grey))).pixels
    np.testing.assert_array_equal(pixels, np.repeat(grey[..., None], 3, axis=2))


def test_one_bit_becomes_black_and_white() -> None:
    image = Image.fromarray(NOISE[..., 0] > 127)
    assert image.mode == "1"
    pixels = decoded(encoded(image), channels=1).pixels
    np.testing.assert_array_equal(pixels[..., 0], np.where(NOISE[..., 0] > 127, 255, 0))


def test_colour_becomes_luma() -> None:
    pixels = decoded(encoded(Image.fromarray(NOISE)), channels=1).pixels
    luma = NOISE @ np.array([0.299, 0.587, 0.114])
    assert pixels.shape == (12, 20, 1)
    assert np.abs(pixels[..., 0] - luma).max() <= 0.51


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_an_image_with_a_palette_is_converted(format: str) -> None:
    image = Image.fromarray(NOISE).quantize(16)
    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(decoded(encoded(image, format)).pixels, expected)


def transparent_images() -> dict[str, bytes]:
    """Images whose left half is transparent and whose right half is pure white, by mode."""
    alpha = np.zeros((8, 8), np.uint8)
    alpha[:, 4:] = 255
    rgba = Image.fromarray(np.dstack([alpha, alpha, alpha, alpha]))
    palette = Image.fromarray(alpha // 255).convert("P")
    palette.putpalette([0, 0, 0, 255, 255, 255])
    sixteen = alpha.astype(np.uint16) * 257
    return {
        "RGBA": encoded(rgba),
        "RGBA as WebP": encoded(rgba, "WEBP", lossless=True),
        "LA": encoded(rgba.convert("LA")),
        "palette, one index": encoded(palette, transparency=0),
        "palette, alpha of each": encoded(palette, transparency=b"\0\xff"),
        "palette as GIF": encoded(palette, "GIF", transparency=0),
        "RGB, one colour": encoded(rgba.convert("RGB"), transparency=(0, 0, 0)),
        "grey, one level": encoded(rgba.convert("L"), transparency=0),
        "16-bit grey, one level": png((8, 8), 16, 0, rows_of(sixteen), (b"tRNS", b"\0\0")),
        "16-bit grey and alpha": png((8, 8), 16, 4, rows_of(np.dstack([sixteen, sixteen]))),
    }


@pytest.mark.parametrize("mode", transparent_images())
def test_transparency_shows_the_background(mode: str) -> None:
    content = transparent_images()[mode]
    pixels = decoded(content, background=(10, 100, 200)).pixels
    assert (pixels[:, :4] == [10, 100, 200]).all()
    assert (pixels[:, 4:] == 255).all()
    assert (decoded(content).pixels == 255).all()
    grey = decoded(content, channels=1, background=(10, 100, 200), depth=16).pixels
    assert (grey[:, :4] == 84 * 257).all()  # luma of the background
    assert (grey[:, 4:] == 65535).all()


def test_half_transparent_pixels_are_mixed() -> None:
    content = encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 128)))
    pixels = decoded(content, background=(0, 0, 255)).pixels
    assert pixels[0, 0].tolist() == [128, 0, 127]


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled_by_range(format: str) -> None:
    content = encoded(Image.fromarray(GREY_LEVELS), format)
    eight = decoded(content, channels=1).pixels
    assert eight.dtype == np.uint8
    np.testing.assert_array_equal(eight[..., 0], (GREY_LEVELS / 257).round())
    sixteen = decoded(content, channels=3, depth=16).pixels
    assert sixteen.dtype == np.uint16
    np.testing.assert_array_equal(sixteen, np.repeat(GREY_LEVELS[..., None], 3, axis=2))


def test_sixteen_bit_colour_is_read_with_eight_and_says_so() -> None:
    colour = np.random.default_rng(1).integers(0, 65536, (8, 8, 3))
    content = png((8, 8), 16, 2, rows_of(colour))
    result = decoded(content)
    assert np.abs(result.pixels - colour / 257).max() <= 1
    assert result.notes == ()
    result = decoded(content, depth=16)
    assert np.abs(result.pixels.astype(int) - colour).max() <= 257
    assert result.notes == ("has 16 bits per channel, of which 8 are read",)


def test_eight_bits_fill_the_range_of_sixteen() -> None:
    pixels = decoded(encoded(Image.fromarray(NOISE)), depth=16).pixels
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, NOISE.astype(np.uint16) * 257)


def tiff(data: bytes, bits: int, photometric: int = 1, orientation: int = 1) -> bytes:
    """A grey TIFF of 4×4 numbers without sign."""
    tags = {256: 4, 257: 4, 258: bits, 259: 1, 262: photometric, 273: 122, 274: orientation}
    tags |= {277: 1, 279: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


@pytest.mark.parametrize(("orientation", "row"), [(1, [0, 255, 0, 255]), (3, [255, 0, 255, 0])])
def test_twelve_bit_tiff_is_not_dark(orientation: int, row: list[int]) -> None:
    packed = bytes.fromhex("000fff") * 8  # 0 and 4095, 12 bits each
    found = decoded(tiff(packed, 12, orientation=orientation))
    assert found.pixels[0, :, 0].tolist() == row


@pytest.mark.parametrize("orientation", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_whose_white_is_zero_is_no_negative(bits: int, orientation: int) -> None:
    levels = np.array([[0, 85, 170, 255]] * 4)
    levels = levels[:, ::-1] if orientation == 3 else levels
    stored = (255 - levels) if bits == 8 else (255 - levels) * 257
    data = stored.astype(f"<u{bits // 8}").tobytes()
    content = tiff(data, bits, photometric=0, orientation=orientation)
    assert decoded(content).pixels[0, :, 0].tolist() == [0, 85, 170, 255]
    deep = decoded(content, depth=16).pixels[0, :, 0]
    assert deep.tolist() == [257 * level for level in (0, 85, 170, 255)]


def test_integers_of_32_bits_without_sign_are_scaled_by_range() -> None:
    values = np.array([[0, 2**31, 2**32 - 1, 0]] * 4, "<u4")
    result = decoded(tiff(values.tobytes(), 32), range=(0, 2**32 - 1))
    assert result.pixels[0, :, 0].tolist() == [0, 128, 255, 0]
    assert result.notes == ()


def test_a_float_tiff_needs_its_range() -> None:
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(8, 8)
    content = encoded(Image.fromarray(values), "TIFF")
    assert "numbers from -1 to 1" in reason(content)
    assert "set range" in reason(content)
    result = decoded(content, range=(-1.0, 1.0))
    np.testing.assert_array_equal(result.pixels[..., 0], ((values + 1) * 127.5).round())
    assert result.notes == ()
    clipped = decoded(content, range=(0.0, 1.0))
    assert clipped.pixels[0, 0, 0] == 0
    assert clipped.notes == ("has values from -1 to 1, clipped to 0..1",)


def test_integers_of_32_bits_need_their_range() -> None:
    values = np.full((8, 8), 100_000, np.int32)
    content = encoded(Image.fromarray(values), "TIFF")
    assert "numbers from 100000 to 100000" in reason(content)
    assert (decoded(content, range=(0, 200_000)).pixels == 128).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    values = np.zeros((8, 8), np.float32)
    values[3, 3] = value
    content = encoded(Image.fromarray(values), "TIFF")
    assert "not finite" in reason(content, range=(0.0, 1.0))


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_taken_and_said(format: str) -> None:
    frames = [Image.new("RGB", (8, 8), (20 * i, 0, 0)) for i in range(12)]
    content = encoded(frames[1], format, save_all=True, append_images=frames[2:], lossless=True)
    result = decoded(content)
    assert result.notes == ("animated: the first of 11 frames is used",)
    assert (result.pixels == [20, 0, 0]).all()


def test_of_several_pages_the_first_is_taken_and_said() -> None:
    pages = [Image.new("L", (8, 8), level) for level in (7, 8)]
    result = decoded(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert result.notes == ("several pages: the first of 2 is used",)
    assert (result.pixels == 7).all()


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("cat.png", ("is a JPEG though its name says .png",)),
        ("cat.PNG", ("is a JPEG though its name says .png",)),
        ("cat.JPeG", ()),
        ("cat", ()),
        ("cat.2024", ()),
    ],
)
def test_the_content_decides_on_the_format_and_not_the_name(
    name: str, notes: tuple[str, ...]
) -> None:
    result = decoded(encoded(Image.fromarray(NOISE), "JPEG"), name=name)
    assert result.notes == notes
    assert result.pixels.shape == NOISE.shape


def test_of_a_png_that_is_also_a_zip_only_pixels_remain() -> None:
    file = io.BytesIO()
    file.write(encoded(Image.fromarray(NOISE)))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("payload.txt", "payload")
    assert zipfile.is_zipfile(file)
    np.testing.assert_array_equal(decoded(file.getvalue()).pixels, NOISE)


@pytest.mark.parametrize("prolog", [b"", b'<?xml version="1.0"?>\n<!-- drawn -->\n'])
def test_an_svg_drawing_is_refused(prolog: bytes) -> None:
    assert "an SVG drawing" in reason(prolog + b'<svg xmlns="http://www.w3.org/2000/svg"/>')


def test_an_eps_named_jpg_starts_no_ghostscript(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_process(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", no_process)
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    assert "an EPS or PostScript drawing" in reason(content, name="cat.jpg")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_garbage_colour_profile_changes_nothing(format: str) -> None:
    image = Image.fromarray(NOISE)
    with_profile = decoded(encoded(image, format, icc_profile=b"garbage" * 30))
    np.testing.assert_array_equal(with_profile.pixels, decoded(encoded(image, format)).pixels)
    (note,) = with_profile.notes
    assert note == "has a colour profile that is damaged: its colours are read as sRGB"


def test_an_odd_name_is_passed_on_as_it_is() -> None:
    name = "🙂 a\nb<script>.png"
    with pytest.raises(UnreadableImage) as caught:
        decoded(b"", name=name)
    assert str(caught.value) == f"{name}: is empty (zero bytes)"


@pytest.mark.timeout(10)
def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    folder = tmp_path / "folder.png"
    folder.mkdir()
    assert "not a regular file" in reason(folder)
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    assert "not a regular file" in reason(pipe)


def test_a_file_deleted_during_the_run_is_refused(tmp_path: Path) -> None:
    assert reason(tmp_path / "gone.png") == "cannot be opened: No such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(Image.fromarray(NOISE)))
    path.chmod(0)
    assert reason(path) == "cannot be opened: Permission denied"


def test_no_warning_leaks_and_torch_stays_unloaded(tmp_path: Path) -> None:
    path = tmp_path / "image.webp"
    # The EXIF data declares five entries and ends: Pillow warns.
    exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0"
    path.write_bytes(encoded(Image.fromarray(NOISE), "WEBP", exif=exif))
    program = f"""
import sys
from pathlib import Path
from unpaired.data.codecs.decode import decode
from unpaired.data.codecs.settings import Reading
import unpaired.data.sources
decode(Path({str(path)!r}), name="image", channels=3, decoding=Reading())
assert "torch" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", program], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("depth", [8, 16])
def test_the_physical_range_counts_for_integers_too(depth: int):
    """12-bit values in files of 16 bits, and 8-bit ones: as floating-point numbers."""
    values = np.array([[0, 1_000, 4_095, 5_000]] * 4, np.uint16)
    found = decoded(encoded(Image.fromarray(values)), channels=1, range=(0, 4_095), depth=depth)
    white = 2**depth - 1
    assert found.pixels[0, :, 0].tolist() == [0, round(1_000 / 4_095 * white), white, white]
    dark = Image.fromarray(np.array([[0, 50, 100, 200]] * 4, np.uint8))
    found = decoded(encoded(dark), channels=3, range=(50, 100), depth=depth)
    assert found.pixels[0, :, 2].tolist() == [0, 0, white, white]
