"""Splits, what is left out of them, and memory against streaming."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.core.errors import DataError
from unpaired.data import dataset
from unpaired.data.codecs.settings import Decoding
from unpaired.data.dataset import MemoryImages, StreamedImages, load_images, require_images
from unpaired.data.domain import Domain
from unpaired.data.sources import BuiltIn, Folder
from unpaired.data.splits import list_split

SPLITS = ("train", "validation", "test")


def fill(folder: Path, contents: list[int], size: int = 16) -> Path:
    """One PNG per number; equal numbers are equal files."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, number in enumerate(contents):
        pixels = np.random.default_rng(number).integers(0, 256, (size, size, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{place:04d}.png")
    return folder


def image_set(folder: Path, **settings: Any) -> Domain:
    return Domain(**({"source": Folder(path=str(folder)), "size": 16} | settings))


def contents(domain: Domain, split: dataset.Split) -> list[str]:
    loaded = load_images(domain, split)
    pixels = loaded.gather(np.arange(len(loaded)))
    return [hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in pixels]


# Splits


@pytest.mark.parametrize(
    ("number", "sizes"),
    [(9, [8, 0, 1]), (10, [2, 4, 4]), (11, [3, 4, 4]), (12, [4, 4, 4]), (100, [85, 5, 10])],
)
def test_a_small_image_set_gives_each_split_what_it_needs(
    number: int, sizes: list[int], tmp_path: Path
):
    domain = image_set(fill(tmp_path, list(range(number))))
    assert [len(list_split(domain, split)[1]) for split in SPLITS] == sizes


def test_an_image_set_with_test_images_of_its_own_needs_fewer(tmp_path: Path):
    test = Folder(path=str(fill(tmp_path / "test", [90, 91, 92, 93])))
    domain = image_set(fill(tmp_path / "pile", list(range(6))), test_source=test)
    assert [len(list_split(domain, split)[1]) for split in SPLITS] == [2, 4, 4]


@pytest.mark.parametrize("seed", range(4))
def test_held_out_splits_never_share_an_image_even_with_duplicates(seed: int, tmp_path: Path):
    draw = random.Random(seed)
    numbers = [draw.randrange(1 + seed * 12) for _ in range(draw.randrange(8, 60))]
    domain = image_set(fill(tmp_path, numbers), test_fraction=0.3, validation_fraction=0.2)
    found: dict[str, set[str]] = {}
    names: list[str] = []
    for split in SPLITS:
        try:
            loaded = load_images(domain, split)
        except DataError:  # too few different images to share out
            assert len(set(numbers)) < 12
            assert split != "train"
            continue
        names += loaded.names
        found[split] = set(contents(domain, split))
    assert sorted(names) == [f"{i:04d}.png" for i in range(len(numbers))]  # each in one split
    assert sum(map(len, found.values())) == len(set(numbers))  # each content in one split
    if len(set(numbers)) >= 12:
        assert found.keys() == set(SPLITS)


def test_many_copies_of_one_image_do_not_starve_a_split(tmp_path: Path):
    # 20 different images, one of them 30 times: in whichever split it falls, all have some.
    for number in range(20):
        numbers = [*range(20), *[number] * 29]
        domain = image_set(fill(tmp_path / str(number), numbers, size=4))
        for split in SPLITS:
            require_images(domain, split)


def test_shares_of_the_splits(tmp_path: Path):
    domain = image_set(fill(tmp_path, list(range(100)), size=4), test_fraction=0.2)
    assert [len(load_images(domain, split)) for split in SPLITS] == [75, 5, 20]
    assert load_images(domain, "labelled").names == load_images(domain, "train").names


def test_a_split_does_not_depend_on_names_or_order(tmp_path: Path):
    first = image_set(fill(tmp_path / "one", list(range(30))))
    second = image_set(fill(tmp_path / "two", list(range(29, -1, -1))))
    for split in SPLITS:
        assert sorted(contents(first, split)) == sorted(contents(second, split))


def test_new_images_do_not_move_many_old_ones(tmp_path: Path):
    before = image_set(fill(tmp_path / "one", list(range(100)), size=4), test_fraction=0.2)
    after = image_set(fill(tmp_path / "two", list(range(110)), size=4), test_fraction=0.2)
    assert len(set(contents(before, "test")) & set(contents(after, "test"))) >= 15


def test_own_sources_are_used_whole_and_nothing_is_held_out_for_them(tmp_path: Path):
    train, test = fill(tmp_path / "train", list(range(20))), fill(tmp_path / "test", [50, 51])
    domain = image_set(train, test_source=Folder(path=str(test)), validation_fraction=0.1)
    assert load_images(domain, "test").names == ["0000.png", "0001.png"]
    assert len(load_images(domain, "train")) == 16  # four of the twenty validate
    labelled = image_set(train, labelled_source=Folder(path=str(test)))
    assert len(load_images(labelled, "labelled")) == 2


# Too few images


def test_an_image_set_without_images_names_path_and_counts(tmp_path: Path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError) as caught:
        load_images(image_set(tmp_path), "train")
    message = str(caught.value)
    assert str(tmp_path) in message
    assert "1 found, 1 refused (first: broken.png: is of an unknown kind" in message


@pytest.mark.parametrize("count", [1, 2, 5])
def test_too_few_images_to_hold_any_out(count: int, tmp_path: Path):
    domain = image_set(fill(tmp_path, list(range(count))))
    assert len(load_images(domain, "train")) == count
    for split in ("validation", "test"):
        for ask in (load_images, require_images):
            with pytest.raises(DataError) as caught:
                ask(domain, split)
            message = str(caught.value)
            assert f"{tmp_path} has 0 usable images for the {split} split" in message
            assert f"needs at least 1: {count} found, 0 refused." in message


def test_at_least_as_many_images_as_are_asked_for(tmp_path: Path):
    domain = image_set(fill(tmp_path, [1, 2, 3]))
    assert len(load_images(domain, "train", at_least=3)) == 3
    with pytest.raises(DataError) as caught:
        load_images(domain, "train", at_least=4)
    assert caught.value.code == "too-few-images"


def test_twelve_images_are_enough_for_three_splits(tmp_path: Path):
    domain = image_set(fill(tmp_path, list(range(12))))
    assert [len(load_images(domain, split)) for split in SPLITS] == [4, 4, 4]


# Images that cannot be used


def test_unreadable_files_are_left_out_with_their_reason(tmp_path: Path):
    fill(tmp_path, list(range(6)))
    content = (tmp_path / "0003.png").read_bytes()
    (tmp_path / "0003.png").write_bytes(content[: len(content) // 2])
    test = Folder(path=str(fill(tmp_path.parent / "elsewhere", [7])))
    domain = image_set(tmp_path, test_source=test, validation_source=test)
    loaded = load_images(domain, "train")
    assert loaded.names == ["0000.png", "0001.png", "0002.png", "0004.png", "0005.png"]
    assert [error.name for error in loaded.refused] == ["0003.png"]
    assert "damaged or cut short" in loaded.refused[0].reason


def test_an_image_outside_the_crop_box_is_named(tmp_path: Path):
    fill(tmp_path, list(range(5)), size=32)
    fill(tmp_path / "small", [9], size=8)
    elsewhere = Folder(path=str(tmp_path))
    domain = image_set(
        tmp_path, crop=(8, 4, 28, 28), test_source=elsewhere, validation_source=elsewhere
    )
    loaded = load_images(domain, "train")
    assert len(loaded) == 5
    (error,) = loaded.refused
    assert error.name == "small/0000.png"
    assert error.reason == "has 8×8 pixels, which all lie outside the crop box (8, 4, 28, 28)"


def test_a_file_deleted_during_the_run_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dataset, "MEMORY_SHARE", 0)
    fill(tmp_path, list(range(6)))
    domain = image_set(
        tmp_path, test_source=BuiltIn(name="ink"), validation_source=BuiltIn(name="ink")
    )
    loaded = load_images(domain, "train")
    before = loaded.gather([0, 1, 2])
    (tmp_path / "0001.png").unlink()
    after = loaded.gather([0, 1, 2])
    assert torch.equal(after[[0, 2]], before[[0, 2]])
    assert torch.equal(after[1], before[2])  # the next one stands in for it
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(DataError) as caught:
        loaded.gather([0])
    assert caught.value.code == "images-gone"


def test_a_labelled_file_deleted_during_the_run_is_replaced_by_one_of_its_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(dataset, "MEMORY_SHARE", 0)
    fill(tmp_path / "cat", [0, 1])
    fill(tmp_path / "dog", [2, 3])
    domain = image_set(
        tmp_path, test_source=BuiltIn(name="ink"), validation_source=BuiltIn(name="ink")
    )
    loaded = load_images(domain, "train")
    assert loaded.labels is not None
    assert loaded.labels.tolist() == [0, 0, 1, 1]
    before = loaded.gather([0])
    (tmp_path / "cat" / "0001.png").unlink()
    assert torch.equal(loaded.gather([1]), before)  # and not the dog that is next
    assert "cat/0001.png" in caplog.text
    (tmp_path / "cat" / "0000.png").unlink()
    with pytest.raises(DataError) as caught:
        loaded.gather([0])
    assert caught.value.code == "images-gone"


# Memory and streaming


@pytest.mark.parametrize("depth", [8, 16])
def test_streaming_equals_memory_to_the_bit(
    depth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fill(tmp_path / "cat", list(range(10)), size=24)
    fill(tmp_path / "dog", list(range(10, 20)), size=9)
    (tmp_path / "dog" / "0004.png").write_bytes(b"GIF89a")
    domain = image_set(tmp_path, decoding=Decoding(depth=depth))
    memory = load_images(domain, "train")
    monkeypatch.setattr(dataset, "MEMORY_SHARE", 0)
    streamed = load_images(domain, "train")
    assert isinstance(memory, MemoryImages)
    assert isinstance(streamed, StreamedImages)
    assert streamed.names == memory.names
    assert np.array_equal(streamed.labels, memory.labels)
    assert [str(e) for e in streamed.refused] == [str(e) for e in memory.refused]
    places = np.array([3, 0, 11, 3])
    assert torch.equal(streamed.gather(places), memory.gather(places))
    assert memory.gather(places).dtype == (torch.uint8 if depth == 8 else torch.uint16)


def test_what_fits_in_memory_depends_on_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    domain = image_set(fill(tmp_path, list(range(10))), test_source=BuiltIn(name="ink"))
    needed = len(load_images(domain, "train")) * 16 * 16 * 3
    for free, kind in ((needed * 3, MemoryImages), (needed * 2, StreamedImages)):
        monkeypatch.setattr(dataset, "free_memory", lambda free=free: free)
        assert isinstance(load_images(domain, "train"), kind)


def test_free_memory_is_between_nothing_and_all():
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < dataset.free_memory() < total


# Built-in images in other channels


def test_built_in_images_take_the_channels_of_the_domain():
    grey = load_images(
        Domain(source=BuiltIn(name="sign", part="validation"), channels=1, size=32), "train"
    ).gather([0, 1])
    colour = load_images(
        Domain(source=BuiltIn(name="sign", part="validation"), channels=3, size=32), "train"
    ).gather([0, 1])
    luma = (colour.float() * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, True)
    assert (grey.float() - luma).abs().max() <= 1
    ink = load_images(
        Domain(source=BuiltIn(name="ink", part="validation"), channels=3, size=32), "train"
    ).gather([0])
    assert torch.equal(ink[:, 0], ink[:, 2])
