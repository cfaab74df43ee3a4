"""Encoders that learn classes, and discriminators in the forms that reports list."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from unpaired.networks import CNN, ClassEncoder, PatchGAN
from unpaired.networks.layers import Layer
from unpaired.recipes import recipe

ENCODERS = [
    ClassEncoder(width=4, features=6, **changes)
    for changes in (
        {},
        {"norm": "batch"},
        {"pooling": "max"},
        {"kernel": 3},
        {"kernel": 3, "convolutions": 2, "norm": "batch"},
        {"num_classes": 3},
    )
]
for_encoders = pytest.mark.parametrize("settings", ENCODERS, ids=str)


def build(settings: Any, *arguments: Any) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = settings.build(*arguments)
    return network


# Encoders that learn classes


@for_encoders
@pytest.mark.parametrize(("channels", "size"), [(1, 32), (3, 64), (3, 16), (1, 24)])
def test_images_become_features_and_classes(settings: ClassEncoder, channels: int, size: int):
    assert not settings.problems(size)
    network = build(settings, channels, size)
    images = torch.rand(4, channels, size, size)
    assert network(images).shape == (4, 6)
    assert network(images).dtype == torch.float32
    assert network.head(network(images)).shape == (4, settings.num_classes)
    loss = nn.functional.cross_entropy(network.head(network(images)), torch.arange(4) % 3)
    loss.backward()
    # A batch norm subtracts the bias before it again.
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert settings.norm == "batch" or parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("size", [8, 12, 30, 100])
def test_sizes_that_cannot_be_halved_three_times_are_refused(size: int):
    (problem,) = ClassEncoder().problems(size)
    assert f"needs a multiple of 8, not {size}" in problem


def test_kernels_of_2_grow_the_image_and_are_refused_where_repeated():
    (problem,) = ClassEncoder(convolutions=2).problems(32)
    assert "kernel 2 goes with one convolution per block" in problem


def test_averages_and_maxima_are_pooled_as_said():
    for pooling, kind in (("average", nn.AvgPool2d), ("max", nn.MaxPool2d)):
        network = build(ClassEncoder(width=4, pooling=pooling), 1, 32)
        pools = [m for m in network.modules() if isinstance(m, (nn.AvgPool2d, nn.MaxPool2d))]
        assert [type(m) for m in pools] == [kind] * 3


def test_f_of_the_digits_as_reported():
    """Chandar et al. 2019, section 5.1: kernels of 2 with padding 1 and 64, 128, 256 filters, each
    pooled; 128 filters of 4 without padding: a 128×1×1 vector; a dense layer to 10 classes."""
    experiment = recipe("dtn-svhn-mnist")
    network = build(experiment.method.encoder, 3, 32)
    assert {name: tuple(p.shape) for name, p in network.named_parameters()} == {
        "body.0.weight": (64, 3, 2, 2),
        "body.0.bias": (64,),
        "body.4.weight": (128, 64, 2, 2),
        "body.4.bias": (128,),
        "body.8.weight": (256, 128, 2, 2),
        "body.8.bias": (256,),
        "body.12.weight": (128, 256, 4, 4),
        "body.12.bias": (128,),
        "head.1.weight": (10, 128),
        "head.1.bias": (10,),
    }
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [m.padding for m in convolutions] == [(1, 1), (1, 1), (1, 1), (0, 0)]
    assert [m.stride for m in convolutions] == [(1, 1)] * 4
    assert sum(isinstance(m, nn.AvgPool2d) for m in network.modules()) == 3
    shapes = []
    convolutions[-1].register_forward_hook(lambda m, inputs, output: shapes.append(output.shape))
    network(torch.rand(2, 3, 32, 32))
    assert shapes == [(2, 128, 1, 1)]


# Discriminators as reported


def rows(network: nn.Module) -> list[tuple[int, int, int, int, int]]:
    """Channels in and out, kernel, stride and padding of each convolution."""
    return [
        (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0], m.padding[0])
        for m in network.modules()
        if isinstance(m, nn.Conv2d)
    ]


def test_d_of_the_digits_as_reported():
    """Section 5.1: 128, 256, 512 filters of 3, stride 2, padding 1, batch norm in all, LeakyReLU;
    then 4×4 to three numbers, which on 4×4 is our dense layer."""
    experiment = recipe("dtn-svhn-mnist")
    critic = experiment.method.build(experiment.a, experiment.b).discriminators["b"]
    assert rows(critic) == [(1, 128, 3, 2, 1), (128, 256, 3, 2, 1), (256, 512, 3, 2, 1)]
    norms = [m.num_features for m in critic.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms == [128, 256, 512]
    last = [m for m in critic.modules() if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in last] == [(512 * 4 * 4, 3)]
    x = torch.tensor([-1.0, 1.0])
    for layer in (m for m in critic.modules() if isinstance(m, Layer)):
        assert torch.allclose(layer.activation(x), torch.tensor([-0.2, 1.0]))


def test_d_of_the_faces_as_reported():
    """Section 5.2: five convolutions of 3, stride 2, padding 1; from 32 filters to four times as
    many in the middle, and fewer again."""
    critic = build(recipe("dtn-faces").method.discriminator, 3, 96, 3)
    assert [row[2:] for row in rows(critic)] == [(3, 2, 1)] * 5
    assert [row[1] for row in rows(critic)] == [32, 64, 128, 64, 32]
    norms = [m.num_features for m in critic.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms == [32, 64, 128, 64, 32]


def test_widths_must_be_as_many_as_convolutions():
    narrow = CNN(widths=(4, 8))
    assert not narrow.problems(16)
    (problem,) = narrow.problems(32)
    assert "2 numbers" in problem
    assert "3 convolutions" in problem
    assert "method.discriminator.width" in problem


@pytest.mark.parametrize(
    ("kernel", "size", "sides"),
    [
        (3, 96, [48, 24, 12, 6, 3]),
        (3, 32, [16, 8, 4]),
        (3, 45, [23, 12, 6, 3]),
        (4, 96, [48, 24, 12, 6, 3]),
        (4, 45, [22, 11, 5, 2]),
        (4, 32, [16, 8, 4]),
    ],
)
def test_a_cnn_knows_the_sizes_of_its_own_features(kernel: Any, size: int, sides: list[int]):
    network = build(CNN(width=2, kernel=kernel), 1, size, 3)
    found = []
    for layer in (m for m in network.modules() if isinstance(m, Layer)):
        layer.register_forward_hook(lambda module, inputs, output: found.append(output.shape[-1]))
    assert network(torch.rand(2, 1, size, size)).shape == (2, 3)
    assert found == sides


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_whether_the_first_layer_is_normalised(norm: Any, norm_first: bool):
    network = build(CNN(width=4, norm=norm, norm_first=norm_first), 1, 32)
    norms = [not isinstance(m.norm, nn.Identity) for m in network.modules() if isinstance(m, Layer)]
    assert norms == [norm_first, True, True]


def test_norm_first_without_a_norm_normalises_nothing():
    network = build(CNN(width=4, norm_first=True), 1, 32)
    assert all(isinstance(m.norm, nn.Identity) for m in network.modules() if isinstance(m, Layer))


# PixelGAN


def test_without_layers_every_pixel_is_judged_by_itself():
    """pix2pix, appendix 6.1.2: two 1×1 convolutions and the answer, at the size of the image."""
    settings = PatchGAN(width=4, layers=0, norm="none")
    assert settings.problems(1) == []
    network = build(settings, 3, 8).double()
    assert rows(network) == [(3, 4, 1, 1, 0), (4, 8, 1, 1, 0), (8, 1, 1, 1, 0)]
    picture = torch.rand(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    judged = network(picture)
    assert judged.shape == (1, 1, 8, 8)
    judged[0, 0, 3, 5].backward()
    assert picture.grad is not None
    seen = picture.grad[0].abs().sum(0) != 0
    assert seen.nonzero().tolist() == [[3, 5]]


@pytest.mark.parametrize(("layers", "smallest"), [(0, 1), (1, 6), (2, 12), (3, 24)])
def test_the_smallest_image_of_a_patchgan(layers: int, smallest: int):
    settings = PatchGAN(width=2, layers=layers, norm="instance" if layers else "none")
    assert settings.problems(smallest) == []
    size = (smallest, smallest)
    assert build(settings, 1, smallest)(torch.rand(2, 1, *size)).shape[:2] == (2, 1)
    if smallest > 1:
        (problem,) = settings.problems(smallest - 1)
        assert f"need images of {smallest}×{smallest} at least" in problem
