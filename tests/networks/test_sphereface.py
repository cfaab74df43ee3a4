"""SphereFace-20: the published weights fit, anything else is refused by name."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from unpaired.core.errors import SettingError
from unpaired.experiment.experiment import Experiment
from unpaired.methods import DTN
from unpaired.models.folder import load_model, save_model
from unpaired.networks import CNN, ClassEncoder, Decoder, SphereFace
from unpaired.networks.sphereface import SphereFace20

# As sphereface_pytorch's net_sphere.py names them, for sphere20a.
PUBLISHED = {
    1: ["1_1", "1_2", "1_3"],
    2: ["2_1", "2_2", "2_3", "2_4", "2_5"],
    3: ["3_1", "3_2", "3_3", "3_4", "3_5", "3_6", "3_7", "3_8", "3_9"],
    4: ["4_1", "4_2", "4_3"],
}
WIDTHS = {0: 3, 1: 64, 2: 128, 3: 256, 4: 512}


@pytest.fixture(scope="session")
def weights() -> dict[str, Tensor]:
    """A state dict in the published form, of random numbers, with the layer that is left out."""
    random = torch.Generator().manual_seed(0)

    def draw(*shape: int, size: float) -> Tensor:
        return torch.randn(*shape, generator=random) * size

    found: dict[str, Tensor] = {}
    for stage, names in PUBLISHED.items():
        width = WIDTHS[stage]
        for i, name in enumerate(names):
            before = WIDTHS[stage - 1] if i == 0 else width
            found[f"conv{name}.weight"] = draw(width, before, 3, 3, size=(9 * before) ** -0.5)
            found[f"conv{name}.bias"] = draw(width, size=0.1)
            found[f"relu{name}.weight"] = torch.full((width,), 0.25)
    found["fc5.weight"] = draw(512, 512 * 7 * 6, size=0.01)
    found["fc5.bias"] = draw(512, size=0.1)
    found["fc6.weight"] = draw(512, 10, size=1.0)
    return found


@pytest.fixture(scope="session")
def files(weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sphere20a")
    torch.save(weights, folder / "sphere20a.pth")
    save_file(weights, folder / "sphere20a.safetensors")
    return [folder / "sphere20a.pth", folder / "sphere20a.safetensors"]


def refusal(path: Path) -> str:
    with pytest.raises(SettingError) as caught:
        SphereFace(path=str(path)).build(3, 32)
    return str(caught.value)


@pytest.mark.parametrize("form", [0, 1], ids=["pth", "safetensors"])
def test_published_weights_fit(files: list[Path], weights: dict[str, Tensor], form: int):
    network = SphereFace(path=str(files[form])).build(3, 96)
    state = network.state_dict()
    assert state.keys() == weights.keys() - {"fc6.weight"}
    assert all(torch.equal(state[name], weights[name]) for name in state)
    assert len([m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]) == 20 + 1


@pytest.mark.parametrize(("channels", "size"), [(3, 96), (1, 32)])
def test_faces_become_512_numbers(files: list[Path], channels: int, size: int):
    network = SphereFace(path=str(files[1])).build(channels, size)
    images = torch.rand(2, channels, size, size, requires_grad=True)
    found = network(images)
    assert found.shape == (2, SphereFace.features) == (2, 512)
    assert (found[0] - found[1]).abs().max() > 1e-3
    found.square().sum().backward()
    assert images.grad is not None
    assert images.grad.abs().max() > 0


def test_the_same_numbers_as_the_published_code(files: list[Path], weights: dict[str, Tensor]):
    """net_sphere.py's forward, written out: blocks of two, added to what comes in."""
    random = torch.Generator().manual_seed(1)
    images = torch.rand(1, 3, 112, 96, generator=random)
    found = SphereFace(path=str(files[1])).build(3, 96)(images)

    def layer(name: str, x: Tensor, stride: int = 1) -> Tensor:
        w, b = weights[f"conv{name}.weight"], weights[f"conv{name}.bias"]
        return nn.functional.prelu(
            nn.functional.conv2d(x, w, b, stride, 1), weights[f"relu{name}.weight"]
        )

    x = (images[:, [2, 1, 0]] * 255 - 127.5) / 128  # blue, green, red
    x = layer("1_1", x, 2)
    x = x + layer("1_3", layer("1_2", x))
    x = layer("2_1", x, 2)
    x = x + layer("2_3", layer("2_2", x))
    x = x + layer("2_5", layer("2_4", x))
    x = layer("3_1", x, 2)
    for first, second in (("3_2", "3_3"), ("3_4", "3_5"), ("3_6", "3_7"), ("3_8", "3_9")):
        x = x + layer(second, layer(first, x))
    x = layer("4_1", x, 2)
    x = x + layer("4_3", layer("4_2", x))
    expected = x.flatten(1) @ weights["fc5.weight"].T + weights["fc5.bias"]
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4)


# What is refused


def test_an_absent_file(tmp_path: Path):
    text = refusal(tmp_path / "gone.pth")
    assert "there is no file" in text
    assert "sphere20a_20171020.pth" in text
    assert "--method.encoder.kind exported" in text


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_missing_layer_is_named(weights: dict[str, Tensor], tmp_path: Path, suffix: str):
    path = tmp_path / f"short{suffix}"
    short = {name: tensor for name, tensor in weights.items() if name != "conv3_4.bias"}
    torch.save(short, path) if suffix == ".pth" else save_file(short, path)
    assert "holds no 'conv3_4.bias', so it is no state dict of sphere20a" in refusal(path)


def test_the_weights_of_another_network(weights: dict[str, Tensor], tmp_path: Path):
    path = tmp_path / "other.pth"
    torch.save(ClassEncoder(width=4).build(3, 32).state_dict(), path)
    assert "so it is no state dict of sphere20a" in refusal(path)
    # Of the same names and another width.
    torch.save(weights | {"fc5.bias": torch.zeros(256)}, path)
    text = refusal(path)
    assert "cannot be used as SphereFace-20's weights" in text
    assert "fc5.bias" in text


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


@pytest.mark.filterwarnings("ignore")  # torch's own, about what it could not read
@pytest.mark.parametrize("content", ["pickle", "noise", "list", "empty"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_of_another_form(tmp_path: Path, monkeypatch, content: str, suffix: str):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"weights{suffix}"
    if content == "pickle":
        torch.save({"conv1_1.weight": Bomb()}, path)
    elif content == "list":
        torch.save([1, 2], path)
    else:
        path.write_bytes(b"nothing of the kind" if content == "noise" else b"")
    assert "cannot be used as SphereFace-20's weights" in refusal(path)
    assert not (tmp_path / "exploded").exists()


# The model folder


def test_a_model_folder_is_complete_without_the_file(
    tiny: Experiment, weights: dict[str, Tensor], tmp_path: Path
):
    path = tmp_path / "sphere20a.safetensors"
    save_file(weights, path)
    method = DTN(
        encoder=SphereFace(path=str(path)),
        generator=Decoder(width=4),
        discriminator=CNN(width=4),
    )
    experiment = replace(tiny, name="faces", a=tiny.b, b=tiny.a, method=method)
    networks = method.build(experiment.a, experiment.b).eval()
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        expected = method.translate(networks, images, "b")
    folder = save_model(tmp_path / "model", experiment, networks, 7, "card")
    path.unlink()
    text = (folder / "config.json").read_text()
    assert re.search(r'"path": ""', text)
    assert str(tmp_path) not in text
    assert {p.name for p in folder.iterdir()} == {"model.safetensors", "config.json", "README.md"}
    loaded = load_model(folder)
    with torch.inference_mode():
        found = loaded.experiment.method.translate(loaded.networks, images, "b")
    assert torch.equal(found, expected)
    assert isinstance(loaded.networks.encoders["a"].encoder, SphereFace20)
