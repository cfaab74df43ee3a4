"""Colour to grey, and what an image set comes to on average."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.data.tensors import LUMA, channel_statistics, luma


def test_luma_is_pillow_s_on_every_scale():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    expected = np.asarray(Image.fromarray(pixels).convert("L"))
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None].double()
    assert sum(LUMA) == pytest.approx(1)
    assert luma(images).shape == (1, 1, 8, 8)
    assert np.abs(luma(images)[0, 0].numpy() - expected).max() <= 0.51
    torch.testing.assert_close(luma(images / 255) * 255, luma(images))


def test_statistics_are_those_of_the_values_that_networks_see():
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8, generator=random)
    images[:, 1] //= 4
    values = (images.float() / 255).double()
    mean, deviation = channel_statistics(images)
    torch.testing.assert_close(mean, values.mean((0, 2, 3), keepdim=True))
    torch.testing.assert_close(deviation, values.std((0, 2, 3), keepdim=True, correction=0))


def test_one_may_divide_by_the_deviation_of_a_flat_image_set():
    mean, deviation = channel_statistics(torch.full((2, 1, 4, 4), 51, dtype=torch.uint8))
    assert mean.item() == pytest.approx(0.2)
    assert deviation.item() == pytest.approx(1e-3)
