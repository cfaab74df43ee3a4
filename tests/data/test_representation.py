"""What networks see of images and of label maps, and that real and generated maps are alike."""

from __future__ import annotations

import typing

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unpaired.core.class_channels import SHARPNESS
from unpaired.core.config import ValueRange
from unpaired.data.domain import Domain
from unpaired.data.representation import Classes, Continuous
from unpaired.data.sources import BuiltIn
from unpaired.networks import UNet
from unpaired.networks.layers import ClassActivation, output_activation
from unpaired.recipes.facades import PALETTE

IDS = tuple((i, i, i) for i in range(100))
"""A palette of class ids, more than there are of anything else."""


def maps(palette: tuple[tuple[int, int, int], ...], seed: int = 0) -> tuple[Tensor, Tensor]:
    """Label maps [2, 3, 16, 16] uint8, and their classes."""
    random = torch.Generator().manual_seed(seed)
    classes = torch.randint(0, len(palette), (2, 16, 16), generator=random)
    return torch.tensor(palette, dtype=torch.uint8)[classes].movedim(-1, 1), classes


@pytest.mark.parametrize("palette", [PALETTE, IDS, ((0, 0, 0), (255, 255, 255), (9, 9, 9))])
def test_label_maps_come_back_as_they_were(palette: tuple[tuple[int, int, int], ...]):
    pixels, classes = maps(palette)
    labels = Classes(palette)
    values = labels.encode(pixels)
    assert values.shape == (2, labels.channels, 16, 16)
    assert values.dtype == torch.float32
    assert values.min() >= -1
    assert values.max() <= 1
    assert torch.equal(values.argmax(1), classes)
    assert torch.allclose(values.sum(1), torch.full((2, 16, 16), 2.0 - len(palette)), atol=1e-4)
    assert torch.equal(labels.decode(values), pixels)


def test_a_pixel_between_colours_is_of_the_nearest_class():
    pixels = torch.tensor([(10, 0, 160), (240, 250, 30), (180, 10, 10)], dtype=torch.uint8)
    values = Classes(PALETTE).encode(pixels.T.reshape(1, 3, 1, 3))
    assert values.argmax(1).flatten().tolist() == [0, 7, 11]


@pytest.mark.parametrize("values", typing.get_args(ValueRange))
@pytest.mark.parametrize("depth", [8, 16])
def test_images_come_back_as_they_were(values: ValueRange, depth: int):
    levels, kind = 2**depth - 1, np.dtype(f"uint{depth}")
    pixels = torch.from_numpy(np.arange(0, levels + 1, levels // 255, dtype=kind)[None, None, None])
    seen = Continuous(1, values)
    encoded = seen.encode(pixels)
    assert encoded.min() == (-1 if values == "signed" else 0)
    assert encoded.max() == 1
    assert torch.equal(seen.decode(encoded, levels).int(), pixels.int())


@pytest.mark.parametrize("sharpness", [1.0, 3.0, 100.0])
def test_one_layer_cannot_tell_real_label_maps_from_sharp_logits_of_the_same(sharpness: float):
    """A linear discriminator, with whatever weights, and after the generator's own activation."""
    pixels, classes = maps(PALETTE)
    real = Classes(PALETTE).encode(pixels)
    scores = 2 * nn.functional.one_hot(classes, 12).movedim(-1, 1).float() - 1
    generated = ClassActivation().train()(10 * sharpness * scores)
    torch.manual_seed(0)
    for _ in range(20):
        layer = nn.Conv2d(12, 1, 4)
        with torch.no_grad():
            assert torch.allclose(layer(real), layer(generated), atol=1e-5)
    blurred = ClassActivation().train()(0.1 * scores)  # the check of the check
    assert (layer(real) - layer(blurred)).abs().max() > 0.01


def test_training_has_gradients_and_evaluation_valid_label_maps():
    """Two classes at scores 0.1 apart: logits 1 apart, shares 1/(1 + e) and e/(1 + e)."""
    activation = output_activation("classes")
    given = torch.tensor([0.2, 0.1]).atanh().view(1, 2, 1, 1).requires_grad_()
    soft = activation.train()(given)
    assert ((soft + 1) / 2).flatten().tolist() == pytest.approx([0.7310586, 0.2689414])
    soft[:, 0].sum().backward()
    assert given.grad is not None
    assert given.grad.abs().min() > 0
    hard = activation.eval()(given)
    assert torch.equal(hard, Classes(((1, 1, 1), (0, 0, 0))).encode(torch.ones(1, 3, 1, 1).byte()))
    assert SHARPNESS == 10.0  # or the shares above are others


def test_a_generator_of_label_maps_has_a_channel_for_each_class():
    labels = Domain(source=BuiltIn(name="sign"), palette=IDS).representation
    network = UNet(width=4, norm="instance").build(3, labels.channels, labels.values)
    photos = torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.autocast("cpu", torch.bfloat16):
        values = network.eval()(photos)
    assert values.dtype == torch.float32
    translated = {tuple(c) for c in labels.decode(values).movedim(1, -1).reshape(-1, 3).tolist()}
    assert translated <= set(IDS)


def test_colours_are_seen_as_of_images_where_that_is_asked_for():
    domain = Domain(source=BuiltIn(name="sign"), palette=PALETTE, label_channels="colours")
    assert domain.representation == Continuous(3, "signed")
    assert domain.holds_labels  # still resized by nearest neighbour, and measured as classes
