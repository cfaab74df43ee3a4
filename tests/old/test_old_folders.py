"""Runs, models, sweeps and segmenters of earlier versions: what they gave then, they give now.

README.md says how they were made, and what wrote the expected files beside them.
"""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shapes import draw_all

import torchvision_operators
import unpaired
from unpaired.cli.main import main
from unpaired.core.errors import RunError
from unpaired.evaluation import split
from unpaired.experiment.experiment import load
from unpaired.models.folder import load_model
from unpaired.records.lines import read_lines
from unpaired.records.protocol import Protocol
from unpaired.records.runs import read_run
from unpaired.report.comparison.compare import compare_runs

OLD = Path(__file__).parent
RUNS = ("cyclegan", "dtn", "gan", "maps", "reader")
TRANSLATIONS = {
    "cyclegan/a": ("blue/disc/05.bmp",),
    "cyclegan/b": ("red/disc/03.bmp", "--style-seed", "1"),
    "dtn/b": ("red/disc/03.bmp",),
    "maps/a": ("maps/test/02.bmp",),
    "maps/b": ("photos/test/02.bmp",),
    "reader/a": ("maps/test/02.bmp",),
    "reader/b": ("photos/test/02.bmp",),
}
"""What was translated, with which options."""
SWEEP = """--method.kind gan --b blue --b.size 16
  --method.generator.width 2,4 --method.discriminator.kind cnn --method.discriminator.width 2
  --method.latent-channels 8 --training.batch-size 4 --training.log-images 4
  --training.precision float32 --device cpu --evaluation.images 0 --evaluation.no-classifier"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image sets that the runs were trained on."""
    folder = tmp_path_factory.mktemp("data")
    draw_all(folder)
    shutil.copy(OLD / "folders/reader/model/encoder.pt2", folder / "sight.pt2")
    return folder


@pytest.fixture
def runs(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of the runs, where their images lie."""
    here = Path(shutil.copytree(data, tmp_path / "here"))
    shutil.copytree(OLD / "folders", here / "runs")
    monkeypatch.chdir(here)
    return Path("runs")


def check_like(ours: Path, theirs: Path) -> None:
    """The same pixels, but for what another processor may round otherwise: a step of 255 in photos,
    and a pixel in a hundred that stands between two classes of a label map."""
    before, now = (np.asarray(Image.open(path)).astype(int) for path in (theirs, ours))
    assert now.shape == before.shape
    assert (abs(now - before) > 1).mean() <= 0.01


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_a_model_translates_as_it_did(runs: Path, name: str) -> None:
    run, to = name.split("/")
    image, *options = TRANSLATIONS[name]
    options += ["-o", "out", "--to", to, "--format", "png"]
    assert main(["translate", f"runs/{run}/model", image, *options]) == 0
    written = Path(image).with_suffix(".png").name
    check_like(Path("out") / written, OLD / "expected" / name / written)


def test_a_model_generates_as_it_did(runs: Path) -> None:
    assert main(["generate", "runs/gan/model", "-o", "out", "--count", "4"]) == 0
    images = sorted((OLD / "expected/gan/b").iterdir())
    assert len(images) == 4
    for image in images:
        check_like(Path("out") / image.name, image)


@pytest.mark.parametrize("run", RUNS)
def test_a_run_is_read_and_reported(runs: Path, run: str) -> None:
    read = read_run(runs / run)
    assert read.notes == ()
    assert read.directions == load(runs / run / "config.json").directions
    assert [point.images for point in read.log] == [8, 16, 24, 32, 40]
    for record, stored in zip(read.evaluations, evaluations(runs / run), strict=True):
        assert (record.split, record.fingerprint) == (stored["split"], stored["fingerprint"])
        values = {name: measurement.value for name, measurement in record.metrics.items()}
        assert values == {name: metric["value"] for name, metric in stored["metrics"].items()}
    assert main(["report", str(runs / run)]) == 0
    assert "<svg" in (runs / run / "report.html").read_text()


def test_runs_are_compared_by_the_numbers_that_they_hold(runs: Path) -> None:
    folders = [runs / run for run in RUNS]
    page = Path("compare.html")
    assert main(["compare", *map(str, folders), "-o", str(page)]) == 0
    assert all(run in page.read_text() for run in RUNS)
    comparison = compare_runs(folders)
    assert comparison.notes == ()
    compared = 0
    for row in (row for table in comparison.tables for row in table.rows):
        (entry,) = row.group.entries
        for name, metric in evaluations(runs / entry.name)[-1]["metrics"].items():
            spread = row.spread(name)
            assert spread is not None
            assert spread.mean == metric["value"]
            compared += 1
    assert compared == sum(len(evaluations(folder)[-1]["metrics"]) for folder in folders)


@pytest.mark.parametrize("run", RUNS)
def test_a_measurement_anew_gives_the_same_numbers(
    runs: Path, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split, "Protocol", Protocol)  # of as many resamples as users have
    before = evaluations(runs / run)[-1]
    assert main(["evaluate", str(runs / run)]) == 0
    now = evaluations(runs / run)[-1]
    assert now["fingerprint"] == before["fingerprint"]
    # Of the discriminator, which no model folder holds.
    assert before["metrics"].keys() - now["metrics"].keys() <= {"feature_accuracy/b"}
    for name, metric in now["metrics"].items():
        assert metric["value"] == pytest.approx(before["metrics"][name]["value"], 1e-2, 1e-3), name


@pytest.mark.parametrize("run", ["cyclegan", "dtn", "gan"])
def test_a_training_goes_on_as_it_did(runs: Path, run: str) -> None:
    """By the command that began it, whatever settings were called then, from the checkpoint at 24
    images; what was logged after it is trained again."""
    before = read_lines(runs / run / "metrics.jsonl")
    (runs / run / "metrics.jsonl").write_text("\n".join(map(json.dumps, before[:3])) + "\n")
    command = shlex.split((runs / run / "command.txt").read_text())
    assert main(command[1:]) == 0
    now = read_lines(runs / run / "metrics.jsonl")
    assert [line["images"] for line in now] == [8, 16, 24, 32, 40]
    for line, stored in zip(now[3:], before[3:], strict=True):
        assert line["losses"] == pytest.approx(stored["losses"], rel=1e-3)
        assert line["learning_rate"] == pytest.approx(stored["learning_rate"])


def test_a_checkpoint_of_networks_that_are_built_otherwise_now_is_refused(runs: Path) -> None:
    """Classes of label maps were layers around the generators; they are of the domain now."""
    with pytest.raises(RunError) as error:
        unpaired.train(load(runs / "maps/config.json"), runs / "maps", quiet=True)
    assert error.value.code == "checkpoint-of-earlier-version"
    assert len(read_lines(runs / "maps/metrics.jsonl")) == 5


def test_a_model_of_an_identity_loss_between_colours_and_classes_is_loaded(runs: Path) -> None:
    """It was the default, and has no meaning where a generator cannot take its own output."""
    for path in (runs / "maps/config.json", runs / "maps/model/config.json"):
        stored = json.loads(path.read_text())
        experiment = stored.get("experiment", stored)
        experiment["method"]["identity_weight"] = 5.0
        path.write_text(json.dumps(stored))
    assert (
        load(runs / "maps/config.json").method == load_model(runs / "maps/model").experiment.method
    )


def test_a_sweep_is_compared_and_continued(runs: Path) -> None:
    """Both runs are finished: the command that trained them finds nothing to do."""
    sweep = runs / "sweep"
    before = {path: path.read_bytes() for path in sweep.glob("*/*.jsonl")}
    (table,) = compare_runs([sweep]).tables
    widths = [row.group.entries[0].name for row in table.rows]
    assert widths == ["width=2,seed=0", "width=4,seed=0"]
    command = "sweep -o runs/sweep --images 8 " + SWEEP
    assert main(command.split()) == 0
    assert {path: path.read_bytes() for path in sweep.glob("*/*.jsonl")} == before
    assert len(before) == 4


def test_a_segmenter_scores_as_it_did(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers")
    torchvision_operators.declare()
    command = "segmenter score runs/segmenter --generated photos/test --labels maps/test --json"
    assert main(command.split()) == 0
    now = json.loads(capsys.readouterr().out)
    before = json.loads((OLD / "expected/segmenter.json").read_text())
    assert now["fingerprint"] == before["fingerprint"]
    assert now["metrics"].keys() == before["metrics"].keys()
    for name, metric in now["metrics"].items():
        assert metric["value"] == pytest.approx(before["metrics"][name]["value"], 1e-2, 1e-3), name


def evaluations(run: Path) -> list[dict[str, Any]]:
    """Lines of evaluations.jsonl, as they stand there."""
    return read_lines(run / "evaluations.jsonl")
