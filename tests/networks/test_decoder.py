"""The decoder: shapes, ranges, and the layers that the papers and reports list."""

from __future__ import annotations

import typing
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from unpaired.networks import CNN, Decoder
from unpaired.networks.layers import INITIAL_STD, Layer, Norm, Upsampling
from unpaired.recipes import recipe

FEATURES = 6
ALTERNATIVES = [
    Decoder(width=4, max_width=16, **changes)
    for changes in (
        {},
        *({"norm": norm} for norm in typing.get_args(Norm) if norm != "batch"),
        *({"upsampling": up} for up in typing.get_args(Upsampling) if up != "transposed"),
        {"base": 2},
        {"pointwise": True},
        {"base": 2, "pointwise": True, "resolution": 64},
    )
]
for_all = pytest.mark.parametrize("settings", ALTERNATIVES, ids=str)


def build(settings: Any, *arguments: Any) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = settings.build(*arguments)
    return network


def vectors(count: int = 3) -> Tensor:
    return torch.randn(count, FEATURES, generator=torch.Generator().manual_seed(0))


# Promises


@for_all
@pytest.mark.parametrize(("channels", "size"), [(1, 32), (3, 64)])
def test_vectors_become_images(settings: Decoder, channels: int, size: int):
    assert not settings.problems(size)
    found = build(settings, FEATURES, channels, size, "signed")(vectors())
    assert found.shape == (3, channels, size, size)
    assert found.dtype == torch.float32


def test_faces_are_made_at_64_and_enlarged_to_96():
    settings = Decoder(width=4, base=2, pointwise=True, resolution=64)
    assert not settings.problems(96)
    network = build(settings, FEATURES, 3, 96, "signed").eval()
    made: list[Tensor] = []
    network.activation.register_forward_hook(lambda module, inputs, output: made.append(output))
    found = network(vectors())
    assert made[0].shape == (3, 3, 64, 64)
    assert found.shape == (3, 3, 96, 96)
    expected = nn.functional.interpolate(made[0], scale_factor=1.5, mode="bilinear")
    assert torch.allclose(found, expected, atol=1e-6)


@for_all
@pytest.mark.parametrize(("value_range", "low"), [("signed", -1.0), ("unit", 0.0)])
def test_outputs_fill_their_range_and_stay_in_it(settings: Decoder, value_range: Any, low: float):
    network = build(settings, FEATURES, 1, 32, value_range)
    with torch.no_grad():  # large weights drive the output to its limits
        network.to_image.weight *= 1e12
    found = network(vectors())
    assert found.min() == low
    assert found.max() == 1.0


@for_all
def test_gradients_reach_every_parameter_and_the_vectors(settings: Decoder):
    network = build(settings, FEATURES, 1, 32, "signed")
    given = vectors(4).requires_grad_()
    found = network(given)
    (found * torch.randn(found.shape)).sum().backward()
    assert given.grad is not None
    assert given.grad.abs().max() > 0
    # A bias that a norm subtracts again has none: the layer's own, and of what comes before it.
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        if not (name.endswith("bias") and settings.norm != "none"):
            assert parameter.grad.abs().max() > 1e-12, name


@pytest.mark.parametrize("settings", [s for s in ALTERNATIVES if s.norm != "batch"], ids=str)
def test_vectors_of_a_batch_are_treated_alike(settings: Decoder):
    network = build(settings, FEATURES, 1, 32, "signed")
    alone = torch.cat([network(vector[None]) for vector in vectors()])
    assert torch.allclose(network(vectors()), alone, atol=1e-6)


def test_different_vectors_give_different_images():
    first, second = build(Decoder(width=4), FEATURES, 1, 32, "signed")(vectors(2))
    assert (first - second).abs().mean() > 0.1 * first.std()


@pytest.mark.parametrize(
    ("settings", "size", "reason"),
    [
        (Decoder(), 48, "the size must be 4 times a power of two, not 48"),
        (Decoder(), 4, "the size must be 4 times a power of two, not 4"),
        (Decoder(), 30, "the size must be 4 times a power of two, not 30"),
        (Decoder(base=2), 48, "the size must be 2 times a power of two, not 48"),
        (Decoder(resolution=96), 64, "resolution must be 4 times a power of two, not 96"),
    ],
)
def test_sizes_that_doubling_does_not_reach_are_refused(settings: Decoder, size: int, reason: str):
    (problem,) = settings.problems(size)
    assert reason in problem
    assert "use 32 or 64" in problem


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        (Decoder(), 8),
        (Decoder(), 128),
        (Decoder(base=2), 4),
        (Decoder(base=2), 64),
        (Decoder(resolution=64), 96),
        (Decoder(resolution=32), 17),
    ],
)
def test_sizes_that_are_accepted_are_made(settings: Decoder, size: int):
    assert settings.problems(size) == []
    small = replace(settings, width=2, max_width=4)
    assert build(small, FEATURES, 1, size, "unit")(vectors()).shape == (3, 1, size, size)


# As published and reported


Row = tuple[str, int, int, int, int, int]
"""Kind, channels in and out, kernel, stride, padding."""


def convolutions(network: nn.Module) -> list[Row]:
    return [
        (type(m).__name__, m.in_channels, m.out_channels, *(p[0] for p in square(m)))
        for m in network.modules()
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))
    ]


def square(m: nn.Conv2d | nn.ConvTranspose2d) -> list[tuple[int, int]]:
    found: list[Any] = [m.kernel_size, m.stride, m.padding]
    assert all(p[0] == p[1] for p in found)
    return found


def up(before: int, after: int, stride: int = 2) -> Row:
    return "ConvTranspose2d", before, after, 4, stride, 1 if stride == 2 else 0


def test_g_of_the_digits_as_reported():
    """Chandar et al. 2019, section 5.1: 512 (4×4, stride 1), then 256, 128, 1 (stride 2), with
    batch norm."""
    experiment = recipe("dtn-svhn-mnist")
    g = experiment.method.build(experiment.a, experiment.b).generators["a2b"]
    assert convolutions(g) == [up(128, 512, 1), up(512, 256), up(256, 128), up(128, 1)]
    norms = [m.num_features for m in g.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms == [512, 256, 128]
    assert isinstance(g.activation, nn.Tanh)


def test_g_of_the_faces_as_reported():
    """Section 5.2: 512 to 32 in five blocks of stride 2, a 1×1 convolution after each; 64×64."""
    settings = recipe("dtn-faces").method.generator
    g = build(settings, 512, 3, 96, "signed")

    def point(channels: int) -> Row:
        return "Conv2d", channels, channels, 1, 1, 0

    assert convolutions(g) == [
        up(512, 512),
        point(512),
        up(512, 256),
        point(256),
        up(256, 128),
        point(128),
        up(128, 64),
        point(64),
        up(64, 32),
        point(32),
        up(32, 3),
    ]
    norms = [m.num_features for m in g.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms == [512, 256, 128, 64, 32]
    assert isinstance(g.activation, nn.Tanh)


def test_the_five_rules_of_dcgan():
    """Radford et al. 2016, section 3: architecture guidelines."""
    experiment = recipe("dcgan-mnist")
    torch.manual_seed(0)
    nets = experiment.method.build(experiment.a, experiment.b)
    made, critic = nets.generators["b"], nets.discriminators["b"]

    # Strided convolutions instead of pooling.
    for network in (made, critic):
        names = {type(m).__name__ for m in network.modules()}
        assert not [n for n in names if "Pool" in n or "Upsample" in n]
        assert {m.stride[0] for m in list(layers(network).values())[1:]} == {2}
    # Batch norm in all layers but the last of the generator and the first of the discriminator.
    assert [type(m.norm) for m in blocks(made)] == [nn.BatchNorm2d] * 3
    assert len(layers(made)) == 4
    norms = [type(m.norm) for m in blocks(critic)]
    assert norms == [nn.Identity, nn.BatchNorm2d, nn.BatchNorm2d]
    # No fully connected hidden layer: only the answer is one.
    assert not [m for m in made.modules() if isinstance(m, nn.Linear)]
    assert [m.out_features for m in critic.modules() if isinstance(m, nn.Linear)] == [1]
    # ReLU and tanh in the generator, LeakyReLU 0.2 in the discriminator.
    x = torch.tensor([-2.0, 3.0])
    assert all(torch.equal(m.activation(x), torch.tensor([0.0, 3.0])) for m in blocks(made))
    assert isinstance(made.activation, nn.Tanh)
    assert all(torch.allclose(m.activation(x), torch.tensor([-0.4, 3.0])) for m in blocks(critic))
    # Section 4: N(0, 0.02), 100 uniform numbers, batch 128, Adam 2e-4 with β₁ 0.5.
    for network in (made, critic):
        for module in layers(network).values():
            if module.weight.numel() > 5000:
                assert module.weight.std().item() == pytest.approx(INITIAL_STD, rel=0.05)
    assert experiment.method.latent_channels == 100
    assert experiment.training.batch_size == 128
    for optimiser in (experiment.training.generators, experiment.training.discriminators):
        assert (optimiser.algorithm, optimiser.learning_rate, optimiser.beta1) == (
            "adam",
            2e-4,
            0.5,
        )


def layers(network: nn.Module) -> dict[str, Any]:
    return {
        name: m
        for name, m in network.named_modules()
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))
    }


def blocks(network: nn.Module) -> list[Layer]:
    return [m for m in network.modules() if isinstance(m, Layer)]


def test_the_critics_of_wgan_are_dcgan_s():
    """Arjovsky et al. 2017 keep DCGAN's; with a gradient penalty, without its batch norm."""
    assert recipe("wgan-mnist").method.discriminator == CNN(width=64, norm="batch")
    assert recipe("wgan-gp-mnist").method.discriminator == CNN(width=64, norm="none")
    for name in ("wgan-mnist", "wgan-gp-mnist"):
        assert recipe(name).method.generator == recipe("dcgan-mnist").method.generator
        assert recipe(name).method.critic_steps == 5
