"""The head of a model card, as the Hugging Face hub's own library reads it (offline)."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unpaired.data.sources import Folder, HuggingFace
from unpaired.experiment.experiment import Experiment
from unpaired.methods import GAN
from unpaired.models.card import card
from unpaired.models.metadata import head
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol

hub = pytest.importorskip("huggingface_hub")


def loaded(text: str, folder: Path) -> Any:
    path = folder / "README.md"
    path.write_text(text, encoding="utf-8")
    return hub.ModelCard.load(path)


def record(**values: float) -> EvaluationRecord:
    metrics = {
        name.replace("__", "/"): Measurement(value, value, value, 60)
        for name, value in values.items()
    }
    return EvaluationRecord(
        images=20,
        weights="ema",
        split="test",
        protocol=Protocol(),
        fingerprint="of-test",
        metrics=metrics,
    )


def test_the_hub_reads_what_a_translator_is_and_how_well_it_does(tiny: Experiment, tmp_path: Path):
    measured = record(structure__a2b=0.025, structure__a2b__shuffled=0.9, kd__pixels__b=3e-5)
    read = loaded(card(tiny, 20, [measured]), tmp_path)
    data = read.data
    assert data.library_name == "unpaired"
    assert data.pipeline_tag == "image-to-image"
    assert data.tags == ["unpaired", "cyclegan", "gan"]
    assert data.license == "other"
    assert data.metrics == ["structure", "kd"]
    assert data.model_name == tiny.name
    results = {result.metric_name: result for result in data.eval_results}
    assert {name: result.metric_value for name, result in results.items()} == {
        "structure/a2b": 0.025,
        "kd/pixels/b": 3e-5,  # a number, which YAML takes for text if it is written 3e-05
    }
    assert results["structure/a2b"].dataset_split == "test"
    assert results["structure/a2b"].dataset_name == "builtin:ink:train and builtin:sign:train"
    assert read.text.lstrip().startswith(f"# {tiny.name}\n")
    assert "`license: other`" in read.text
    again = hub.ModelCard(str(read))  # as the hub's library writes it
    assert again.data.to_dict() == data.to_dict()


def test_a_card_without_numbers_has_no_results(tiny: Experiment, tmp_path: Path):
    data = loaded(card(tiny, 20, []), tmp_path).data
    assert data.eval_results is None
    assert data.metrics is None
    assert data.pipeline_tag == "image-to-image"


def test_images_from_noise_are_no_translations(tiny: Experiment, tmp_path: Path):
    data = loaded(card(replace(tiny, a=None, method=GAN()), 20, []), tmp_path).data
    assert data.pipeline_tag == "unconditional-image-generation"
    assert data.tags == ["unpaired", "gan"]


def test_data_sets_of_the_hub_are_named_and_files_are_not(tiny: Experiment, tmp_path: Path):
    assert tiny.a is not None
    a = replace(tiny.a, source=HuggingFace(name="ylecun/mnist"))
    for source, expected in (
        (HuggingFace(name="huggan/monet2photo"), ["ylecun/mnist", "huggan/monet2photo"]),
        (HuggingFace(name="data/train.parquet"), ["ylecun/mnist"]),
        (Folder(path="data/photos"), ["ylecun/mnist"]),
    ):
        experiment = replace(tiny, a=a, b=replace(tiny.b, source=source))
        assert loaded(card(experiment, 20, []), tmp_path).data.datasets == expected


@pytest.mark.parametrize(
    "name",
    [
        "photos-paintings",
        'she said "no": #1 - {a, b}',
        "---",
        "yes",
        "1e3",
        "été → 夏 🎨",
        "line\nbreak\x85\u2028\x7f\ud800",
        "C:\\images\\new",
    ],
)
def test_names_come_back_as_they_are(name: str, tmp_path: Path):
    lines = head("image-to-image", [], name, name, {"fd/b": 1e-05, "kd/b": -12345678.0})
    data = loaded("\n".join(lines), tmp_path).data
    assert data.model_name == name
    assert [result.metric_value for result in data.eval_results] == [1e-05, -12345700.0]


def test_numbers_that_are_none_are_left_out():
    lines = head("image-to-image", [], "x", "y", {"fd/b": math.nan, "kd/b": math.inf})
    assert not any("NaN" in line or "model-index" in line for line in lines)
