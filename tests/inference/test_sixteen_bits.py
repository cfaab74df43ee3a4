"""Images of 16 bits are translated, generated and trained in float32, whatever the device likes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import nn

from unpaired.cli.main import main
from unpaired.core import devices
from unpaired.data.codecs.decode import decode
from unpaired.data.codecs.settings import Decoding, Reading
from unpaired.data.domain import Domain
from unpaired.data.sources import BuiltIn, Folder
from unpaired.engine import distributed
from unpaired.engine.settings import Training
from unpaired.evaluation.samples import translate
from unpaired.experiment.auto import choose
from unpaired.experiment.experiment import Experiment
from unpaired.inference.files import translate_files
from unpaired.inference.noise import Noise
from unpaired.inference.translator import Translator
from unpaired.methods import GAN
from unpaired.methods.networks import Networks
from unpaired.models.folder import save_model
from unpaired.training.checks import lost_bits

LARGEST_LOSS = 8
"""Of 65,535, against a network of float32: what is stated of domains that keep 16 bits."""

STEP = 257
"""One step of 8 bits."""


@pytest.fixture(autouse=True)
def with_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that multiplies bfloat16 in hardware, or says so."""
    monkeypatch.setattr(devices, "has_bfloat16", lambda device: True)


def networks_of(experiment: Experiment) -> Networks:
    """Random weights, larger than at the start of training, so that outputs differ."""
    torch.manual_seed(0)
    networks = experiment.method.build(experiment.a, experiment.b).eval().requires_grad_(False)
    for module in networks.modules():
        if isinstance(module, nn.Conv2d):
            module.weight *= 5
    return networks


@pytest.fixture
def deep(tiny: Experiment) -> Experiment:
    """Grey of 16 bits to colour, as auto settings train it."""
    a = replace(tiny.a, decoding=Decoding(depth=16))
    return replace(tiny, a=a, training=replace(tiny.training, precision="auto"))


def grey(height: int = 32, width: int = 48) -> Any:
    return np.random.default_rng(0).integers(0, 65536, (height, width)).astype(np.uint16)


def colour(height: int = 32, width: int = 48) -> Any:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def loss(found: Any, expected: Any) -> int:
    return int(np.abs(np.asarray(found).astype(int) - np.asarray(expected).astype(int)).max())


@pytest.mark.parametrize("resolution", ["native", "trained"])
@pytest.mark.parametrize("trained_in", ["auto", "bfloat16", "float32"])
def test_translations_are_those_of_a_network_of_float32(deep, trained_in, resolution):
    training = replace(deep.training, precision=trained_in)
    translator = Translator(
        replace(deep, training=training), networks_of(deep), torch.device("cpu")
    )
    assert translator.precision == "float32"
    assert ", float32>" in repr(translator)
    exact = replace(deep.training, precision="float32")
    reference = Translator(replace(deep, training=exact), networks_of(deep), torch.device("cpu"))
    expected = reference.translate(colour(70, 50), "a", resolution=resolution)
    assert expected.dtype == np.uint16
    found = translator.translate(colour(70, 50), "a", resolution=resolution)
    assert loss(found, expected) <= LARGEST_LOSS
    # An input of 16 bits counts in all of them, also towards 8.
    assert loss(translator.translate(grey(), "b"), reference.translate(grey(), "b")) == 0


def test_bfloat16_would_lose_much_more(deep):
    translator = Translator(deep, networks_of(deep), torch.device("cpu"))
    exact = translator.translate(colour(), "a")
    values = translator.values(torch.from_numpy(colour()).permute(2, 0, 1)[None], "b")
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        output = translator.translating.translate(translator.networks, values, "a", None)
    rounded = deep.a.representation.decode(output, 65535)[0, 0].numpy()
    assert loss(rounded, exact[..., 0]) > STEP


def test_measurements_are_of_the_same_network(deep):
    translator = Translator(deep, networks_of(deep), torch.device("cpu"))
    images = torch.from_numpy(colour(32, 32)).permute(2, 0, 1)[None]
    measured = translate(translator, images, "b", 0)
    delivered = translator.translate_batch(images, "a", None)
    assert loss(measured.translations, (delivered.int() / STEP).round()) <= 1


def test_eight_bits_are_translated_as_before(tiny):
    experiment = replace(tiny, training=replace(tiny.training, precision="auto"))
    translator = Translator(experiment, networks_of(tiny), torch.device("cpu"))
    assert translator.precision == "bfloat16"


def test_a_caller_that_lets_a_gpu_round_finds_its_settings_as_they_were(deep):
    before = torch.backends.cudnn.conv.fp32_precision
    with devices.exact_float32(torch.device("cpu")):
        assert torch.backends.cudnn.conv.fp32_precision == "ieee"
        with torch.autocast("cpu", torch.bfloat16), devices.exact_float32(torch.device("cpu")):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert torch.backends.cudnn.conv.fp32_precision == before


def test_training_is_in_float32_where_nothing_else_is_asked_for(deep, monkeypatch):
    monkeypatch.setattr(distributed, "choose_precision", lambda wanted, device: "bfloat16")

    def dtype(**settings: bool) -> torch.dtype:
        fabric = distributed.build_fabric(deep.training, **settings)
        with fabric.autocast():
            return nn.Linear(2, 2)(torch.ones(2)).dtype

    assert dtype() == torch.bfloat16
    assert dtype(sixteen_bits=deep.keeps_16_bits) == torch.float32


def test_bfloat16_that_is_asked_for_by_name_is_warned_of(deep, tiny):
    asked = replace(deep.training, precision="bfloat16")
    (warning,) = lost_bits(replace(deep, training=asked))
    assert "16 bits, of which bfloat16 holds 8" in warning
    assert lost_bits(deep) == lost_bits(replace(tiny, training=asked)) == []


def test_auto_says_why_it_is_float32(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(12):
            pixels = grey() if name == "a" else colour()
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    a, b = (Domain(source=Folder(path=str(tmp_path / name))) for name in ("a", "b"))
    experiment, reasons = choose(Experiment(a=a, b=b))
    assert experiment.keeps_16_bits
    assert any(r.startswith("float32 on") and "16 bits" in r for r in reasons)


@pytest.mark.parametrize("alpha", ["keep", "composite"])
def test_colour_of_sixteen_bits_is_written_as_tiff_and_read_again(deep, alpha, tmp_path):
    rgb = replace(deep.a, channels=3)
    translator = Translator(
        replace(deep, a=rgb), networks_of(replace(deep, a=rgb)), torch.device("cpu")
    )
    opacity = np.full((32, 48, 1), 200, np.uint8)
    (tmp_path / "in").mkdir()
    for name, pixels in (("x.tif", colour()), ("y.tif", np.dstack([colour(), opacity]))):
        Image.fromarray(pixels).save(tmp_path / "in" / name)
    report = translate_files(translator, tmp_path / "in", tmp_path / "out", "a", alpha=alpha)
    assert report.notes == []
    for name in ("x.tif", "y.tif"):
        channels = 4 if name == "y.tif" and alpha == "keep" else 3
        content = (tmp_path / "out" / name).read_bytes()
        found = tifffile.imread(tmp_path / "out" / name)
        assert (found.dtype, found.shape) == (np.uint16, (32, 48, channels))
        assert len(np.unique(found[..., :3])) > 256
        decoded = decode(content, name="x", channels=3, decoding=Reading(depth=16))
        assert (decoded.alpha is None) == (channels == 3)
        if channels == 3 and name == "x.tif":
            expected = translator.translate(colour(), "a")
            assert loss(found, expected) <= LARGEST_LOSS
            np.testing.assert_array_equal(decoded.pixels, found)
    report = translate_files(
        translator, tmp_path / "in", tmp_path / "png", "a", alpha=alpha, image_format="png"
    )
    assert report.notes[0].startswith("colour of 16 bits is written with 8, but as TIFF")


def test_noise_becomes_images_of_sixteen_bits(tmp_path):
    b = Domain(source=BuiltIn(name="ink"), size=32, channels=1, decoding=Decoding(depth=16))
    experiment = Experiment(b=b, method=GAN(), training=Training(batch_size=8), name="noise")
    torch.manual_seed(0)
    networks = experiment.method.build(None, b).eval()
    folder = save_model(tmp_path / "model", experiment, networks, 1, "")
    model = Noise(folder, "cpu")
    (image,) = model.images(model.latents(1))
    assert (image.dtype, image.shape) == (np.uint16, (32, 32, 1))
    assert len(np.unique(image)) > 256
    assert main(["generate", str(folder), "-o", str(tmp_path / "out"), "--count", "1"]) == 0
    with Image.open(tmp_path / "out" / "00000.png") as stored:
        assert stored.mode.startswith("I;16")
        assert np.array_equal(np.asarray(stored), image[..., 0])
