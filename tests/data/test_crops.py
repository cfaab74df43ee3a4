"""Random crops: squares cut out of images at a scale of their own, a new one at each sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from unpaired.data import dataset
from unpaired.data.batches import Batches
from unpaired.data.codecs.settings import Decoding
from unpaired.data.dataset import Images, StreamedImages, WholeImages, load_images
from unpaired.data.domain import Augmentation, Domain, at_scale, frame, size_at_scale
from unpaired.data.sources import BuiltIn, Folder

CPU = torch.device("cpu")
PLAIN = Augmentation(zoom=1.0, flip=False)
ELSEWHERE = BuiltIn(name="ink")


def texture(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """Fine detail on large forms, as much of both in each part."""
    random = np.random.default_rng(seed)
    fine, coarse = (
        ndimage.gaussian_filter(random.normal(size=(height, width, 3)), (s, s, 0), mode="wrap")
        for s in (0.6, 8)
    )
    values = fine / fine.std() + coarse / coarse.std()
    return np.clip(128 + 35 * values, 0, 255).astype(np.uint8)


def numbered(height: int, width: int) -> NDArray[np.uint8]:
    """Each pixel says where it is: its row, its column, and that it is one."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return np.stack([rows, columns, np.full_like(rows, 255)], axis=-1)


def domain(folder: Path, pictures: list[NDArray[Any]], **settings: Any) -> Domain:
    """All of them to train on."""
    folder.mkdir(exist_ok=True)
    for i, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(folder / f"{i:03d}.png")
    return crops(
        source=Folder(path=str(folder)),
        **{"test_source": ELSEWHERE, "validation_source": ELSEWHERE} | settings,
    )


def crops(**settings: Any) -> Domain:
    common = {"source": ELSEWHERE, "fit": "crop", "augmentation": PLAIN, "value_range": "unit"}
    return Domain(**common | settings)


def batches(
    images: Images, domain: Domain, size: int, rank: int = 0, processes: int = 1
) -> Batches:
    return Batches(images, domain, "a", 0, size, CPU, rank, processes)


def drawn(domain: Domain, count: int, images: Images | None = None) -> torch.Tensor:
    """The first images that a training sees, 0…255."""
    values = batches(images or load_images(domain, "train"), domain, count).at(0)
    return (values * 255).round()


def mean_gradient(images: torch.Tensor) -> float:
    down, across = images.diff(dim=-2).abs().mean(), images.diff(dim=-1).abs().mean()
    return float(down + across) / 2


# What is seen


def test_crops_at_scale_1_keep_the_gradients_of_the_originals_where_scaled_images_lose_some(
    tmp_path: Path,
):
    pictures = [texture(i, 108, 192) for i in range(6)]
    original = np.mean([mean_gradient(torch.tensor(p).movedim(-1, 0).float()) for p in pictures])
    cropped = domain(tmp_path, pictures, size=32)
    assert mean_gradient(drawn(cropped, 240)) == pytest.approx(original, rel=0.02)
    scaled = domain(tmp_path, pictures, size=32, fit="cover")
    assert mean_gradient(drawn(scaled, 240)) < 0.8 * original
    half = domain(tmp_path, pictures, size=32, scale=0.5)
    assert mean_gradient(drawn(half, 240)) < 0.9 * original


def test_crops_hold_the_pixels_of_the_file_unchanged(tmp_path: Path):
    picture = numbered(20, 50)
    for crop in drawn(domain(tmp_path, [picture], size=16), 20).int():
        top, left = int(crop[0, 0, 0]), int(crop[1, 0, 0])
        expected = picture[top : top + 16, left : left + 16]
        assert np.array_equal(crop.movedim(0, -1).numpy(), expected)


@pytest.mark.parametrize(("height", "width"), [(12, 40), (40, 12), (9, 8), (8, 9), (13, 13)])
def test_each_pixel_is_seen_and_each_place_as_often_as_any_other(
    height: int, width: int, tmp_path: Path
):
    count = 4000
    seen = drawn(domain(tmp_path, [numbered(height, width)], size=8), count).int()
    where = set(zip(seen[:, 0].flatten().tolist(), seen[:, 1].flatten().tolist(), strict=True))
    assert len(where) == height * width
    for side, corners in ((height, seen[:, 0, 0, 0]), (width, seen[:, 1, 0, 0])):
        places = side - 8 + 1
        times = np.bincount(corners.numpy(), minlength=places)
        assert len(times) == places
        assert np.abs(times - count / places).max() < 4.5 * np.sqrt(count / places)


def test_cover_never_sees_the_sides_that_crops_of_its_scale_do(tmp_path: Path):
    picture = numbered(16, 48)
    middle = drawn(domain(tmp_path, [picture], size=16, fit="cover"), 50)[:, 1]
    assert (middle.min(), middle.max()) == (16, 31)
    moving = drawn(domain(tmp_path, [picture], size=16, short_side=16), 300)
    assert (moving[:, 1].min(), moving[:, 1].max()) == (0, 47)
    assert (moving[:, 0, 0] == 0).all()  # all of the short side, as cover shows


def test_the_crop_box_is_cut_out_first(tmp_path: Path):
    seen = drawn(domain(tmp_path, [numbered(40, 60)], size=8, crop=(10, 5, 30, 25)), 1000)
    assert (seen[:, 0].min(), seen[:, 0].max()) == (5, 24)
    assert (seen[:, 1].min(), seen[:, 1].max()) == (10, 29)


def test_portraits_panoramas_and_small_images_together(tmp_path: Path):
    shapes = [(60, 20), (20, 60), (16, 200), (10, 10), (16, 16), (17, 15)]
    wide = domain(tmp_path, [texture(i, *shape) for i, shape in enumerate(shapes)], size=16)
    images = load_images(wide, "train")
    assert isinstance(images, WholeImages)
    assert [image.shape[:2] for image in images.pixels] == [
        (60, 20), (20, 60), (16, 200), (16, 16), (16, 16), (18, 16),
    ]  # fmt: skip
    assert images.sizes == dict.fromkeys(shapes, 1)
    assert drawn(wide, 60, images).shape == (60, 3, 16, 16)


# Scale


@pytest.mark.parametrize(
    ("settings", "before", "after"),
    [
        ({}, (1080, 1920), (1080, 1920)),
        ({"scale": 0.5}, (1080, 1920), (540, 960)),
        ({"scale": 0.5}, (1081, 1921), (540, 960)),
        ({"scale": 2.0}, (300, 200), (600, 400)),
        ({"short_side": 286}, (1080, 1920), (286, 508)),
        ({"short_side": 256}, (1920, 1080), (455, 256)),
        ({"short_side": 286}, (100, 100), (286, 286)),
        ({}, (255, 257), (256, 258)),  # smaller than the square: enlarged until it is filled
        ({}, (64, 640), (256, 2560)),
        ({"scale": 0.1}, (1080, 1920), (256, 455)),
        ({"scale": 0.1}, (1, 1), (256, 256)),
    ],
)
def test_size_of_the_images_that_squares_are_cut_out_of(
    settings: dict[str, Any], before: tuple[int, int], after: tuple[int, int]
):
    assert size_at_scale(*before, crops(size=256, **settings)) == after


def test_the_middle_is_what_is_measured_and_shown(tmp_path: Path):
    pictures = [texture(i, 30, 41) for i in range(30)]
    split = domain(tmp_path, pictures, size=16, validation_source=None, test_source=None)
    for name in ("validation", "test"):
        images = load_images(split, name)
        first = next(p for i, p in enumerate(pictures) if images.names[0] == f"{i:03d}.png")
        assert np.array_equal(images.gather([0])[0].movedim(0, -1), first[7:23, 12:28])
    training = load_images(split, "train")
    first = pictures[int(training.names[0][:3])]
    assert np.array_equal(training.gather([0])[0].movedim(0, -1), frame(first, split))


def test_label_maps_are_scaled_and_cut_without_mixing_colours(tmp_path: Path):
    palette = ((0, 0, 170), (255, 255, 0), (170, 0, 0))
    maps = [
        np.array(palette, np.uint8)[np.random.default_rng(i).integers(0, 3, (30, 50))]
        for i in range(3)
    ]
    labels = domain(
        tmp_path, maps, size=16, scale=0.7, palette=palette, value_range="signed",
        augmentation=Augmentation(zoom=1.3, crop_probability=1.0),
    )  # fmt: skip
    seen = batches(load_images(labels, "train"), labels, 30).at(0)
    assert seen.shape == (30, 3, 16, 16)
    colours = labels.representation.decode(seen).movedim(1, -1).reshape(-1, 3)
    assert {tuple(colour) for colour in colours.tolist()} == set(palette)


# The same, whatever carries it


def test_sixteen_bits_streamed_and_in_memory_are_the_same_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pictures = [
        np.random.default_rng(i).integers(0, 2**16, (20 + i, 40 - i), np.uint16) for i in range(7)
    ]
    deep = domain(tmp_path, pictures, size=16, channels=1, decoding=Decoding(depth=16), scale=0.9)
    memory = load_images(deep, "train")
    monkeypatch.setattr(dataset, "MEMORY_SHARE", 0)
    streamed = load_images(deep, "train")
    assert isinstance(memory, WholeImages)
    assert isinstance(streamed, StreamedImages)
    assert streamed.images_per_second > 0
    first, second = batches(memory, deep, 4), batches(streamed, deep, 4)
    for position in (0, 4, 40, 8, 4):
        assert torch.equal(first.at(position), second.at(position))
    assert memory.gather([0]).dtype == streamed.gather([0]).dtype == torch.uint16


def test_crops_depend_on_the_place_in_the_sequence_alone(tmp_path: Path):
    some = domain(tmp_path, [texture(i, 30, 50) for i in range(5)], size=16)
    images = load_images(some, "train")
    whole = batches(images, some, 12)
    first = {position: whole.at(position) for position in (0, 12, 24)}
    for position in (24, 0, 12):
        assert torch.equal(batches(images, some, 12).at(position), first[position])
        # Three processes see together what one does, and so do batches of another size.
        parts = [batches(images, some, 4, rank, 3).at(position) for rank in range(3)]
        assert torch.equal(torch.cat(parts), first[position])
        small = [batches(images, some, 4).at(position + step) for step in (0, 4, 8)]
        assert torch.equal(torch.cat(small), first[position])
    assert not torch.equal(whole.at(0), Batches(images, some, "b", 0, 12, CPU).at(0))
    assert not torch.equal(whole.at(0), Batches(images, some, "a", 1, 12, CPU).at(0))


def test_each_sight_of_an_image_is_another_crop(tmp_path: Path):
    one = domain(tmp_path, [numbered(40, 60)], size=8)
    seen = drawn(one, 50)[:, :2, 0, 0]
    assert len({tuple(corner) for corner in seen.tolist()}) > 40


def test_what_fits_in_memory_depends_on_the_pixels_that_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pictures = [texture(i, 20 + i, 50) for i in range(6)]
    large = domain(tmp_path, pictures, size=16)
    needed = sum(picture.nbytes for picture in pictures)
    for free, kind in ((needed, WholeImages), (needed - 1, StreamedImages)):
        monkeypatch.setattr(dataset, "free_memory", lambda free=free: free / dataset.MEMORY_SHARE)
        assert type(load_images(large, "train")) is kind
    half = domain(tmp_path, pictures, size=16, scale=0.8)
    assert type(load_images(half, "train")) is WholeImages


def test_an_image_of_the_scale_asked_for_is_not_touched():
    picture = texture(0, 40, 60)
    assert at_scale(picture, crops(size=32)) is picture
    assert np.array_equal(at_scale(picture, crops(size=32, short_side=40)), picture)
