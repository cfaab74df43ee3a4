"""The command: every verb, its refusals, and what it leaves behind."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unpaired.cli import doctor
from unpaired.cli.flags.arguments import count, seconds
from unpaired.cli.flags.settings import with_present_names
from unpaired.cli.main import VERBS, main
from unpaired.experiment.experiment import from_json
from unpaired.methods import DTN, GAN
from unpaired.networks import ClassEncoder
from unpaired.recipes import RECIPES


def fill(folder: Path, number: int = 60, size: int = 36, first: int = 0, mode: str = "RGB") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(first, first + number):
        pixels = np.random.default_rng(i).integers(0, 256, (size, size, 3), np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def image_sets(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Flags for two folders of generated images."""
    root = tmp_path_factory.mktemp("piles")
    a, b = fill(root / "grey", mode="L"), fill(root / "colour", first=100)
    return ["--a", str(a), "--b", str(b), "--device", "cpu"]


def run(*arguments: str) -> int:
    """The exit code, wherever it was decided."""
    try:
        return main(list(arguments))
    except SystemExit as stop:
        return int(stop.code or 0)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The message of a refusal, which leaves standard output to results."""
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return " ".join(captured.err.replace("│", " ").split())


def one_object(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What --json promises: one JSON object, and nothing else."""
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# Help and names


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_verb(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert run(*arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    for verb, text in VERBS.items():
        assert any(line.split() == [verb, *text.split()] for line in lines)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_module_and_answers_help(verb: str, capsys: pytest.CaptureFixture[str]):
    assert import_module(f"unpaired.cli.{verb}").__doc__.startswith(f"`unpaired {verb}`")
    assert run(verb, "--help") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: unpaired {verb}")
    assert verb == "train" or "usage: unpaired train" not in text


def test_help_of_training_lists_its_settings(capsys: pytest.CaptureFixture[str]):
    run("train", "--help")
    text = capsys.readouterr().out
    for flag in ("--recipe", "--time", "--method.cycle-weight", "--training.generators.beta1"):
        assert flag in text
    assert "λ of a→b→a (equation 2)" in text  # the one-line docstring of the field
    for line in (
        "--method.kind cyclegan, dtn, feature-segmentation, gan",
        "--method.generator.kind unet, resnet",
        "--a.labelled-source.kind folder, hf, builtin",
    ):
        assert f"  {line}" in text  # more of each may follow
    assert "with the defaults of the recipe demo" in text
    assert ".kind {" not in text  # the alternative that is chosen, as if it were the only one


def test_help_is_of_what_was_chosen(capsys: pytest.CaptureFixture[str], image_sets: list[str]):
    run("train", "--recipe", "mnist-usps", "--method.kind", "dtn", "--help")
    text = capsys.readouterr().out
    assert "with the defaults of the recipe mnist-usps" in text
    assert "--method.constancy-weight" in text
    assert "  --method.encoder.kind class-encoder, exported, sphereface\n" in text
    run("train", *image_sets, "--training.batch-size", "3", "--help")
    text = capsys.readouterr().out
    assert "with the defaults of these images" in text
    assert "--method.generator.blocks" in text  # resnet's


def test_version(capsys: pytest.CaptureFixture[str]):
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("unpaired 0.")


def test_an_unknown_verb_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]):
    message = refused(capsys, "trian")
    assert "no verb 'trian'. Did you mean `unpaired train`?" in message
    assert all(verb in message for verb in VERBS)


@pytest.mark.parametrize(
    "verb", [v for v in VERBS if v not in ("train", "demo", "translate", "sweep")]
)
def test_an_unknown_flag_is_answered_with_the_nearest(
    verb: str, capsys: pytest.CaptureFixture[str]
):
    required = {
        "check": ["--a", "x", "--b", "y"],
        "compare": ["x"],
        "evaluate": ["x"],
        "generate": ["x", "-o", "y"],
        "report": ["x"],
    }
    message = refused(capsys, verb, *required.get(verb, []), "--jsno")
    assert "unknown argument '--jsno'; did you mean --json?" in message
    assert f"`unpaired {verb} --help`" in message


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--method.cycle-wieght", "5"], ["--method.cycle-wieght", "--method.cycle-weight FLOAT"]),
        (["--training.batchsize", "5"], ["--training.batchsize", "--training.batch-size 5"]),
        (["--training.batch-sise", "5"], ["--training.batch-sise", "--training.batch-size INT"]),
        (["--training.batch-size", "many"], ["--training.batch-size", "'many'"]),
        (["--a.fit", "zoom"], ["--a.fit", "zoom", "resize", "cover", "pad"]),
        (
            ["--method.generator.kind", "unett"],
            ["--method.generator.kind unett", "Did you mean un"],
        ),
        (["--method.generator.kind"], ["choose from ", "resnet", "unet"]),
        (["--method.generatr.kind", "unet"], ["no setting 'generatr'", "Did you mean 'generator'"]),
        (["--training.seed.kind", "unet"], ["'seed' has no alternatives"]),
        (["--a.labelled-source.kind", "folder"], ["--a.labelled-source.path"]),
        (["--method.cycle-weight", "-1"], ["method.cycle_weight is -1"]),
        (["--training.generators.learning-rate", "nan"], ["learning_rate is nan"]),
        (["--time", "soon"], ["'soon' is no time"]),
        (["--images", "lots"], ["'lots' is no number"]),
        (["--device", "tpu"], ["'tpu' is no device: auto, cpu or cuda"]),
        (["photos/"], ["'photos/' belongs to no flag", "--a photos/"]),
        (["--imgaes", "64"], ["unknown argument '--imgaes'; did you mean --images?"]),
        (["--seeds", "2"], ["unknown argument '--seeds'; did you mean --seed?"]),
    ],
)
def test_settings_without_meaning(
    flags: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
):
    message = refused(capsys, "train", "--recipe", "demo", "--dry-run", *flags)
    for word in words:
        assert word in message


def test_an_unknown_recipe_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]):
    for arguments in (["train", "--recipe", "mnist-ups"], ["recipes", "mnist-ups"]):
        message = refused(capsys, *arguments)
        assert "no recipe 'mnist-ups'. Did you mean 'mnist-usps'?" in message


def test_training_on_nothing_says_what_to_type(capsys: pytest.CaptureFixture[str]):
    assert "--a photos/ --b paintings/" in refused(capsys, "train")
    assert "--a photos/ --b paintings/" in refused(capsys, "train", "--a", "photos/")


# Times and counts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("45", 45),
        ("1d2h3m4s", 93_784),
        ("15min", 900),
        ("2 h", 7200),
        ("1h 30m", 5400),
        ("90 sec", 90),
        ("1.5 hours", 5400),
    ],
)
def test_times(text: str, expected: float):
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "m", "-5m", "10y", "1e3", "h30", "nan", "8GB", "1,5h", "10m5"]
)
def test_what_is_no_time(text: str):
    with pytest.raises(Exception, match=r"is no time; write 90s, 10m, 1\.5h or 1h30m"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("20000", 20_000), ("20_000", 20_000), ("20k", 20_000), ("1.5M", 1.5e6)]
)
def test_counts(text: str, expected: float):
    assert count(text) == expected


@pytest.mark.parametrize("text", ["", "k", "-3", "1e5", "20 k", "inf"])
def test_what_is_no_count(text: str):
    with pytest.raises(Exception, match=r"is no number; write 20000, 20k or 1\.5M"):
        count(text)


# Settings


def resolved(capsys: pytest.CaptureFixture[str], *flags: str) -> Any:
    assert run("train", *flags, "--dry-run") == 0
    found = one_object(capsys)
    return from_json(json.dumps(found["experiment"]), "--dry-run"), found


@pytest.mark.usefixtures("stand_in_data")
def test_dry_run_prints_what_would_be_trained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for name, recipe in RECIPES.items():
        experiment, found = resolved(capsys, "--recipe", name)
        # Where the data lie is looked up when the recipe is called.
        assert experiment == recipe()
        assert found["folder"] == f"runs/{name}"
    assert not list(tmp_path.iterdir())


def test_dry_run_says_which_files_training_would_miss(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    flags = ["--recipe", "demo", "--a", str(tmp_path / "phtos"), "--dry-run"]
    assert run("train", *flags) == 0
    captured = capsys.readouterr()
    assert "training would stop here" in captured.err
    assert "phtos" in captured.err
    assert json.loads(captured.out)["experiment"]["a"]["source"]["path"].endswith("phtos")
    assert run("train", "--recipe", "demo", "--dry-run") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("former", "present"),
    [
        ("--training.schedule constant", "--training.schedule.kind constant"),
        ("--training.schedule=cosine", "--training.schedule.kind=cosine"),
        ("--training.decay-from 0.7", "--training.schedule.decay-from 0.7"),
        ("--method.looks_weight 5", "--method.class-colours-weight 5"),
        (
            "--method.kind feature-segmentation --method.encoder-images=3",
            "--method.kind feature-segmentation --method.feature-cycle.images=3",
        ),
        ("--method.kind gan --method.looks-weight 5", "--method.kind gan --method.looks-weight 5"),
        ("--training.batch-size 8 --no-such.flag x", "--training.batch-size 8 --no-such.flag x"),
    ],
)
def test_flags_of_earlier_versions_have_their_present_names(former: str, present: str):
    assert with_present_names(RECIPES["demo"](), former.split()) == present.split()


def test_flags_override_single_settings(capsys: pytest.CaptureFixture[str]):
    experiment, found = resolved(
        capsys,
        "--recipe",
        "demo",
        "--method.cycle-weight",
        "5",
        "--method.cycle-weight-b=0.5",
        "--training.generators.learning-rate",
        "1e-3",
        "--a.crop",
        "1",
        "2",
        "30",
        "31",
        "--images",
        "3k",
        "--seed",
        "7",
        "--time",
        "1h30m",
        "--name",
        "mine",
        "-o",
        "elsewhere/x",
    )
    base = RECIPES["demo"]()
    assert experiment.method.cycle_weight == 5
    assert experiment.method.cycle_weight_b == 0.5
    assert experiment.training.generators.learning_rate == 1e-3
    assert experiment.training.discriminators == base.training.discriminators
    assert experiment.a.crop == (1, 2, 30, 31)
    assert experiment.training.images == 3000
    assert experiment.training.seed == 7
    assert experiment.training.seconds == 5400
    assert experiment.name == "mine"
    assert found["folder"] == "elsewhere/x"
    assert experiment.method.generator == base.method.generator


def test_kinds_exchange_parts_and_keep_what_both_have(capsys: pytest.CaptureFixture[str]):
    experiment, _ = resolved(
        capsys,
        "--recipe",
        "demo",
        "--method.generator.kind",
        "resnet",
        "--method.generator.kernel",
        "5",
        "--method.discriminator.kind=patchgan",
        "--method.adversarial.kind",
        "least-squares",
        "--training.generators.algorithm",
        "rmsprop",
    )
    base = RECIPES["demo"]()
    assert experiment.method.generator.kind == "resnet"
    assert experiment.method.generator.kernel == 5
    assert experiment.method.generator.width == base.method.generator.width == 48
    assert experiment.method.generator.blocks == base.method.generator.blocks == 2
    assert experiment.method.discriminator.kind == "patchgan"
    assert experiment.method.discriminator.spectral_norm
    assert experiment.method.discriminator.layers == 3  # patchgan's own default
    assert experiment.method.adversarial.kind == "least_squares"
    assert experiment.training.generators.algorithm == "rmsprop"


@pytest.mark.parametrize("kind", ["dtn", "gan"])
def test_another_method_has_its_own_defaults(kind: str, capsys: pytest.CaptureFixture[str]):
    experiment, _ = resolved(
        capsys, "--recipe", "demo", "--method.generator.kind", "decoder", "--method.kind", kind
    )
    expected = {"dtn": DTN(), "gan": GAN()}[kind]
    assert experiment.method == expected  # demo's cycle weight and networks are CycleGAN's
    assert (experiment.a is None) == (kind == "gan")  # noise needs no pile
    same, _ = resolved(capsys, "--recipe", "demo", "--method.kind", "cyclegan")
    assert same == RECIPES["demo"]()


def test_values_that_another_kind_cannot_have_stay_behind(capsys: pytest.CaptureFixture[str]):
    flags = ["--recipe", "dtn-faces", "--method.encoder.kind", "class-encoder"]
    experiment, _ = resolved(capsys, *flags)
    assert isinstance(experiment.method.encoder, ClassEncoder)
    source = ["--a.source.kind", "builtin", "--b.source.kind", "hf"]
    message = refused(capsys, "train", "--recipe", "mnist-usps", *source, "--dry-run")
    assert "--a.source.name" in message  # a path is no name of a style


def test_images_from_noise_need_one_image_set(
    capsys: pytest.CaptureFixture[str], image_sets: list[str]
):
    one, gan = ["--b", image_sets[3]], ["--method.kind", "gan", "--device", "cpu"]
    experiment, found = resolved(capsys, *one, *gan)
    assert experiment.a is None
    assert experiment.method == GAN()
    assert found["folder"] == "runs/colour"
    message = refused(capsys, "train", *image_sets, *gan, "--dry-run")
    assert "makes images of b from noise. Leave out --a" in message
    assert "--b photos/ --method.kind gan" in refused(capsys, "train", *one)


def test_a_source_that_the_recipe_has_not(capsys: pytest.CaptureFixture[str]):
    experiment, _ = resolved(
        capsys,
        "--recipe",
        "demo",
        "--a.labelled-source.kind",
        "folder",
        "--a.labelled-source.path",
        "labelled/",
    )
    assert experiment.a.labelled_source.path == "labelled/"


def test_own_image_sets_in_a_recipe_bring_their_own_splits(capsys: pytest.CaptureFixture[str]):
    experiment, found = resolved(
        capsys, "--recipe", "demo", "--a", "mine/", "--b-test", "hf:owner/signs:test"
    )
    assert found["folder"] == "runs/demo-mine"  # not where demo itself goes
    assert experiment.name == "demo-mine"
    assert experiment.a.source.path == "mine"
    assert experiment.a.test_source is None  # the recipe's digits say nothing about other images
    assert experiment.a.validation_source is None
    assert experiment.b.test_source.name == "owner/signs"
    assert experiment.b.validation_source == RECIPES["demo"]().b.validation_source


def test_two_image_sets_need_no_other_flag(
    capsys: pytest.CaptureFixture[str], image_sets: list[str]
):
    experiment, found = resolved(capsys, *image_sets)
    assert (experiment.a.channels, experiment.b.channels) == (1, 3)
    assert experiment.a.size == 32
    assert any("60 images" in reason for reason in found["reasons"])


def test_the_first_look_takes_the_settings_of_decoding(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, image_sets: list[str]
):
    flags = ["--a", str(numbers(tmp_path / "numbers")), *image_sets[2:]]
    message = refused(capsys, "train", *flags, "--dry-run")
    assert "--a.range LOW HIGH" in message
    experiment, _ = resolved(capsys, *flags, "--a.range", "0", "1")
    assert experiment.a.channels == 1


def test_the_first_look_takes_the_column(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, image_sets: list[str]
):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    pictures = [path.read_bytes() for path in Path(image_sets[1]).iterdir()]
    table = tmp_path / "table.parquet"
    parquet.write_table(pyarrow.table({"picture": pictures}), table)
    flags = ["--a", str(table), *image_sets[2:], "--a.source.image-column"]
    experiment, _ = resolved(capsys, *flags, "picture")
    assert experiment.a.source.image_column == "picture"
    assert "has no column 'image'" in refused(capsys, "train", *flags[:-1], "--dry-run")


def test_the_size_of_one_domain_is_that_of_both(
    capsys: pytest.CaptureFixture[str], image_sets: list[str]
):
    for flags in (image_sets, ["--recipe", "emoji-ours"]):
        for side in "ab":
            experiment, _ = resolved(capsys, *flags, f"--{side}.size", "40")
            assert (experiment.a.size, experiment.b.size) == (40, 40)
    both = ["--a.size", "32", "--b.size", "64"]
    message = refused(capsys, "train", *image_sets, *both, "--dry-run")
    assert "Give --a.size 32 or --b.size 64 alone: the other follows" in message


def test_reasons_are_of_what_is_trained(capsys: pytest.CaptureFixture[str], image_sets: list[str]):
    flags = ["--a.size=64", "--method.generator.kind", "unet", "--training.batch-size", "2"]
    experiment, found = resolved(capsys, *image_sets, *flags, "--images", "64")
    text = "\n".join(found["reasons"])
    assert "size 64×64: as given; images of a and b are smaller and are enlarged" in text
    networks = "\nU-Net generator with 4 blocks and 32 channels, PatchGAN with 2 layers: usual"
    assert networks in text
    assert "ResNet" not in text
    assert "batches of" not in text
    assert experiment.training.images == 64


def test_a_smoke_is_not_what_was_chosen(capsys: pytest.CaptureFixture[str], image_sets: list[str]):
    _, found = resolved(capsys, *image_sets, "--smoke")
    assert found["reasons"][-1].startswith("smoke: of all this, a few steps")


def test_a_time_budget_alone_sets_the_length(
    capsys: pytest.CaptureFixture[str], image_sets: list[str]
):
    experiment, _ = resolved(capsys, *image_sets, "--time", "10m")
    assert experiment.training.seconds == 600
    assert experiment.training.images == 10**9
    experiment, _ = resolved(capsys, *image_sets, "--time", "10m", "--images", "500")
    assert experiment.training.images == 500


# Looking at data


def test_check_counts_refuses_and_finds_leaks(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    a = fill(tmp_path / "a", 60)
    b = fill(tmp_path / "b", 12, first=100, mode="L")
    test = fill(tmp_path / "test", 4, first=58)  # 58 and 59 are among a's
    (a / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n....")
    (a / "copy.png").write_bytes((a / "3.png").read_bytes())
    for name in ("one.nef", "other.NEF", "camera.CR2", "scan"):
        (a / name).write_bytes(b"images, but none that is read")
    sheet = tmp_path / "sheet.png"
    flags = ["check", "--a", str(a), "--b", str(b), "--a-test", str(test)]
    assert run(*flags, "-o", str(sheet)) == 0
    text = capsys.readouterr().out
    assert f"a: {a}: 61 of 62 usable; 0 grey; 0 labelled; sizes 36×36 (61)" in text
    assert "refused  broken.png: is damaged or cut short" in text
    assert "twice    3.png = copy.png" in text
    others = "4 other files (2 .nef, 1 .cr2, 1 without extension), not named like images; 3 are"
    assert text.count("ignored") == 1
    assert f"ignored  {others}" in text
    assert "12 of 12 usable; 12 grey" in text
    assert "warning  only 12 images" in text
    assert "leak: the same image is a: 58.png and a-test: 58.png" in text
    with Image.open(sheet) as picture:
        assert picture.width > 300

    assert run(*flags, "--json") == 0
    found = one_object(capsys)
    assert found["leaks"] == [[f"a: {i}.png", f"a-test: {i}.png"] for i in (58, 59)]
    assert found["image_sets"]["a"]["refused"][0]["name"] == "broken.png"
    assert found["image_sets"]["b"]["grey"] == 12
    assert found["image_sets"]["a"]["ignored"] == {".nef": 2, ".cr2": 1, "without extension": 1}
    assert found["image_sets"]["a"]["sizes"] == {"36x36": 61}
    assert run(*flags, "--strict") == 2
    capsys.readouterr()


def test_check_says_that_years_and_painters_are_no_classes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    for name, folders in (("a", ("2021", "2022")), ("b", ("gogh", "monet"))):
        for i, folder in enumerate(folders):
            fill(tmp_path / name / folder, 8, first=100 * i + ord(name))
    flags = ["check", "--a", str(tmp_path / "a"), "--b", str(tmp_path / "b")]
    assert run(*flags) == 0
    text = capsys.readouterr().out
    assert "0 labelled" in text
    assert "16 labelled" not in text
    assert "note: the subfolders of a (2021, 2022) and the subfolders of b (gogh, monet)" in text
    assert run(*flags, "--json") == 0
    checked = one_object(capsys)
    assert [checked["image_sets"][name]["labelled"] for name in "ab"] == [0, 0]
    assert len(checked["notes"]) == 1


def test_a_leak_is_found_whatever_its_file_is_called(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    a, b = fill(tmp_path / "a", 10), fill(tmp_path / "b", 10, first=10)
    test = fill(tmp_path / "test", 4, first=20)
    with Image.open(a / "1.png") as image:
        image.save(test / "other.tiff")  # the same pixels in another format
    flags = ["check", "--a", str(a), "--b", str(b), "--a-test", str(test)]
    assert run(*flags, "--json") == 0
    assert one_object(capsys)["leaks"] == [["a: 1.png", "a-test: other.tiff"]]
    assert run(*flags, "--strict") == 2
    assert "leak: the same image is a: 1.png and a-test: other.tiff" in capsys.readouterr().out


def test_repeated_findings_are_summed_up(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    a, b = fill(tmp_path / "a", 60), fill(tmp_path / "b", 60)
    for i in range(9):
        (a / f"{i}.png").rename(a / f"{i}.jpg")
        (b / f"broken{i}.png").write_bytes(b"")
    assert run("check", "--a", str(a), "--b", str(b)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert sum("note     and 6 more: is a PNG though its name says .jpg" in x for x in lines) == 1
    assert sum("refused  and 6 more: " in line for line in lines) == 1
    assert "leak: 60 images of a are also in b: " in lines[-1]
    assert lines[-1].endswith("57 more; the image sets are the same: give another for one of them")
    fill(tmp_path / "b", 10, first=60)
    assert run("check", "--a", str(a), "--b", str(b)) == 0
    assert "all of a lies in b: remove these from b" in capsys.readouterr().out


@pytest.mark.parametrize("number", [5, 9, 10])
def test_check_passes_what_training_takes(
    number: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    a, b = fill(tmp_path / "a", number), fill(tmp_path / "b", 12, first=100)
    image_sets = ["--a", str(a), "--b", str(b)]
    code = 0 if number == 10 else 2
    assert run("check", *image_sets) == code
    text = capsys.readouterr().out
    assert ("too few to train" in text) == bool(code)
    assert run("check", *image_sets, "--json") == code
    assert list(one_object(capsys)["too_small"]) == ["a"] * bool(code)
    flags = ["--smoke", "--device", "cpu", "-o", str(tmp_path / "run")]
    assert run("train", *image_sets, *flags) == code


def wide(folder: Path, count: int, first: int = 0) -> Path:
    folder.mkdir()
    for i in range(first, first + count):
        pixels = np.random.default_rng(i).integers(0, 256, (54, 96, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


def test_check_and_train_tell_what_is_never_seen_of_wide_photos_and_crops_see_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    a, b = wide(tmp_path / "a", 12), fill(tmp_path / "b", 12, first=100)
    image_sets = ["--a", str(a), "--b", str(b)]
    never = "44% of each image lies outside the middle square and is never seen"
    assert run("check", *image_sets) == 0
    text = capsys.readouterr().out
    assert f"  unseen   {never}" in text
    assert text.count("never seen") == 1
    assert run("check", *image_sets, "--json") == 0
    sets = one_object(capsys)["image_sets"]
    assert (sets["a"]["never_seen"], sets["b"]["never_seen"]) == (0.4375, 0)
    assert run("check", *image_sets, "--a.fit", "crop") == 0
    assert "never seen" not in capsys.readouterr().out

    folder = tmp_path / "run"
    flags = ["--smoke", "--device", "cpu", "--b.fit", "crop", "--b.scale", "0.5"]
    assert run("train", *image_sets, *flags, "-o", str(folder)) == 0
    text = capsys.readouterr().err
    assert f"a: {never}" in text
    assert "b: 4 of the 4 images are smaller than 32×32 pixels at scale 0.5" in text
    lines = (folder / "evaluations.jsonl").read_text().splitlines()
    resize = json.loads(lines[-1])["protocol"]["resize"]
    assert resize.endswith("; middle squares alone (b at scale 0.5)")


def test_check_splits_as_training_is_told_to(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    a, b = fill(tmp_path / "a", 12), fill(tmp_path / "b", 12, first=100)
    image_sets = ["--a", str(a), "--b", str(b)]
    assert run("check", *image_sets) == 0
    capsys.readouterr()
    assert run("check", *image_sets, "--a.test-fraction", "0.9") == 2
    assert "a: 12 usable images are too few to train" in capsys.readouterr().out


@pytest.mark.parametrize("number", [0, 1])
def test_too_few_images_for_check(number: int, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    few, enough = fill(tmp_path / "few", number), fill(tmp_path / "enough", 3)
    assert run("check", "--a", str(few), "--b", str(enough)) == 2
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert str(few) in text
    expected = "a: 1 usable images are too few to train" if number else "holds no image"
    assert expected in text


def test_check_has_a_limit_on_size_that_can_be_changed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    a, b = fill(tmp_path / "a", 10), fill(tmp_path / "b", 10, size=10)
    flags = ["check", "--a", str(a), "--b", str(b), "--json"]
    assert run(*flags, "--max-megapixels", "0.001") == 2
    found = one_object(capsys)
    assert [found["image_sets"][name]["usable"] for name in ("a", "b")] == [0, 10]
    assert "max_megapixels allows 0.001" in found["image_sets"]["a"]["refused"][0]["reason"]
    assert run(*flags[:-1], "--max-megapixels", "0.001") == 2
    assert "--a.decoding.max-megapixels N lets such files pass" in capsys.readouterr().out


def numbers(folder: Path) -> Path:
    """Images of floating-point numbers."""
    folder.mkdir()
    for i in range(8):
        pixels = np.random.default_rng(i).random((40, 40)).astype(np.float32)
        Image.fromarray(pixels).save(folder / f"{i}.tiff")
    return folder


def test_check_reads_an_image_set_as_training_is_told_to(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    a, b = numbers(tmp_path / "numbers"), fill(tmp_path / "b", 12)
    table = tmp_path / "table.parquet"
    pictures = [path.read_bytes() for path in b.iterdir()]
    parquet.write_table(pyarrow.table({"picture": pictures}), table)
    flags = ["check", "--a", str(a), "--a-test", str(a), "--b", str(table)]
    flags += ["--b.source.image-column", "picture"]
    assert run(*flags) == 2
    assert "--a.range LOW HIGH lets such files pass" in capsys.readouterr().out
    assert run(*flags, "--a.range", "0", "1") == 0
    text = capsys.readouterr().out
    assert "8 of 8 usable" in text
    assert "12 of 12 usable" in text
    message = refused(capsys, *flags, "--method.kind", "dtn")
    assert "--method.kind says nothing about a domain" in message


# Training from end to end


def test_smoke_walks_the_entire_path(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, image_sets: list[str]
):
    folder = tmp_path / "run"
    command = ["train", *image_sets, "--smoke", "-o", str(folder), "--json"]
    assert run(*command) == 0
    found = one_object(capsys)
    assert found["folder"] == str(folder)
    metrics = found["evaluation"]["metrics"]
    assert found["evaluation"]["split"] == "test"
    for name in ("cycle_l1/a", "cycle_l1/b", "diversity/a2b", "kd/pixels/b", "kd/pixels/b/floor"):
        measured = metrics[name]
        assert all(math.isfinite(measured[key]) for key in ("value", "low", "high"))
    for name in (
        "config.json",
        "command.txt",
        "environment.json",
        "metrics.jsonl",
        "evaluations.jsonl",
        "report.html",
        "model/model.safetensors",
        "model/config.json",
        "model/README.md",
        "samples/000000024-a.png",
        "samples/worst-a2b.png",
    ):
        assert (folder / name).stat().st_size > 0, name
    assert [path.name for path in sorted((folder / "checkpoints").iterdir())] == [
        "000000000012",
        "000000000024",
    ]

    # The same command again finds everything done.
    before = tree(folder)
    assert run(*command) == 0
    assert one_object(capsys)["evaluation"] == found["evaluation"]
    after = tree(folder)
    assert after.keys() == before.keys()
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"report.html", "command.txt", "environment.json"}

    # Its verbs work on what it left.
    assert run("evaluate", str(folder), "--json") == 0
    (again,) = one_object(capsys)["evaluations"]
    assert again["fingerprint"] == found["evaluation"]["fingerprint"]
    assert again["metrics"]["cycle_l1/a"] == pytest.approx(metrics["cycle_l1/a"], abs=1e-3)
    (tmp_path / "note.png").write_text("no image")
    nothing = ["translate", str(folder / "model"), str(tmp_path / "note.png"), "--to", "b"]
    for flags in ([], ["--json"]):
        assert run(*nothing, "-o", str(tmp_path / "nothing"), *flags) == 2
        assert "none of 1 images can be translated (first: note.png" in capsys.readouterr().err
    image_set = [
        "translate",
        str(folder / "model"),
        str(numbers(tmp_path / "numbers")),
        "--to",
        "b",
    ]
    image_set += ["-o", str(tmp_path / "translated"), "--device", "cpu", "--format", "png"]
    assert "What lets them pass: --range LOW HIGH" in refused(capsys, *image_set)
    assert "black must be below white" in refused(capsys, *image_set, "--range", "1", "0")
    assert run(*image_set, "--range", "0", "1", "--json") == 0
    assert one_object(capsys)["translated"] == 8
    assert run("report", str(folder), "--json") == 0
    assert one_object(capsys) == {"report": str(folder / "report.html")}
    image, output = image_sets[1] + "/0.png", tmp_path / "out"
    flags = ["--to", "b", "--device", "cpu", "--json"]
    assert run("translate", str(folder / "model"), image, "-o", str(output), *flags) == 0
    assert one_object(capsys)["translated"] == 1
    with Image.open(output / "0.png") as translated:
        assert translated.size == (36, 36)
        assert translated.mode == "RGB"

    # Another configuration into the same folder is refused, and harms nothing.
    before = tree(folder)
    message = refused(capsys, *command, "--method.cycle-weight", "3")
    assert "holds a run with other settings" in message
    assert "method.cycle_weight: 10.0 there, 3.0 here" in message
    assert tree(folder) == before


def test_smoke_prints_a_table_for_people(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    folder = tmp_path / "run"
    assert run("demo", "--smoke", "-o", str(folder), "--device", "cpu") == 0
    captured = capsys.readouterr()
    assert "truth_psnr/b2a" in captured.out
    assert "cycle_l1/a" in captured.out
    for words in ("size: ", f"writing to {folder}", "628 training images"):
        assert words in captured.err
    assert f"next:   unpaired translate {folder / 'model'} IMAGES -o OUT --to b" in captured.err
    assert (folder / "samples" / "styles-a2b.png").exists()


def test_an_estimate_is_measured_when_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    folder = tmp_path / "run"
    flags = ("demo", "--smoke", "--estimate", "-o", str(folder), "--device", "cpu")
    assert run(*flags, "--json") == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["num_parameters"] > 0
    assert 0 < measured["seconds_per_step"] < 60
    assert measured["measuring_seconds"] > 0
    assert run(*flags) == 0
    estimate = capsys.readouterr().out
    assert estimate.startswith("estimate: ")
    assert " of measuring after it" in estimate
    assert not folder.exists()


def test_refusals_leave_nothing_behind(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, image_sets: list[str]
):
    few = fill(tmp_path / "few", 5)
    b = image_sets[3]
    folder = tmp_path / "runs" / "x"
    cases = {
        # Row 31: counts and path.
        "needs at least 4: 5 found, 0 refused": ["--a", str(few), "--b", b],
        "does not exist": ["--a", str(tmp_path / "nowhere"), "--b", b],
        "'mine' does not exist": [*image_sets, "--a-test", "mine/"],
        "method.cycle_weight is -1": [*image_sets, "--method.cycle-weight", "-1"],
    }
    for words, flags in cases.items():
        message = refused(capsys, "train", *flags, "-o", str(folder), "--smoke")
        assert words in message
        assert not folder.exists()
    assert str(few) in refused(
        capsys, "train", "--a", str(few), "--b", b, "-o", str(folder), "--smoke"
    )


def test_a_folder_of_something_else_is_not_touched(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, image_sets: list[str]
):
    (tmp_path / "thesis.txt").write_text("years of work")
    command = ["train", *image_sets, "--smoke", "-o"]
    message = refused(capsys, *command, str(tmp_path))
    assert f"{tmp_path} is not empty and holds no run" in message
    assert "is a file" in refused(capsys, *command, str(tmp_path / "thesis.txt"))
    assert "cannot be made" in refused(capsys, *command, str(tmp_path / "thesis.txt" / "run"))
    assert tree(tmp_path) == {"thesis.txt": b"years of work"}


def test_models_and_runs_that_do_not_exist(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    nowhere = str(tmp_path / "nowhere")
    for arguments in (
        ["evaluate", nowhere],
        ["report", nowhere],
        ["translate", nowhere, "x.png", "-o", str(tmp_path / "out"), "--to", "b"],
    ):
        assert nowhere in refused(capsys, *arguments)
    assert not list(tmp_path.iterdir())


# Other verbs


def test_recipes_are_listed_with_task_paper_cost_and_score(capsys: pytest.CaptureFixture[str]):
    assert run("recipes", "--json") == 0
    found = one_object(capsys)["recipes"]
    assert found.keys() == RECIPES.keys()
    assert found["demo"]["command"] == "unpaired demo"
    assert all(re.fullmatch(r"unpaired [\w -]+", parts["command"]) for parts in found.values())
    assert run("recipes") == 0
    text = capsys.readouterr().out
    for name, parts in found.items():
        assert f"{name}\n    {parts['task']}\n    paper: {parts['paper']}\n" in text
        assert f"    cost: {parts['cost']}\n    score: {parts['score']}\n" in text
    assert run("recipes", "demo") == 0
    assert "0.992 (unchanged input: 0.983)" in capsys.readouterr().out


def test_a_reader_that_has_had_enough_is_no_defect():
    command = [sys.executable, "-m", "unpaired", "recipes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_doctor_tells_what_an_issue_needs(capsys: pytest.CaptureFixture[str]):
    assert run("doctor", "--json") == 0
    found = one_object(capsys)
    assert found["packages"]["torch"]
    assert found["device"] in ("cpu", "cuda")
    assert found["demo_seconds_per_step"] > 0
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert set(found["extras"]) == project["optional-dependencies"].keys() - {"dev"}


def test_doctor_tells_what_is_installed_and_does_not_import(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "broken_here.py").write_text("raise RuntimeError('no operator nms\\nmore')")
    monkeypatch.syspath_prepend(tmp_path)
    extras = {"hub": ("broken_here", "absent_here", "json"), "web": ("absent_here",)}
    monkeypatch.setattr(doctor, "EXTRAS", extras)
    assert run("doctor") == 0
    text = capsys.readouterr().out
    assert "extras: hub False, web False" in text
    assert "hub is incomplete: broken_here cannot be imported: no operator nms\n" in text
    assert 'hub is incomplete: absent_here not installed (pip install "unpaired[hub]")' in text
    assert "web is incomplete" not in text
    assert "json" not in text


def test_a_defect_is_not_dressed_up_as_the_users_mistake():
    code = (
        "import sys; from unpaired.cli import main, recipes\n"
        "def defect(arguments): raise TypeError('ours')\n"
        "recipes.run = defect\n"
        "sys.exit(main.main(['recipes']))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 1
    assert "Traceback" in found.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_no_defect():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "unpaired", "recipes", "--json"]
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert found.returncode == 2
    assert found.stderr.startswith("error: ")
    assert "No space left on device" in found.stderr
    assert len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["no folder/sheet.png", "colour"])
def test_a_sheet_that_cannot_be_written(
    capsys: pytest.CaptureFixture[str], image_sets: list[str], name: str
):
    path = Path(image_sets[1]).parent / name
    message = refused(capsys, "check", *image_sets[:4], "-o", str(path))
    assert f"{path} cannot be written" in message
    assert not list(path.parent.glob(".*"))


def test_text_that_the_terminal_cannot_show(image_sets: list[str]):
    command = [sys.executable, "-m", "unpaired", "check", *image_sets[:4]]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    found = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (found.returncode, found.stderr) == (0, "")
    assert r"36\xd736 (60)" in found.stdout


def test_standard_output_may_be_closed():
    command = f"{sys.executable} -m unpaired recipes >&-"
    found = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True)
    assert (found.returncode, found.stderr) == (0, "")


def test_a_tilde_is_the_users_folder_wherever_a_path_is_given(
    capsys: pytest.CaptureFixture[str],
    image_sets: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    monkeypatch.setenv("HOME", str(tmp_path))
    fill(tmp_path / "photos")
    assert run("check", "--a=~/photos", *image_sets[2:4], "--output=~/sheet.png") == 0
    assert (tmp_path / "sheet.png").is_file()
    capsys.readouterr()
    assert run("train", *image_sets, "--output=~/run", "--dry-run") == 0
    assert one_object(capsys)["folder"] == str(tmp_path / "run")


def test_a_folder_may_be_called_as_a_user_who_does_not_exist(
    image_sets: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "~old photos")
    assert run("check", "--a", "~old photos", *image_sets[2:4]) == 0
