"""Gradient penalties, against judges whose gradient is known without a computer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from unpaired.networks import CNN, PatchGAN
from unpaired.objectives.penalties import gradient_norms, gradient_penalty, zero_centred


class Linear(nn.Module):
    """x ↦ w·x: its gradient is w everywhere, of norm ‖w‖."""

    def __init__(self, *weights: float) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(weights))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weights[:, None]


class Square(nn.Module):
    """x ↦ ½·scale·‖x‖²: its gradient at x is scale·x."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * self.scale * x.flatten(1).square().sum(1, keepdim=True)


def total(x: Tensor) -> Tensor:
    return x.flatten(1).sum(1, keepdim=True)


def images(count: int = 3, channels: int = 1, size: int = 2, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, channels, size, size, generator=random) * 2 - 1


LINEAR = Linear(1.0, -2.0, 2.0, 4.0)  # 1 + 4 + 4 + 16 = 5²


# Values by hand


def test_the_gradient_of_a_linear_judge_is_its_weights():
    assert gradient_norms(LINEAR, images()).tolist() == pytest.approx([5.0, 5.0, 5.0])


def test_the_gradient_of_a_square_is_the_image_itself():
    x = torch.tensor([[3.0, 0.0, 0.0, 4.0], [1.0, 1.0, 1.0, 1.0]]).reshape(2, 1, 2, 2)
    assert gradient_norms(Square(0.5), x).tolist() == pytest.approx([2.5, 1.0])


def test_the_two_penalties_of_a_linear_judge():
    """(5 − 1)² wherever between real and fake; ½·5² on real images."""
    assert gradient_penalty(LINEAR, images(), images(seed=1)).item() == pytest.approx(16.0)
    assert zero_centred(LINEAR, images()).item() == pytest.approx(12.5)


def test_penalties_are_means_over_images():
    x = torch.tensor([[3.0, 0.0, 0.0, 4.0], [1.0, 1.0, 1.0, 1.0]]).reshape(2, 1, 2, 2)
    discriminator = Square(1.0)  # gradients of norm 5 and 2
    assert zero_centred(discriminator, x).item() == pytest.approx(0.5 * (25 + 4) / 2)
    # From x to x there is only x.
    assert gradient_penalty(discriminator, x, x).item() == pytest.approx((4**2 + 1**2) / 2)


def test_a_judge_of_patches_is_held_by_the_mean_over_them():
    """Two patches with gradients 6 and 8, on separate halves: of their mean, 3 and 4."""

    def discriminator(x: Tensor) -> Tensor:
        return torch.stack([6 * x[:, :, 0, 0], 8 * x[:, :, 1, 1]], 2)[:, :, None]

    assert discriminator(images()).shape == (3, 1, 1, 2)
    assert gradient_norms(discriminator, images()).tolist() == pytest.approx([5.0] * 3)


def test_outputs_may_have_any_shape():
    """[N] is what the domain transfer network's R1 looks at, [N, 1, h, w] a PatchGAN's."""
    x = images(2, 1, 5)
    expected = gradient_norms(total, x)
    assert torch.allclose(gradient_norms(lambda x: total(x)[:, 0], x), expected)
    assert torch.allclose(gradient_norms(lambda x: total(x)[:, :, None, None], x), expected)


def test_a_norm_is_one_of_all_channels_and_pixels_together():
    assert gradient_norms(total, images(2, 3, 5)).tolist() == pytest.approx([75**0.5] * 2)


# Where the gradient is taken


def test_interpolates_lie_between_real_and_fake_each_at_its_own_place():
    """At Square(1) the norm of the gradient is the place itself, from 0 (fake) to 1 (real)."""
    fake = torch.zeros(400, 1, 2, 2)
    real = torch.full_like(fake, 0.5)  # of norm 1
    torch.manual_seed(3)
    places = torch.rand(400)
    seen: list[Tensor] = []

    def discriminator(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return 0.5 * total(x.square())

    torch.manual_seed(3)
    found = gradient_penalty(discriminator, real, fake)
    lengths = seen[0].flatten(1).norm(dim=1)
    assert 0 <= lengths.min() < 0.02
    assert 0.98 < lengths.max() <= 1
    assert lengths.unique().numel() > 390
    assert lengths.mean().item() == pytest.approx(0.5, abs=0.05)
    # Uniform: E[(u − 1)²] = 1/3. Drawn from torch's global generator, so that steps repeat.
    assert found.item() == pytest.approx(1 / 3, abs=0.05)
    assert torch.allclose(torch.minimum(lengths, 1 - lengths), torch.minimum(places, 1 - places))


def test_r1_looks_at_real_images_alone():
    seen: list[Tensor] = []

    def discriminator(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return total(x)

    real = images()
    zero_centred(discriminator, real)
    assert len(seen) == 1
    assert torch.equal(seen[0], real)


@pytest.mark.parametrize(
    "settings",
    [CNN(width=4), CNN(width=4, norm="instance"), PatchGAN(width=4, layers=1)],
    ids=lambda s: f"{s.kind}-{s.norm}",
)
def test_the_norm_of_an_image_does_not_depend_on_its_batch(settings):
    torch.manual_seed(0)
    discriminator = settings.build(3, 16)
    batch = images(4, 3, 16)
    together = gradient_norms(discriminator, batch)
    alone = torch.cat([gradient_norms(discriminator, batch[i : i + 1]) for i in range(4)])
    assert together.shape == (4,)
    assert torch.allclose(together, alone, rtol=1e-4)
    assert together.std() > 0


# Arithmetic


def test_penalties_are_computed_in_float32_under_autocast():
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(16, 1))
    x, y = images(4, 1, 4), images(4, 1, 4, seed=1)
    dtypes: set[torch.dtype] = set()
    discriminator[0].register_forward_hook(lambda module, inputs, output: dtypes.add(output.dtype))

    def both() -> Tensor:
        torch.manual_seed(1)
        return torch.stack([gradient_penalty(discriminator, x, y), zero_centred(discriminator, x)])

    plain = both()
    with torch.autocast("cpu", torch.bfloat16):
        lower = both()
        given_lower = gradient_norms(discriminator, x.bfloat16())
    assert dtypes == {torch.float32}
    assert lower.dtype == given_lower.dtype == torch.float32
    assert torch.equal(lower, plain)


@pytest.mark.parametrize("penalty", ["gradient_penalty", "zero_centred"])
def test_gradients_reach_the_weights_of_the_judge(penalty: str):
    """d(‖w‖ − 1)²/dw = 2(‖w‖ − 1)·w/‖w‖, and d½‖w‖²/dw = w."""
    discriminator = Linear(1.0, -2.0, 2.0, 4.0)
    if penalty == "gradient_penalty":
        gradient_penalty(discriminator, images(), images(seed=1)).backward()
        expected = 2 * 4 / 5 * discriminator.weights.detach()
    else:
        zero_centred(discriminator, images()).backward()
        expected = discriminator.weights.detach()
    assert discriminator.weights.grad is not None
    assert torch.allclose(discriminator.weights.grad, expected)


def test_gradients_reach_the_weights_behind_a_non_linearity():
    torch.manual_seed(0)
    discriminator = CNN(width=4, spectral_norm=True).build(3, 16)
    gradient_penalty(discriminator, images(4, 3, 16), images(4, 3, 16, seed=1)).backward()
    weights = [p for name, p in discriminator.named_parameters() if "original" in name]
    assert len(weights) == 3
    for weight in weights:
        assert weight.grad is not None
        assert weight.grad.abs().max() > 0


def test_a_judge_that_ignores_its_input_has_finite_gradients():
    """The square root of zero has none: a critic may begin there, and must be able to leave."""
    for penalty in (
        lambda discriminator: gradient_penalty(discriminator, images(), images(seed=1)),
        lambda discriminator: zero_centred(discriminator, images()),
    ):
        discriminator = Linear(0.0, 0.0, 0.0, 0.0)
        loss = penalty(discriminator)
        loss.backward()
        assert loss.isfinite()
        assert discriminator.weights.grad is not None
        assert discriminator.weights.grad.isfinite().all()


def test_the_images_themselves_learn_nothing():
    real, fake = images().requires_grad_(), images(seed=1).requires_grad_()
    (gradient_penalty(LINEAR, real, fake) + zero_centred(LINEAR, real)).backward()
    assert real.grad is None
    assert fake.grad is None
