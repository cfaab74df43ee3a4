"""What a translation keeps, by hand."""

from __future__ import annotations

import typing

import pytest
import torch

from unpaired.objectives.content import Constancy, constancy, total_variation

BEFORE = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
AFTER = torch.tensor([[4.0, 3.0], [0.0, 2.0]])
BY_HAND = {
    "squared": (1 + 1 + 1 + 4) / 4,
    # cosines: (12 + 12)/25 and 0
    "cosine": 1 - (24 / 25 + 0) / 2,
}


def test_every_distance_was_worked_out_by_hand():
    assert set(typing.get_args(Constancy)) == BY_HAND.keys()


@pytest.mark.parametrize("distance", BY_HAND)
def test_constancy_by_hand(distance: Constancy):
    found = constancy(BEFORE, AFTER, distance)
    assert found.shape == ()
    assert found.item() == pytest.approx(BY_HAND[distance], rel=1e-6)
    assert constancy(BEFORE, BEFORE, distance).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("distance", BY_HAND)
def test_constancy_pulls_the_translation_towards_the_image(distance: Constancy):
    after = AFTER.clone().requires_grad_()
    loss = constancy(BEFORE, after, distance)
    loss.backward()
    assert after.grad is not None
    assert constancy(BEFORE, after.detach() - 0.1 * after.grad, distance) < loss


def test_only_the_cosine_ignores_the_length_of_features():
    assert constancy(BEFORE, 5 * BEFORE, "cosine").item() == pytest.approx(0, abs=1e-6)
    assert constancy(BEFORE, -BEFORE, "cosine").item() == pytest.approx(2)
    # 16·(9 + 16 + 1 + 0)/4
    assert constancy(BEFORE, 5 * BEFORE, "squared").item() == pytest.approx(104)


def test_total_variation_by_hand():
    """Down: 3² and 1² twice over; across: 1², 5², 3² and so on, each a mean of its own."""
    image = torch.tensor([[1.0, 2.0, 4.0], [4.0, 1.0, 3.0]])[None, None]
    down = (9 + 1 + 1) / 3
    across = (1 + 4 + 9 + 4) / 4
    assert total_variation(image).item() == pytest.approx(down + across)


def test_total_variation_is_a_mean_over_images_and_channels():
    image = torch.rand(1, 1, 5, 7, generator=torch.Generator().manual_seed(0))
    once = total_variation(image)
    assert torch.allclose(total_variation(image.expand(4, 3, 5, 7)), once)
    assert total_variation(torch.full((2, 3, 4, 4), 0.3)) == 0
    assert torch.allclose(total_variation(image.transpose(2, 3)), once)


def test_total_variation_smooths():
    image = torch.rand(1, 1, 8, 8).requires_grad_()
    loss = total_variation(image)
    loss.backward()
    assert image.grad is not None
    assert total_variation(image.detach() - 0.1 * image.grad) < loss
