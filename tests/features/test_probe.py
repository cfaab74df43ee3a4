"""What a discriminator has learned, read by a linear classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unpaired.features.probe import features, probe
from unpaired.networks import CNN, PatchGAN
from unpaired.networks.layers import Layer

DISCRIMINATORS = [
    CNN(width=4),
    CNN(width=4, norm="batch", spectral_norm=True),
    PatchGAN(width=4, layers=2),
    PatchGAN(width=4, layers=0, norm="batch"),
    CNN(width=4, norm="batch", minibatch_std=True),
]


def build(settings: Any) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = settings.build(1, 16)
    return network.train()


def corners(count: int, seed: int) -> tuple[Tensor, np.ndarray]:
    """Noise with a bright square in one of four corners, and which."""
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(count, 1, 16, 16, generator=random) * 0.5 - 1
    labels = torch.randint(4, (count,), generator=random)
    for image, label in zip(images, labels.tolist(), strict=True):
        row, column = 8 * (label // 2), 8 * (label % 2)
        image[0, row : row + 8, column : column + 8] += 1
    return images, labels.numpy()


def accuracy(
    discriminator: nn.Module, seen: Tensor, labels: np.ndarray, unseen: Tensor, truth: np.ndarray
):
    found = probe(discriminator, seen.split(32), labels, unseen.split(50))
    assert found.shape == truth.shape
    return float((found == truth).mean())


@pytest.mark.parametrize("settings", DISCRIMINATORS, ids=str)
def test_what_can_be_seen_in_the_features_is_read(settings: Any):
    """Even those of random weights show where an image is bright."""
    seen, labels = corners(160, 0)
    unseen, truth = corners(80, 1)
    assert accuracy(build(settings), seen, labels, unseen, truth) > 0.95


def test_what_cannot_be_seen_is_not_read():
    """Labels that are not in the images: right by chance, and no better."""
    seen, _ = corners(160, 0)
    unseen, _ = corners(400, 1)
    random = np.random.default_rng(0)
    found = accuracy(
        build(DISCRIMINATORS[0]),
        seen,
        random.integers(4, size=160),
        unseen,
        random.integers(4, size=400),
    )
    assert found == pytest.approx(0.25, abs=0.09)


def test_a_judge_that_ignores_its_input_shows_nothing():
    discriminator = build(DISCRIMINATORS[0])
    with torch.no_grad():
        for parameter in discriminator.parameters():
            parameter.zero_()
    seen, labels = corners(160, 0)
    unseen, truth = corners(200, 1)
    assert accuracy(discriminator, seen, labels, unseen, truth) < 0.4


def test_classes_follow_from_the_features_alone():
    seen, labels = corners(160, 0)
    unseen, _ = corners(80, 1)
    discriminator = build(DISCRIMINATORS[0])
    first, second = (probe(discriminator, [seen], labels, [unseen]) for _ in range(2))
    assert np.array_equal(first, second)
    # However the images are cut into batches.
    assert np.array_equal(probe(discriminator, seen.split(7), labels, unseen.split(11)), first)


@pytest.mark.parametrize("settings", DISCRIMINATORS, ids=str)
def test_features_are_those_of_every_layer_but_the_last(settings: Any):
    discriminator = build(settings).eval()
    images, _ = corners(6, 0)
    expected: list[Tensor] = []
    x = images
    for layer in discriminator.layers:
        x = layer(x).detach()
        if isinstance(layer, Layer):
            expected.append(nn.functional.adaptive_max_pool2d(x, 4).flatten(1))
    assert len(expected) >= 2
    found = features(discriminator, [images[:4], images[4:]])
    alike = torch.cat(expected, 1).numpy()
    assert found.shape == alike.shape
    assert np.allclose(found, alike, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("settings", DISCRIMINATORS, ids=str)
def test_the_discriminator_is_left_as_it_was(settings: Any, training: bool):
    """A training goes on afterwards: no statistic, no mode, no hook may stay behind."""
    discriminator = build(settings).train(training)
    before = {name: tensor.clone() for name, tensor in discriminator.state_dict().items()}
    features(discriminator, [corners(6, 0)[0]])
    assert all(m.training == training for m in discriminator.modules())
    assert all(
        torch.equal(before[name], found) for name, found in discriminator.state_dict().items()
    )
    assert not any(m._forward_hooks for m in discriminator.modules())


def test_it_is_left_as_it_was_after_a_failure_too():
    discriminator = build(DISCRIMINATORS[0])
    wrong: Sequence[Tensor] = [torch.rand(2, 5, 16, 16)]
    with pytest.raises(RuntimeError):
        features(discriminator, wrong)
    assert all(m.training for m in discriminator.modules())
    assert not any(m._forward_hooks for m in discriminator.modules())
