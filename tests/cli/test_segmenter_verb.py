"""`unpaired segmenter`: from photos and label maps to a folder, and from a folder to a score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import torchvision_operators
from unpaired.cli.main import main

pytest.importorskip("transformers")
torchvision_operators.declare()

PALETTE = ((0, 0, 255), (0, 128, 0), (200, 200, 100))
SCORES = ("pixel", "class", "iou", "class_present", "iou_present")


def write(root: Path, number: int, seed: int) -> tuple[str, str]:
    """Photos of a green square and a bright stripe before a grey wall, and their label maps."""
    random = np.random.default_rng(seed)
    for name in ("photos", "labels"):
        (root / name).mkdir(parents=True)
    for i in range(number):
        classes = np.zeros((40, 40), int)
        top, left, row = random.integers(0, 28, 3)
        classes[top : top + 12, left : left + 12] = 1
        classes[row : row + 8] = 2
        colours = np.array([(90, 90, 90), (60, 130, 60), (200, 190, 180)])
        pixels = (colours[classes] + random.normal(0, 15, (40, 40, 3))).clip(0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(root / "photos" / f"{i}.jpg", quality=95)
        label_map = np.array(PALETTE, np.uint8)[classes]
        Image.fromarray(label_map).save(root / "labels" / f"{i}.png")
    return str(root / "photos"), str(root / "labels")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    root = tmp_path_factory.mktemp("scenes")
    return {"train": write(root / "train", 30, 0), "test": write(root / "test", 8, 1)}


@pytest.fixture(scope="module")
def folder(
    data: dict[str, tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """A segmenter of some seconds, and where it lies."""
    folder = tmp_path_factory.mktemp("trained") / "segmenter"
    (photos, labels), (photos_test, labels_test) = data["train"], data["test"]
    tests = ["--photos-test", photos_test, "--labels-test", labels_test]
    arguments = ["--photos", photos, "--labels", labels, *tests, "--size", "32", "--images", "640"]
    assert main(["segmenter", "train", *arguments, "--device", "cpu", "-o", str(folder)]) == 0
    return str(folder), folder


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(["segmenter", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def one_object(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_training_leaves_a_folder_that_says_how_well_it_does(folder: tuple[str, Path]):
    written = json.loads((folder[1] / "config.json").read_text())
    assert written["palette"] == [list(colour) for colour in PALETTE]  # found in the label maps
    assert (written["size"], written["images"], written["seed"]) == (32, 640, 0)
    assert len(written["photos"]) == 30
    assert set(written["scores"]) == set(SCORES)
    assert written["scores"]["pixel"]["n"] == 8
    assert written["scores"]["pixel"]["value"] > 0.75
    assert "30 photos at 32×32" in (folder[1] / "README.md").read_text()


def test_a_score_stands_beside_its_bound(
    folder: tuple[str, Path],
    data: dict[str, tuple[str, str]],
    capsys: pytest.CaptureFixture[str],
):
    photos, labels = data["test"]
    score = ["segmenter", "score", folder[0], "--generated", photos, "--labels", labels]
    capsys.readouterr()
    assert main([*score, "--real", photos]) == 0
    out = capsys.readouterr().out
    for part in ("generated", "real", "8 photos", "per pixel", "of classes that occur"):
        assert part in out
    assert main([*score, "--json"]) == 0
    record = one_object(capsys)
    assert record["real"]["from"] == "held out in training"
    for name in SCORES:  # the generated photos are the real ones that were held out
        assert record["metrics"][f"fcn_score/{name}"] == record["metrics"][f"fcn_score/{name}/real"]


def test_real_photos_of_the_training_are_no_bound_unsaid(
    folder: tuple[str, Path],
    data: dict[str, tuple[str, str]],
    capsys: pytest.CaptureFixture[str],
):
    photos, labels = data["train"]
    image_sets = ["--generated", photos, "--labels", labels, "--real", photos]
    assert main(["segmenter", "score", folder[0], *image_sets, "--json"]) == 0
    captured = capsys.readouterr()
    assert "30 of the 30 real photos were seen in the segmenter's training" in captured.err
    assert json.loads(captured.out)["real"]["seen_in_training"] == 30


def test_a_share_is_held_out_where_no_test_photos_are_given(
    data: dict[str, tuple[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    photos, labels = data["train"]
    palette = tmp_path / "palette.txt"
    palette.write_text("".join("{} {} {}\n".format(*colour) for colour in reversed(PALETTE)))
    arguments = ["--photos", photos, "--labels", labels, "--palette", str(palette), "--size", "32"]
    output = ["--time", "0.01s", "-o", str(tmp_path / "s"), "--json"]
    assert main(["segmenter", "train", *arguments, *output]) == 0
    record = one_object(capsys)
    assert record["palette"] == [list(colour) for colour in reversed(PALETTE)]
    assert record["images"] == 80  # the least
    assert record["metrics"]["pixel"]["n"] == 3
    assert len(json.loads((tmp_path / "s" / "config.json").read_text())["photos"]) == 27


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--palette", "facades"], "colours that the palette lacks"),
        (["--palette", "nowhere.txt"], "nowhere.txt cannot be read"),
        (["--size", "16"], "--size 16: it must be within 32"),
        (["--images", "20"], "at least 80 photos"),
        (["--labels-test", "x"], "--photos-test and --labels-test together"),
        (["--time", "1m", "--images", "900"], "not allowed with"),
        (["--pretrained", "."], "pretrained weights '.' cannot be used"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    data: dict[str, tuple[str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: list[str],
    message: str,
):
    photos, labels = data["train"]
    output = ["-o", str(tmp_path / "s")]
    flags = ["train", "--photos", photos, "--labels", labels, *output, "--size", "32", *change]
    said = " ".join(refused(capsys, *flags).split())
    assert message in said
    assert ("training pairs" in said) == ("--pretrained" in change)  # no plan that is not followed
    assert not (tmp_path / "s").exists()


def test_image_sets_that_cannot_be_are_refused(
    data: dict[str, tuple[str, str]],
    folder: tuple[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    photos, labels = data["train"]
    train = ["train", "--size", "32", "-o", str(tmp_path / "s")]
    message = refused(capsys, *train, "--photos", labels, "--labels", photos)
    assert "more than 256 colours" in message
    tested = ["--photos-test", photos, "--labels-test", labels]
    message = refused(capsys, *train, "--photos", photos, "--labels", labels, *tested)
    assert "30 photos are in" in message
    one = write(tmp_path / "one", 1, 3)
    message = refused(capsys, *train, "--photos", one[0], "--labels", one[1])
    assert "leave 0 pairs to train on" in message
    (tmp_path / "one" / "photos" / "0.jpg").rename(tmp_path / "one" / "photos" / "x.jpg")
    message = refused(capsys, "score", folder[0], "--generated", one[0], "--labels", one[1])
    assert "No photo in" in message
    message = refused(capsys, "score", str(tmp_path), "--generated", one[0], "--labels", one[1])
    assert "no segmenter folder" in message
    occupied = ["-o", str(tmp_path / "one")]
    message = refused(capsys, "train", "--photos", photos, "--labels", labels, *occupied)
    assert "something else than a segmenter" in message


def test_without_a_part_it_says_which_there_are(capsys: pytest.CaptureFixture[str]):
    assert "`unpaired segmenter train` or `unpaired segmenter score`" in refused(capsys)
    assert "did you mean --photos?" in refused(
        capsys, "train", "--photos", "x", "--labels", "y", "--photo", "z"
    )
