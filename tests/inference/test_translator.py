"""A translator returns the kind and size it was given, whatever else is in the batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import unpaired
from unpaired.core.errors import DataError, SettingError, UnreadableImage
from unpaired.data.codecs.settings import Decoding
from unpaired.evaluation.samples import translate
from unpaired.experiment.experiment import Experiment
from unpaired.inference import applied
from unpaired.inference.translator import Translator
from unpaired.models.folder import save_model
from unpaired.networks import ResNet, UNet

generators = pytest.mark.parametrize(
    "generator",
    [
        UNet(width=4, downsamplings=3, blocks=1, norm="instance"),
        UNet(width=4, norm="batch", upsampling="resize", full_size_skip=True),
        ResNet(width=4, blocks=1),
        ResNet(width=4, blocks=1, upsampling="transposed", norm="none"),
    ],
)


def build(experiment: Experiment) -> Translator:
    """Random weights, ten times as large as at the start of training, so that outputs differ."""
    torch.manual_seed(0)
    networks = experiment.method.build(experiment.a, experiment.b).eval().requires_grad_(False)
    for parameter in networks.parameters():
        parameter *= 10
    exact = replace(experiment, training=replace(experiment.training, precision="float32"))
    return Translator(exact, networks, torch.device("cpu"))


@pytest.fixture
def translator(tiny: Experiment) -> Translator:
    return build(tiny)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_a_saved_model_translates_as_before(tiny, tmp_path):
    torch.manual_seed(0)
    networks = tiny.method.build(tiny.a, tiny.b).eval()
    folder = save_model(tmp_path / "model", tiny, networks, 1, "")
    loaded = unpaired.load(folder, device="cpu")
    image = noise(32, 32)
    before = Translator(tiny, networks, torch.device("cpu")).translate(image, "b")
    assert np.array_equal(loaded.translate(image, to="b"), before)


def test_returns_the_kind_it_was_given(translator, tmp_path):
    image = noise(32, 32)
    Image.fromarray(image).save(tmp_path / "x.png")
    expected = translator.translate(image, "b")
    assert expected.shape == (32, 32, 3)
    assert expected.dtype == np.uint8
    path = tmp_path / "x.png"
    for kind in (Image.fromarray(image), path, str(path), path.read_bytes()):
        result = translator.translate(kind, "b")
        assert isinstance(result, Image.Image)
        assert np.array_equal(np.asarray(result), expected)
    tensor = translator.translate(torch.from_numpy(image)[None], "b")
    assert np.array_equal(tensor.permute(1, 2, 0), expected)
    batch = translator.translate(torch.from_numpy(image)[None, None].repeat(3, 1, 1, 1), "b")
    assert batch.shape == (3, 3, 32, 32)
    assert (batch[1].int() - tensor.int()).abs().max() <= 1


def test_channels_follow_the_domain(translator):
    assert translator.translate(noise(32, 32, 3), "a").shape == (32, 32, 1)
    assert translator.translate(Image.fromarray(noise(32, 32, 4)), "b").mode == "RGBA"
    assert translator.translate(Image.fromarray(noise(32, 32, 3)), "a").mode == "L"


@generators
@pytest.mark.parametrize("resolution", ["auto", "native", "trained"])
@pytest.mark.parametrize("size", [(257, 255), (32, 32), (33, 61), (4, 5), (9, 200)])
def test_size_in_is_size_out(tiny, generator, resolution, size):
    translator = build(replace(tiny, method=replace(tiny.method, generator=generator)))
    for to, channels in (("b", 3), ("a", 1)):
        result = translator.translate(noise(*size, 3), to, resolution=resolution)
        assert result.shape == (*size, channels)


def test_depth_follows_the_domain(tiny):
    deep = replace(tiny, a=replace(tiny.a, decoding=Decoding(depth=16)))
    translator = build(deep)
    values = noise(32, 32).astype(np.uint16) * 200
    assert translator.translate(values, "b").dtype == np.uint8
    back = translator.translate(noise(32, 32, 3), "a")
    assert back.dtype == np.uint16
    assert len(np.unique(back)) > 256
    assert translator.translate(Image.fromarray(noise(32, 32, 3)), "a").mode == "I;16"
    batch = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    assert translator.translate_batch(batch, "a", None).dtype == torch.uint16


def test_style_comes_from_the_seed_alone(translator):
    image = noise(32, 32)
    first = translator.translate(image, "b", style_seed=1)
    torch.manual_seed(99)
    assert np.array_equal(translator.translate(image, "b", style_seed=1), first)
    assert not np.array_equal(translator.translate(image, "b", style_seed=2), first)


def test_samples_are_different_and_reproducible(translator):
    image = noise(32, 32)
    samples = translator.translate(image, "b", samples=3)
    assert len(samples) == 3
    assert not np.array_equal(samples[0], samples[1])
    assert not np.array_equal(samples[1], samples[2])
    assert np.array_equal(translator.translate(image, "b"), samples[0])
    more = translator.translate(image, "b", samples=4)
    assert np.array_equal(more[2], samples[2])


def test_an_image_does_not_depend_on_its_batch(translator):
    images = torch.from_numpy(noise(9, 1, 32, 32))
    style = translator.style("b", 3, 0)
    together = translator.translate_batch(images, "b", style).int()
    alone = [translator.translate_batch(image[None], "b", style)[0].int() for image in images]
    assert (together - torch.stack(alone)).abs().max() <= 1


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_what_is_measured_is_what_is_delivered(tiny, precision):
    experiment = replace(tiny, training=replace(tiny.training, precision=precision))
    torch.manual_seed(0)
    networks = experiment.method.build(experiment.a, experiment.b).eval()
    images = torch.from_numpy(noise(5, 3, 32, 32))
    delivered = Translator(experiment, networks, torch.device("cpu"))
    measured = translate(delivered, images, "b", 0)
    assert torch.equal(measured.translations, delivered.translate_batch(images, "a", None))


def test_bfloat16_is_near_float32(translator, monkeypatch):
    image = noise(32, 32)
    exact = translator.translate(image, "b")
    monkeypatch.setattr(
        applied,
        "precision_of_translation",
        lambda training, device: torch.autocast(device.type, torch.bfloat16),
    )
    difference = translator.translate(image, "b").astype(int) - exact
    assert 0 < np.abs(difference).mean() < 4


def test_a_batch_that_does_not_fit_is_halved(translator, monkeypatch):
    images = torch.from_numpy(noise(7, 1, 32, 32))
    style = torch.randn(7, 2)
    expected = translator.translate_batch(images, "b", style)
    at_once = translator._translate_at_once

    def small_gpu(pixels, to, style):
        if len(pixels) > 2:
            raise torch.OutOfMemoryError
        return at_once(pixels, to, style)

    monkeypatch.setattr(translator, "_translate_at_once", small_gpu)
    halved = translator.translate_batch(images, "b", style)
    assert (halved.int() - expected.int()).abs().max() <= 1


def test_an_image_that_does_not_fit_is_refused(translator, monkeypatch):
    def full_gpu(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(translator, "_translate_at_once", full_gpu)
    with pytest.raises(DataError, match="64×32 pixels") as error:
        translator.translate(noise(32, 64), "b")
    assert error.value.code == "image-too-large-for-gpu"
    assert error.value.code == "image-too-large-for-gpu"


def test_settings_without_meaning(tiny, translator):
    image = noise(32, 32)
    plain = build(replace(tiny, method=replace(tiny.method, style_channels=0)))
    refused = [
        (translator, "c", {}, "no-such-domain", "to"),
        (translator, "a", {"samples": 2}, "model-has-no-style", "samples"),
        (translator, "b", {"style_seed": -1}, "style-seed-or-samples-too-small", ""),
        (plain, "b", {"samples": 2}, "model-has-no-style", "samples"),
        (plain, "b", {"style_seed": 4}, "model-has-no-style", "style_seed"),
    ]
    for model, to, settings, code, setting in refused:
        with pytest.raises(SettingError) as error:
            model.translate(image, to, **settings)
        assert (error.value.code, error.value.setting) == (code, setting)
    assert plain.translate(image, "b").shape == (32, 32, 3)


def test_gpu_that_is_absent(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    folder = save_model(tmp_path / "model", tiny, tiny.method.build(tiny.a, tiny.b), 1, "")
    with pytest.raises(SettingError) as error:
        unpaired.load(folder, device="cuda")
    assert error.value.code == "no-gpu"


def test_images_that_cannot_be_used(translator, tmp_path):
    with pytest.raises(UnreadableImage) as error:
        translator.translate(noise(2, 32), "b")
    assert error.value.code == "too-small"
    with pytest.raises(UnreadableImage) as error:
        translator.translate(Path(tmp_path / "absent.png"), "b")
    assert error.value.code == "cannot-be-opened"
    with pytest.raises(UnreadableImage):
        translator.translate(b"x", "b")
    for thing in ([noise(32, 32)], (noise(32, 32),), None):
        with pytest.raises(DataError) as error:
            translator.translate(thing, "b")
        assert error.value.code == "no-kind-of-image"
    with pytest.raises(DataError) as error:
        translator.translate(torch.zeros(0, 1, 32, 32, dtype=torch.uint8), "b")
    assert error.value.code == "empty-batch"


def test_a_translator_says_what_it_is(translator):
    name = translator.experiment.name
    assert repr(translator) == (
        f"<Translator {name}: CycleGAN a2b b2a, a 1x32x32, b 3x32x32, cpu, float32>"
    )
