from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.core.errors import DataError
from unpaired.data.sources import BuiltIn, Folder
from unpaired.features import Pixels
from unpaired.features import extract as extraction
from unpaired.features.extract import extract, open_image_set

CPU = torch.device("cpu")


class Counting:
    """The pixels' features, and how many images were asked for at once."""

    name, weights_hash, resize = "counting", "1234", "none"

    def __init__(self) -> None:
        self.pixels = Pixels().load(CPU)
        self.batches: list[int] = []

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        return self.pixels.prepare(pixels)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(images))
        return self.pixels.features(images)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images of four sizes and two formats, in an order of names."""
    random = np.random.default_rng(0)
    folder = tmp_path / "images"
    folder.mkdir()
    for i, (height, width) in enumerate([(20, 30), (8, 8), (30, 20), (16, 16), (40, 12)]):
        image = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        image.save(folder / f"{i}.{'jpg' if i == 3 else 'png'}")
    return folder


def test_features_do_not_depend_on_the_batch_nor_on_what_was_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    image_set = open_image_set(Folder(path=str(folder)))
    assert image_set.formats == {"PNG": 4, "JPEG": 1}
    whole = extract(image_set, extractor := Counting(), tmp_path / "a")
    assert extractor.batches == [5]
    assert whole.features.shape == (5, 192)
    assert whole.features.dtype == np.float32
    again = extract(image_set, extractor, tmp_path / "a")
    assert extractor.batches == [5]  # known by now
    np.testing.assert_array_equal(again.features, whole.features)
    np.testing.assert_array_equal(again.kept, whole.kept)
    monkeypatch.setattr(extraction, "BATCH_IMAGES", 2)
    parts = extract(image_set, extractor, tmp_path / "b")
    assert extractor.batches == [5, 2, 2, 1]
    np.testing.assert_array_equal(parts.features, whole.features)


def test_other_images_and_other_weights_are_not_taken_for_known_ones(folder: Path, tmp_path: Path):
    extractor = Counting()
    extract(open_image_set(Folder(path=str(folder))), extractor, tmp_path)
    extractor.weights_hash = "5678"
    extract(open_image_set(Folder(path=str(folder))), extractor, tmp_path)
    assert len(extractor.batches) == 2
    (folder / "0.png").write_bytes((folder / "2.png").read_bytes())
    changed = extract(open_image_set(Folder(path=str(folder))), extractor, tmp_path)
    assert len(extractor.batches) == 3
    np.testing.assert_array_equal(changed.features[0], changed.features[2])


def test_an_unreadable_image_is_left_out_and_named_the_second_time_too(
    folder: Path, tmp_path: Path
):
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:60])
    image_set = open_image_set(Folder(path=str(folder)))
    for _ in range(2):
        found = extract(image_set, Counting(), tmp_path)
        assert len(found.features) == 4
        assert found.kept.tolist() == [0, 2, 3, 4]
        assert [error.name for error in found.refused] == ["1.png"]


def test_an_image_set_without_a_readable_image_is_refused(folder: Path, tmp_path: Path):
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match="none of 5 images can be read") as error:
        extract(open_image_set(Folder(path=str(folder))), Counting(), tmp_path)
    assert error.value.code == "no-readable-image"


def test_damaged_features_are_extracted_anew(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    image_set, extractor = open_image_set(Folder(path=str(folder))), Counting()
    expected = extract(image_set, extractor, tmp_path / "kept")
    (kept,) = (tmp_path / "kept").iterdir()
    content = bytearray(kept.read_bytes())
    content[-5] ^= 1  # a flipped bit in the last of the two arrays
    for damaged in (bytes(content), bytes(content[:100]), b""):
        kept.write_bytes(damaged)
        with caplog.at_level(logging.WARNING):
            found = extract(image_set, extractor, tmp_path / "kept")
        np.testing.assert_array_equal(found.features, expected.features)
        np.testing.assert_array_equal(found.kept, expected.kept)
    assert len(extractor.batches) == 4
    assert caplog.text.count("extracting anew") == 3


def test_built_in_images_have_no_format(tmp_path: Path):
    image_set = open_image_set(BuiltIn(name="ink", part="test"))
    assert set(image_set.formats) == {"pixels"}
    assert extract(image_set, Counting(), tmp_path).features.shape == (len(image_set.hashes), 192)
