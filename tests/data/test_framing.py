"""An image that goes through `place` and back keeps its size, and its content as far as it can."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.settings import Decoding
from unpaired.data.domain import Domain, at_scale, frame
from unpaired.data.framing import is_shrunk, place
from unpaired.data.sources import BuiltIn


def domain(size: int = 32, **settings: Any) -> Domain:
    return Domain(source=BuiltIn(name="ink"), size=size, **settings)


def noise(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


@given(
    height=st.integers(4, 100),
    width=st.integers(4, 100),
    fit=st.sampled_from(["resize", "cover", "pad", "crop"]),
    crop=st.sampled_from([None, (0, 0, 4, 4), (1, 2, 30, 80)]),
    resolution=st.sampled_from(["auto", "native", "trained"]),
    multiple=st.sampled_from([1, 4, 32]),
)
def test_every_size_is_kept(height, width, fit, crop, resolution, multiple):
    source = domain(fit=fit, crop=crop)
    image = noise(height, width)
    placed = place(image, "x", source, domain(), multiple, resolution)
    assert placed.pixels.shape[0] % multiple == 0
    assert placed.pixels.shape[1] % multiple == 0
    assert placed.restore(placed.pixels).shape == image.shape


def test_native_is_padded_by_reflection_and_cut_again():
    image = noise(257, 255)
    placed = place(image, "x", domain(256), domain(256), 4, "auto")
    assert placed.pixels.shape == (260, 256, 3)
    assert np.array_equal(placed.pixels[:257, :255], image)
    assert np.array_equal(placed.pixels[257, :255], image[255])
    assert np.array_equal(placed.restore(placed.pixels), image)


def test_native_is_padded_beyond_a_tiny_image():
    placed = place(noise(4, 5), "x", domain(256), domain(256), 64, "native")
    assert placed.pixels.shape == (128, 128, 3)


@pytest.mark.parametrize(("side", "expected"), [(15, 32), (16, 16), (32, 32), (64, 64), (65, 32)])
def test_auto_is_native_within_a_factor_of_two(side, expected):
    placed = place(noise(side, 200), "x", domain(32), domain(32), 1, "auto")
    assert placed.pixels.shape[0] == expected


def test_trained_scales_the_short_side():
    placed = place(noise(100, 50), "x", domain(32), domain(32), 4, "trained")
    assert placed.pixels.shape == (64, 32, 3)


def test_trained_stretches_where_training_does():
    source = domain(32, fit="resize")
    image = noise(100, 50)
    placed = place(image, "x", source, domain(32), 4, "trained")
    assert np.array_equal(placed.pixels, frame(image, source))


@pytest.mark.parametrize(
    "settings",
    [
        {"fit": "pad"},
        {"fit": "pad", "crop": (4, 4, 24, 24)},
        {"fit": "resize", "crop": (4, 4, 24, 24)},
        {"fit": "cover", "crop": (2, 6, 24, 20)},
    ],
)
def test_framed_as_in_training(settings):
    source, image = domain(**settings), noise(28, 28)
    placed = place(image, "x", source, domain(), 4, "native")
    assert np.array_equal(placed.pixels, frame(image, source))


def test_border_is_cut_off_again():
    image = noise(28, 20)
    placed = place(image, "x", domain(fit="pad"), domain(), 4, "auto")
    assert np.array_equal(placed.restore(placed.pixels), image)


def test_translation_fills_the_crop_box_and_the_rest_stays():
    source, image = domain(fit="resize", crop=(4, 6, 24, 26)), noise(28, 28)
    placed = place(image, "x", source, domain(), 4, "auto")
    result = placed.restore(np.full_like(placed.pixels, 77))
    expected = image.copy()
    expected[6:26, 4:24] = 77
    assert np.array_equal(result, expected)


def test_square_inside_the_crop_box():
    source, image = domain(fit="cover", crop=(0, 2, 28, 22)), noise(28, 28)
    placed = place(image, "x", source, domain(), 4, "auto")
    result = placed.restore(np.full_like(placed.pixels, 77))
    assert (result[2:22, 4:24] == 77).all()
    assert np.array_equal(result[:2], image[:2])
    assert np.array_equal(result[:, 24:], image[:, 24:])


def test_what_lies_outside_gets_the_channels_and_depth_of_the_target():
    source = domain(fit="resize", crop=(4, 4, 24, 24), channels=1)
    target = domain(channels=3, decoding=Decoding(depth=16))
    image = noise(28, 28, 1)
    placed = place(image, "x", source, target, 4, "auto")
    result = placed.restore(np.zeros((32, 32, 3), np.uint16))
    assert result.dtype == np.uint16
    assert np.array_equal(result[0, :, 2], image[0, :, 0].astype(np.uint16) * 257)


# Trained on crops: the network sees images at the scale that they had then, and whole


@pytest.mark.parametrize(
    ("settings", "inner"),
    [
        ({}, (108, 192)),
        ({"scale": 0.5}, (54, 96)),
        ({"short_side": 36}, (36, 64)),
        ({"scale": 2.0}, (216, 384)),
        ({"scale": 0.1}, (32, 57)),  # as training enlarges what would be smaller than the square
    ],
)
@pytest.mark.parametrize("resolution", ["auto", "trained"])
def test_a_whole_photo_goes_through_at_the_scale_of_the_crops(settings, inner, resolution):
    source, image = domain(fit="crop", **settings), noise(108, 192)
    placed = place(image, "x", source, domain(), 4, resolution)
    height, width = inner
    assert placed.pixels.shape == (-(-height // 4) * 4, -(-width // 4) * 4, 3)
    assert np.array_equal(placed.pixels[:height, :width], at_scale(image, source))
    assert placed.restore(placed.pixels).shape == image.shape
    assert not is_shrunk(image, source, resolution)


def test_native_leaves_images_as_they_are_after_a_training_on_crops_too():
    source, image = domain(fit="crop", scale=0.5), noise(108, 192)
    placed = place(image, "x", source, domain(), 4, "native")
    assert np.array_equal(placed.pixels, image)


def test_all_in_the_crop_box_is_translated_after_a_training_on_crops():
    source, image = domain(fit="crop", crop=(10, 20, 110, 60), scale=0.8), noise(90, 120)
    placed = place(image, "x", source, domain(), 4, "auto")
    assert placed.pixels.shape == (32, 80, 3)
    result = placed.restore(np.full_like(placed.pixels, 77))
    expected = image.copy()
    expected[20:60, 10:110] = 77
    assert np.array_equal(result, expected)
    with pytest.raises(UnreadableImage) as error:
        place(noise(10, 10), "x", source, domain(), 4, "auto")
    assert error.value.code == "outside-crop"


def test_image_outside_the_crop_box_is_refused():
    with pytest.raises(UnreadableImage, match=r"x: has 20×30 pixels.*crop box \(25, 0, 40, 9\)"):
        place(noise(30, 20), "x", domain(crop=(25, 0, 40, 9)), domain(), 4, "auto")


@pytest.mark.parametrize("settings", [{}, {"fit": "resize"}, {"crop": (3, 2, 80, 90)}])
def test_label_maps_come_back_in_colours_of_their_own(settings):
    palette = ((0, 0, 170), (255, 255, 0), (170, 0, 0))
    labels = domain(palette=palette, **settings)
    image = np.array(palette, np.uint8)[np.random.default_rng(0).integers(0, 3, (100, 90))]
    for source, target in ((labels, labels), (labels, domain()), (domain(**settings), labels)):
        placed = place(image, "x", source, target, 4, "trained")
        if source.palette:
            assert {tuple(c) for c in placed.pixels.reshape(-1, 3).tolist()} <= set(palette)
        if target.palette:
            translation = np.array(palette, np.uint8)[placed.pixels[..., 0] % 3]
            restored = placed.restore(translation)
            assert restored.shape == image.shape
            assert {tuple(c) for c in restored.reshape(-1, 3).tolist()} <= set(palette)
