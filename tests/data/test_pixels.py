"""All kinds of images become the same pixels, and go back to their kind."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from hand_made_icc import DISPLAY_P3, cmyk_profile, rgb_profile
from unpaired.core.errors import DataError, UnreadableImage
from unpaired.data.codecs.settings import Decoding
from unpaired.data.domain import Domain
from unpaired.data.pixels import convert, like, read_image, to_pillow
from unpaired.data.sources import BuiltIn

COLOUR = Domain(source=BuiltIn(name="sign"), channels=3)
GREY = Domain(source=BuiltIn(name="ink"), channels=1)
DEEP = Domain(source=BuiltIn(name="ink"), channels=1, decoding=Decoding(depth=16))

rgb = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def test_all_kinds_of_one_image_are_the_same_pixels(tmp_path):
    Image.fromarray(rgb).save(tmp_path / "x.png")
    kinds = [
        Image.fromarray(rgb),
        rgb,
        torch.from_numpy(rgb).permute(2, 0, 1),
        tmp_path / "x.png",
        str(tmp_path / "x.png"),
    ]
    for kind in kinds:
        assert np.array_equal(read_image(kind, COLOUR).pixels, rgb)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK"])
def test_every_mode_of_pillow(mode):
    image = Image.fromarray(rgb)
    for step in {"La": ["LA", "La"], "PA": ["P", "PA"], "RGBa": ["RGBA", "RGBa"]}.get(mode, [mode]):
        image = image.convert(step)
    assert read_image(image, COLOUR).pixels.shape == (6, 8, 3)
    assert read_image(image, GREY).pixels.shape == (6, 8, 1)


def test_transparent_pixels_show_the_background():
    alpha = np.zeros((6, 8, 1), np.uint8)
    pixels = read_image(np.concatenate([rgb, alpha], axis=2), COLOUR).pixels
    assert (pixels == 255).all()


def test_orientation_of_an_open_image_is_not_applied():
    """The caller sees `image.size`; a turned result would be of another size."""
    image = Image.fromarray(rgb)
    image.getexif()[0x0112] = 6
    assert np.array_equal(read_image(image, COLOUR).pixels, rgb)


def test_grey_arrays():
    for array in (rgb[..., 0], rgb[..., :1]):
        assert np.array_equal(read_image(array, COLOUR).pixels, np.repeat(rgb[..., :1], 3, axis=2))


@pytest.mark.parametrize("format", ["JPEG", "TIFF", "PNG"])
def test_open_images_are_converted_from_their_profile_as_their_files_are(format, tmp_path):
    smooth = Image.fromarray(rgb // 2 + 64)
    smooth.save(tmp_path / "p3", format, icc_profile=rgb_profile(DISPLAY_P3))
    with Image.open(tmp_path / "p3") as image:
        found = read_image(image, COLOUR).pixels
    np.testing.assert_array_equal(found, read_image(tmp_path / "p3", COLOUR).pixels)
    assert not np.array_equal(found, rgb // 2 + 64)


def test_open_images_for_print_are_converted_as_their_files_are(tmp_path):
    inks = Image.new("CMYK", (8, 8), (0, 0, 0, 128))
    inks.save(tmp_path / "inks.jpg", icc_profile=cmyk_profile())
    with Image.open(tmp_path / "inks.jpg") as image:
        found = read_image(image, COLOUR).pixels
    assert np.abs(found.astype(int) - 118).max() <= 3  # an L* of 50
    np.testing.assert_array_equal(found, read_image(tmp_path / "inks.jpg", COLOUR).pixels)
    lab = Image.new("LAB", (8, 8), (128, 128, 128))
    assert np.abs(read_image(lab, COLOUR).pixels.astype(int) - 119).max() <= 2


def test_16_bits():
    deep = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1000
    assert np.array_equal(read_image(deep, DEEP).pixels[..., 0], deep)
    assert np.array_equal(read_image(deep, GREY).pixels[..., 0], np.rint(deep / 257))
    assert np.array_equal(read_image(Image.fromarray(deep), DEEP).pixels[..., 0], deep)
    colour = np.repeat(deep[..., None], 3, axis=2)
    assert np.array_equal(read_image(colour, DEEP).pixels[..., 0], deep)


def test_16_bits_that_pillow_has_opened_as_32(tmp_path):
    deep = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1000
    (tmp_path / "x.pgm").write_bytes(b"P5 8 6 65535\n" + deep.astype(">u2").tobytes())
    with Image.open(tmp_path / "x.pgm") as image:
        assert image.mode == "I"
        assert np.array_equal(read_image(image, DEEP).pixels[..., 0], deep)


def test_numbers_of_32_bits_need_their_range():
    image = Image.fromarray(np.arange(-24, 24, dtype=np.int32).reshape(6, 8))
    with pytest.raises(UnreadableImage, match=r"from -24 to 23 .* set range") as error:
        read_image(image, GREY)
    assert (error.value.code, error.value.setting) == ("range-unknown", "range")
    ranged = Domain(source=BuiltIn(name="ink"), range=(-24.0, 23.0))
    assert read_image(image, ranged).pixels[..., 0].ravel()[[0, -1]].tolist() == [0, 255]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(3, 4, 4, dtype=torch.bfloat16),
        torch.zeros(3, 4, 4, dtype=torch.uint8).to_sparse(),
        torch.zeros(3, 4, 4, dtype=torch.uint8, device="meta"),
        torch.tensor(3, dtype=torch.uint8),
    ],
    ids=["bfloat16", "sparse", "meta", "a number"],
)
def test_tensors_that_numpy_cannot_hold_are_refused_in_words(tensor):
    with pytest.raises(DataError):
        read_image(tensor, COLOUR)


def test_open_images_that_cannot_be_read_are_refused_in_words():
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(file, "PNG")
    cut = Image.open(io.BytesIO(file.getvalue()[:2000]))
    closed = Image.fromarray(rgb)
    closed.close()
    for image in (cut, closed, Image.new("L", (0, 0))):
        with pytest.raises(UnreadableImage) as caught:
            read_image(image, COLOUR)
        assert caught.value.code == "damaged"


def test_luma_is_pillows():
    assert np.array_equal(convert(rgb, 1, 8)[..., 0], np.asarray(Image.fromarray(rgb).convert("L")))


@pytest.mark.parametrize("value", [0, 1, 254, 255])
def test_depths_are_inverse(value):
    pixels = np.full((2, 2, 1), value, np.uint8)
    assert np.array_equal(convert(convert(pixels, 1, 16), 1, 8), pixels)
    assert convert(pixels, 1, 16).max() == value * 257


@pytest.mark.parametrize(
    "image",
    [
        rgb.astype(np.float32),
        rgb.astype(np.int64),
        np.zeros((2, 6, 8, 3), np.uint8),
        np.zeros((6, 8, 5), np.uint8),
        np.zeros((6, 8, 4), np.uint16),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros(8, np.uint8),
        torch.zeros(3, 6, 8),
        torch.zeros(6, 8, dtype=torch.uint8),
    ],
)
def test_other_arrays_are_refused_with_what_to_give(image):
    with pytest.raises(DataError) as caught:
        read_image(image, COLOUR)
    assert caught.value.code == "no-image-array"


def test_float_images_are_refused_as_files_are():
    with pytest.raises(UnreadableImage) as error:
        read_image(Image.fromarray(rgb[..., 0].astype(np.float32)), GREY)
    assert (error.value.code, error.value.setting) == ("range-unknown", "range")


def test_same_kind_comes_back():
    grey = rgb[..., :1]
    assert like(rgb, Image.new("1", (1, 1))).mode == "RGB"
    assert like(grey, "file.png").mode == "L"
    assert like(grey, grey[..., 0]).shape == (6, 8)
    assert like(rgb, grey[..., 0]).shape == (6, 8, 3)
    assert like(rgb, torch.zeros(1)).shape == (3, 6, 8)


def test_16_bit_images_of_pillow_are_grey():
    deep = rgb.astype(np.uint16) * 257
    assert to_pillow(deep[..., :1]).mode == "I;16"
    assert np.array_equal(np.asarray(to_pillow(deep)), rgb)


def test_arrays_are_read_by_the_physical_range_as_files_are():
    twelve = Domain(source=BuiltIn(name="ink"), channels=3, range=(0, 4_095))
    grey = np.full((8, 8), 4_095, np.uint16)
    assert (read_image(grey, twelve).pixels == 255).all()
    assert (read_image(np.stack([grey] * 3, 2), twelve).pixels == 255).all()
