"""CycleGAN's losses against the papers' equations, transcribed for networks that add constants."""

from __future__ import annotations

import json
import typing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from observers import Silent
from unpaired.data.dataset import load_images
from unpaired.engine import loop
from unpaired.engine.distributed import build_fabric
from unpaired.experiment.experiment import Experiment
from unpaired.methods import CycleGAN
from unpaired.methods.networks import Networks
from unpaired.networks import CNN, PatchGAN, ResNet, UNet
from unpaired.objectives import Adversarial
from unpaired.training.run_folder import open_run

OBJECTIVES = [kind() for kind in typing.get_args(typing.get_args(Adversarial)[0])]


class Affine(nn.Module):
    """x ↦ scale·x + shift + the mean of the style; remembers how many images it was given."""

    def __init__(self, scale: float, shift: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.shift = nn.Parameter(torch.tensor(shift))
        self.counts: list[int] = []

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        self.counts.append(len(x))
        y = self.scale * x + self.shift
        return y if style is None else y + style.mean(1)[:, None, None, None]


class Mean(nn.Module):
    """x ↦ `outputs` multiples of the mean of each image."""

    def __init__(self, scale: float, outputs: int = 1) -> None:
        super().__init__()
        self.scale = nn.Parameter(scale * torch.arange(1.0, outputs + 1))

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((1, 2, 3))[:, None] * self.scale


class Encoder(Mean):
    """A style encoder that remembers what it was told to remember."""

    def remember(self, codes: Tensor) -> None:
        self.remembered = codes


def stubs(style_channels: int = 0) -> Networks:
    return Networks(
        {"a2b": Affine(0.8, 0.3), "b2a": Affine(0.5, -0.1)},
        {"a": Mean(2.0), "b": Mean(-3.0)},
        {"b": Encoder(1.5, style_channels)} if style_channels else {},
    )


@pytest.fixture
def batch() -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(0)
    return {name: torch.rand(4, 1, 8, 8, generator=random) * 2 - 1 for name in ("a", "b")}


def values(losses: dict[str, Tensor]) -> dict[str, float]:
    return {name: loss.item() for name, loss in losses.items()}


# Equations


@pytest.mark.parametrize("adversarial", OBJECTIVES, ids=lambda o: o.kind)
def test_equation_3_with_identity(adversarial: Any, batch: dict[str, Tensor]):
    """Zhu et al. 2017: L(G, F, D_X, D_Y) = L_GAN + L_GAN + λ·L_cyc, and L_identity of §5.2."""
    method = CycleGAN(adversarial=adversarial, cycle_weight=10.0, identity_weight=5.0)
    nets = stubs()
    losses, fakes = method.generator_losses(nets, batch)

    x, y = batch["a"], batch["b"]
    G, F, D_X, D_Y = (  # noqa: N806, as in the paper
        lambda v: 0.8 * v + 0.3,
        lambda v: 0.5 * v - 0.1,
        lambda v: 2.0 * v.mean((1, 2, 3)),
        lambda v: -3.0 * v.mean((1, 2, 3)),
    )
    expected = {
        "adversarial_a": adversarial.generator(D_X(F(y))),
        "adversarial_b": adversarial.generator(D_Y(G(x))),
        "cycle_a": 10.0 * (F(G(x)) - x).abs().mean(),
        "cycle_b": 10.0 * (G(F(y)) - y).abs().mean(),
        "identity_a": 5.0 * (F(x) - x).abs().mean(),
        "identity_b": 5.0 * (G(y) - y).abs().mean(),
    }
    assert values(losses) == pytest.approx(values(expected), rel=1e-5)
    assert torch.allclose(fakes["a"], F(y))
    assert torch.allclose(fakes["b"], G(x))

    judged = method.discriminator_losses(nets, batch, fakes)
    expected = {
        "a": adversarial.discriminator(D_X(x), D_X(F(y))),
        "b": adversarial.discriminator(D_Y(y), D_Y(G(x))),
    }
    assert values(judged) == pytest.approx(values(expected), rel=1e-5)


def test_least_squares_are_those_of_the_reference(batch: dict[str, Tensor]):
    """Section 4: minimise E[(D(G(x)) − 1)²], and half of E[(D(y) − 1)²] + E[D(G(x))²]."""
    nets = stubs()
    losses, fakes = CycleGAN().generator_losses(nets, batch)
    judged = CycleGAN().discriminator_losses(nets, batch, fakes)
    fake = -3.0 * (0.8 * batch["a"] + 0.3).mean((1, 2, 3))
    real = -3.0 * batch["b"].mean((1, 2, 3))
    assert losses["adversarial_b"].item() == pytest.approx((fake - 1).pow(2).mean().item())
    half = 0.5 * ((real - 1).pow(2).mean() + fake.pow(2).mean())
    assert judged["b"].item() == pytest.approx(half.item())


def test_style_equations(batch: dict[str, Tensor]):
    """|E(G(a, s)) − s| with the style s of another b; b→a→b takes the style E(b) of its own b."""
    method = CycleGAN(style_channels=3, style_weight=0.7, identity_weight=2.0)
    nets = stubs(3)
    losses, fakes = method.generator_losses(nets, batch)

    def G(v: Tensor, style: Tensor) -> Tensor:  # noqa: N802, as in the paper
        return 0.8 * v + 0.3 + style.mean(1)[:, None, None, None]

    def E(v: Tensor) -> Tensor:  # noqa: N802
        return v.mean((1, 2, 3))[:, None] * torch.tensor([1.5, 3.0, 4.5])

    a, b = batch["a"], batch["b"]
    s = E(b)[[3, 0, 1, 2]]
    assert torch.allclose(fakes["b"], G(a, s))
    assert torch.allclose(nets.encoders["b"].remembered, s)
    assert losses["style"].item() == pytest.approx(0.7 * (E(G(a, s)) - s).abs().mean().item())
    cycle = 10 * (G(0.5 * b - 0.1, E(b)) - b).abs().mean()
    assert losses["cycle_b"].item() == pytest.approx(cycle.item(), rel=1e-5)
    identity = 2 * (G(b, E(b)) - b).abs().mean()
    assert losses["identity_b"].item() == pytest.approx(identity.item(), rel=1e-5)


def test_each_direction_has_its_own_cycle_weight(batch: dict[str, Tensor]):
    base = values(CycleGAN(cycle_weight=1.0).generator_losses(stubs(), batch)[0])
    both = values(CycleGAN(cycle_weight=4.0).generator_losses(stubs(), batch)[0])
    split = CycleGAN(cycle_weight=4.0, cycle_weight_b=0.5)
    found = values(split.generator_losses(stubs(), batch)[0])
    assert both["cycle_a"] == pytest.approx(4 * base["cycle_a"])
    assert both["cycle_b"] == pytest.approx(4 * base["cycle_b"])
    assert found["cycle_a"] == pytest.approx(4 * base["cycle_a"])
    assert found["cycle_b"] == pytest.approx(0.5 * base["cycle_b"])
    alone = CycleGAN(cycle_weight=4.0, cycle_weight_b=0.0)
    assert "cycle_b" not in alone.generator_losses(stubs(), batch)[0]


def test_noise_of_the_cycle_is_seen_by_the_way_back_alone(batch: dict[str, Tensor]):
    quiet_losses, quiet_fakes = CycleGAN().generator_losses(stubs(), batch)
    noisy_losses, noisy_fakes = CycleGAN(cycle_noise=0.5).generator_losses(stubs(), batch)
    for name in ("a", "b"):
        assert torch.equal(quiet_fakes[name], noisy_fakes[name])
        assert noisy_losses[f"adversarial_{name}"] == quiet_losses[f"adversarial_{name}"]
        assert noisy_losses[f"cycle_{name}"] != quiet_losses[f"cycle_{name}"]
    noise = CycleGAN(cycle_noise=0.5).noisy(torch.zeros(10_000))
    assert noise.std().item() == pytest.approx(0.5, rel=0.05)


def test_losses_that_have_no_weight_are_not_computed(batch: dict[str, Tensor]):
    losses, _ = CycleGAN().generator_losses(stubs(), batch)
    assert set(losses) == {"adversarial_a", "adversarial_b", "cycle_a", "cycle_b"}


@pytest.mark.parametrize("identity_weight", [0.0, 2.0])
@pytest.mark.parametrize(("name", "weights"), [("a", (0.0, 3.0)), ("b", (3.0, 0.0))])
def test_a_cycle_without_weight_is_not_run(
    name: str, weights: tuple[float, float], identity_weight: float, batch: dict[str, Tensor]
):
    forward, backward = weights
    method = CycleGAN(
        cycle_weight=forward, cycle_weight_b=backward, identity_weight=identity_weight
    )
    both = replace(method, cycle_weight=3.0, cycle_weight_b=3.0)
    nets = stubs()
    found = values(method.generator_losses(nets, batch)[0])
    expected = values(both.generator_losses(stubs(), batch)[0])
    del expected[f"cycle_{name}"]
    assert found == pytest.approx(expected)
    # The generator that would close the cycle sees one role fewer.
    closes = nets.generators["b2a" if name == "a" else "a2b"]
    other = nets.generators["a2b" if name == "a" else "b2a"]
    assert sum(other.counts) - sum(closes.counts) == len(batch["a"])  # type: ignore[arg-type]


# What is shared, and what is not


@pytest.mark.parametrize("style_channels", [0, 2])
@pytest.mark.parametrize(
    "generator",
    [UNet(width=4, norm="instance", blocks=1), ResNet(width=4, blocks=1)],
    ids=lambda g: g.kind,
)
def test_a_shared_batch_gives_what_separate_passes_give(
    generator: Any, style_channels: int, tiny: Experiment
):
    method = CycleGAN(
        generator=generator,
        discriminator=CNN(width=4),
        identity_weight=5.0,
        cycle_noise=0.1,
        style_channels=style_channels,
    )
    torch.manual_seed(0)
    nets = method.build(tiny.b, tiny.b)
    batch = {name: torch.rand(3, 3, 32, 32) * 2 - 1 for name in ("a", "b")}
    found = []
    separately = replace(method, generator=replace(generator, norm="batch"))  # with these networks
    for each in (method, separately):
        torch.manual_seed(5)
        losses, fakes = each.generator_losses(nets, batch)
        gradients = torch.autograd.grad(
            torch.stack(list(losses.values())).sum(), list(nets.generators.parameters())
        )
        found.append((losses, fakes, gradients))
    shared, separate = found
    assert values(shared[0]) == pytest.approx(values(separate[0]), rel=1e-4)
    for name in ("a", "b"):
        assert torch.allclose(shared[1][name], separate[1][name], atol=1e-5)
    for one, other in zip(shared[2], separate[2], strict=True):
        assert torch.allclose(one, other, atol=1e-4 * float(other.abs().max()) + 1e-5)


@pytest.mark.parametrize(
    ("norm", "counts"), [("instance", [8, 4]), ("none", [8, 4]), ("batch", [4, 4, 4])]
)
def test_batch_norm_never_sees_two_roles_in_one_batch(
    norm: Any, counts: list[int], batch: dict[str, Tensor]
):
    nets = stubs()
    CycleGAN(generator=UNet(norm=norm), identity_weight=1.0).generator_losses(nets, batch)
    assert nets.generators["a2b"].counts == counts


@pytest.mark.parametrize("discriminator", [PatchGAN(norm="batch"), CNN(minibatch_std=True)])
def test_real_and_fake_are_judged_apart_where_images_are_coupled(
    discriminator: Any, batch: dict[str, Tensor]
):
    nets = stubs()
    seen = []
    for domain in ("a", "b"):
        nets.discriminators[domain].register_forward_hook(
            lambda module, inputs, output: seen.append(len(inputs[0]))
        )
    CycleGAN(discriminator=discriminator).discriminator_losses(nets, batch, batch)
    assert seen == [4, 4, 4, 4]
    seen.clear()
    CycleGAN(discriminator=CNN()).discriminator_losses(nets, batch, batch)
    assert seen == [8, 8]


def test_the_phases_keep_their_gradients_apart(batch: dict[str, Tensor]):
    nets = stubs(2)
    method = CycleGAN(style_channels=2)
    losses, fakes = method.generator_losses(nets, batch)
    assert not any(fake.requires_grad for fake in fakes.values())
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is not None for p in nets.generating().parameters())
    nets.zero_grad(set_to_none=True)
    torch.stack(list(method.discriminator_losses(nets, batch, fakes).values())).sum().backward()
    assert all(p.grad is not None for p in nets.discriminators.parameters())
    assert all(p.grad is None for p in nets.generating().parameters())


# Networks and translation


def test_networks_fit_the_domains(tiny: Experiment):
    nets = replace(tiny.method, style_channels=2).build(tiny.a, tiny.b)
    ink, sign = torch.rand(2, 1, 32, 32), torch.rand(2, 3, 32, 32)
    assert nets.generators["a2b"](ink, torch.randn(2, 2)).shape == sign.shape
    assert nets.generators["b2a"](sign).shape == ink.shape
    assert nets.discriminators["a"](ink).shape[0] == nets.discriminators["b"](sign).shape[0] == 2
    assert nets.encoders["b"](sign).shape == (2, 2)
    plain = replace(tiny.method, style_channels=0)
    assert not plain.build(tiny.a, tiny.b).encoders


def test_translate_uses_the_style_only_where_there_is_one(batch: dict[str, Tensor]):
    nets, method = stubs(2), CycleGAN(style_channels=2)
    a, b = batch["a"], batch["b"]
    style = torch.ones(4, 2)
    assert torch.allclose(method.translate(nets, a, "b", style), 0.8 * a + 1.3)
    assert torch.allclose(method.translate(nets, b, "a", style), 0.5 * b - 0.1)
    own = b.mean((1, 2, 3))[:, None, None, None] * (1.5 + 3.0) / 2
    back = method.translate_back(nets, 0.5 * b - 0.1, b, "b")
    assert torch.allclose(back, 0.8 * (0.5 * b - 0.1) + 0.3 + own, atol=1e-6)
    there = 0.8 * a + 0.3
    assert torch.allclose(method.translate_back(nets, there, a, "a"), 0.5 * there - 0.1)


def test_different_styles_give_different_signs(tiny: Experiment):
    torch.manual_seed(0)
    nets = tiny.method.build(tiny.a, tiny.b)
    ink = torch.rand(1, 1, 32, 32).expand(4, -1, -1, -1)
    signs = tiny.method.translate(nets, ink, "b", torch.randn(4, 2))
    assert signs.std(0).mean() > 0.02


# Golden values


def test_golden_losses_of_the_first_step(tiny: Experiment, tmp_path: Path):
    """Whoever changes these changes what every recipe learns: say so, and measure again."""

    training = replace(tiny.training, images=4, precision="float32")
    experiment = replace(tiny, training=training)
    images = {name: load_images(getattr(tiny, name), "train") for name in ("a", "b")}
    folder = tmp_path / "run"
    with open_run(folder, experiment):
        loop.train(build_fabric(training), experiment, images, folder, Silent())
    losses = json.loads((folder / "metrics.jsonl").read_text())["losses"]
    expected = {
        "generators/adversarial_a": 1.009635,
        "generators/adversarial_b": 1.155788,
        "generators/cycle_a": 9.503165,
        "generators/cycle_b": 4.797493,
        "generators/style": 0.540604,
        "discriminators/a": 0.509319,
        "discriminators/b": 0.607626,
    }
    assert losses == pytest.approx(expected, rel=1e-4)
