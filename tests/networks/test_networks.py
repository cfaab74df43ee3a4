"""Everything that is listed as a generator or a discriminator keeps the same promises."""

from __future__ import annotations

import itertools
import typing
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from unpaired.core.errors import SettingError
from unpaired.networks import Discriminator, Generator, PatchGAN
from unpaired.networks.layers import (
    INITIAL_STD,
    Layer,
    MinibatchStandardDeviation,
    Modulation,
    Norm,
    ReflectedConv2d,
    ResizeConv2d,
    Upsampling,
    conv3x3,
    norm_layer,
    upsampling_convolution,
)


def members(union: Any) -> list[Any]:
    """`Annotated[X | Y, …]` => [X, Y]."""
    return list(typing.get_args(typing.get_args(union)[0]))


def variants(kind: Any, **base: Any) -> list[Any]:
    """Settings of one kind: every value of every choice and switch that it has, one at a time."""
    found = [kind(**base)]
    for name, hint in typing.get_type_hints(kind).items():
        is_choice = typing.get_origin(hint) is typing.Literal
        values = (True, False) if hint is bool else typing.get_args(hint) if is_choice else ()
        if name != "kind":
            found += [
                replace(found[0], **{name: v}) for v in values if v != getattr(found[0], name)
            ]
    return found


GENERATORS = [s for kind in members(Generator) for s in variants(kind, width=8)]
DISCRIMINATORS = [s for kind in members(Discriminator) for s in variants(kind, width=8)]
for_generators = pytest.mark.parametrize("settings", GENERATORS, ids=str)
for_discriminators = pytest.mark.parametrize("settings", DISCRIMINATORS, ids=str)


def images(count: int = 2, channels: int = 3, size: int = 32, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, channels, size, size, generator=random) * 2 - 1


def build(settings: Any, *arguments: Any, **more: Any) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = settings.build(*arguments, **more)
    return network


def test_all_alternatives_are_met():
    """Guards the tests below: a choice must not slip through `variants`."""
    assert len({type(s) for s in GENERATORS}) == len(members(Generator)) >= 2
    assert {s.norm for s in GENERATORS} == set(typing.get_args(Norm))
    found = {s.upsampling for s in GENERATORS if hasattr(s, "upsampling")}
    assert found == set(typing.get_args(Upsampling))
    assert {s.spectral_norm for s in DISCRIMINATORS} == {True, False}
    assert {s.minibatch_std for s in DISCRIMINATORS if hasattr(s, "minibatch_std")} == {True, False}


# Generators


@for_generators
@pytest.mark.parametrize(("inputs", "outputs", "size"), [(1, 3, 32), (3, 1, 64), (3, 3, 32)])
def test_generators_keep_the_size_and_change_the_channels(settings, inputs, outputs, size):
    network = build(settings, inputs, outputs, "signed")
    found = network(images(2, inputs, size))
    assert found.shape == (2, outputs, size, size)
    assert found.dtype == torch.float32


@for_generators
def test_generators_take_any_multiple_of_their_size(settings):
    assert not settings.problems(32)
    multiple = settings.size_multiple
    network = build(settings, 1, 1, "signed")
    found = network(torch.rand(1, 1, 32 + multiple, 32 + 2 * multiple))
    assert found.shape[2:] == (32 + multiple, 32 + 2 * multiple)


@for_generators
@pytest.mark.parametrize(("value_range", "low"), [("signed", -1.0), ("unit", 0.0)])
def test_outputs_fill_their_range_and_stay_in_it(settings, value_range, low):
    network = build(settings, 1, 1, value_range)
    with torch.no_grad():  # large weights drive the output to its limits
        network.to_image.weight *= 1e12
    found = network(images(1, 1))
    assert found.min() == low
    assert found.max() == 1.0


@for_generators
@pytest.mark.parametrize("style_channels", [0, 4])
def test_gradients_reach_every_parameter_of_generators(settings, style_channels):
    network = build(settings, 1, 3, "signed", style_channels=style_channels)
    style = torch.randn(2, style_channels) if style_channels else None
    found = network(images(2, 1), style)
    (found * torch.randn(found.shape)).sum().backward()
    assert_gradients(network)


@for_generators
def test_generators_give_the_features_of_named_layers(settings):
    network = build(settings, 3, 1, "signed", 4).eval()
    x, style = images(), torch.randn(2, 4)
    names = list(network.feature_layers)
    expected: dict[str, Any] = {}
    handles = [
        layer.register_forward_hook(lambda *call, name=name: expected.update({name: call[2]}))
        for name, layer in network.feature_layers.items()
    ]
    network(x, style)
    assert list(expected) == names
    for handle in handles:
        handle.remove()
    features = network.features(x, names, style)
    assert all(torch.equal(features[name], expected[name]) for name in names)
    last = network.feature_layers[names[-1]]
    last.register_forward_hook(lambda *_: pytest.fail("a layer behind the last that is wanted"))
    assert list(network.features(x, names[:1], style)) == names[:1]
    with pytest.raises(SettingError) as error:
        network.features(x, ["decoder.0"])
    assert error.value.code == "unknown-layer"


@for_generators
def test_a_style_changes_the_output_and_another_image_of_the_batch_does_not(settings):
    network = build(settings, 1, 3, "signed", style_channels=4)
    one = images(1, 1).expand(2, -1, -1, -1)
    first, second = network(one, torch.randn(2, 4)).detach()
    scale = first.std()
    assert (first - second).abs().mean() > 0.1 * scale
    # Not a matter of single pixels: the mean colour moves, which planes at the input could not do.
    moved = torch.stack(
        [network(one, torch.randn(2, 4)).detach().mean((0, 2, 3)) for _ in range(8)]
    )
    assert moved.std(0).max() > 0.01 * scale


def test_why_a_style_enters_behind_the_norm():
    """Constant planes beside the image are subtracted again by the first instance norm."""
    torch.manual_seed(0)
    image, norm = images(1, 1), nn.InstanceNorm2d(8)
    convolution = nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect")

    def planes(style: torch.Tensor) -> torch.Tensor:
        return torch.cat([image, style.reshape(1, 2, 1, 1).expand(-1, -1, 32, 32)], 1)

    first, second = (norm(convolution(planes(torch.randn(2)))) for _ in range(2))
    assert torch.allclose(first, second, atol=1e-5)
    layer = Layer(conv3x3(1, 8), 8, "instance", F.relu, style_channels=2)
    first, second = (layer(image, torch.randn(1, 2)) for _ in range(2))
    assert (first - second).abs().mean() > 0.1


@pytest.mark.parametrize("count", [1, 3])
def test_instance_norm_of_channels_last_is_that_of_contiguous_features(count):
    """On a CPU it goes another way; gradients and theirs (a gradient penalty's) agree as well."""
    torch.manual_seed(0)
    norm, features, weight = norm_layer("instance", 5), *torch.randn(2, count, 5, 6, 7)
    found = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        given = features.contiguous(memory_format=memory_format).requires_grad_()
        normalised = norm(given)
        assert normalised.is_contiguous(memory_format=memory_format)
        (gradient,) = torch.autograd.grad((normalised * weight).sum(), given, create_graph=True)
        (second,) = torch.autograd.grad(gradient.square().sum(), given)
        found.append((normalised, gradient, second))
    for expected, actual in zip(*found, strict=True):
        torch.testing.assert_close(actual, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("settings", [s for s in GENERATORS if s.norm != "batch"], ids=str)
def test_generators_treat_the_images_of_a_batch_alike(settings):
    network = build(settings, 3, 3, "signed", style_channels=2)
    batch, style = images(3), torch.randn(3, 2)
    together = network(batch, style)
    alone = torch.cat([network(batch[i : i + 1], style[i : i + 1]) for i in range(3)])
    assert torch.allclose(together, alone, atol=2e-5)


# Discriminators


@for_discriminators
@pytest.mark.parametrize(("channels", "size"), [(1, 32), (3, 64)])
def test_discriminators_judge_with_unbounded_float32_numbers(settings, channels, size):
    network = build(settings, channels, size)
    found = network(images(2, channels, size))
    assert found.shape[:2] == (2, 1)
    assert found.dtype == torch.float32
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)) and len(module.weight) == 1:
                module.bias.fill_(-50)  # the last: of one output
    assert (network(images(2, channels, size)) < -20).all()


@for_discriminators
def test_gradients_reach_every_parameter_of_discriminators(settings):
    network = build(settings, 3, 32)
    found = network(images(4))
    (found * torch.randn(found.shape)).sum().backward()
    assert_gradients(network)


@for_discriminators
def test_discriminators_say_whether_they_couple_images(settings):
    network = build(settings, 3, 32)
    network.requires_grad_(False)
    others = images(3, seed=1)
    one = images(1, seed=2)
    # The rest of the batch changes; the estimate of the spectral norm must not in the meantime.
    for module in network.modules():
        if "SpectralNorm" in type(module).__name__:
            module.eval()
    first = network(torch.cat([one, others]))[0]
    second = network(torch.cat([one, others * 3]))[0]
    assert torch.allclose(first, second, atol=1e-6) != settings.couples_images


@for_discriminators
def test_spectral_norm_bounds_every_weight(settings):
    network = build(replace(settings, spectral_norm=True), 3, 32)
    for _ in range(20):  # each forward pass of training refines the estimate
        network(images(2))
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            largest = torch.linalg.matrix_norm(module.weight.flatten(1), ord=2)
            assert largest.item() == pytest.approx(1.0, abs=0.05)
    plain = build(replace(settings, spectral_norm=False), 3, 32)
    assert not any("parametrizations" in name for name, _ in plain.named_parameters())


@for_discriminators
def test_spectral_norm_holds_from_the_first_pass(settings):
    network = build(replace(settings, spectral_norm=True), 3, 32)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            assert torch.linalg.matrix_norm(module.weight.flatten(1), ord=2) < 1.3


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_each_judgement_of_a_patchgan_sees_the_patch_that_it_promises(layers: int, patch: int):
    # Without a norm, as instance norm lets every pixel reach every judgement.
    size = 2 * patch
    network = build(PatchGAN(width=2, layers=layers, norm="none"), 1, size).double()
    picture = torch.rand(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    judged = network(picture)
    middle = judged.shape[-1] // 2
    judged[0, 0, middle, middle].backward()
    assert picture.grad is not None
    seen = picture.grad[0, 0] != 0
    assert seen.any(0).sum() == patch
    assert seen.any(1).sum() == patch


def test_minibatch_standard_deviation_sees_a_collapse():
    layer = MinibatchStandardDeviation()
    varied, same = torch.randn(16, 4, 3, 3), torch.randn(1, 4, 3, 3).expand(16, -1, -1, -1)
    for features, low, high in ((varied, 0.85, 1.05), (same, 0.0, 0.001)):
        found = layer(features)
        assert torch.equal(found[:, :4], features)
        assert found.shape == (16, 5, 3, 3)
        assert low <= found[:, 4].min() <= found[:, 4].max() <= high
    assert torch.allclose(layer(varied)[:, 4], varied.std(0, unbiased=False).mean(), atol=1e-6)


def test_minibatch_standard_deviation_has_a_finite_gradient_where_all_are_alike():
    features = torch.ones(4, 2, 3, 3, requires_grad=True)
    MinibatchStandardDeviation()(features)[:, 2].sum().backward()
    assert features.grad is not None
    assert features.grad.isfinite().all()


@pytest.mark.parametrize(
    "kind",
    [kind for kind in members(Discriminator) if hasattr(kind, "minibatch_std")],
    ids=lambda kind: kind.__name__,
)
def test_a_discriminator_with_minibatch_std_tells_one_image_from_copies(kind):
    network = build(kind(width=8, minibatch_std=True), 3, 32)
    varied = images(8)
    copies = varied[:1].expand(8, -1, -1, -1)
    assert (network(varied)[0] - network(copies)[0]).abs().max() > 1e-5
    blind = build(kind(width=8, minibatch_std=False), 3, 32)
    assert torch.allclose(blind(varied)[0], blind(copies)[0], atol=1e-6)


# Initial weights and layers


@pytest.mark.parametrize(
    ("settings", "arguments"),
    [(kind(), (3, 3, "signed", 4)) for kind in members(Generator)]
    + [
        (kind(spectral_norm=spectral), (3, 32))
        for kind, spectral in itertools.product(members(Discriminator), (False, True))
    ],
    ids=str,
)
def test_weights_begin_as_dcgan_has_them(settings: Any, arguments: tuple[Any, ...]):
    network = build(settings, *arguments)
    checked = 0
    modulations = [m.to_scale_shift for m in network.modules() if isinstance(m, Modulation)]
    for module in network.modules():
        if not isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            continue
        # A modulation's scale and shift have unit variance for a style of unit variance.
        expected = module.in_features**-0.5 if module in modulations else INITIAL_STD
        behind = getattr(module, "parametrizations", None)
        weight = module.weight if behind is None else behind.weight.original
        if weight.numel() > 2000:
            four_sigma = 4 / weight.numel() ** 0.5
            assert weight.std().item() == pytest.approx(expected, rel=four_sigma)
            assert weight.mean().abs() < expected * four_sigma
            checked += 1
        assert module.bias is None or not module.bias.any()
    assert checked >= 3


@pytest.mark.parametrize("upsampling", typing.get_args(Upsampling))
def test_upsampling_doubles_the_size_and_weighs_all_pixels_alike(upsampling: Upsampling):
    layer = upsampling_convolution(1, 1, upsampling)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(1.0 if parameter.ndim > 1 else 0.0)
    found = layer(torch.ones(1, 1, 8, 8))[0, 0]
    assert found.shape == (16, 16)
    assert len(found[2:-2, 2:-2].unique()) == 1  # no checkerboard from the number of taps


def assert_gradients(network: nn.Module) -> None:
    """Every parameter has a gradient; only a bias that a norm subtracts again may have zero."""
    layers = {f"{n}.convolution.": m for n, m in network.named_modules() if isinstance(m, Layer)}
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        layer = next((m for prefix, m in layers.items() if name.startswith(prefix)), None)
        subtracted = layer is not None and not isinstance(layer.norm, nn.Identity)
        if not (name.endswith("bias") and subtracted):
            assert parameter.grad.abs().max() > 1e-9, name


def test_resize_convolution_in_one_is_resize_and_convolution():
    torch.manual_seed(0)
    both = ResizeConv2d(3, 5, 3, padding=1)
    features = torch.randn(2, 3, 7, 9)
    enlarged = F.interpolate(features, scale_factor=2, mode="nearest")
    padded = F.pad(enlarged, (1, 1, 1, 1), mode="reflect")
    expected = F.conv2d(padded, both.weight, both.bias)
    # Reflection takes the second row from the border, which enlarged is a copy of the first.
    torch.testing.assert_close(both(features), expected, rtol=1e-4, atol=1e-5)


def test_reflected_convolution_keeps_the_number_format_of_autocast():
    convolution = ReflectedConv2d(2, 2, 3, padding=1)
    features = torch.randn(1, 2, 8, 8)
    torch.testing.assert_close(
        convolution(features),
        F.conv2d(F.pad(features, (1,) * 4, mode="reflect"), convolution.weight, convolution.bias),
    )
    with torch.autocast("cpu", torch.bfloat16):
        assert convolution(features.bfloat16()).dtype == torch.bfloat16
