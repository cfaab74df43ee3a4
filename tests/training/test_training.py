"""A whole training from Python: what it writes, when, and which weights it exports."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

import unpaired
from unpaired.core.errors import DataError, RunError, SettingError
from unpaired.data.dataset import load_images
from unpaired.data.domain import Domain
from unpaired.data.leaks import find_leaks
from unpaired.data.sources import BuiltIn, Folder
from unpaired.data.tensors import images_at_once
from unpaired.engine.schedules import Constant
from unpaired.evaluation import evaluate as evaluation
from unpaired.evaluation import samples as evaluation_samples
from unpaired.evaluation.model import Result
from unpaired.evaluation.samples import Translated, translate
from unpaired.experiment.experiment import Experiment
from unpaired.inference import applied
from unpaired.inference.applied import AppliedModel
from unpaired.inference.translator import Translator
from unpaired.models.card import card
from unpaired.models.folder import load_model
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.lines import append_line
from unpaired.records.log import LogPoint
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol
from unpaired.training import observer as run_observer
from unpaired.training import samples
from unpaired.training import train as training
from unpaired.training.checks import decoding_notes, large_batches
from unpaired.training.observer import RunObserver, score
from unpaired.training.run_folder import is_finished
from unpaired.training.train import train


def evaluations(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()]


def moments(run: Path) -> list[tuple[str, int]]:
    return [(record["split"], record["images"]) for record in evaluations(run)]


def metrics(**values: float) -> EvaluationRecord:
    named = {name.replace("__", "/"): {"value": value} for name, value in values.items()}
    return EvaluationRecord.from_json({"metrics": named})


def test_best_means_accuracy_and_without_labels_a_small_kernel_distance():
    both = metrics(translation_accuracy__a2b=0.9, translation_accuracy__b2a=0.7, kd__pixels__a=9.0)
    assert score(both) == pytest.approx(0.8)
    floors = metrics(kd__pixels__a=0.2, kd__pixels__b=0.4, kd__pixels__a__floor=7.0)
    assert score(floors) == pytest.approx(-0.3)
    unchanged = metrics(translation_accuracy__a2b=0.9, **{"translation_accuracy__a2b__input": 0.1})
    assert score(unchanged) == pytest.approx(0.9)


@pytest.fixture
def quick_evaluator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures nothing; the real one is met in tests/cli."""

    class QuickEvaluator:
        def __init__(self, experiment: Experiment, split: str, *_: Any, **__: Any) -> None:
            self.split, self.images = split, dict[str, Any]()
            self.notes, self.left_out = list[str](), list[str]()

        def measure(self, networks: Any, images: int) -> Result:
            assert not networks.training
            measured = record(self.split, images, 0.5)
            return Result(measured, translated={}, from_noise=None, hidden={}, worst={})

    monkeypatch.setattr(run_observer, "Evaluator", QuickEvaluator)
    monkeypatch.setattr(evaluation, "Evaluator", QuickEvaluator)


@pytest.mark.usefixtures("quick_evaluator")
def test_the_best_validation_chooses_what_is_exported(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Scores rise to 12 images seen and fall after: these weights are exported and measured."""
    experiment = replace(
        tiny, evaluation=replace(tiny.evaluation, images=4, export="best", classifier=False)
    )
    monkeypatch.setattr(run_observer, "score", lambda record: -abs(record.images - 12))
    run = train(experiment, tmp_path / "run", quiet=True)
    assert moments(run)[-2:] == [("validation", 20), ("test", 12)]
    assert {("validation", n) for n in (4, 8, 12, 16, 20)} <= set(moments(run))
    model, best = (load_file(run / name / "model.safetensors") for name in ("model", "best"))
    assert all(torch.equal(model[name], best[name]) for name in best)
    assert json.loads((run / "model" / "config.json").read_text())["images"] == 12
    text = (run / "model" / "README.md").read_text()
    assert "Trained on 12 images per domain" in text
    assert f"On test images, protocol `{evaluations(run)[-1]['fingerprint']}`" in text

    before = {p: p.stat().st_mtime_ns for p in (run / "model").iterdir()}
    assert train(experiment, run, quiet=True) == run  # once more: nothing is left to do
    assert {p: p.stat().st_mtime_ns for p in (run / "model").iterdir()} == before
    assert moments(run)[-2:] == [("validation", 20), ("test", 12)]


@pytest.mark.usefixtures("quick_evaluator")
def test_a_run_that_is_interrupted_while_it_is_measured_says_what_there_is(
    tiny: Experiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """The model lies there, what is left is said, and the same call measures it."""
    evaluator, measure = run_observer.Evaluator, run_observer.Evaluator.measure

    def interrupted(self: Any, networks: Any, images: int) -> Result:
        if self.split == "test":
            raise SystemExit(130)  # what a signal becomes
        return measure(self, networks, images)

    monkeypatch.setattr(evaluator, "measure", interrupted)
    experiment = replace(tiny, training=replace(tiny.training, seconds=900.0))
    with pytest.raises(SystemExit):
        train(experiment, tmp_path / "run")
    said = capsys.readouterr().err
    assert re.search("time: 15 min of training, and about [0-9]+ s of measuring after it", said)
    assert re.search("measuring on images kept from training, about [0-9]+ s", said)
    assert f"stopped: the same command measures {tmp_path / 'run'}" in said
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()
    assert not is_finished(tmp_path / "run")
    monkeypatch.setattr(evaluator, "measure", measure)
    assert is_finished(train(experiment, tmp_path / "run", quiet=True))
    assert capsys.readouterr().err == ""
    train(experiment, tmp_path / "run")  # nothing is left to measure
    assert "of measuring" not in capsys.readouterr().err


@pytest.mark.usefixtures("quick_evaluator")
def test_the_first_evaluation_tells_anew_how_long_measuring_will_take(
    tiny: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    experiment = replace(tiny, evaluation=replace(tiny.evaluation, images=4))
    train(experiment, tmp_path / "run")
    assert capsys.readouterr().err.count("measuring at the end will take about ") == 1


@pytest.mark.usefixtures("quick_evaluator")
@pytest.mark.parametrize("last", ["_draw_worst", "append_line", "write_report"])
def test_a_run_killed_in_its_last_words_says_them_once(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
):

    def stop(*given: Any) -> None:
        if last != "append_line" or given[1]["split"] == "test":
            raise KeyboardInterrupt
        append_line(*given)

    folder = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(RunObserver if last == "_draw_worst" else run_observer, last, stop)
        with pytest.raises(KeyboardInterrupt):
            train(tiny, folder, quiet=True)
    assert ("validation", 20) in moments(folder)
    assert (folder / "model").is_dir()
    assert not (folder / "report.html").exists()
    train(tiny, folder, quiet=True)
    assert moments(folder) == [("validation", 20), ("test", 20)]
    card = (folder / "model" / "README.md").read_text()
    assert f"On test images, protocol `{evaluations(folder)[-1]['fingerprint']}`" in card


@pytest.mark.usefixtures("quick_evaluator")
def test_a_run_that_is_stopped_leaves_a_model_and_says_how_it_goes_on(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    log = RunObserver.log

    def stop_at_12(self: RunObserver, point: LogPoint) -> None:
        log(self, point)
        if point.images == 12:
            signal.raise_signal(signal.SIGINT)

    folder = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(RunObserver, "log", stop_at_12)
        with pytest.raises(SystemExit) as ended:
            train(tiny, folder)
    assert ended.value.code == 130
    assert "stopped: the same command continues" in capsys.readouterr().err
    assert load_model(folder / "model").images == 12 + 4  # a step follows the line
    unpaired.evaluate(folder)  # of what there is; it is not the end of the run
    assert not is_finished(folder)
    train(tiny, folder)
    assert "continues after 16 images" in capsys.readouterr().err
    assert load_model(folder / "model").images == 20
    assert moments(folder) == [("test", 16), ("validation", 20), ("test", 20)]
    assert is_finished(folder)


@pytest.mark.usefixtures("quick_evaluator")
def test_a_longer_training_that_does_no_better_exports_the_best_again(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run_observer, "score", lambda record: -record.images)
    evaluation = replace(tiny.evaluation, export="best")
    for images in (12, 24):
        training = replace(tiny.training, images=images, schedule=Constant())
        run = train(
            replace(tiny, training=training, evaluation=evaluation), tmp_path / "run", quiet=True
        )
        assert load_model(run / "model").images == 12
        assert is_finished(run)
    assert moments(run) == [("validation", 12), ("test", 12), ("validation", 24)]


@pytest.mark.usefixtures("quick_evaluator")
def test_a_training_from_python(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    monkeypatch.chdir(tmp_path)
    run = unpaired.train(tiny, quiet=True)
    assert capsys.readouterr() == ("", "")
    assert run == Path("runs/tiny")
    assert moments(run) == [("validation", 20), ("test", 20)]
    pictures = sorted(path.name for path in (run / "samples").glob("0*.png"))
    assert pictures == [f"{n:09d}-{d}.png" for n in (0, 8, 16, 20) for d in "ab"]
    (record,) = unpaired.evaluate(run, "validation")
    assert evaluations(run)[2] == record
    assert moments(run)[2] == ("validation", 20)
    ink = load_images(tiny.a, "test").gather([0])[0].permute(1, 2, 0).numpy()[..., 0]
    sign = unpaired.load(run / "model", device="cpu").translate(Image.fromarray(ink), to="b")
    assert sign.size == (32, 32)
    assert sign.mode == "RGB"


def test_the_page_of_faithfulness_names_the_image_sets_as_the_report_does(
    tiny: Experiment, tmp_path: Path
):
    pixels = torch.randint(0, 256, (4, 1, 32, 32), dtype=torch.uint8)
    result = Result({}, {"a": Translated(pixels, 255 - pixels, None)}, None, {}, {})
    evaluator: Any = SimpleNamespace(
        experiment=tiny, images={"a": SimpleNamespace(names=list("wxyz"))}
    )
    evaluation._write_faithfulness(evaluator, result, tmp_path)
    text = (tmp_path / "faithfulness.html").read_text()
    assert "ink → sign" in text
    assert "a → b" not in text


def test_what_cannot_work_is_refused_before_anything_is_written(tiny: Experiment, tmp_path: Path):
    run = tmp_path / "run"
    gone = replace(tiny.b, test_source=Folder(path=str(tmp_path / "gone")))
    with pytest.raises(DataError) as caught:
        train(replace(tiny, b=gone), run, quiet=True)
    assert caught.value.code == "source-not-found"
    assert caught.value.code == "source-not-found"
    with pytest.raises(SettingError, match="training images are also those of the test") as error:
        train(replace(tiny, a=replace(tiny.a, test_source=tiny.a.source)), run, quiet=True)
    assert error.value.code == "settings-invalid"
    around = replace(tiny, b=replace(tiny.b, test_source=Folder(path=str(tmp_path))))
    with pytest.raises(RunError) as caught:
        train(around, run, quiet=True)
    assert caught.value.code == "run-among-images"
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("quick_evaluator")
def test_a_run_evaluated_elsewhere_says_where_its_images_are(
    tiny: Experiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.chdir(tmp_path)
    for name in ("ink", "sign"):
        Path(name).mkdir()
        pixels = load_images(tiny.a if name == "ink" else tiny.b, "train").gather(range(60))
        for i, image in enumerate(samples.to_arrays(pixels)):
            Image.fromarray(image.squeeze()).save(f"{name}/{i}.png")
    run = train(
        replace(
            tiny,
            a=Domain(source=Folder(path="ink"), size=32, channels=1),
            b=Domain(source=Folder(path="sign"), size=32),
        ),
        quiet=True,
    )

    # In the folder of another, say, who lets nobody write there.
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", str(run / "evaluations.jsonl"))

    before = evaluations(run)
    with monkeypatch.context() as patched:
        patched.setattr(evaluation, "append_line", refuse)
        assert unpaired.evaluate(run)[0]["split"] == "test"
    assert "the numbers are not kept with the run" in caplog.text
    assert evaluations(run) == before

    monkeypatch.chdir(tmp_path / "ink")
    with pytest.raises(DataError, match=r"'ink' does not exist here\. .* go to the folder"):
        unpaired.evaluate(tmp_path / run)


def test_an_image_set_that_changed_since_a_run_began_is_told(
    tiny: Experiment, tmp_path: Path, quick_evaluator: None, capsys: pytest.CaptureFixture[str]
):
    """With other images in it, what was held out may be trained on."""
    image_set = tmp_path / "ink"
    image_set.mkdir()
    pixels = load_images(tiny.a, "train").gather(range(64))
    for i, image in enumerate(samples.to_arrays(pixels)):
        Image.fromarray(image.squeeze()).save(image_set / f"{i}.png")
    for i in range(60, 64):
        (image_set / f"{i}.png").rename(tmp_path / f"{i}.png")
    source = Folder(path=str(image_set))
    a = replace(tiny.a, source=source, test_source=None, validation_source=None)
    constant = replace(tiny.training, schedule=Constant())
    for images, told in ((12, False), (20, False), (28, True)):
        if told:
            for i in range(60, 64):
                (tmp_path / f"{i}.png").rename(image_set / f"{i}.png")
        train(replace(tiny, a=a, training=replace(constant, images=images)), tmp_path / "run")
        text = capsys.readouterr().err
        assert ("the training images of a are others" in text) is told
        assert "the training images of b are others" not in text
    assert "now): some may have been kept from training" in text


def test_images_that_serve_twice_are_told(tmp_path: Path, tiny: Experiment, capsys: Any):
    """By their content, whatever their names; held-out images never do."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
    for folder, numbers in (("train", range(30)), ("copies", range(25, 40)), ("b", range(28, 40))):
        (tmp_path / folder).mkdir()
        for i in numbers:
            Image.fromarray(pixels[i]).save(tmp_path / folder / f"{folder}-{i}.png")
    a = Domain(source=Folder(path=str(tmp_path / "train")), size=32, channels=3)
    b = Domain(source=Folder(path=str(tmp_path / "b")), size=32)
    experiment = replace(tiny, a=a, b=b)
    (shared,) = find_leaks(experiment.domains)["test"]
    assert shared.startswith("2 images are in both domains")
    copies = replace(a, test_source=Folder(path=str(tmp_path / "copies")))
    told = find_leaks(replace(experiment, a=copies).domains)["test"]
    assert re.match(r"[345] test images of a are also training images", told[0])
    assert told[1:] == [shared]
    run = train(replace(experiment, a=copies), tmp_path / "run")
    assert capsys.readouterr().err.count(f"warning: {told[0]}\n") == 1
    assert evaluations(run)[-1]["notes"] == told
    assert told[0] in (run / "report.html").read_text()
    assert f"Note: {told[0]}" in (run / "model" / "README.md").read_text()


def test_a_batch_larger_than_an_image_set_is_told(tmp_path: Path, tiny: Experiment):
    images = {name: load_images(tiny.domain(name), "train") for name in tiny.domains}
    assert large_batches(tiny, images) == []
    number = len(images["a"])
    large = replace(tiny, training=replace(tiny.training, batch_size=number + 1))
    assert f"a has {number:,} to train on" in large_batches(large, images)[0]


def test_refused_images_are_said_in_a_line_for_each_reason(
    tmp_path: Path, tiny: Experiment, capsys: Any
):
    for i in range(8):
        (tmp_path / f"{i}.png").write_bytes(b"nothing")
    for i in range(8, 12):
        Image.fromarray(np.full((32, 32), i, np.uint8)).save(tmp_path / f"{i}.png")
    experiment = replace(tiny, a=replace(tiny.a, source=Folder(path=str(tmp_path))))
    assert len(training._training_images(experiment, "a", quiet=False)) == 4
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"a: 4 training images from {tmp_path}"
    assert lines[1].startswith("a: left out 0.png: is of an unknown kind")
    assert lines[1].endswith(" (and so are 7 more)")
    assert len(lines) == 2


# Sample grids


def test_sample_grids_show_the_way_there_and_back(tiny: Experiment):
    torch.manual_seed(0)
    nets = tiny.method.build(tiny.a, tiny.b).eval()
    for domain, other in (("a", "b"), ("b", "a")):
        settings = getattr(tiny, domain)
        pixels = load_images(settings, "validation").gather([0, 1, 2])
        model = AppliedModel(tiny, nets, torch.device("cpu"))
        found = samples.columns(model, pixels, domain)
        names = [domain, f"{domain}→{other}", f"{domain}→{other}→{domain}"]
        assert list(found) == names
        original = [image.permute(1, 2, 0).numpy() for image in pixels]
        assert all(np.array_equal(x, y) for x, y in zip(found[domain], original, strict=True))
        channels = [settings.channels, getattr(tiny, other).channels, settings.channels]
        for name, expected in zip(names, channels, strict=True):
            assert [image.shape for image in found[name]] == [(32, 32, expected)] * 3
            assert found[name][0].dtype == np.uint8
        again = samples.columns(model, pixels, domain)  # fixed styles
        assert all(
            np.array_equal(x, y) for n in names for x, y in zip(found[n], again[n], strict=True)
        )


@pytest.mark.parametrize("domain", ["a", "b"])
def test_many_large_images_are_translated_in_parts(tiny: Experiment, monkeypatch, domain):
    """100 images of 256×256 at once would need several GB; each keeps its style in the parts."""
    torch.manual_seed(0)
    nets = tiny.method.build(tiny.a, tiny.b).eval()
    pixels = load_images(getattr(tiny, domain), "validation").gather([0, 1, 2])
    model = AppliedModel(tiny, nets, torch.device("cpu"))
    at_once = translate(model, pixels, domain, 0)
    sizes: list[int] = []
    original = model.values

    def values(images: Tensor, domain: Any) -> Tensor:
        sizes.append(len(images))
        return original(images, domain)

    monkeypatch.setattr(model, "values", values)
    monkeypatch.setattr(evaluation_samples, "images_at_once", lambda height, width: 2)
    in_parts = translate(model, pixels, domain, 0)
    assert sizes == [2, 1]
    for name in ("source", "translations", "reconstructions"):
        difference = getattr(at_once, name).int() - getattr(in_parts, name).int()
        assert difference.abs().max() <= 1, name


def test_how_many_images_are_taken_at_once():
    assert [images_at_once(side, side) for side in (32, 256, 1024)] == [256, 4, 1]


def test_the_grid_of_styles_has_one_style_per_column(tiny: Experiment):
    torch.manual_seed(0)
    nets = tiny.method.build(tiny.a, tiny.b).eval()
    pixels = load_images(tiny.a, "validation").gather([0, 1])
    model = Translator(tiny, nets, torch.device("cpu"))
    found = samples.styles(model, pixels)
    assert list(found) == ["a", *(f"style {i + 1}" for i in range(samples.NUM_STYLES))]
    assert not np.array_equal(found["style 1"][0], found["style 2"][0])
    style = tiny.method.draw_styles(nets, 1, samples.generator(2, "styles"))
    assert style is not None
    delivered = model.translate_batch(pixels, "b", style)
    expected = samples.to_arrays(delivered)
    assert all(np.array_equal(x, y) for x, y in zip(found["style 3"], expected, strict=True))


def test_the_grid_of_styles_is_made_as_translations_are_delivered(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
):
    """In the precision of `translate`, and of large images a few at a time."""
    nets = tiny.method.build(tiny.a, tiny.b).eval()
    pixels = load_images(tiny.a, "validation").gather([0, 1, 2])
    seen: list[tuple[int, bool]] = []
    original = type(tiny.method).translate

    def look(self: Any, nets: Any, images: Tensor, *more: Any) -> Tensor:
        seen.append((len(images), torch.is_autocast_enabled("cpu")))
        return original(self, nets, images, *more)

    monkeypatch.setattr(type(tiny.method), "translate", look)
    monkeypatch.setattr(evaluation_samples, "images_at_once", lambda height, width: 2)
    lower = lambda training, device: torch.autocast(device.type, torch.bfloat16)  # noqa: E731
    monkeypatch.setattr(applied, "precision_of_translation", lower)
    samples.styles(AppliedModel(tiny, nets, torch.device("cpu")), pixels)
    assert seen == [(2, True), (1, True)] * samples.NUM_STYLES


# The card


def record(split: str, images: int, value: float) -> EvaluationRecord:
    return EvaluationRecord(
        images=images,
        weights="ema",
        split=split,
        protocol=Protocol(),
        fingerprint=f"of-{split}",
        metrics={"translation_accuracy/a2b": Measurement(value, value - 0.1, value + 0.1, 360)},
    )


def test_the_card_shows_the_numbers_of_these_weights(tiny: Experiment):
    records = [record("validation", 8, 0.5), record("test", 20, 0.8), record("validation", 20, 0.7)]
    text = card(tiny, 20, records)
    assert "On test images, protocol `of-test`." in text
    assert "| translation_accuracy/a2b | 0.8 | 0.7 to 0.9 | 360 |" in text
    assert "0.5" not in text
    assert "better than the unchanged input" not in text
    unchanged = {"translation_accuracy/a2b/input": Measurement(0.9, 0.9, 0.9, 360)}
    beaten = replace(records[1], metrics=records[1].metrics | unchanged)
    assert "higher is better; **no better than the unchanged input** |" in card(tiny, 20, [beaten])
    assert "protocol `of-validation`" in card(tiny, 8, records)
    assert "Nothing was measured yet." in card(tiny, 12, records)
    for words in (
        "`builtin:ink:train`",
        "32×32",
        "seed 0",
        "## Limits",
        'translate(image, to="b")',
    ):
        assert words in text


@pytest.mark.parametrize(
    ("ema_images", "images", "words"),
    [
        (0, 64, "not averaged"),
        (10_000, 64, "a half-life of a tenth of the images seen, 6."),
        (10_000, 200_000, "a half-life of 10,000 images."),
    ],
)
def test_the_card_says_how_the_weights_were_averaged(
    tiny: Experiment, ema_images: int, images: int, words: str
):
    experiment = replace(tiny, training=replace(tiny.training, ema_images=ema_images))
    assert words in card(experiment, images, [])


def test_built_in_test_digits_are_paired(tiny: Experiment):
    assert tiny.a.test_source == BuiltIn(name="ink", part="test")
    ids = [load_images(domain, "test").ids for domain in (tiny.a, tiny.b)]
    assert ids[0] == ids[1]


def photos(folder: Path, *names: str, first: int = 0) -> Domain:
    """A domain of 32×32 images of noise, one of each name."""
    for i, name in enumerate(names, first):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return Domain(source=Folder(path=str(folder)), size=32)


def sorted_photos(folder: Path, *folders: str, first: int = 0) -> Domain:
    return photos(folder, *(f"{f}/{i}.png" for f in folders for i in range(9)), first=first)


def test_years_and_painters_train_no_classifier_and_choose_no_weights(
    tiny: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    a = sorted_photos(tmp_path / "years", "2021", "2022")
    b = sorted_photos(tmp_path / "painters", "gogh", "monet", first=50)
    experiment = replace(
        tiny,
        a=a,
        b=b,
        training=replace(tiny.training, images=4),
        evaluation=replace(tiny.evaluation, classifier=True),
    )
    run = train(experiment, tmp_path / "run")
    note = "the subfolders of a (2021, 2022) and the subfolders of b (gogh, monet) are not the same"
    assert capsys.readouterr().err.count(f"note: {note}") == 1
    for record in evaluations(run):
        assert not any("accuracy" in name for name in record["metrics"])
        assert record["protocol"]["extractor"] == "pixels"
        assert any(text.startswith(note) for text in record["notes"])
    for wish in ({"classifier": True}, {"adaptation": True}):
        with pytest.raises(DataError) as error:
            evaluation.evaluate(run, **wish)
        assert error.value.code == "no-labels-to-learn"
        assert "(gogh, monet)" in str(error.value)


def test_training_and_evaluation_say_what_they_leave_out(
    tiny: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    a = photos(tmp_path / "a", *(f"{i}.png" for i in range(12)))
    b = photos(tmp_path / "b", *(f"{i}.png" for i in range(12)), first=50)
    for i in range(60):
        (tmp_path / "a" / f"{i}.nef").touch()
    (tmp_path / "b" / "album").symlink_to(tmp_path / "a")
    run = train(
        replace(tiny, a=a, b=b, training=replace(tiny.training, images=4)), tmp_path / "run"
    )
    text = capsys.readouterr().err
    raw = "60 other files (60 .nef), not named like images; 60 are each a camera's raw file"
    assert f"a: left out {raw}" in text
    assert "b: left out album: is a link to a folder" in text
    (record,) = evaluation.evaluate(run)
    assert any(note.startswith(f"test images of a: left out {raw}") for note in record["notes"])
    assert any("test images of b: left out album: " in note for note in record["notes"])


@pytest.mark.parametrize("streamed", [False, True])
def test_what_was_noted_of_images_is_said_before_training(
    streamed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A damaged colour profile, for one: decoding ignores it, which nobody would see otherwise."""
    if streamed:
        monkeypatch.setattr("unpaired.data.dataset.MEMORY_SHARE", 0.0)
    for i in range(12):
        profile = b"garbage" if i < 9 else None
        Image.new("RGB", (16, 16), (i, 2, 3)).save(tmp_path / f"{i}.png", icc_profile=profile)
    Image.new("CMYK", (16, 16)).save(tmp_path / "print.jpg")
    domain = Domain(source=Folder(path=str(tmp_path)), size=16, test_fraction=0.0)
    domain = replace(domain, validation_source=domain.source, test_source=domain.source)
    images = load_images(domain, "train")
    said = [
        "9 images: has a colour profile that is damaged: its colours are read as sRGB",
        "1 image: is CMYK without a colour profile: its colours are approximate",
    ]
    assert decoding_notes(images) == said
    images.gather([0, 1, 2])
    assert decoding_notes(images) == said
