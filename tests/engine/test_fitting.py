"""Classifiers' training: as many steps as asked for, however few."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from unpaired.core.errors import NonFiniteLoss
from unpaired.engine.fitting import Fitting


def in_steps(network: nn.Module, steps: int) -> Fitting:
    """A training on eight images, two a step."""
    return Fitting(
        network,
        8,
        images_seen=2 * steps,
        batch_size=2,
        learning_rate=0.1,
        weight_decay=0.0,
        random=torch.Generator().manual_seed(0),
    )


@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("what", ["loss", "weights"])
def test_a_training_that_diverges_is_refused(steps: int, what: str):
    """A loss may be finite where its gradient is not: then the weights tell it."""
    network = nn.Linear(2, 1)
    fitting = in_steps(network, steps)

    def loss(batch: Tensor) -> Tensor:
        found = network(torch.ones(len(batch), 2)).sum()
        return found / 0 if what == "loss" else (found - found.detach()).square().sqrt()

    seen = 0 if what == "loss" else 2 * steps
    with pytest.raises(NonFiniteLoss, match=rf"not finite after {seen} images seen\. Lower it\."):
        fitting.run(loss, advice="Lower it.")


@pytest.mark.parametrize("steps", range(1, 10))
def test_every_number_of_steps_trains_and_ends_at_a_small_rate(steps: int):
    torch.manual_seed(0)
    network = nn.Linear(2, 1)
    inputs = torch.randn(8, 2)
    weights = []

    def loss(batch: Tensor) -> Tensor:
        weights.append(network.weight.detach().clone())
        return (network(inputs[batch]) - inputs[batch].sum(1, keepdim=True)).square().mean()

    fitting = in_steps(network, steps)
    assert fitting.run(loss, advice="")
    assert len(weights) == steps
    moves = [
        (after - before).abs().max()
        for before, after in zip(weights, [*weights[1:], network.weight.detach()], strict=True)
    ]
    assert all(torch.isfinite(move) for move in moves)
    if steps > 1:
        assert moves[-1] < 0.1 * max(moves)
