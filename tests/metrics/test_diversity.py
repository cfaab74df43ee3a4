import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unpaired.core.errors import DataError
from unpaired.metrics.diversity import diversity


def signs(n, seed, saturation=1.0, size=32):
    """Plates of random colour with strong texture; saturation 0 makes every plate grey."""
    random = torch.Generator().manual_seed(seed)
    plate = 128 + 70 * saturation * (2 * torch.rand(n, 3, 1, 1, generator=random) - 1)
    texture = 50 * torch.randn(n, 1, size, size, generator=random)
    return (plate + texture).clamp(0, 255).round().to(torch.uint8)


def by_definition(outputs, real, size):
    """One ratio, pair by pair."""

    def spread(images):
        small = F.adaptive_avg_pool2d(images.double(), size).flatten(1).numpy()
        pairs = [(a, b) for i, a in enumerate(small) for b in small[:i]]
        return np.mean([np.sqrt(np.mean((a - b) ** 2)) for a, b in pairs])

    return spread(outputs) / spread(real)


def test_only_the_mean_colour_tells_that_all_signs_turned_grey():
    real, grey = signs(40, seed=0), signs(40, seed=1, saturation=0.0)
    found = diversity(grey, real)
    assert found.scale == "mean colour"
    assert found.value < 0.1
    assert by_definition(grey, real, 32) > 0.75
    assert found.value == pytest.approx(by_definition(grey, real, 1), rel=1e-9)


@pytest.mark.parametrize(
    ("size", "sides"), [(8, (8, 2, 1)), (16, (16, 4, 1)), (32, (32, 8, 2, 1)), (40, (40, 10, 2, 1))]
)
def test_the_smallest_ratio_of_all_scales_counts(size, sides):
    for saturation in (0.3, 1.0, 1.5):
        outputs, real = signs(12, 1, saturation, size), signs(12, 2, size=size)
        expected = min(by_definition(outputs, real, side) for side in sides)
        assert diversity(outputs, real).value == pytest.approx(expected, rel=1e-9)


def test_lost_detail_shows_at_full_size():
    real = signs(30, seed=0)
    smooth = F.interpolate(F.avg_pool2d(real.float(), 4), scale_factor=4).round().to(torch.uint8)
    found = diversity(smooth, real)
    assert found.scale == "full size"
    assert found.value < 0.8


def test_real_images_are_as_diverse_as_themselves():
    real = signs(30, seed=0)
    found = diversity(real.flip(0), real)
    assert found.value == pytest.approx(1, rel=1e-12)
    assert found.low < 1 <= found.high


def test_one_image_for_all_is_a_collapse():
    real = signs(30, seed=0)
    found = diversity(real[:1].expand(30, -1, -1, -1), real)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_the_smaller_image_set_sets_the_number_of_images():
    assert diversity(signs(50, seed=0), signs(20, seed=1)).n == 20


def test_an_image_set_sorted_by_class_is_drawn_from_at_random():
    """The first images alone would be of one colour."""
    real = signs(200, seed=0)
    by_red = real[real[:, 0].float().mean((1, 2)).argsort()]
    assert diversity(by_red, signs(40, seed=1)).value > 0.8


def test_interval_covers_the_ratio_of_large_image_sets():
    truth = diversity(signs(1000, 1, 0.5, 8), signs(1000, 2, size=8), resamples=1).value
    found = [
        diversity(signs(80, 100 + seed, 0.5, 8), signs(80, 500 + seed, size=8), seed, 100)
        for seed in range(60)
    ]
    assert all(m.low <= m.value <= m.high for m in found)
    assert np.mean([m.low <= truth <= m.high for m in found]) > 0.85


def test_json_carries_the_scale():
    found = diversity(signs(10, seed=0), signs(10, seed=1))
    assert set(found.as_json()) == {"value", "low", "high", "n", "scale"}


def test_what_cannot_be_compared_is_refused():
    real = signs(10, seed=0)
    with pytest.raises(DataError) as error:
        diversity(real[:, :1], real)
    assert error.value.code == "images-of-other-form"
    with pytest.raises(DataError) as error:
        diversity(real[:1], real)
    assert error.value.code == "too-few-for-diversity"
    with pytest.raises(DataError) as error:
        diversity(real, real[:1].expand(10, -1, -1, -1))
    assert error.value.code == "real-images-alike"


def test_resamples_of_equal_real_images_leave_the_interval_finite():
    real = signs(2, seed=0)[[0, 0, 0, 1]]
    found = diversity(signs(4, seed=1), real)
    assert np.isfinite([found.value, found.low, found.high]).all()
