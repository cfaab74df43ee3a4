"""Discriminators that see their images through random changes (DiffAugment; Zhao et al. 2020)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from unpaired.core.config import ValueRange
from unpaired.data.jitter import STILL
from unpaired.methods.adversarial import augment_input


class Remembers(nn.Module):
    """Gives the mean of each image, and keeps what it has seen."""

    def forward(self, images: Tensor) -> Tensor:
        self.seen = images
        return images.mean((1, 2, 3))


def discriminator(value_range: ValueRange = "signed", **changes: float) -> Remembers:
    network = Remembers()
    augment_input(network, replace(STILL, **changes), value_range)  # type: ignore[arg-type]
    return network


def images(value_range: ValueRange = "signed") -> Tensor:
    unit = torch.rand(32, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return unit * 2 - 1 if value_range == "signed" else unit


def test_images_are_changed_in_training_and_only_there():
    network, given = discriminator(shift=4.0), images()
    network(given)
    assert not torch.allclose(network.seen, given, atol=0.1)
    network.eval()(given)
    assert network.seen is given
    still = discriminator()
    still(given)
    assert still.seen is given


@pytest.mark.parametrize("value_range", ["signed", "unit"])
def test_changes_are_of_values_as_they_are_shown(value_range: ValueRange):
    """A brighter image is so by a share of its range, and stays in it."""
    network, given = discriminator(value_range, brightness=0.2), images(value_range) * 0.1
    network(given)
    width = 2 if value_range == "signed" else 1
    moved = (network.seen - given).mean((1, 2, 3)) / width
    assert 0.15 < moved.abs().max() < 0.2
    assert network.seen.max() <= 1
    assert network.seen.min() >= (-1 if value_range == "signed" else 0)


def test_gradients_pass_to_the_images():
    given = images().requires_grad_()
    discriminator(shift=3.0, contrast=0.3, mirror=0.5)(given).sum().backward()
    assert given.grad is not None
    assert (given.grad.abs().sum((1, 2, 3)) > 0).all()


def test_changes_follow_from_the_seed_of_the_step():
    network, seen = discriminator(shift=4.0, cutout=0.5), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        network(images())
        seen.append(network.seen)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])
    network(images())
    assert not torch.equal(network.seen, seen[2])  # nor are two piles of a step changed alike
