"""Every adversarial objective, against numbers by hand and the properties of its optimum."""

from __future__ import annotations

import math
import typing
from typing import Any

import pytest
import torch

from unpaired.objectives import (
    Adversarial,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    WassersteinClip,
    WassersteinGP,
)

LISTED = [kind() for kind in typing.get_args(typing.get_args(Adversarial)[0])]
for_all = pytest.mark.parametrize("objective", LISTED, ids=lambda o: o.kind)

REAL, FAKE = torch.tensor([2.0, -0.5]), torch.tensor([-1.0, 0.5])


def log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x))


# The definitions in the papers, written out for REAL and FAKE.
CROSS_ENTROPY = -(log_sigmoid(2) + log_sigmoid(-0.5)) / 2 - (log_sigmoid(1) + log_sigmoid(-0.5)) / 2
BY_HAND = {
    # ½·[(1² + 1.5²)/2 + (1² + 0.5²)/2] and (2² + 0.5²)/2
    LeastSquares: (1.125, 2.125),
    NonSaturating: (CROSS_ENTROPY, -(log_sigmoid(-1) + log_sigmoid(0.5)) / 2),
    Minimax: (CROSS_ENTROPY, (log_sigmoid(1) + log_sigmoid(-0.5)) / 2),
    # [0 + 1.5]/2 + [0 + 1.5]/2 and −(−1 + 0.5)/2
    Hinge: (1.5, 0.25),
    # (−1 + 0.5)/2 − (2 − 0.5)/2 and −(−1 + 0.5)/2
    WassersteinClip: (-1.0, 0.25),
    WassersteinGP: (-1.0, 0.25),
}


def test_all_that_are_listed_were_worked_out_by_hand():
    assert {type(objective) for objective in LISTED} == BY_HAND.keys()


@for_all
def test_values_by_hand(objective: Any):
    discriminator, generator = BY_HAND[type(objective)]
    assert objective.discriminator(REAL, FAKE).item() == pytest.approx(discriminator, rel=1e-6)
    assert objective.generator(FAKE).item() == pytest.approx(generator, rel=1e-6)


@for_all
def test_losses_are_means_over_any_shape(objective: Any):
    patches = [x.reshape(2, 1, 1, 1).expand(2, 1, 5, 5) for x in (REAL, FAKE)]
    expected = objective.discriminator(REAL, FAKE)
    found = objective.discriminator(*patches)
    assert found.shape == ()
    assert torch.allclose(found, expected)
    # A batch of real images need not be as large as the batch of fakes.
    assert torch.allclose(objective.discriminator(REAL.repeat(3), FAKE), expected)
    assert torch.allclose(objective.generator(patches[1]), objective.generator(FAKE))


@for_all
def test_a_generator_gains_by_raising_every_logit(objective: Any):
    logits = torch.linspace(-3, 0.9, 40, requires_grad=True)  # least squares turns at 1
    objective.generator(logits).backward()
    assert logits.grad is not None
    assert (logits.grad < 0).all()


@for_all
def test_a_discriminator_gains_by_telling_real_from_fake(objective: Any):
    real = torch.linspace(-0.9, 0.9, 40, requires_grad=True)
    fake = torch.linspace(-0.9, 0.9, 40).requires_grad_()
    objective.discriminator(real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert (real.grad < 0).all()
    # Least squares pulls fakes to 0, from either side; the others push them down.
    toward = torch.sign(fake.detach()) if isinstance(objective, LeastSquares) else torch.ones(40)
    assert torch.equal(torch.sign(fake.grad), toward)


@for_all
def test_the_best_answer_where_real_and_fake_cannot_be_told_apart(objective: Any):
    """If a share p of like images is real: p for least squares, logit(p), or the sign for hinge."""
    grid = torch.linspace(-2, 2, 401)
    for share in (0.25, 0.5, 0.75):
        loss = torch.stack([_mixture(objective, logit, share) for logit in grid])
        best = grid[loss.argmin()].item()
        expected = {
            LeastSquares: share,
            NonSaturating: math.log(share / (1 - share)),
            Minimax: math.log(share / (1 - share)),
        }
        if type(objective) in expected:
            assert best == pytest.approx(expected[type(objective)], abs=0.011)
        elif isinstance(objective, (WassersteinClip, WassersteinGP)):  # no answer is large enough
            if share != 0.5:
                assert best == pytest.approx(math.copysign(2, share - 0.5))
        elif isinstance(objective, Hinge) and share != 0.5:  # ±1, and anything between at 0.5
            assert best == pytest.approx(math.copysign(1, share - 0.5), abs=0.011)


def _mixture(objective: Any, logit: torch.Tensor, share: float) -> torch.Tensor:
    """Discriminator loss at one logit of which `share` of the images are real.

    The loss is a sum of two means; each part alone is what remains when the other is subtracted at
    a place where it does not change.
    """
    fixed = torch.zeros(1)
    both = objective.discriminator(fixed, fixed) / 2
    real_part = objective.discriminator(logit[None], fixed) - both
    fake_part = objective.discriminator(fixed, logit[None]) - both
    return share * real_part + (1 - share) * fake_part


@for_all
@pytest.mark.parametrize("size", [1e4, 1e15])
def test_extreme_logits_stay_finite_with_their_gradients(objective: Any, size: float):
    real = torch.tensor([-size, 0.0, size], requires_grad=True)
    fake = torch.tensor([-size, 0.0, size], requires_grad=True)
    loss = objective.discriminator(real, fake) + objective.generator(fake)
    loss.backward()
    assert loss.isfinite()
    assert real.grad is not None
    assert fake.grad is not None
    assert real.grad.isfinite().all()
    assert fake.grad.isfinite().all()


def test_why_the_generator_does_not_play_the_minimax_game():
    """Where the discriminator is sure of a fake, minimax gives no gradient (Cardace)."""
    sure = torch.tensor([-10.0])
    gradients = {}
    for objective in (Minimax(), NonSaturating()):
        logits = sure.clone().requires_grad_()
        objective.generator(logits).backward()
        assert logits.grad is not None
        gradients[objective.kind] = logits.grad.item()
    assert abs(gradients["minimax"]) < 1e-4
    assert gradients["non_saturating"] == pytest.approx(-1, abs=1e-4)
