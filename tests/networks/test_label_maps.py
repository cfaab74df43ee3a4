"""Label maps as a channel per class: what is painted, what is shown, and what learns."""

from __future__ import annotations

import typing
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from unpaired.core.config import ValueRange
from unpaired.data.domain import Domain
from unpaired.data.sources import BuiltIn
from unpaired.data.tensors import to_network, to_pixels
from unpaired.methods import CycleGAN
from unpaired.networks import CNN, UNet
from unpaired.networks.label_maps import PaletteInput, PaletteOutput, colours_of
from unpaired.recipes.facades import LOOKS, PALETTE

RANGES = typing.get_args(ValueRange)


class Given(nn.Module):
    """Answers with `values`, whatever the input."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.values = nn.Parameter(values)

    def forward(self, images: Tensor, style: Tensor | None = None) -> Tensor:
        return self.values


@pytest.mark.parametrize("value_range", RANGES)
def test_evaluation_paints_the_largest_share_in_its_colour(value_range: ValueRange):
    classes = torch.randint(0, 12, (2, 8, 8), generator=torch.Generator().manual_seed(0))
    scores = nn.functional.one_hot(classes, 12).movedim(-1, 1) * 0.01
    output = PaletteOutput(Given(scores), PALETTE, value_range).eval()(scores)
    expected = torch.tensor(PALETTE)[classes].movedim(-1, 1)
    assert torch.equal(to_pixels(output, value_range).long(), expected)


def test_training_mixes_the_colours_by_their_shares():
    """Two classes at scores 0.1 apart: logits 1 apart, shares 1/(1 + e) and e/(1 + e)."""
    given = Given(torch.tensor([0.2, 0.1]).view(1, 2, 1, 1))
    output = PaletteOutput(given, ((255, 255, 255), (0, 0, 0)), "unit").train()(torch.zeros(1))
    assert output.shape == (1, 3, 1, 1)
    assert output.flatten().tolist() == pytest.approx([0.7310586] * 3)
    output.sum().backward()
    assert given.values.grad is not None
    assert given.values.grad.abs().sum() > 0


@pytest.mark.parametrize("value_range", RANGES)
def test_networks_are_shown_the_class_of_each_colour(value_range: ValueRange):
    pixels = torch.tensor(PALETTE, dtype=torch.uint8).T.reshape(1, 3, 3, 4)
    shown = PaletteInput(nn.Identity(), PALETTE, value_range)(to_network(pixels, value_range))
    shares = (shown + 1) / 2
    assert shares.shape == (1, 12, 3, 4)
    assert torch.allclose(shares.sum(1), torch.ones(1, 3, 4))
    assert shares.argmax(1).flatten().tolist() == list(range(12))
    assert shares.amax(1).min() > 0.94


@pytest.mark.parametrize("labels", ["a", "b"])
def test_a_method_builds_both_directions_around_the_label_maps(labels: str):
    domains = {
        name: Domain(
            source=BuiltIn(name="sign"), size=16, palette=PALETTE if name == labels else ()
        )
        for name in ("a", "b")
    }
    generator, discriminator = UNet(width=4, norm="instance"), CNN(width=4)
    method = CycleGAN(
        generator=generator, discriminator=discriminator, class_channels=True, identity_weight=1.0
    )
    nets = method.build(domains["a"], domains["b"])
    batch = {name: torch.rand(2, 3, 16, 16) * 2 - 1 for name in ("a", "b")}
    losses, fakes = method.generator_losses(nets, batch)
    assert {name: tuple(fake.shape) for name, fake in fakes.items()} == dict.fromkeys(
        ("a", "b"), (2, 3, 16, 16)
    )
    torch.stack([*losses.values()]).sum().backward()
    assert all(p.grad is not None for p in nets.generators.parameters())
    assert method.discriminator_losses(nets, batch, fakes).keys() == {"a", "b"}

    photo = "b" if labels == "a" else "a"
    translated = method.translate(nets.eval(), batch[photo], labels)  # type: ignore[arg-type]
    colours = to_pixels(translated, "signed").movedim(1, -1).reshape(-1, 3).tolist()
    assert {tuple(colour) for colour in colours} <= set(PALETTE)

    plain = CycleGAN(generator=generator, discriminator=discriminator)
    found = plain.build(domains["a"], domains["b"]).generators
    assert not any(isinstance(g, (PaletteInput, PaletteOutput)) for g in found.values())


def test_colours_do_not_shift_where_arithmetic_is_in_bfloat16():
    scores = nn.functional.one_hot(torch.arange(12).view(1, 3, 4), 12).movedim(-1, 1).float()
    network = PaletteOutput(Given(scores), PALETTE, "signed")
    for training in (True, False):
        with torch.autocast("cpu", torch.bfloat16):
            output = network.train(training)(scores)
        painted = to_pixels(output, "signed").reshape(3, 12).T.int()
        assert (painted - torch.tensor(PALETTE)).abs().max() <= 1


@pytest.mark.parametrize("value_range", RANGES)
def test_classes_look_as_they_are_said_to(value_range: ValueRange):
    pixels = torch.tensor(PALETTE, dtype=torch.uint8).T.reshape(1, 3, 3, 4)
    looks = colours_of(LOOKS, value_range)
    network = PaletteInput(nn.Identity(), PALETTE, value_range, looks)
    colour = to_pixels(network.look(to_network(pixels, value_range), 3), value_range)
    expected = torch.tensor(LOOKS).T.reshape(1, 3, 3, 4)
    assert (colour.int() - expected).abs().max() <= 8  # next to a colour, its neighbours count
    grey = to_pixels(network.look(to_network(pixels, value_range), 1), value_range)
    assert (grey - colour.float().mean(1, keepdim=True)).abs().max() <= 1


@pytest.mark.parametrize("labels", ["a", "b"])
@pytest.mark.parametrize("channels", [1, 3])
def test_looks_teach_the_generator_of_photos_alone(labels: str, channels: int):
    photo = "b" if labels == "a" else "a"
    domains = {
        labels: Domain(source=BuiltIn(name="sign"), size=16, palette=PALETTE),
        photo: Domain(source=BuiltIn(name="sign"), size=16, channels=channels),
    }
    method = CycleGAN(
        generator=UNet(width=4, norm="instance"),
        discriminator=CNN(width=4),
        class_channels=True,
        class_looks=LOOKS,
        looks_weight=3.0,
    )
    assert not method.problems(domains["a"], domains["b"], 2)
    nets = method.build(domains["a"], domains["b"])
    colours = torch.tensor(PALETTE)[torch.randint(0, 12, (2, 16, 16))].movedim(-1, 1)
    batch = {
        labels: to_network(colours.to(torch.uint8), "signed"),
        photo: torch.rand(2, channels, 16, 16) * 2 - 1,
    }
    losses, fakes = method.generator_losses(nets, batch)
    (name,) = (name for name in losses if name.startswith("looks"))
    assert name == f"looks_{photo}"
    generator = nets.generators[f"{labels}2{photo}"]
    expected = (fakes[photo] - generator.look(batch[labels], channels)).abs().mean()
    assert losses[name].item() == pytest.approx(3 * expected.item())
    losses[name].backward()
    assert all(p.grad is not None for p in generator.parameters())
    assert all(p.grad is None for p in nets.generators[f"{photo}2{labels}"].parameters())
    assert "looks" in dict(generator.named_buffers())  # a model folder keeps them


@pytest.mark.parametrize(
    ("changes", "palettes", "words"),
    [
        ({"looks_weight": 0.0}, "b", "go together"),
        ({"class_looks": ()}, "b", "go together"),
        ({"class_channels": False}, "b", "they need method.class_channels"),
        ({}, "ab", "one domain with a palette"),
        ({"class_looks": LOOKS[:5]}, "b", "has 5 colours for the 12 classes"),
    ],
)
def test_looks_that_say_nothing_are_refused(changes: dict[str, Any], palettes: str, words: str):
    domains = {
        name: Domain(source=BuiltIn(name="sign"), palette=PALETTE if name in palettes else ())
        for name in ("a", "b")
    }
    given: dict[str, Any] = {"class_channels": True, "class_looks": LOOKS, "looks_weight": 1.0}
    method = CycleGAN(**(given | changes))
    (problem,) = method.problems(domains["a"], domains["b"], 2)
    assert words in problem
