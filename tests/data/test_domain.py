"""Framing: how an image of any shape becomes the square that networks see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unpaired.data.codecs.settings import Decoding
from unpaired.data.domain import Domain, frame, resize
from unpaired.data.sources import BuiltIn


def domain(**changes: Any) -> Domain:
    return Domain(source=BuiltIn(name="ink"), **changes)


def noise(height: int, width: int, channels: int = 1, depth: int = 8) -> np.ndarray:
    random = np.random.default_rng(height * 1000 + width)
    dtype = np.uint8 if depth == 8 else np.uint16
    return random.integers(0, 2**depth, (height, width, channels), dtype)


def test_pad_keeps_every_pixel_and_fills_the_border():
    pixels = noise(28, 20, 3)
    framed = frame(pixels, domain(size=32, fit="pad", fill=7))
    assert framed.shape == (32, 32, 3)
    assert np.array_equal(framed[2:30, 6:26], pixels)
    border = np.ones((32, 32), bool)
    border[2:30, 6:26] = False
    assert (framed[border] == 7).all()


def test_pad_puts_an_odd_rest_below_and_right():
    framed = frame(np.full((1, 1, 1), 9, np.uint8), domain(size=8, fit="pad"))
    assert np.argwhere(framed[..., 0] == 9).tolist() == [[3, 3]]


def test_pad_shrinks_what_is_larger_and_keeps_its_shape():
    pixels = np.full((100, 50, 1), 200, np.uint8)
    framed = frame(pixels, domain(size=32, fit="pad"))
    assert framed.shape == (32, 32, 1)
    assert (framed[:, 8:24] == 200).all()
    assert not framed[:, :8].any()
    assert not framed[:, 24:].any()


def test_sixteen_bits_are_kept_and_the_border_is_scaled():
    sixteen = domain(size=32, fit="pad", fill=255, decoding=Decoding(depth=16))
    pixels = noise(30, 30, depth=16)
    framed = frame(pixels, sixteen)
    assert framed.dtype == np.uint16
    assert framed[0, 0, 0] == 65535
    assert np.array_equal(framed[1:31, 1:31], pixels)
    resized = frame(pixels, domain(size=64, fit="resize", decoding=Decoding(depth=16)))
    assert resized.dtype == np.uint16
    assert resized.max() > 60000  # not cut to 8 bits on the way
    assert len(np.unique(resized)) > 1000


def test_the_crop_box_is_cut_first():
    pixels = noise(28, 28)
    framed = frame(pixels, domain(size=20, crop=(4, 3, 24, 23), fit="resize"))
    assert np.array_equal(framed, pixels[3:23, 4:24])


def test_an_image_smaller_than_the_crop_box_is_resized():
    pixels = np.full((12, 12, 3), 50, np.uint8)
    framed = frame(pixels, domain(size=32, crop=(4, 4, 24, 24)))
    assert framed.shape == (32, 32, 3)
    assert (framed == 50).all()  # what the box and the image share, and nothing made up


@pytest.mark.parametrize(("height", "width"), [(40, 80), (80, 40)])
def test_cover_crops_the_middle(height: int, width: int):
    pixels = np.zeros((height, width, 1), np.uint8)
    pixels[height // 2 - 20 : height // 2 + 20, width // 2 - 20 : width // 2 + 20] = 255
    assert (frame(pixels, domain(size=32, fit="cover")) == 255).all()


def test_resize_keeps_what_cover_would_crop():
    pixels = np.zeros((40, 80, 1), np.uint8)
    pixels[:, :40] = 255
    framed = frame(pixels, domain(size=32, fit="resize"))
    assert framed[:, :14].min() > 240
    assert framed[:, 18:].max() < 15


def test_an_image_of_the_right_size_is_not_touched():
    pixels = noise(32, 32, 3)
    for fit in ("resize", "cover", "pad", "crop"):
        assert np.array_equal(frame(pixels, domain(size=32, fit=fit)), pixels)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (64, 48), (5, 100)])
def test_resizing_is_pillows_bicubic(height: int, width: int):
    pixels = noise(32, 40, 3) // 2 + 64  # Pillow clips between its two passes, we at the end
    expected = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
    found = resize(pixels, height, width)
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_resizing_neither_wraps_nor_shifts_the_brightness():
    edge = np.zeros((32, 32, 1), np.uint8)
    edge[:, 16:] = 255
    large = resize(edge, 64, 64)
    assert large[:, :30].max() <= 25  # an overshoot below 0 must not become 255
    assert large[:, 34:].min() >= 230
    assert abs(float(large.mean()) - float(edge.mean())) < 1


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    size=st.sampled_from([8, 32]),
    fit=st.sampled_from(["resize", "cover", "pad", "crop"]),
    depth=st.sampled_from([8, 16]),
    channels=st.sampled_from([1, 3]),
)
def test_any_shape_becomes_the_square(
    height: int, width: int, size: int, fit: str, depth: int, channels: int
):
    settings = domain(size=size, fit=fit, channels=channels, decoding=Decoding(depth=depth))
    pixels = noise(height, width, channels, depth)
    framed = frame(pixels, settings)
    assert framed.shape == (size, size, channels)
    assert framed.dtype == pixels.dtype


PALETTE = ((0, 0, 170), (255, 255, 0), (170, 0, 0))


def label_map(height: int, width: int) -> np.ndarray:
    classes = np.random.default_rng(height * 1000 + width).integers(0, 3, (height, width))
    return np.array(PALETTE, np.uint8)[classes]


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    fit=st.sampled_from(["resize", "cover", "pad", "crop"]),
)
def test_the_colours_of_label_maps_are_never_mixed(height: int, width: int, fit: str):
    framed = frame(label_map(height, width), domain(size=32, fit=fit, palette=PALETTE))
    assert framed.shape == (32, 32, 3)
    colours = {tuple(colour) for colour in framed.reshape(-1, 3).tolist()}
    assert colours <= {*PALETTE, *({(0, 0, 0)} if fit == "pad" else ())}


@pytest.mark.parametrize(("height", "width"), [(16, 16), (64, 48), (6, 100), (34, 38)])
def test_nearest_is_pillows(height: int, width: int):
    pixels = noise(33, 41, 3)  # odd to even: no centre lies between two pixels
    expected = Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)
    assert np.array_equal(resize(pixels, height, width, nearest=True), np.asarray(expected))
