"""Batches as a function of position, and augmentation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unpaired.data.batches import Batches, augment, balanced_order, derive_seed, generator
from unpaired.data.dataset import MemoryImages, StreamedImages
from unpaired.data.domain import Augmentation, Domain
from unpaired.data.sources import BuiltIn
from unpaired.data.tensors import to_network, to_pixels, to_unit

CPU = torch.device("cpu")
PLAIN = Augmentation(zoom=1.0, flip=False)


def numbered(count: int, size: int = 8, dtype: torch.dtype = torch.uint8) -> torch.Tensor:
    """Image i has the value i everywhere."""
    return torch.arange(count).to(dtype).reshape(-1, 1, 1, 1).expand(-1, 1, size, size)


def batches(
    count: int,
    batch_size: int,
    *,
    seed: int = 0,
    name: str = "a",
    augmentation: Augmentation = PLAIN,
    streamed: bool = False,
    rank: int = 0,
    world_size: int = 1,
    labels: np.ndarray | None = None,
) -> Batches:
    """Balanced where there are labels."""
    pixels = numbered(count)
    about: dict[str, Any] = {
        "names": [str(i) for i in range(count)],
        "labels": labels,
        "ids": None,
        "refused": [],
    }
    images: MemoryImages | StreamedImages = MemoryImages(pixels=pixels, **about)
    if streamed:
        images = StreamedImages(read=lambda i: pixels[i].permute(1, 2, 0).numpy(), size=8, **about)
    domain = Domain(
        source=BuiltIn(name="ink"),
        channels=1,
        augmentation=augmentation,
        value_range="unit",
        balanced=labels is not None,
    )
    return Batches(images, domain, name, seed, batch_size, CPU, rank, world_size)


# Order


def test_each_epoch_is_a_fresh_permutation():
    sequence = batches(10, 5)
    epochs = [
        np.concatenate([sequence.indices(10 * epoch), sequence.indices(10 * epoch + 5)]).tolist()
        for epoch in range(20)
    ]
    for epoch in epochs:
        assert sorted(epoch) == list(range(10))
    assert len({tuple(epoch) for epoch in epochs}) == 20


@settings(max_examples=50, deadline=None)
@given(count=st.integers(2, 40), batch_size=st.integers(1, 70), epochs=st.integers(1, 3))
def test_batches_across_epochs_lose_and_repeat_nothing(count: int, batch_size: int, epochs: int):
    sequence = batches(count, batch_size)
    total = count * epochs
    seen = [i for p in range(0, total, batch_size) for i in sequence.indices(p)][:total]
    assert np.bincount(seen, minlength=count).tolist() == [epochs] * count


def test_domains_and_seeds_are_shuffled_differently():
    orders = {
        tuple(batches(50, 50, seed=seed, name=name).indices(0))
        for seed in range(3)
        for name in ("a", "b")
    }
    assert len(orders) == 6


@pytest.mark.parametrize("streamed", [False, True])
def test_a_batch_depends_on_its_position_alone(streamed: bool):
    wild = Augmentation(zoom=1.5, flip=True)
    steady = batches(30, 4, augmentation=wild)
    expected = {position: steady.at(position) for position in range(0, 400, 4)}
    other = batches(30, 4, augmentation=wild, streamed=streamed)
    for position in (0, 396, 120, 124, 128, 120, 0, 4, 200, 4):
        assert torch.equal(other.at(position), expected[position])


def test_processes_share_each_batch_without_overlap():
    whole = batches(24, 6)
    parts = [batches(24, 2, rank=rank, world_size=3) for rank in range(3)]
    for position in range(0, 48, 6):
        shared = np.concatenate([part.indices(position) for part in parts])
        assert np.array_equal(shared, whole.indices(position))


def test_processes_augment_differently():
    flips = Augmentation(zoom=2.0, crop_probability=1.0)
    first, second = (
        batches(2, 2, rank=rank, world_size=2, augmentation=flips).at(0) for rank in range(2)
    )
    assert first.shape == second.shape
    draws = [torch.rand(4, generator=generator(0, "a", "augment", 0, rank)) for rank in range(2)]
    assert not torch.equal(*draws)


def test_seeds_are_the_same_on_every_machine():
    # Whoever changes these breaks the resuming of every run that exists.
    assert derive_seed(0) == 7896617691693857887
    assert derive_seed(3, "augment", 12, 0) == 8909534037757892801
    assert derive_seed("a", "b") != derive_seed("b", "a")
    assert 0 <= derive_seed(2**62, "x") < 2**63


# Balance


def rare(*counts: int) -> np.ndarray:
    """As many labels of each class as said, mixed."""
    labels = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(0).permutation(labels)


@pytest.mark.parametrize("counts", [(30, 30, 30), (80, 8, 2), (97, 1, 1, 1), (5,), (0, 7, 0, 3)])
def test_every_class_is_drawn_equally_often(counts: tuple[int, ...]):
    labels = rare(*counts)
    order = balanced_order(labels, np.random.default_rng(1))
    assert len(order) == len(labels)
    drawn = np.bincount(labels[order], minlength=len(counts))
    present = [n for n, count in zip(drawn, counts, strict=True) if count]
    assert max(present) - min(present) <= 1
    assert not [n for n, count in zip(drawn, counts, strict=True) if n and not count]


def test_images_of_rare_classes_repeat_evenly_and_of_frequent_ones_never():
    labels = rare(70, 17, 3)
    times = np.bincount(balanced_order(labels, np.random.default_rng(1)), minlength=90)
    assert times[labels == 0].max() == 1  # 30 of 70
    assert times[labels == 0].sum() == 30
    assert set(times[labels == 1]) == {1, 2}
    assert set(times[labels == 2]) == {10}


def test_where_classes_are_as_frequent_an_order_is_a_permutation():
    labels = rare(20, 20, 20)
    assert sorted(balanced_order(labels, np.random.default_rng(1))) == list(range(60))


def test_what_does_not_divide_evenly_falls_to_changing_classes():
    labels = rare(34, 33, 33)
    most = {
        int(np.bincount(labels[balanced_order(labels, np.random.default_rng(i))]).argmax())
        for i in range(30)
    }
    assert most == {0, 1, 2}


def test_a_balanced_order_follows_from_its_generator_and_is_mixed():
    labels = rare(60, 30, 10)
    first, again, other = (
        balanced_order(labels, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    # Not class after class: neighbours are alike in a third of all places.
    alike = (labels[first][1:] == labels[first][:-1]).mean()
    assert 0.15 < alike < 0.5


@pytest.mark.parametrize("streamed", [False, True])
def test_batches_of_a_balanced_domain(streamed: bool):
    labels = rare(84, 12, 4)
    balanced = batches(100, 10, labels=labels, streamed=streamed)
    epochs = []
    for epoch in range(3):
        positions = range(100 * epoch, 100 * (epoch + 1), 10)
        seen = np.concatenate([balanced.indices(position) for position in positions])
        assert sorted(np.bincount(labels[seen])) == [33, 33, 34]
        epochs.append(seen)
        # What is read is what the indices say.
        read = torch.cat([balanced.at(position) for position in positions])[:, 0, 0, 0] * 255
        assert np.array_equal(read.round().int().numpy(), seen)
    assert not np.array_equal(epochs[0], epochs[1])
    plain = batches(100, 100)
    assert sorted(plain.indices(0)) == list(range(100))


def test_processes_share_balanced_batches_without_overlap():
    labels = rare(20, 3, 1)
    whole = batches(24, 6, labels=labels)
    parts = [batches(24, 2, rank=rank, world_size=3, labels=labels) for rank in range(3)]
    for position in (0, 6, 18, 24):
        shared = np.concatenate([part.indices(position) for part in parts])
        assert np.array_equal(shared, whole.indices(position))


# Values


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16])
@pytest.mark.parametrize(("value_range", "low"), [("signed", -1.0), ("unit", 0.0)])
def test_pixels_to_the_network_and_back(dtype: torch.dtype, value_range: Any, low: float):
    levels = torch.iinfo(dtype).max
    pixels = torch.linspace(0, levels, 256).round().to(torch.int32).to(dtype).reshape(1, 1, 16, 16)
    values = to_network(pixels, value_range)
    assert values.dtype == torch.float32
    assert values.min() == low
    assert values.max() == 1
    assert torch.equal(to_pixels(values, value_range, levels), pixels)


def test_values_out_of_range_are_clipped_and_rounded_to_nearest():
    values = torch.tensor([-7.0, -1.0, 0.0, 0.9999, 1.0, 3.0])
    assert to_pixels(values, "signed").tolist() == [0, 0, 128, 255, 255, 255]
    assert to_unit(torch.tensor([-1.0, 0.25, 2.0]), "unit").tolist() == [0, 0.25, 1]


# Augmentation


def test_where_nothing_is_drawn_images_come_back_to_the_bit():
    images = torch.rand(64, 3, 16, 16)
    off = (
        Augmentation(zoom=1.0, crop_probability=1.0, flip=False),
        Augmentation(zoom=3.0, crop_probability=0.0, flip=False),
    )
    for settings_ in off:
        assert torch.equal(augment(images, settings_, generator(0)), images)
    half = augment(images, Augmentation(zoom=1.2, crop_probability=0.5, flip=False), generator(0))
    kept = (half == images).flatten(1).all(1)
    assert 20 <= kept.sum() <= 44


def test_half_of_the_images_are_mirrored():
    images = torch.rand(1000, 1, 4, 4)
    found = augment(images, Augmentation(zoom=1.0, flip=True), generator(1))
    mirrored = (found == images.flip(3)).flatten(1).all(1)
    kept = (found == images).flatten(1).all(1)
    assert (mirrored ^ kept).all()
    assert 437 < mirrored.sum() < 563  # 500 expected, four standard deviations


@pytest.mark.parametrize("zoom", [1.2, 2.0])
def test_a_zoomed_crop_is_a_magnified_part(zoom: float):
    """Against Pillow: each result must be the upscaling of one box of the right size."""
    size = 24
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    image = torch.stack([x, y, (x * 7 + y * 3) % 24]).float()[None] / size
    settings_ = Augmentation(zoom=zoom, crop_probability=1.0, flip=False)
    found = augment(image.expand(50, -1, -1, -1), settings_, generator(2))
    corners = []
    for result in found:
        # The first two channels are ramps of the position: they tell the box, in pixels.
        left = (result[0, 8, 8] * size + 0.5).item() - 8.5 / zoom
        top = (result[1, 8, 8] * size + 0.5).item() - 8.5 / zoom
        assert -0.01 <= left <= size - size / zoom + 0.01
        assert -0.01 <= top <= size - size / zoom + 0.01
        corners.append((left, top))
        box = (left, top, left + size / zoom, top + size / zoom)
        box = tuple(min(max(edge, 0), size) for edge in box)
        for channel in range(3):
            plane = Image.fromarray(image[0, channel].numpy())
            expected = np.asarray(plane.resize((size, size), Image.Resampling.BILINEAR, box=box))
            inner = np.abs(result[channel].numpy() - expected)[2:-2, 2:-2]
            assert inner.max() < 0.01
    spread = np.ptp(np.array(corners), axis=0)
    assert (spread > 0.8 * (size - size / zoom)).all()  # anywhere, not only the middle


def test_a_crop_of_a_label_map_mixes_no_colours():
    labels = torch.randint(0, 3, (100, 1, 16, 16), generator=generator(5)).float()
    zoomed = Augmentation(zoom=1.3, crop_probability=1.0)
    mixed = augment(labels, zoomed, generator(3))
    assert len(mixed.unique()) > 100
    found = augment(labels, zoomed, generator(3), nearest=True)
    assert found.unique().tolist() == [0, 1, 2]
    # The same boxes: where the image is smooth, nothing tells the two apart.
    assert (found - mixed).abs().mean() < (found - labels).abs().mean() / 2


def test_batches_of_a_domain_with_a_palette_hold_its_colours_only():
    palette = ((0, 0, 170), (255, 255, 0), (170, 0, 0))
    classes = np.random.default_rng(0).integers(0, 3, (6, 8, 8))
    pixels = torch.tensor(np.array(palette, np.uint8)[classes]).permute(0, 3, 1, 2)
    about: dict[str, Any] = {"names": ["x"] * 6, "labels": None, "ids": None, "refused": []}
    domain = Domain(
        source=BuiltIn(name="sign"),
        size=8,
        palette=palette,
        augmentation=Augmentation(zoom=1.5, crop_probability=1.0),
    )
    found = Batches(MemoryImages(pixels=pixels, **about), domain, "b", 0, 6, CPU).at(0)
    colours = domain.representation.decode(found).permute(0, 2, 3, 1).reshape(-1, 3)
    assert {tuple(colour) for colour in colours.tolist()} == set(palette)


def test_a_crop_keeps_the_range_of_values():
    images = torch.rand(100, 3, 16, 16) * 2 - 1
    found = augment(images, Augmentation(zoom=1.3, crop_probability=1.0), generator(3))
    assert found.min() >= images.min()
    assert found.max() <= images.max()
    assert found.dtype == torch.float32
