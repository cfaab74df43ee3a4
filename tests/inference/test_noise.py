"""Images from noise: the same for a seed and number, on the way from one to another, in sums."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.cli.main import main
from unpaired.core.errors import SettingError
from unpaired.experiment.experiment import Experiment
from unpaired.inference.noise import Noise
from unpaired.methods import GAN
from unpaired.models.folder import save_model
from unpaired.networks import CNN, Decoder


@pytest.fixture
def folder(tiny: Experiment, tmp_path: Path) -> Path:
    """A model that makes coloured images of 32 pixels from eight numbers; never trained."""
    method = GAN(
        generator=Decoder(width=8, max_width=16), discriminator=CNN(width=8), latent_channels=8
    )
    experiment = replace(tiny, a=None, method=method)
    torch.manual_seed(0)
    networks = method.build(None, experiment.b)
    for module in networks.modules():  # at N(0, 0.02) all images would be the same grey
        if isinstance(module, torch.nn.ConvTranspose2d):
            torch.nn.init.normal_(module.weight, 0.0, 0.3)
    return save_model(tmp_path / "model", experiment, networks, 0, "a card")


def test_an_image_depends_on_seed_and_number_alone(folder: Path):
    model = Noise(folder, "cpu")
    many = model.images(model.latents(120))  # more than one batch
    assert many[0].shape == (32, 32, 3)
    assert many[0].dtype == np.uint8
    few = model.images(model.latents(3, first=104))
    # Alone or among others, a pixel may be rounded the other way.
    assert all(
        np.abs(a.astype(int) - b).max() <= 1 for a, b in zip(few, many[104:107], strict=True)
    )
    assert np.abs(many[0].astype(int) - many[1]).mean() > 1
    assert not torch.equal(model.latents(1, seed=1), model.latents(1))


def test_the_way_from_one_image_to_another(folder: Path):
    model = Noise(folder, "cpu")
    way = model.between(2, 5, 5)
    first, last = model.latents(1, first=2), model.latents(1, first=5)
    assert torch.allclose(way[0], first[0])
    assert torch.allclose(way[-1], last[0])
    assert torch.allclose(way[2], (first[0] + last[0]) / 2)


def test_sums_are_of_means_of_noise(folder: Path):
    model = Noise(folder, "cpu")
    noise = model.latents(9)
    found = model.arithmetic("0, 4,7 - 1 + 2,3")
    terms = torch.stack([noise[[0, 4, 7]].mean(0), noise[1], noise[[2, 3]].mean(0)])
    assert torch.allclose(found[:3], terms)
    assert torch.allclose(found[3], terms[0] - terms[1] + terms[2])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is empty"),
        ("a cat", "behind '+' there is 'a', no number"),
        ("1 * 2", "'*' stands where + or - belongs"),
        ("one - 2", "there is 'o'"),
        ("0,4,7 - 1,2,3 +", "behind '+' there is nothing"),
        ("0 -", "behind '-' there is nothing"),
        ("0,4,7 8", "'8' stands where + or - belongs"),
        ("0 + - 1", "behind '+' there is '-'"),
        ("0,,4", "',' stands where"),
    ],
)
def test_what_is_no_sum_is_refused_with_an_example(folder: Path, text: str, problem: str):
    with pytest.raises(SettingError, match="0,4,7 - 1,2,3") as refused:
        Noise(folder, "cpu").arithmetic(text)
    assert refused.value.code == "no-sum-of-images"
    assert problem in str(refused.value)


def test_a_model_that_translates_is_refused_with_the_verb_for_it(tiny: Experiment, tmp_path: Path):
    networks = tiny.method.build(tiny.a, tiny.b)
    folder = save_model(tmp_path / "model", tiny, networks, 0, "a card")
    with pytest.raises(SettingError) as error:
        Noise(folder)
    assert error.value.code == "model-translates"


def test_the_verb_writes_pictures(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "made"
    arguments = ["generate", str(folder), "-o", str(out), "--count", "3", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["images"] == ["00000.png", "00001.png", "00002.png"]
    assert np.asarray(Image.open(out / "00002.png")).shape == (32, 32, 3)
    assert main(["generate", str(folder), "-o", str(out), "--count", "0"]) == 2
    flags = ["generate", str(folder), "-o", str(out), "--between", "1", "2", "--count", "4"]
    before = (out / "00000.png").read_bytes()
    assert main(flags) == 2
    error = capsys.readouterr().err
    assert "3 of 4 images exist already" in error
    assert "--overwrite" in error
    assert (out / "00000.png").read_bytes() == before
    assert main([*flags, "--overwrite"]) == 0
    assert len(list(out.iterdir())) == 4
    assert (out / "00000.png").read_bytes() != before
    assert (
        main(["generate", str(folder), "-o", str(tmp_path / "sum"), "--arithmetic", "0 - 1"]) == 0
    )
    assert len(list((tmp_path / "sum").iterdir())) == 3
    for words in (["--arithmetic", ""], ["--arithmetic", "0 -"], ["--between", "0", "-1"]):
        assert main(["generate", str(folder), "-o", str(tmp_path / "no"), *words]) == 2
    assert not (tmp_path / "no").exists()


def test_noise_that_is_none_of_the_model(folder: Path):
    model = Noise(folder, "cpu")
    for wrong in ({"count": 0}, {"count": 1, "seed": -1}, {"count": 1, "first": -1}):
        with pytest.raises(SettingError) as error:
            model.latents(**wrong)
        assert error.value.code == "count-seed-or-first-too-small"
    for shape in ((2, 3), (8,)):
        with pytest.raises(SettingError) as error:
            model.images(torch.zeros(shape))
        assert error.value.code == "latents-of-another-shape"


def test_noise_of_numpys_precision_is_taken(folder: Path):
    model = Noise(folder, "cpu")
    latents = model.latents(2)
    for exact, image in zip(model.images(latents), model.images(latents.double()), strict=True):
        assert np.array_equal(exact, image)
