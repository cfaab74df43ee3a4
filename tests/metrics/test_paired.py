import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from unpaired.core.errors import DataError
from unpaired.metrics.paired import l1, psnr, ssim, to_like


def noise(*shape, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)


def smooth(*shape, seed=0):
    blurred = ndimage.gaussian_filter(noise(*shape, seed=seed).numpy(), (0, 0, 2, 2))
    return torch.from_numpy(blurred)


def constant(level, n=2):
    return torch.full((n, 3, 12, 12), level, dtype=torch.uint8)


def ssim_by_definition(x, y, side):
    """Wang et al. (2004) on one channel: an explicit two-dimensional window."""
    axis = np.arange(side) - side // 2
    window = np.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    inside = slice(side // 2, -(side // 2) or None)

    def mean(values):
        return ndimage.correlate(values, window)[inside, inside]

    x, y = x / 255.0, y / 255.0
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = 0.0001, 0.0009
    return np.mean((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))


def test_known_differences():
    assert l1(constant(0), constant(51)).tolist() == pytest.approx([0.2, 0.2])
    assert psnr(constant(0), constant(51)).tolist() == pytest.approx([13.9794, 13.9794], abs=1e-4)


def test_identical_images():
    x = noise(3, 3, 16, 16)
    assert l1(x, x).tolist() == [0, 0, 0]
    assert psnr(x, x).tolist() == [100, 100, 100]
    assert ssim(x, x).tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    ("height", "width", "side"), [(32, 24, 11), (11, 11, 11), (8, 20, 7), (3, 3, 3)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_equals_its_definition(height, width, side, channels):
    x = smooth(4, channels, height, width)
    y = (x.float() * 0.8 + noise(4, channels, height, width, seed=1).float() * 0.1).to(torch.uint8)
    expected = [
        np.mean([ssim_by_definition(a, b, side) for a, b in zip(p, q, strict=True)])
        for p, q in zip(x.numpy(), y.numpy(), strict=True)
    ]
    assert ssim(x, y) == pytest.approx(expected, rel=1e-9)


def test_ssim_sees_structure_where_psnr_sees_none():
    """A change of brightness and a noise of the same energy (Wang et al. 2004, figure 2)."""
    x = smooth(1, 1, 64, 64)
    brighter = x + 10
    noisy = (x.int() + 10 * (2 * (noise(1, 1, 64, 64, seed=1) > 127).int() - 1)).to(torch.uint8)
    assert psnr(x, brighter) == pytest.approx(psnr(x, noisy))
    assert ssim(x, brighter) > 0.9
    assert ssim(x, noisy) < 0.6


@pytest.mark.parametrize("measure", [l1, psnr, ssim])
def test_one_number_per_image_whatever_the_batch(measure):
    x, y = smooth(70, 1, 12, 12), smooth(70, 1, 12, 12, seed=1)
    together = measure(x, y)
    assert together.shape == (70,)
    assert together.dtype == np.float64
    for i in (0, 15, 16, 69):
        assert measure(x[i : i + 1], y[i : i + 1])[0] == pytest.approx(together[i], rel=1e-12)
    assert measure(y, x) == pytest.approx(together)


@pytest.mark.parametrize("measure", [l1, psnr, ssim])
def test_different_shapes_are_refused(measure):
    with pytest.raises(DataError) as error:
        measure(noise(2, 3, 12, 12), noise(2, 1, 12, 12))
    assert error.value.code == "pairs-of-other-form"


def test_grey_is_repeated_over_the_channels():
    x = noise(20, 1, 8, 8)
    assert torch.equal(to_like(x, 3, 8), x.repeat(1, 3, 1, 1))


def test_colour_becomes_the_luma_that_pillow_has():
    x = noise(20, 3, 8, 8)
    for image, grey in zip(x, to_like(x, 1, 8), strict=True):
        expected = np.asarray(Image.fromarray(image.permute(1, 2, 0).numpy()).convert("L"))
        assert np.abs(grey[0].numpy().astype(int) - expected).max() <= 1


@pytest.mark.parametrize("size", [8, 16, 24, 50])
def test_resizing_is_pillows_antialiased_bilinear(size):
    x = noise(3, 1, 24, 24)
    found = to_like(x, 1, size)
    assert found.dtype == torch.uint8
    for image, resized in zip(x, found, strict=True):
        pillow = Image.fromarray(image[0].numpy())
        expected = np.asarray(pillow.resize((size, size), Image.Resampling.BILINEAR))
        assert np.abs(resized[0].numpy().astype(int) - expected).max() <= 1


def test_an_image_of_the_right_form_is_unchanged():
    x = noise(3, 3, 16, 16)
    assert torch.equal(to_like(x, 3, 16), x)
