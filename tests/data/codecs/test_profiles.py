"""Embedded colour profiles become sRGB; by formulas, and not by the library that does it."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from PIL import Image, features
from PIL.PngImagePlugin import PngInfo

from hand_made_icc import (
    ADOBE_RGB,
    DISPLAY_P3,
    PROPHOTO,
    SRGB,
    cmyk_profile,
    encoded,
    grey_profile,
    in_srgb,
    linear,
    rgb_profile,
)
from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.decode import decode
from unpaired.data.codecs.decoded import Decoded
from unpaired.data.codecs.settings import Reading

# Smooth, so that JPEG changes little, and inside of sRGB, where formula and library agree.
RAMP = np.stack(
    [np.tile(np.linspace(*ends, 32), (24, 1)) for ends in ((90, 200), (160, 80), (100, 150))], -1
)
PHOTO = RAMP.round().astype(np.uint8)
GREY = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (8, 1))

P3, ADOBE = rgb_profile(DISPLAY_P3, name="Display P3"), rgb_profile(ADOBE_RGB, 563 / 256)


def file(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def read(content: bytes, channels: Literal[1, 3] = 3, **reading: Any) -> Decoded:
    return decode(content, name="image", channels=channels, decoding=Reading(**reading))


def off(found: Any, expected: Any) -> float:
    return float(np.abs(np.asarray(found).astype(float) - np.asarray(expected)).max())


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_a_photo_in_display_p3_becomes_srgb(format: str):
    if format == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")
    whole = {"quality": 100, "subsampling": 0}
    options = {"JPEG": whole, "AVIF": {"quality": 100}, "WEBP": {"lossless": True}}
    options = options.get(format, {})
    found = read(file(Image.fromarray(PHOTO), format, icc_profile=P3, **options))
    plain = read(file(Image.fromarray(PHOTO), format, **options)).pixels
    assert off(found.pixels, in_srgb(plain, DISPLAY_P3)) <= 1.5
    assert off(found.pixels, plain) >= 10
    assert found.notes == ()


@pytest.mark.parametrize(
    ("colorants", "gamma"), [(DISPLAY_P3, None), (ADOBE_RGB, 563 / 256), (PROPHOTO, 1.8)]
)
def test_other_rgb_spaces_become_srgb(colorants: Any, gamma: float | None):
    profile = rgb_profile(colorants, gamma)
    greyish = (PHOTO.astype(int) + 3 * PHOTO.mean(2, keepdims=True)) / 4
    pixels = greyish.round().astype(np.uint8)
    found = read(file(Image.fromarray(pixels), icc_profile=profile)).pixels
    assert off(found, in_srgb(pixels, colorants, gamma)) <= 1.5
    assert off(found, pixels) >= 5


def test_pure_colours_outside_of_srgb_are_clipped():
    red = np.full((8, 8, 3), [255, 0, 0], np.uint8)
    assert read(file(Image.fromarray(red), icc_profile=P3)).pixels[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("gamma", [None, "table"])
def test_srgb_and_no_profile_keep_every_bit(gamma: str | None):
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    from PIL import ImageCms

    littlecms = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = littlecms if gamma is None else rgb_profile(SRGB)
    for image in (Image.fromarray(noise), Image.fromarray(noise[..., 0])):
        found = read(file(image, icc_profile=profile))
        np.testing.assert_array_equal(found.pixels, read(file(image)).pixels)
        assert found.notes == ()


def test_transparency_stays_and_colours_are_converted_before_the_background():
    alpha = np.tile(np.linspace(0, 255, 32).round().astype(np.uint8), (24, 1))
    layers = np.dstack([PHOTO, alpha])
    found = read(file(Image.fromarray(layers), icc_profile=P3), background=(10, 20, 30))
    share = alpha[..., None] / 255
    expected = in_srgb(PHOTO, DISPLAY_P3) * share + np.array([10, 20, 30]) * (1 - share)
    assert off(found.pixels, expected) <= 2.5
    assert found.alpha is not None
    np.testing.assert_array_equal(found.alpha[..., 0], alpha)


def test_palettes_and_a_transparent_colour_are_converted_too():
    few = Image.fromarray(PHOTO).quantize(16)
    expected = in_srgb(np.asarray(few.convert("RGB")), DISPLAY_P3)
    assert off(read(file(few, icc_profile=P3)).pixels, expected) <= 1.5
    key = tuple(PHOTO[0, 0].tolist())
    found = read(file(Image.fromarray(PHOTO), icc_profile=P3, transparency=key))
    is_key = (PHOTO - PHOTO[0, 0] == 0).all(2)
    assert (found.pixels[is_key] == 255).all()
    assert off(found.pixels[~is_key], in_srgb(PHOTO, DISPLAY_P3)[~is_key]) <= 1.5


def test_one_transparent_level_of_grey_stays_so():
    content = file(Image.fromarray(GREY), icc_profile=grey_profile(1.0), transparency=64)
    found = read(content, 1, background=(1, 1, 1))
    assert found.alpha is not None
    np.testing.assert_array_equal(found.alpha[..., 0] == 0, GREY == 64)
    assert (found.pixels[..., 0][GREY == 64] == 1).all()
    others = GREY != 64
    assert off(found.pixels[..., 0][others], encoded(linear(GREY / 255, 1.0))[others]) <= 1.5


def test_threads_share_a_conversion():
    random = np.random.default_rng(0)
    photos = [random.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(24)]
    contents = [file(Image.fromarray(photo), icc_profile=P3) for photo in photos]
    alone = [read(content).pixels for content in contents]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda content: read(content).pixels, contents))
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_grey_profiles(gamma: float):
    expected = encoded(linear(GREY / 255, gamma))
    for channels in (1, 3):
        content = file(Image.fromarray(GREY), icc_profile=grey_profile(gamma))
        found = read(content, channels).pixels
        assert off(found[..., 0], expected) <= 1.5
    layers = Image.fromarray(np.dstack([GREY, np.full_like(GREY, 255)]))
    found = read(file(layers, icc_profile=grey_profile(gamma)), 1).pixels
    assert off(found[..., 0], expected) <= 1.5


def test_a_grey_image_with_an_rgb_profile_is_three_equal_parts_of_it():
    found = read(file(Image.fromarray(GREY), icc_profile=rgb_profile(ADOBE_RGB, 1.8)), 1)
    assert off(found.pixels[..., 0], encoded(linear(GREY / 255, 1.8))) <= 1.5
    assert found.notes == ()


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_with_a_profile(format: str):
    """Half of black is an L* of 50, which is 119 in sRGB; without the profile it would be 127."""
    half = Image.new("CMYK", (16, 16), (0, 0, 0, 128))
    found = read(file(half, format, icc_profile=cmyk_profile()))
    assert off(found.pixels, 118.6) <= 2.5
    assert found.notes == ()
    for inks, grey in (((0, 0, 0, 0), 255), ((0, 0, 0, 255), 0)):
        content = file(Image.new("CMYK", (16, 16), inks), format, icc_profile=cmyk_profile())
        assert off(read(content).pixels, grey) <= 2


def test_cmyk_without_a_profile_is_told_to_be_approximate():
    found = read(file(Image.new("CMYK", (16, 16), (0, 0, 0, 128)), "JPEG"))
    assert found.notes == ("is CMYK without a colour profile: its colours are approximate",)


def test_lab_is_converted():
    found = read(file(Image.new("LAB", (16, 16), (128, 128, 128)), "TIFF"))
    assert off(found.pixels, 119) <= 1.5


def test_lab_of_sixteen_bits_is_refused_by_name():
    content = io.BytesIO()
    tifffile.imwrite(content, np.zeros((8, 8, 3), np.uint16), photometric="cielab")
    with pytest.raises(UnreadableImage) as error:
        read(content.getvalue())
    assert error.value.code == "lab-of-more-bits"


@pytest.mark.parametrize(
    ("image", "profile", "kinds"),
    [
        (Image.fromarray(PHOTO), cmyk_profile(), "CMYK and not for RGB"),
        (Image.fromarray(PHOTO), grey_profile(2.2), "grey and not for RGB"),
        (Image.fromarray(GREY), cmyk_profile(), "CMYK and not for grey"),
        (Image.new("CMYK", (16, 16)), P3, "RGB and not for CMYK"),
    ],
)
def test_a_profile_of_another_kind_of_colour_is_told_and_ignored(
    image: Image.Image, profile: bytes, kinds: str
):
    found = read(file(image, "TIFF", icc_profile=profile))
    np.testing.assert_array_equal(found.pixels, read(file(image, "TIFF")).pixels)
    (note,) = found.notes
    assert note.endswith(f"that is for {kinds}: its colours are read as sRGB")


def test_a_profile_that_is_not_even_compressed_is_told():
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(24)) * 8)
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in (
        (b"IHDR", header), (b"iCCP", b"x\0\0no zlib"), (b"IDAT", rows), (b"IEND", b"")
    ):  # fmt: skip
        content += struct.pack(">I", len(data)) + kind + data
        content += struct.pack(">I", zlib.crc32(kind + data))
    found = read(content)
    assert found.notes == ("has a colour profile that is damaged: its colours are read as sRGB",)


def test_half_a_profile_is_told():
    found = read(file(Image.fromarray(PHOTO), icc_profile=P3[: len(P3) // 2]))
    np.testing.assert_array_equal(found.pixels, PHOTO)
    (note,) = found.notes
    assert "its colours are read as sRGB" in note


@pytest.mark.parametrize("reading", [{"profiles": "ignore"}, {"holds_labels": True}])
def test_label_maps_and_a_setting_leave_colours_as_stored(reading: dict[str, Any]):
    found = read(file(Image.fromarray(PHOTO), icc_profile=P3), **reading)
    np.testing.assert_array_equal(found.pixels, PHOTO)
    assert found.notes == ()


def test_measured_values_are_no_colours():
    content = file(Image.fromarray(PHOTO), icc_profile=P3)
    np.testing.assert_array_equal(read(content, range=(0, 255)).pixels, PHOTO)


def sixteen(pixels: Any, profile: bytes) -> bytes:
    content = io.BytesIO()
    kind = "rgb" if pixels.ndim == 3 else "minisblack"
    tifffile.imwrite(content, pixels, photometric=kind, iccprofile=profile)
    return content.getvalue()


def test_sixteen_bits_are_converted_at_eight_and_told_at_sixteen():
    deep = PHOTO.astype(np.uint16) * 257
    content = sixteen(deep, rgb_profile(ADOBE_RGB, 563 / 256, name="Adobe RGB (1998)"))
    found = read(content)
    assert off(found.pixels, in_srgb(PHOTO, ADOBE_RGB, 563 / 256)) <= 1.5
    assert found.notes == ()
    found = read(content, depth=16)
    np.testing.assert_array_equal(found.pixels, deep)
    (note,) = found.notes
    assert note.startswith("has the colour profile Adobe RGB (1998), which is not applied to 16")
    grey = GREY.astype(np.uint16) * 257
    for content in (
        sixteen(grey, grey_profile(1.8)),
        file(Image.fromarray(grey), icc_profile=grey_profile(1.8)),
    ):
        assert off(read(content, 1).pixels[..., 0], encoded(linear(GREY / 255, 1.8))) <= 1.5


def test_a_gamma_without_a_profile_is_told_where_it_is_not_that_of_srgb():
    def with_gamma(gamma: int) -> bytes:
        info = PngInfo()
        info.add(b"gAMA", struct.pack(">I", gamma))
        return file(Image.fromarray(PHOTO), pnginfo=info)

    assert read(with_gamma(45455)).notes == ()
    found = read(with_gamma(100_000))
    np.testing.assert_array_equal(found.pixels, PHOTO)
    assert found.notes == ("has a gamma of 1 (gAMA), which is not applied: 0.45 is sRGB's",)


def test_a_camera_set_to_adobe_rgb_without_a_profile_is_told():
    def exif(rule: bytes) -> bytes:
        """The interoperability of EXIF: a directory in a directory in a directory."""
        pointers = struct.pack("<HHHIIIHHHIII", 1, 0x8769, 4, 1, 26, 0, 1, 0xA005, 4, 1, 44, 0)
        return b"Exif\0\0II*\0\x08\0\0\0" + pointers + struct.pack("<HHHI4sI", 1, 1, 2, 4, rule, 0)

    photo = Image.fromarray(PHOTO)
    with Image.open(io.BytesIO(file(photo, "JPEG", exif=exif(b"R03\0")))) as image:
        assert image.getexif().get_ifd(0xA005) == {1: "R03"}
    (note,) = read(file(photo, "JPEG", exif=exif(b"R03\0"))).notes
    assert note.startswith("is of a camera set to Adobe RGB")
    assert read(file(photo, "JPEG", exif=exif(b"R03\0"), icc_profile=ADOBE)).notes == ()
    assert read(file(photo, "JPEG", exif=exif(b"R98\0"))).notes == ()
