"""Models judged with extractors of the user's choice, and the page of what they hide."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import unpaired
from unpaired.cli.main import main
from unpaired.cli.train import finish
from unpaired.core.errors import DataError, SettingError
from unpaired.data.sources import BuiltIn, Folder
from unpaired.evaluation.image_sets import compare as evaluator
from unpaired.experiment.experiment import Experiment, load, to_json
from unpaired.features import Loaded, Pixels
from unpaired.features.extract import open_image_set
from unpaired.models.folder import save_model
from unpaired.report.metric_text import in_order, wording
from unpaired.report.names import Names
from unpaired.report.run.page import write_report
from unpaired.training.train import train


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def run(tiny: Experiment, quick_evaluation: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tiny, tmp_path_factory.mktemp("any") / "run", quiet=True)


def test_each_extractor_adds_a_line_of_its_own_protocol(run: Path, tmp_path: Path):
    before = lines(run)
    standard, other = unpaired.evaluate(run, output=tmp_path, extractors=[Pixels()])
    assert lines(run) == [*before, standard, other]
    assert standard["fingerprint"] == before[-1]["fingerprint"] != other["fingerprint"]
    assert other["protocol"]["name"] == "extractor"
    assert other["protocol"]["extractor"] == "pixels"
    assert other["protocol"]["images_a"] == standard["protocol"]["images_a"]
    for domain, way in (("b", "a2b"), ("a", "b2a")):
        for name in ("kd", "fd"):
            metric = other["metrics"][f"{name}/pixels/{domain}"]
            assert metric["low"] <= metric["value"] <= metric["high"]
            assert metric["n"] == 360
            floor = other["metrics"][f"{name}/pixels/{domain}/floor"]
            assert floor["value"] < metric["value"]
            assert f"{name}/pixels/{domain}/input" in other["metrics"]
        for name in ("precision", "recall", "density", "coverage"):
            assert f"{name}/pixels/{domain}" in other["metrics"]
        assert -1 <= other["metrics"][f"embedding_similarity/pixels/{way}"]["value"] <= 1
    # What no translation comes to is what the piles themselves come to.
    ink, sign = (open_image_set(BuiltIn(name=name, part="test")) for name in ("ink", "sign"))
    plain = evaluator(ink, sign, Pixels().load(torch.device("cpu")), resamples=0)
    unchanged = other["metrics"]["fd/pixels/b/input"]["value"]
    assert unchanged == pytest.approx(plain.metrics["fd/pixels"].value)

    text = (tmp_path / "faithfulness.html").read_text()
    assert "Hidden signal, ink → sign → ink" in text
    assert "Hidden signal, sign → ink → sign" in text
    assert {"hidden-0.png", "hidden-1.png"} <= {p.name for p in (tmp_path / "pictures").iterdir()}


def test_pixels_are_one_measurement_whoever_asks_for_them(run: Path):
    """The run's own numbers and the extractor's, of a grey and of a colour domain of equal size."""
    standard, other = (line["metrics"] for line in unpaired.evaluate(run, extractors=[Pixels()]))
    for domain in ("a", "b"):
        for name in ("fd", "kd"):
            for kind in ("", "/input", "/floor"):
                metric = f"{name}/pixels/{domain}{kind}"
                assert other[metric]["n"] == standard[metric]["n"] == 360
                tolerance = {"rel": 0.5, "abs": 1e-3} if kind == "/floor" else {"rel": 1e-4}
                assert other[metric]["value"] == pytest.approx(
                    standard[metric]["value"], **tolerance
                )


class Clip(Pixels):
    """Pixels under the name of an extractor that has a distance of its own."""

    def load(self, device: torch.device) -> Loaded:
        loaded = super().load(device)
        loaded.name = "clip"
        return loaded


def test_every_number_has_words(run: Path):
    found = unpaired.evaluate(run, extractors=[Clip()])
    assert "cmmd/clip/b/floor" in found[1]["metrics"]
    for line in found:
        for name in in_order(line["metrics"], Names()):
            assert wording(name, Names()).kind != name


def test_a_page_in_the_run_folder_leaves_the_run_its_evaluations(run: Path):
    before = lines(run)
    assert main(["evaluate", str(run), "--split", "validation", "-o", str(run)]) == 0
    assert lines(run)[:-1] == before
    assert (run / "numbers.jsonl").is_file()
    assert "Hidden signal" not in (run / "faithfulness.html").read_text()  # of test images only


def test_what_users_add_is_neither_headline_nor_moment_of_the_training(
    run: Path, capsys: pytest.CaptureFixture[str]
):
    unpaired.evaluate(run, extractors=[Pixels()])
    found = lines(run)
    page = write_report(run).read_text()
    titles = [f"Test data, protocol {line['fingerprint']}" for line in (found[1], found[-1])]
    assert page.index(titles[0]) < page.index(titles[1])
    train(load(run / "config.json"), run, quiet=True)  # it is finished: nothing is measured
    assert lines(run) == found
    capsys.readouterr()
    finish(run, load(run / "config.json"), as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["evaluation"]["protocol"]["name"] == "standard"


@pytest.mark.usefixtures("quick_evaluation")
def test_extractors_are_written_as_on_the_command_line(run: Path):
    texts = ["pixels", ["pixels"], [Pixels()]]
    found = [unpaired.evaluate(run / "model", "validation", extractors=e)[1] for e in texts]
    assert found[0]["metrics"] == found[1]["metrics"] == found[2]["metrics"]
    with pytest.raises(SettingError, match="Did you mean 'pixels'") as error:
        unpaired.evaluate(run, extractors="pixel")
    assert (error.value.code, error.value.setting) == ("unknown-extractor", "extractor")


@pytest.mark.usefixtures("quick_evaluation")
def test_from_the_command_line(run: Path, capsys: pytest.CaptureFixture[str]):
    folder = str(run / "model")
    assert main(["evaluate", folder, "--split", "validation", "--extractor", "pixels"]) == 0
    captured = capsys.readouterr()
    assert "precision/pixels/a" in captured.out
    assert "real against real" in captured.out
    flags = ["--split", "validation", "--extractor", "pixels", "--json"]
    assert main(["evaluate", folder, *flags]) == 0
    found = json.loads(capsys.readouterr().out)["evaluations"]
    assert [line["split"] for line in found] == ["validation"] * 2
    assert found[1]["fingerprint"] in captured.out
    assert main(["evaluate", folder, "--extractor", "pixel"]) == 2
    assert "Did you mean 'pixels'" in capsys.readouterr().err


def test_judges_that_a_run_did_not_have_are_added_and_left_out(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    before = lines(run)
    flags = ["--json", "--device", "cpu"]
    assert main(["evaluate", str(run), *flags, "--classifier", "--adaptation"]) == 0
    (judged,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert lines(run) == [*before, judged]
    assert judged["protocol"]["extractor"] == "classifier"
    assert len(judged["protocol"]["evaluators"]) == 2
    assert {"translation_accuracy/a2b", "adaptation_accuracy/b2a"} <= set(judged["metrics"])
    experiment = load(run / "config.json")
    assert not experiment.evaluation.classifier  # what was trained is not rewritten

    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    evaluation = replace(experiment.evaluation, classifier=True)
    (copy / "config.json").write_text(to_json(replace(experiment, evaluation=evaluation)))
    (record,) = unpaired.evaluate(copy)
    assert record["fingerprint"] == judged["fingerprint"]
    (record,) = unpaired.evaluate(copy, classifier=False)
    assert record["protocol"] == before[1]["protocol"]  # that of the training's end


def test_judges_that_cannot_be_had_are_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    unlabelled = tmp_path / "unlabelled"
    shutil.copytree(run, unlabelled)
    for name in ("ink", "sign"):
        (tmp_path / name).mkdir()
        for i, image in enumerate(np.random.default_rng(0).integers(0, 255, (60, 32, 32, 3))):
            Image.fromarray(image.astype(np.uint8)).save(tmp_path / name / f"{i}.png")
    experiment = load(run / "config.json")
    a, b = (
        replace(domain, source=Folder(path=str(tmp_path / name)), test_source=None)
        for name, domain in (("ink", experiment.a), ("sign", experiment.b))
    )
    (unlabelled / "config.json").write_text(to_json(replace(experiment, a=a, b=b)))
    for flag in ("--classifier", "--adaptation"):
        assert main(["evaluate", str(unlabelled), flag]) == 2
        assert "learns from labels, and these images have none" in capsys.readouterr().err
    assert main(["evaluate", str(run), "--adaptation", "--split", "validation"]) == 2
    assert "on test images" in capsys.readouterr().err
    assert main(["evaluate", "--generated", "out", "--real", "in", "--no-classifier"]) == 2
    assert "--classifier goes with a model" in capsys.readouterr().err
    if not torch.cuda.is_available():
        assert main(["evaluate", str(run), "--device", "cuda"]) == 2
        assert "finds no GPU" in capsys.readouterr().err


def test_a_model_folder_without_its_images_says_where_to_find_them(
    tiny: Experiment, tmp_path: Path
):
    experiment = replace(tiny, a=replace(tiny.a, source=Folder(path=str(tmp_path / "ink"))))
    networks = experiment.method.build(experiment.a, experiment.b)
    save_model(tmp_path / "model", experiment, networks, 8, "card")
    with pytest.raises(DataError, match=r"'ink' does not exist.* give its run folder") as error:
        unpaired.evaluate(tmp_path / "model")
    assert error.value.code == "images-of-model-missing"


def test_a_model_folder_is_not_measured_on_its_training_images(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of train/ink and test/ink it keeps one name."""
    piles = {
        f"{image_set}source": Folder(path=str(tmp_path / image_set / "ink"))
        for image_set in ("", "test_")
    }
    experiment = replace(tiny, a=replace(tiny.a, validation_source=None, **piles))
    networks = experiment.method.build(experiment.a, experiment.b)
    save_model(tmp_path / "model", experiment, networks, 8, "card")
    (tmp_path / "ink").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as error:
        unpaired.evaluate("model")
    assert error.value.code == "splits-not-distinguished"
