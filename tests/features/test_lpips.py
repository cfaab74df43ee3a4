from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

import torchvision_operators
from unpaired.core.errors import DataError, SettingError
from unpaired.features.lpips import Lpips, load_lpips

CPU = torch.device("cpu")


@pytest.fixture
def distance(monkeypatch: pytest.MonkeyPatch) -> Lpips:
    """The distance with random weights in AlexNet's place."""
    torchvision_operators.declare()
    import lpips

    monkeypatch.setattr(lpips, "LPIPS", functools.partial(lpips.LPIPS, pnet_rand=True))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return load_lpips(CPU)


def images(seed: int, channels: int = 3) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (5, channels, 40, 40), generator=random, dtype=torch.uint8)


def test_it_is_what_the_package_computes(distance: Lpips):
    x, y = images(0), images(1)
    found = distance(x, y)
    values = (2 * x.float() / 255 - 1, 2 * y.float() / 255 - 1)
    expected = distance.network(*values).flatten().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.min() > 0
    assert (distance(x, x) == 0).all()
    np.testing.assert_allclose(distance(y, x), found, rtol=1e-5)
    np.testing.assert_allclose([distance(x[i : i + 1], y[i : i + 1])[0] for i in range(5)], found)


def test_grey_images_are_seen_as_grey(distance: Lpips):
    x, y = images(0, 1), images(1, 1)
    expected = distance(x.expand(-1, 3, -1, -1), y.expand(-1, 3, -1, -1))
    np.testing.assert_array_equal(distance(x, y), expected)


def test_other_shapes_are_refused(distance: Lpips):
    with pytest.raises(DataError) as error:
        distance(images(0), images(0)[:, :, :36])
    assert error.value.code == "images-unfit-for-lpips"
    with pytest.raises(DataError, match="at least 32 pixels") as error:
        distance(images(0)[..., :16, :16], images(1)[..., :16, :16])
    assert error.value.code == "images-unfit-for-lpips"


def test_absent_weights_are_named(monkeypatch: pytest.MonkeyPatch):
    torchvision_operators.declare()
    import lpips

    def refuse(**settings: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(lpips, "LPIPS", refuse)
    with pytest.raises(SettingError, match=r"AlexNet's weights.*no route to host") as error:
        load_lpips(CPU)
    assert (error.value.code, error.value.setting) == ("lpips-weights-missing", "lpips")
