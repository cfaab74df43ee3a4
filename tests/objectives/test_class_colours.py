"""The one term that knows of label maps: what colours their classes have in photos."""

from __future__ import annotations

import typing
from typing import Any

import pytest
import torch

from unpaired.core.config import ValueRange
from unpaired.data.domain import Domain
from unpaired.data.representation import Classes
from unpaired.data.sources import BuiltIn
from unpaired.data.tensors import to_pixels
from unpaired.methods import CycleGAN
from unpaired.networks import CNN, UNet
from unpaired.objectives.class_colours import ClassColours
from unpaired.recipes.facades import CLASS_COLOURS, PALETTE


@pytest.mark.parametrize("values", typing.get_args(ValueRange))
def test_each_class_has_its_colour(values: ValueRange):
    pixels = torch.tensor(PALETTE, dtype=torch.uint8).T.reshape(1, 3, 3, 4)
    labels = Classes(PALETTE).encode(pixels)
    colour = to_pixels(ClassColours(CLASS_COLOURS, 3, values).expected(labels), values)
    assert torch.equal(colour.int(), torch.tensor(CLASS_COLOURS).T.reshape(1, 3, 3, 4).int())
    grey = to_pixels(ClassColours(CLASS_COLOURS, 1, values).expected(labels), values)
    assert (grey - colour.float().mean(1, keepdim=True)).abs().max() <= 1


@pytest.mark.parametrize("labels", ["a", "b"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("classes", [3, 12])
def test_colours_teach_the_generator_of_photos_alone(labels: str, channels: int, classes: int):
    """Also where there are as many classes as photos have channels."""
    photo = "b" if labels == "a" else "a"
    domains = {
        labels: Domain(source=BuiltIn(name="sign"), size=16, palette=PALETTE[:classes]),
        photo: Domain(source=BuiltIn(name="sign"), size=16, channels=channels),
    }
    method = CycleGAN(
        generator=UNet(width=4, norm="instance"),
        discriminator=CNN(width=4),
        class_colours=CLASS_COLOURS[:classes],
        class_colours_weight=3.0,
    )
    assert not method.problems(domains["a"], domains["b"], 2)
    nets = method.build(domains["a"], domains["b"])
    colours = torch.tensor(PALETTE)[torch.randint(0, classes, (2, 16, 16))].movedim(-1, 1)
    batch: Any = {
        labels: domains[labels].representation.encode(colours.to(torch.uint8)),
        photo: torch.rand(2, channels, 16, 16) * 2 - 1,
    }
    losses, fakes = method.generator_losses(nets, batch)
    (name,) = (name for name in losses if name.startswith("class_colours"))
    assert name == f"class_colours_{photo}"
    term = ClassColours(CLASS_COLOURS[:classes], channels, "signed")
    expected = (fakes[photo] - term.expected(batch[labels])).abs().mean()
    assert losses[name].item() == pytest.approx(3 * expected.item())
    losses[name].backward()
    assert all(p.grad is not None for p in nets.generators[f"{labels}2{photo}"].parameters())
    assert all(p.grad is None for p in nets.generators[f"{photo}2{labels}"].parameters())
    assert not [name for name in nets.state_dict() if "colours" in name]


@pytest.mark.parametrize(
    ("changes", "domains", "words"),
    [
        ({"class_colours_weight": 0.0}, {}, "go together"),
        ({"class_colours": ()}, {}, "go together"),
        ({}, {"label_channels": "colours"}, "label_channels are classes"),
        ({}, {"palette": ()}, "one domain with a palette"),
        ({"class_colours": CLASS_COLOURS[:5]}, {}, "has 5 colours for the 12 classes"),
    ],
)
def test_colours_that_say_nothing_are_refused(
    changes: dict[str, Any], domains: dict[str, Any], words: str
):
    photos = Domain(source=BuiltIn(name="sign"))
    labels = Domain(**{"source": BuiltIn(name="sign"), "palette": PALETTE, **domains})
    given: dict[str, Any] = {"class_colours": CLASS_COLOURS, "class_colours_weight": 1.0}
    (problem,) = CycleGAN(**(given | changes)).problems(photos, labels, 2)
    assert words in problem
