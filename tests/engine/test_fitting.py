"""Fitting: as many steps as asked for, however few, by torch's one-cycle learning rate."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from unpaired.core.errors import NonFiniteLoss
from unpaired.engine.fitting import Fitting, fit
from unpaired.methods.supervised import SupervisedTraining, one_cycle

CPU = torch.device("cpu")


def in_steps(
    network: nn.Module, loss: Callable[[Tensor, int], Tensor], steps: int
) -> SupervisedTraining:
    """A training on eight images, two a step."""
    return SupervisedTraining(
        network,
        loss,
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

    def loss(batch: Tensor, _: int) -> Tensor:
        found = network(torch.ones(len(batch), 2)).sum()
        return found / 0 if what == "loss" else (found - found.detach()).square().sqrt()

    images = 0 if what == "loss" else 2 * steps
    with pytest.raises(NonFiniteLoss, match=rf"after {images} images seen\. Lower it\.") as error:
        fit(in_steps(network, loss, steps), CPU, advice="Lower it.")
    assert error.value.code == "non-finite-fitting"
    assert error.value.code == "non-finite-fitting"


@pytest.mark.parametrize("steps", range(1, 10))
def test_every_number_of_steps_trains_and_ends_at_a_small_rate(steps: int):
    torch.manual_seed(0)
    network = nn.Linear(2, 1)
    inputs = torch.randn(8, 2)
    weights, before = [], []

    def loss(batch: Tensor, images: int) -> Tensor:
        weights.append(network.weight.detach().clone())
        before.append(images)
        return (network(inputs[batch]) - inputs[batch].sum(1, keepdim=True)).square().mean()

    fit(in_steps(network, loss, steps), CPU, advice="")
    assert before == list(range(0, 2 * steps, 2))
    moves = [
        (after - before).abs().max()
        for before, after in zip(weights, [*weights[1:], network.weight.detach()], strict=True)
    ]
    assert all(torch.isfinite(move) for move in moves)
    if steps > 1:
        assert moves[-1] < 0.1 * max(moves)


@pytest.mark.parametrize("steps", [*range(1, 12), 1875])
def test_one_cycle_is_that_of_torch(steps: int):
    optimiser = torch.optim.AdamW(nn.Linear(1, 1).parameters(), lr=3e-3)
    rise = 0.25 if steps != 4 else 0.3
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 3e-3, total_steps=steps, pct_start=rise
    )
    for step in range(steps):
        group = optimiser.param_groups[0]
        assert one_cycle(step, steps, 3e-3) == (group["lr"], group["betas"][0])
        optimiser.step()
        if step + 1 < steps:
            schedule.step()


def test_a_report_comes_at_the_first_step_and_at_each_multiple():
    network = nn.Linear(2, 1)
    reports: list[int] = []
    training = in_steps(network, lambda batch, _: network(torch.ones(len(batch), 2)).sum(), 10)
    fitting = Fitting(training, CPU)
    for loss in fitting.steps(advice="", report_images=5):
        if loss is not None:
            reports.append(fitting.images)
    assert reports == [2, 8, 12, 18]


def take_all(fitting: Fitting) -> None:
    for _ in fitting.steps(advice="", report_images=100):
        pass
    assert fitting.images == fitting.training.images


def test_its_stored_form_goes_on_to_the_same_bits_random_numbers_included():
    def start() -> tuple[nn.Linear, Fitting]:
        torch.manual_seed(0)
        network = nn.Linear(2, 1)

        def loss(batch: Tensor, _: int) -> Tensor:  # draws from the global generator, as dropout
            return network(torch.rand(len(batch), 2)).square().mean()

        return network, Fitting(in_steps(network, loss, 9), CPU)

    straight, fitting = start()
    take_all(fitting)
    _, fitting = start()
    steps = fitting.steps(advice="", report_images=100)
    while fitting.images <= 7:
        next(steps)
    tensors, form = fitting.tensors()
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    torch.rand(5)
    other, again = start()
    again.restore(tensors, {**form, "images": fitting.images})
    take_all(again)
    assert torch.equal(straight.weight, other.weight)
