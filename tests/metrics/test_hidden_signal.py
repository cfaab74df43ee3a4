from __future__ import annotations

import torch
from torch import Tensor

from unpaired.evaluation.measure import Gathered, measure
from unpaired.metrics.hidden_signal import HiddenSignal, compressed, hidden_signal, noisy
from unpaired.records.measurement import Measurement


def metrics_of(signal: HiddenSignal) -> dict[str, Measurement]:
    """The metrics of a, by name."""
    return measure(Gathered({"source": "a"}, {"hidden_signal": signal}))


def photos(channels: int = 3) -> Tensor:
    """Smooth images, uint8."""
    coarse = torch.rand(6, channels, 6, 6, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(coarse, size=(48, 48), mode="bicubic")
    return (255 * smooth.clamp(0, 1)).round().to(torch.uint8)


def test_an_image_in_its_lowest_bits_is_found():
    """Grey to the eye, while two bits of it hold the image: a perfect cycle, of nothing seen."""
    source = photos() // 64 * 64
    there = 126 + source // 64

    def way_back(images: Tensor) -> Tensor:
        return ((images.int() - 126) * 64).clamp(0, 255).to(torch.uint8)

    assert torch.equal(way_back(there), source)
    signal = hidden_signal(there, source, way_back)
    found = metrics_of(signal)
    assert signal.verdict == "hidden"
    assert found["hidden_signal/a/noise"].low > 10
    assert found["hidden_signal/a/jpeg"].low > 5
    assert found["cycle_l1/a/noise"].value > 0.2


def test_a_cycle_of_what_is_seen_hides_nothing():
    source = photos()

    def way_back(images: Tensor) -> Tensor:
        return 255 - images

    there = 255 - source
    signal = hidden_signal(there, source, way_back)
    found = metrics_of(signal)
    assert signal.verdict == "honest"
    assert found["hidden_signal/a/noise"].value == 1
    assert found["hidden_signal/a/jpeg"].value == 1
    assert found["cycle_l1/a/noise"].value < 0.02
    assert found["cycle_l1/a/jpeg"].value < 0.01


def test_what_restores_nothing_hides_nothing_however_much_noise_grows():
    """Networks without training: every change moves their answer, which is of no image."""
    source = photos()
    answer = photos().flip(3).flip(0)

    def way_back(images: Tensor) -> Tensor:
        return (answer + 8 * (images.int() - source.int())).clamp(0, 255).to(torch.uint8)

    signal = hidden_signal(source, source, way_back)
    assert metrics_of(signal)["hidden_signal/a/noise"].low > 2
    assert signal.verdict == "blind"


def test_growth_that_costs_nothing_is_no_hiding():
    """Images come back with a faint pattern that noise changes: as near before as after."""
    source = photos()

    def way_back(images: Tensor) -> Tensor:
        parity = images.int().sum(1, keepdim=True) % 2
        return (photos().int() + 40 * parity - 20).clamp(0, 255).to(torch.uint8)

    signal = hidden_signal(source, source, way_back)
    assert metrics_of(signal)["hidden_signal/a/noise"].low > 2
    assert signal.verdict == "unclear"


def test_the_touch_is_faint_and_follows_the_seed():
    for images in (photos(), photos(channels=1)):
        for touched in (noisy(images, 0), compressed(images)):
            assert touched.shape == images.shape
            assert touched.dtype == torch.uint8
            assert 0 < (touched.float() - images.float()).abs().mean() < 4
        assert torch.equal(noisy(images, 1), noisy(images, 1))
        assert not torch.equal(noisy(images, 1), noisy(images, 2))


def test_a_flat_image_that_jpeg_leaves_alone_has_a_number():
    flat = torch.full((3, 3, 16, 16), 128, dtype=torch.uint8)
    found = metrics_of(hidden_signal(flat, flat, lambda images: images))
    assert found["hidden_signal/a/jpeg"].value == 0
    assert found["hidden_signal/a/noise"].value == 1
