"""The ternary game, against the paper's equations written out for a few logits."""

from __future__ import annotations

import math

import pytest
import torch

from unpaired.objectives import ternary

FROM_SOURCE = torch.tensor([[2.0, 0.0, 1.0], [0.0, 1.0, -1.0]])
FROM_TARGET = torch.tensor([[0.0, 0.0, 0.0]])
REAL = torch.tensor([[1.0, -1.0, 3.0]])


def log_share(numbers: list[float], chosen: int) -> float:
    """log(exp(x_chosen) / Σ exp(x))."""
    return numbers[chosen] - math.log(sum(math.exp(x) for x in numbers))


def test_equation_3_by_hand():
    """−E log D₁(G(s)) − E log D₂(G(t)) − E log D₃(t)."""
    expected = (
        -(log_share([2, 0, 1], 0) + log_share([0, 1, -1], 0)) / 2
        + math.log(3)
        - log_share([1, -1, 3], 2)
    )
    found = ternary.discriminator(FROM_SOURCE, FROM_TARGET, REAL)
    assert found.shape == ()
    assert found.item() == pytest.approx(expected, rel=1e-6)


def test_equation_4_by_hand():
    """−E log D₃(G(s)) − E log D₃(G(t)): a generator wants both to pass for real."""
    expected = -(log_share([2, 0, 1], 2) + log_share([0, 1, -1], 2)) / 2 + math.log(3)
    found = ternary.generator(FROM_SOURCE, FROM_TARGET)
    assert found.shape == ()
    assert found.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("label", range(ternary.NUM_CLASSES))
def test_the_loss_of_a_class_falls_as_its_logit_rises(label: int):
    logits = torch.zeros(4, 3, requires_grad=True)
    ternary.class_loss(logits, label).backward()
    assert logits.grad is not None
    # Softmax minus one-hot, over four images.
    expected = torch.full((4, 3), 1 / 12)
    expected[:, label] -= 1 / 4
    assert torch.allclose(logits.grad, expected)


def test_three_classes_each_with_its_own_number():
    assert {ternary.FROM_SOURCE, ternary.FROM_TARGET, ternary.REAL} == set(range(3))
    right = [torch.eye(3)[[c]] * 50 for c in (0, 1, 2)]
    assert ternary.discriminator(*right).item() == pytest.approx(0, abs=1e-6)
    assert ternary.generator(right[2], right[2]).item() == pytest.approx(0, abs=1e-6)
    for wrong in ((1, 0, 2), (0, 2, 1), (2, 1, 0)):
        assert ternary.discriminator(*(right[i] for i in wrong)) > 50


def test_extreme_and_coarse_logits_stay_finite_and_in_float32():
    logits = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    loss = ternary.discriminator(logits, logits, logits) + ternary.generator(logits, logits)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert ternary.generator(logits.bfloat16(), logits.bfloat16()).dtype == torch.float32
