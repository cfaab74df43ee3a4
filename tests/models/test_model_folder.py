"""What is saved comes back; what is damaged, foreign or hostile is refused by name."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import typing
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from unpaired.core.config import config
from unpaired.core.errors import ModelError
from unpaired.data.sources import BuiltIn, Folder, HuggingFace, Source
from unpaired.experiment.checks import check
from unpaired.experiment.experiment import Experiment, to_json
from unpaired.methods.networks import Networks
from unpaired.models.folder import load_model, save_model, without_folders
from unpaired.networks import ResNet, SphereFace


@pytest.fixture
def networks(tiny: Experiment) -> Networks:
    torch.manual_seed(0)
    return tiny.method.build(tiny.a, tiny.b).eval()


@pytest.fixture
def model(tiny: Experiment, networks: Networks, tmp_path: Path) -> Path:
    return save_model(tmp_path / "model", tiny, networks, 1234, "# a card\n")


def change_config(model: Path, **changes: Any) -> None:
    path = model / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_setting(model: Path, path: str, value: object) -> None:
    config = json.loads((model / "config.json").read_text())
    *owners, name = path.split(".")
    owner = config["experiment"]
    for part in owners:
        owner = owner[part]
    owner[name] = value
    (model / "config.json").write_text(json.dumps(config))


def change_weights(model: Path, **changes: torch.Tensor | None) -> None:
    tensors = load_file(model / "model.safetensors") | changes
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    save_file(kept, model / "model.safetensors")


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    return str(caught.value)


def test_comes_back_as_it_was(tiny, networks, model):
    loaded = load_model(model)
    assert loaded.images == 1234
    assert loaded.experiment == tiny
    expected = networks.generating().state_dict()
    found = loaded.networks.generating().state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert not loaded.networks.training
    assert not any(p.requires_grad for p in loaded.networks.parameters())
    assert (model / "README.md").read_text() == "# a card\n"


def test_discriminators_stay_behind(model):
    names = load_file(model / "model.safetensors").keys()
    assert {name.split(".")[0] for name in names} == {"generators", "encoders"}
    assert len(load_model(model).networks.discriminators) == 0


def test_loading_draws_no_random_numbers(model):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_model(model)
    assert torch.equal(torch.rand(3), expected)


def test_weights_do_not_change_with_the_file(model):
    loaded = load_model(model)
    before = [parameter.clone() for parameter in loaded.networks.parameters()]
    with (model / "model.safetensors").open("r+b") as file:
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(size // 2)
        file.write(bytes(size // 2))
    assert all(
        torch.equal(old, new) for old, new in zip(before, loaded.networks.parameters(), strict=True)
    )


def test_old_model_is_replaced_as_a_whole(tiny, networks, model):
    (model / "extra.txt").write_text("of the old model")
    save_model(model, tiny, networks, 9, "new")
    assert sorted(path.name for path in model.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    assert load_model(model).images == 9
    assert [path.name for path in model.parent.iterdir()] == ["model"]


def test_failed_save_keeps_the_old_model(tiny, networks, model, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("unpaired.models.folder.write_weights", fail)
    with pytest.raises(OSError, match="No space"):
        save_model(model, tiny, networks, 9, "new")
    assert load_model(model).images == 1234


def test_a_model_put_aside_by_a_killed_save_outlives_the_next(tiny, networks, model, monkeypatch):
    model.rename(model.with_name(".model.replaced"))
    test_failed_save_keeps_the_old_model(tiny, networks, model, monkeypatch)


def test_leftovers_of_a_killed_save_are_no_obstacle(tiny, networks, model):
    leftover = model.with_name(".model.writing")
    leftover.mkdir()
    (leftover / "half").write_text("")
    save_model(model, tiny, networks, 9, "new")
    assert load_model(model).images == 9
    assert not leftover.exists()


def test_other_folders_are_not_replaced(tiny, networks, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "config.json").write_text("{}")
    with pytest.raises(ModelError) as error:
        save_model(tmp_path / "photos", tiny, networks, 9, "")
    assert error.value.code == "folder-in-use"
    assert (tmp_path / "photos" / "config.json").exists()


def test_folders_of_the_user_are_not_published(tiny, networks, tmp_path):
    private = replace(
        tiny,
        a=replace(
            tiny.a,
            source=Folder(path="/home/ann/secret/photos"),
            test_source=HuggingFace(name="/home/ann/secret/test.parquet"),
        ),
        b=replace(
            tiny.b,
            source=HuggingFace(name="owner/name"),
            validation_source=HuggingFace(name=str(tmp_path)),
        ),
    )
    shared = without_folders(private)
    assert shared.a.source == Folder(path="photos")
    assert shared.a.test_source == HuggingFace(name="test.parquet")
    assert shared.b.source == HuggingFace(name="owner/name")
    assert shared.b.validation_source == HuggingFace(name=tmp_path.name)
    model = save_model(tmp_path / "model", private, networks, 1, "")
    text = (model / "config.json").read_text()
    assert "secret" not in text
    assert str(tmp_path) not in text


def test_image_sets_that_differ_by_their_folders_only_are_no_obstacle(tiny, networks, tmp_path):
    """train/photos and test/photos are both "photos" in a model."""
    image_sets = {f"{part}source": Folder(path=f"/data/{part}/photos") for part in ("", "test_")}
    experiment = replace(tiny, a=replace(tiny.a, validation_source=None, **image_sets))
    check(experiment)
    model = save_model(tmp_path / "model", experiment, networks, 1, "")
    found = load_model(model).experiment.a
    assert found.source == found.test_source == Folder(path="photos")


@pytest.mark.parametrize("kind", typing.get_args(Source), ids=lambda kind: kind.kind)
def test_no_kind_of_source_publishes_a_folder(tiny, kind):
    """Whatever of a source must be given as text may be a path."""
    hints = typing.get_type_hints(kind)
    needed = [f.name for f in fields(kind) if f.default is MISSING and hints[f.name] is str]
    source = (
        kind(**dict.fromkeys(needed, "/home/ann/secret/pile")) if needed else BuiltIn(name="ink")
    )
    shared = without_folders(replace(tiny, a=replace(tiny.a, source=source)))
    assert "secret" not in to_json(shared)


def test_no_method_publishes_the_folder_of_its_encoder(tiny):
    @config
    class Other:
        encoder: SphereFace = SphereFace(path="/home/ann/secret/weights.pth")

    private = replace(tiny, method=Other())
    assert without_folders(private).method.encoder.path == ""


def test_absent_folder(tmp_path):
    assert "does not exist" in refusal(tmp_path / "absent")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_absent_file(model, name):
    (model / name).unlink()
    assert f"no {name}" in refusal(model)


def test_file_instead_of_folder(model):
    assert "Give the model folder that holds it" in refusal(model / "model.safetensors")


def test_run_folder_and_checkpoint_name_the_model(model):
    checkpoint = model.parent / "checkpoints" / "000000000008"
    checkpoint.mkdir(parents=True)
    for folder in (model.parent, checkpoint.parent, checkpoint):
        assert f"its run has one: {model}" in refusal(folder)
    shutil.rmtree(model)
    assert "no model yet" in refusal(model.parent)


@pytest.mark.parametrize("extension", ["pt", "pth", "pkl", "bin", "ckpt"])
def test_pickle_is_not_opened(tmp_path, extension):
    path = tmp_path / f"weights.{extension}"
    os.mkfifo(path)  # opening it would wait for ever
    assert "can run any code" in refusal(path)


class Payload:
    """What an attacker would pickle: it creates a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("dump", [pickle.dump, torch.save])
def test_pickle_in_disguise(model, tmp_path, dump):
    with (model / "model.safetensors").open("wb") as file:
        dump(Payload(tmp_path / "harm"), file)
    assert "it is a pickle, whatever its name says" in refusal(model)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_cut_weights(model, size):
    path = model / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    assert "damaged or cut short" in refusal(model)


def test_declared_size_beyond_the_file(model):
    header = {"x": {"dtype": "F32", "shape": [10**8], "data_offsets": [0, 4 * 10**8]}}
    text = json.dumps(header).encode()
    content = struct.pack("<Q", len(text)) + text + bytes(16)
    (model / "model.safetensors").write_bytes(content)
    assert "damaged or cut short" in refusal(model)


def test_settings_of_a_huge_network_cost_nothing(model):
    for name in ("width", "downsamplings"):
        before = (model / "config.json").read_text()
        change_setting(model, f"method.generator.{name}", 10**9)
        assert f"method.generator.{name} is 1000000000" in refusal(model)
        (model / "config.json").write_text(before)
    change_setting(model, "method.generator.width", 4096)  # terabytes, were they allocated
    assert "has shape" in refusal(model)


def test_settings_that_are_no_counts_of_a_network_may_be_large(tiny, networks, tmp_path):
    method = replace(tiny.method, r1_weight=1.0, r1_every=100_000)
    saved = save_model(tmp_path / "model", replace(tiny, method=method), networks, 1, "")
    assert load_model(saved).experiment.method == method


def test_networks_that_cannot_be_built(model):
    change_setting(model, "method.generator.downsamplings", 100)
    change_setting(model, "a.size", 2**101)
    change_setting(model, "b.size", 2**101)
    assert "cannot be" in refusal(model)


def test_other_architecture(tiny, networks, model):
    change_setting(model, "method.generator.width", 16)
    message = refusal(model)
    assert "has shape" in message
    assert "differences" in message


def test_other_kind_of_network(model):
    config = json.loads((model / "config.json").read_text())
    config["experiment"]["method"]["generator"] = {"kind": "resnet", "width": 8}
    (model / "config.json").write_text(json.dumps(config))
    message = refusal(model)
    assert "is missing" in message or "is unexpected" in message


def test_missing_and_unexpected_tensors(model):
    name = next(iter(load_file(model / "model.safetensors")))
    change_weights(model, **{name: None, "generators.extra": torch.zeros(2)})
    message = refusal(model)
    assert f"{name} is missing" in message
    assert "generators.extra is unexpected" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(model, value):
    tensors = load_file(model / "model.safetensors")
    name = sorted(name for name in tensors if name.endswith("weight"))[1]
    tensors[name].view(-1)[3] = value
    change_weights(model, **tensors)
    assert name in refusal(model)


def test_half_precision_weights_are_read_as_single(model):
    halves = {name: t.half() for name, t in load_file(model / "model.safetensors").items()}
    change_weights(model, **halves)
    assert {p.dtype for p in load_model(model).networks.parameters()} == {torch.float32}


def test_newer_schema_of_the_folder(model):
    change_config(model, schema_version=2)
    assert "newer unpaired (schema 2" in refusal(model)


def test_newer_schema_of_the_experiment(model):
    change_setting(model, "schema_version", 99)
    assert "newer unpaired (schema 99" in refusal(model)


def test_unknown_settings(model):
    change_setting(model, "method.cycle_wieght", 3)
    message = refusal(model)
    assert "cycle_wieght" in message
    assert "did you mean 'cycle_weight'" in message


def test_unknown_and_missing_keys_of_the_folder(model):
    config = json.loads((model / "config.json").read_text())
    del config["images"]
    (model / "config.json").write_text(json.dumps(config | {"extra": 1}))
    message = refusal(model)
    assert "unknown setting 'extra'" in message
    assert "no 'images'" in message


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\xff"])
def test_config_that_is_none(model, text):
    (model / "config.json").write_bytes(text.encode("latin-1"))
    assert "config.json" in refusal(model)


def test_settings_that_contradict_each_other(model):
    change_setting(model, "a.size", 64)
    assert "networks see both domains at one size" in refusal(model)


def test_other_generators(tiny, tmp_path):
    experiment = replace(
        tiny, method=replace(tiny.method, generator=ResNet(width=4, blocks=1), style_channels=0)
    )
    networks = experiment.method.build(experiment.a, experiment.b)
    model = save_model(tmp_path / "model", experiment, networks, 0, "")
    assert load_model(model).experiment == experiment
