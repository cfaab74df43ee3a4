"""TIFFs of more than 8 bits: every value is kept, whatever their layout; damage is refused."""

from __future__ import annotations

import contextlib
import io
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from PIL import Image

from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.decode import Decoded, decode
from unpaired.data.codecs.settings import Reading

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 65536, (32, 48, 3), np.uint16)
GREY = COLOUR[..., 0]
NUMBERS = RANDOM.uniform(-2, 5, (32, 48)).astype(np.float32)


def tiff(values: np.ndarray[Any, Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def decoded(content: bytes, channels: Literal[1, 3] = 3, **options: Any) -> Decoded:
    options = {"depth": 16} | options
    return decode(content, name="image.tif", channels=channels, decoding=Reading(**options))


LAYOUTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
    "strips": {"rowsperstrip": 5},
    "tiles": {"tile": (16, 32)},
    "deflate": {"compression": "zlib"},
    "deflate and predictor": {"compression": "zlib", "predictor": True, "byteorder": ">"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sixteen_bits_of_colour_are_kept(layout: str):
    found = decoded(tiff(COLOUR, photometric="rgb", **LAYOUTS[layout]))
    np.testing.assert_array_equal(found.pixels, COLOUR)
    assert found.notes == ()


def test_colours_in_planes_of_their_own():
    content = tiff(COLOUR.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(decoded(content).pixels, COLOUR)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sixteen_bits_of_grey_are_kept(layout: str):
    found = decoded(tiff(GREY, photometric="minisblack", **LAYOUTS[layout]), channels=1)
    np.testing.assert_array_equal(found.pixels[..., 0], GREY)
    dark = decoded(tiff(GREY, photometric="miniswhite", **LAYOUTS[layout]), channels=1)
    np.testing.assert_array_equal(dark.pixels[..., 0], 65535 - GREY)


def test_colour_at_eight_bits_and_as_grey():
    content = tiff(COLOUR, photometric="rgb")
    eight = decoded(content, depth=8).pixels
    np.testing.assert_array_equal(eight, np.rint(COLOUR / 257))
    luma = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decoded(content, channels=1).pixels[..., 0] - luma).max() <= 1


def test_transparency_shows_the_background():
    alpha = np.zeros((32, 48, 1), np.uint16)
    alpha[:, 24:] = 65535
    content = tiff(np.dstack([COLOUR, alpha]), photometric="rgb", extrasamples=["unassalpha"])
    found = decoded(content, background=(10, 100, 200)).pixels
    assert (found[:, :24] == np.array([10, 100, 200]) * 257).all()
    np.testing.assert_array_equal(found[:, 24:], COLOUR[:, 24:])
    premultiplied = np.dstack([np.where(alpha > 0, COLOUR, 0), alpha]).astype(np.uint16)
    content = tiff(premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    np.testing.assert_array_equal(decoded(content, background=(10, 100, 200)).pixels, found)
    unspecified = tiff(np.dstack([COLOUR, alpha]), photometric="rgb", extrasamples=["unspecified"])
    np.testing.assert_array_equal(decoded(unspecified).pixels, COLOUR)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int16, np.int32])
@pytest.mark.parametrize("layout", ["plain", "big-endian", "tiles", "deflate"])
def test_numbers_need_their_range(kind: type, layout: str):
    values = (NUMBERS * (1 if np.issubdtype(kind, np.floating) else 1000)).astype(kind)
    low, high = float(values.min()), float(values.max())
    content = tiff(values, photometric="minisblack", **LAYOUTS[layout])
    with pytest.raises(UnreadableImage) as caught:
        decoded(content)
    assert (caught.value.code, caught.value.setting) == ("range-unknown", "range")
    found = decoded(content, channels=1, range=(low, high))
    expected = np.rint((values.astype(np.float32) - low) / (high - low) * 65535)
    assert np.abs(found.pixels[..., 0] - expected).max() <= 1
    assert found.notes == ()
    clipped = decoded(content, range=(low, high / 2))
    assert clipped.notes[0].endswith(f"clipped to {low:g}..{high / 2:g}")


def test_numbers_in_colour():
    values = RANDOM.uniform(0, 1, (8, 8, 3)).astype(np.float32)
    found = decoded(tiff(values, photometric="rgb"), range=(0, 1), depth=8)
    np.testing.assert_array_equal(found.pixels, np.rint(values * 255))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite(value: float):
    values = NUMBERS.copy()
    values[3, 3] = value
    with pytest.raises(UnreadableImage) as caught:
        decoded(tiff(values), range=(-2.0, 5.0))
    assert caught.value.code == "not-finite"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_as_in_eight_bits(orientation: int):
    small = (COLOUR >> 8).astype(np.uint8)
    tags = [(274, 3, 1, orientation, True)]
    eight = decoded(tiff(small, photometric="rgb", extratags=tags), depth=8).pixels
    deep = decoded(tiff(small.astype(np.uint16) * 257, photometric="rgb", extratags=tags), depth=8)
    np.testing.assert_array_equal(deep.pixels, eight)


def test_the_first_of_several_pages_is_used():
    found = decoded(tiff(np.stack([GREY, GREY[::-1]]), photometric="minisblack"), channels=1)
    np.testing.assert_array_equal(found.pixels[..., 0], GREY)
    assert found.notes == ("several pages: the first of 2 is used",)


def test_more_channels_than_colours_are_refused():
    values = RANDOM.integers(0, 65536, (8, 8, 5), np.uint16)
    with pytest.raises(UnreadableImage) as caught:
        decoded(tiff(values, photometric="rgb", planarconfig="contig"))
    assert caught.value.code == "too-many-channels"


def test_limits_are_those_of_other_formats():
    with pytest.raises(UnreadableImage) as caught:
        decoded(tiff(COLOUR, photometric="rgb"), max_megapixels=0.001)
    assert caught.value.code == "too-large"
    with pytest.raises(UnreadableImage) as caught:
        decoded(tiff(COLOUR, photometric="rgb"), min_side=40)
    assert caught.value.code == "too-small"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("values", [COLOUR, NUMBERS], ids=["colour", "numbers"])
def test_a_file_that_was_cut_short_is_refused(layout: str, values: np.ndarray[Any, Any]):
    if values is NUMBERS and "predictor" in layout:
        pytest.skip("such floats need imagecodecs")
    photometric = "rgb" if values is COLOUR else "minisblack"
    content = tiff(values, photometric=photometric, **LAYOUTS[layout])
    for length in (len(content) // 2, len(content) - 40):
        with pytest.raises(UnreadableImage) as caught:
            decoded(content[:length], range=(-2.0, 5.0))
        assert caught.value.code == "damaged"


@pytest.mark.parametrize("layout", ["plain", "tiles", "deflate"])
def test_one_byte_flipped_is_refused_or_decoded_but_nothing_else(layout: str):
    content = tiff(COLOUR[:16, :32], photometric="rgb", **LAYOUTS[layout])
    for position in [*range(0, 400, 3), *range(400, len(content), 97)]:
        flipped = bytearray(content)
        flipped[position] ^= 0x41
        with contextlib.suppress(UnreadableImage):
            pixels = decoded(bytes(flipped), max_megapixels=0.01).pixels
            assert pixels.dtype == np.uint16
            assert pixels.shape[2] == 3


def with_compression(content: bytes, compression: int) -> bytes:
    """The same content, said to be compressed in another way."""
    with tifffile.TiffFile(io.BytesIO(content)) as opened:
        place = opened.pages.first.tags["Compression"].valueoffset
    return content[:place] + compression.to_bytes(2, "little") + content[place + 2 :]


def test_lzw_of_grey_is_read_without_more():
    file = io.BytesIO()
    Image.fromarray(GREY).save(file, "TIFF", compression="tiff_lzw")
    np.testing.assert_array_equal(decoded(file.getvalue(), channels=1).pixels[..., 0], GREY)


@pytest.mark.skipif(find_spec("imagecodecs") is not None, reason="imagecodecs reads them")
def test_a_decoder_that_is_missing_is_named_and_not_called_damage():
    lzw = 5
    floats = tiff(np.dstack([NUMBERS] * 3), photometric="rgb", compression="zlib")
    with pytest.raises(UnreadableImage) as caught:
        decoded(with_compression(floats, lzw), range=(-2.0, 5.0))
    assert caught.value.code == "missing-decoder"
    assert caught.value.code == "missing-decoder"
