"""Experiments and models that earlier versions stored are read as what they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from unpaired.core.config import encode
from unpaired.data.domain import Domain
from unpaired.data.representation import Classes, Continuous
from unpaired.data.sources import Folder
from unpaired.experiment.experiment import Experiment, from_json
from unpaired.methods import CycleGAN, FeatureSegmentation
from unpaired.models.folder import load_model, save_model
from unpaired.networks import UNet
from unpaired.recipes.facades import CLASS_COLOURS, PALETTE


def earlier(**method: Any) -> dict[str, Any]:
    """Photos and label maps, as written before networks saw classes at the data's boundary."""
    experiment = Experiment(
        a=Domain(source=Folder(path="photos"), size=32),
        b=Domain(source=Folder(path="labels"), size=32, palette=PALETTE),
        method=CycleGAN(generator=UNet(width=4, norm="instance")),
    )
    stored: dict[str, Any] = encode(experiment)
    for name in ("a", "b"):
        del stored[name]["label_channels"], stored[name]["range"]
        stored[name]["decoding"]["float_range"] = [0.0, 2.0] if name == "a" else None
    for name in ("class_colours", "class_colours_weight"):
        del stored["method"][name]
    stored["method"] |= {
        "class_channels": False,
        "class_looks": [],
        "looks_weight": 0.0,
        "encoder": {
            "path": "",
            "side": 256,
            "values": "bytes",
            "components": 64,
            "width": 128,
            "rounds": 3,
            "grid": 32,
        },
        "encoder_images": 0,
        "encoder_weight": 1.0,
        **method,
    }
    return stored


def read(stored: dict[str, Any]) -> Experiment:
    return from_json(json.dumps(stored), "config.json")


def test_colours_stay_colours_and_classes_classes():
    assert read(earlier()).b.representation == Continuous(3, "signed")
    looks = {"class_looks": [list(c) for c in CLASS_COLOURS], "looks_weight": 5.0}
    classes = read(earlier(class_channels=True, **looks))
    assert classes.b.representation == Classes(PALETTE)
    assert type(classes.method) is CycleGAN
    assert classes.method.class_colours == CLASS_COLOURS
    assert classes.method.class_colours_weight == 5.0
    assert classes.a is not None
    assert classes.a.range == (0.0, 2.0)
    assert classes.b.range is None


def test_an_encoder_makes_it_a_feature_segmentation():
    stored = earlier(class_channels=True, encoder_images=20_000)
    stored["method"]["encoder"]["path"] = "encoder.pt2"
    method = read(stored).method
    assert isinstance(method, FeatureSegmentation)
    assert (method.encoder.path, method.feature_cycle.images) == ("encoder.pt2", 20_000)


def test_what_is_written_now_is_read_as_it_is():
    for channels in ("classes", "colours"):
        stored = encode(read(earlier()))
        stored["b"]["label_channels"] = channels
        assert encode(read(stored)) == stored


@pytest.mark.parametrize("class_channels", [True, False])
def test_models_of_before_are_loaded(class_channels: bool, tmp_path: Path):
    """Layers around the generators brought colours to classes and back; their names are gone."""
    stored = earlier(class_channels=class_channels)
    experiment = read(stored)
    networks = experiment.method.build(experiment.a, experiment.b)
    folder = save_model(tmp_path / "model", experiment, networks, 100, "card")
    record = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(record | {"experiment": stored}))
    if class_channels:
        layers = {"a2b": "classes", "b2a": "network"}
        tensors = {}
        for name, tensor in load_file(folder / "model.safetensors").items():
            role, direction, rest = name.split(".", 2)
            tensors[f"{role}.{direction}.{layers[direction]}.{rest}"] = tensor
        tensors["generators.a2b.colours"] = torch.zeros(12, 3)
        tensors["generators.b2a.colours"] = torch.zeros(12, 3)
        tensors["generators.b2a.looks"] = torch.zeros(12, 3)
        save_file(tensors, folder / "model.safetensors")
    loaded = load_model(folder)
    assert loaded.experiment.b.label_channels == ("classes" if class_channels else "colours")
    old, new = networks.generating().state_dict(), loaded.networks.generating().state_dict()
    assert all(torch.equal(old[name], new[name]) for name in old)
