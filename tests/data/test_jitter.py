"""Random changes of images: nothing where nothing is set, and never more than what is."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from unpaired.data.jitter import STILL as OFF
from unpaired.data.jitter import Jitter, jitter

EACH = [
    replace(OFF, shift=3.0),
    replace(OFF, rotation=40.0),
    replace(OFF, scale=0.3),
    replace(OFF, shuffle_channels=True),
    replace(OFF, inversion=0.5),
    replace(OFF, grey=0.5),
    replace(OFF, frame=0.5),
    replace(OFF, cutout=0.5),
    replace(OFF, blur=0.5),
    replace(OFF, shear=0.3),
    replace(OFF, contrast=0.4),
    replace(OFF, brightness=0.3),
    replace(OFF, noise=0.2),
    replace(OFF, mirror=0.5),
]
ALL = Jitter(
    shift=3, rotation=40, scale=0.3, shear=0.3, inversion=0.5, contrast=0.4, brightness=0.3,
    grey=0.5, blur=0.5, noise=0.2, frame=0.5, cutout=0.5, mirror=0.5,
)  # fmt: skip
for_each = pytest.mark.parametrize("settings", [*EACH, ALL], ids=str)


def seed(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def images(count: int = 64, channels: int = 3, size: int = 16) -> Tensor:
    return torch.rand(count, channels, size, size, generator=seed(9))


def test_every_setting_is_met_above():
    changed = {name for s in EACH for name in vars(s) if getattr(s, name) != getattr(OFF, name)}
    assert changed == vars(OFF).keys()


def test_mirrored_images_are_mirrored_and_the_others_are_not():
    given = images()
    seen = jitter(given, replace(OFF, mirror=0.5), seed())
    mirrored = [torch.allclose(s, g.flip(2), atol=1e-5) for s, g in zip(seen, given, strict=True)]
    kept = [torch.allclose(s, g, atol=1e-5) for s, g in zip(seen, given, strict=True)]
    assert all(m != k for m, k in zip(mirrored, kept, strict=True))
    assert 16 < sum(mirrored) < 48


def test_without_settings_images_stay_as_they_are():
    assert torch.allclose(jitter(images(), OFF, seed()), images(), atol=1e-5)


@for_each
def test_changes_follow_from_the_generator_alone(settings: Jitter):
    first = jitter(images(), settings, seed(1))
    torch.rand(5)
    assert torch.equal(jitter(images(), settings, seed(1)), first)
    assert not torch.equal(jitter(images(), settings, seed(2)), first)


@for_each
def test_values_stay_between_0_and_1(settings: Jitter):
    found = jitter(images(), settings, seed())
    assert found.shape == images().shape
    assert found.dtype == torch.float32
    assert found.min() >= 0
    assert found.max() <= 1


@for_each
def test_each_image_is_changed_by_its_own_numbers(settings: Jitter):
    one = images(1).expand(64, -1, -1, -1)
    found = jitter(one, settings, seed())
    # Shuffled channels have six orders; what is done or not, two forms.
    either = settings.inversion or settings.blur or settings.frame or settings.mirror
    few = settings.shuffle_channels or either
    assert len(found.flatten(1).unique(dim=0)) >= (2 if few and settings != ALL else 20)
    assert (found - one).abs().max() > 0.05


def ramps(count: int, size: int = 32) -> Tensor:
    """Channel 0 is the column, 1 the row of each pixel, both from −0.5 to 0.5."""
    place = (torch.arange(size) + 0.5) / size - 0.5
    row, column = torch.meshgrid(place, place, indexing="ij")
    return torch.stack([column, row]).expand(count, -1, -1, -1)


def maps(settings: Jitter, count: int = 400) -> tuple[Tensor, Tensor]:
    """The affine map that each image was changed by: [N, 2, 2] and the shift in pixels, [N, 2]."""
    found = jitter(ramps(count), settings, seed())[:, :, 12:20, 12:20]
    wide = found.mean(2)[:, :, -1] - found.mean(2)[:, :, 0]  # along a row, 7 pixels
    tall = found.mean(3)[:, :, -1] - found.mean(3)[:, :, 0]
    return torch.stack([wide, tall], 2) * 32 / 7, found.mean((2, 3)) * 32


def test_shifts_are_within_what_is_set_and_in_every_direction():
    matrix, shift = maps(replace(OFF, shift=3.0))
    assert torch.allclose(matrix, torch.eye(2).expand(400, -1, -1), atol=1e-4)
    assert shift.abs().max() <= 3 + 1e-4
    assert (shift.amax(0) > 2.8).all()
    assert (shift.amin(0) < -2.8).all()


def test_rotations_are_within_what_is_set():
    matrix, shift = maps(replace(OFF, rotation=25.0))
    assert shift.abs().max() < 1e-3
    assert torch.allclose(torch.linalg.det(matrix), torch.ones(400), atol=1e-3)
    angle = torch.rad2deg(torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0]))
    assert angle.max() <= 25.01
    assert angle.min() >= -25.01
    assert angle.max() > 23
    assert angle.min() < -23


def test_scales_are_within_what_is_set():
    matrix, shift = maps(replace(OFF, scale=0.2))
    assert shift.abs().max() < 1e-3
    factor = matrix[:, 0, 0]
    assert torch.allclose(matrix, factor[:, None, None] * torch.eye(2), atol=1e-4)
    assert 0.8 - 1e-4 <= factor.min() < 0.82
    assert 1.18 < factor.max() <= 1.2 + 1e-4


def test_images_are_never_mirrored():
    """A mirror image has a map of negative determinant."""
    wild = Jitter(shift=3, rotation=60, scale=0.3, shuffle_channels=False)
    matrix, _ = maps(wild, 1000)
    assert (torch.linalg.det(matrix) > 0.4).all()


def test_channels_change_places_and_nothing_else():
    colours = torch.tensor([0.1, 0.5, 0.9])[:, None, None].expand(600, 3, 4, 4)
    found = jitter(colours, replace(OFF, shuffle_channels=True), seed())[:, :, 0, 0]
    orders, counts = found.round(decimals=4).unique(dim=0, return_counts=True)
    assert len(orders) == 6
    assert all(sorted(order.tolist()) == pytest.approx([0.1, 0.5, 0.9]) for order in orders)
    assert counts.min() > 60  # of 100 expected, four standard deviations


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_a_share_of_the_images_is_inverted(share: float):
    found = jitter(images(400), replace(OFF, inversion=share), seed())
    kept = (found - images(400)).abs().amax((1, 2, 3)) < 1e-5
    inverted = (found - (1 - images(400))).abs().amax((1, 2, 3)) < 1e-5
    assert (kept ^ inverted).all()
    assert inverted.float().mean().item() == pytest.approx(share, abs=0.09)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_a_share_of_the_images_loses_its_colour(share: float):
    found = jitter(images(400), replace(OFF, grey=share), seed())
    kept = (found - images(400)).abs().amax((1, 2, 3)) < 1e-5
    grey = (found - found[:, :1]).abs().amax((1, 2, 3)) < 1e-5
    assert (found.amin(1) >= images(400).amin(1) - 1e-5).all()  # between the channels it mixes
    assert (found.amax(1) <= images(400).amax(1) + 1e-5).all()
    assert (kept ^ grey).all()
    assert grey.float().mean().item() == pytest.approx(share, abs=0.09)


def test_contrast_and_brightness_are_within_what_is_set():
    half = 0.45 + 0.1 * images(400)  # far from 0 and 1, where values are cut
    found = jitter(half, replace(OFF, contrast=0.5, brightness=0.3), seed())
    contrast = (found.flatten(1).std(1) / half.flatten(1).std(1)).log()
    brightness = found.mean((1, 2, 3)) - half.mean((1, 2, 3))
    assert -0.5 - 1e-3 <= contrast.min() < -0.45
    assert 0.45 < contrast.max() <= 0.5 + 1e-3
    assert -0.3 - 1e-3 <= brightness.min() < -0.27
    assert 0.27 < brightness.max() <= 0.3 + 1e-3
    # Two numbers and not one.
    assert torch.corrcoef(torch.stack([contrast, brightness]))[0, 1].abs() < 0.2


def test_margins_become_flat_and_the_middle_stays():
    found = jitter(images(200), replace(OFF, frame=1.0), seed())
    changed = (found - images(200)).abs().amax((1, 2)) > 1e-5
    assert changed[:, 0].all()
    assert changed[:, -1].all()
    assert not changed[:, 4:12].any()
    flat = found[:, :, :, 0]
    assert (flat - flat[:, :, :1]).abs().max() < 1e-6


def test_a_square_is_cut_out():
    found = jitter(images(200), replace(OFF, cutout=1.0), seed())
    changed = ((found - images(200)).abs().amax(1) > 1e-5).sum((1, 2))
    assert changed.max() <= 25
    assert changed.float().mean() > 8


def test_noise_is_as_large_as_set_at_most():
    grey = torch.full((300, 1, 16, 16), 0.5)
    found = jitter(grey, replace(OFF, noise=0.1), seed()).flatten(1).std(1)
    assert found.max() < 0.115
    assert found.max() > 0.09
    assert found.min() < 0.01


def test_grey_images_have_one_channel_to_shuffle():
    grey = images(4, 1)
    settings = Jitter(shift=0, rotation=0, scale=0, shuffle_channels=True)
    assert torch.allclose(jitter(grey, settings, seed()), grey, atol=1e-5)
