from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unpaired
from unpaired.cli.main import main
from unpaired.core import extras


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`in`, its negatives `out`, and other images `real`, in the current folder."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name in ("in", "out", "real"):
        (tmp_path / name).mkdir()
    for i in range(8):
        boxes = np.kron(random.integers(0, 256, (6, 6, 3), dtype=np.uint8), np.ones((8, 8, 1)))
        picture = boxes.astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / "in" / f"{i}.png")
        Image.fromarray(255 - picture).save(tmp_path / "out" / f"{i}.png")
        Image.fromarray(picture[::-1] // 2).save(tmp_path / "real" / f"{i}.png")


@pytest.mark.usefixtures("folders")
def test_plain_folders_are_measured(capsys: pytest.CaptureFixture[str]):
    flags = ["--generated", "out", "--real", "real", "--extractor", "pixels"]
    assert main(["evaluate", *flags]) == 0
    captured = capsys.readouterr()
    assert "out against real" in captured.out
    for name in ("kd/pixels", "fd/pixels", "precision/pixels", "coverage/pixels"):
        assert name in captured.out
    assert main(["evaluate", *flags, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (record,) = found["evaluations"]
    assert record["generated"] == "out"
    assert record["metrics"]["fd/pixels"]["n"] == 8
    assert record["fingerprint"] in captured.out


@pytest.mark.usefixtures("folders")
def test_from_python_the_numbers_are_those_of_the_verb(capsys: pytest.CaptureFixture[str]):
    found = unpaired.evaluate_images("out", Path("real"), extractor="pixels")
    flags = ["--generated", "out", "--real", "real", "--extractor", "pixels", "--json"]
    assert main(["evaluate", *flags]) == 0
    (record,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert json.loads(json.dumps(found)).items() <= record.items()


@pytest.mark.usefixtures("folders")
def test_with_inputs_the_faithfulness_is_told_and_drawn(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    flags = ["--generated", "out", "--real", "real", "--extractor", "pixels", "--inputs", "in"]
    assert main(["evaluate", *flags, "-o", "evidence"]) == 0
    captured = capsys.readouterr()
    assert "structure" in captured.out
    assert "suspected" in captured.out
    assert "evidence/faithfulness.html" in captured.err
    kept = (tmp_path / "evidence/numbers.jsonl").read_text().splitlines()
    assert "8 translations" in (tmp_path / "evidence/faithfulness.html").read_text()
    assert main(["evaluate", *flags, "--json"]) == 0
    records = json.loads(capsys.readouterr().out)["evaluations"]
    assert [json.loads(line) for line in kept] == records
    assert records[1]["metrics"]["structure"]["value"] < 0.01
    assert records[1]["metrics"]["suspected"]["value"] == 0


@pytest.mark.usefixtures("folders")
def test_a_known_truth_is_compared_pixel_by_pixel(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    assert main(["evaluate", "--generated", "out", "--truth", "out", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)["evaluations"]
    metrics = {name: m["value"] for name, m in record["metrics"].items()}
    assert metrics == {"truth_l1": 0, "truth_psnr": 100, "truth_ssim": pytest.approx(1)}
    assert main(["evaluate", "--generated", "out", "--truth", "in", "--json"]) == 0
    (other,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert other["metrics"]["truth_l1"]["value"] > 0.3
    assert other["fingerprint"] != record["fingerprint"]
    flags = ["--generated", "out", "--truth", "out", "--inputs", "in", "--json"]
    assert main(["evaluate", *flags]) == 0
    beside = json.loads(capsys.readouterr().out)["evaluations"][-1]["metrics"]
    for name in metrics:
        assert beside[f"{name}/input"] == other["metrics"][name]
    Image.new("RGB", (20, 10)).save(tmp_path / "in" / "3.png")
    assert main(["evaluate", *flags]) == 0  # brought to the size of the truth
    assert json.loads(capsys.readouterr().out)["evaluations"][-1]["metrics"]["truth_l1"]["n"] == 8
    assert main(["evaluate", "--generated", "out", "--truth", "in"]) == 2
    error = capsys.readouterr().err
    assert "'3' was generated with 48×48 pixels and its truth has 20×10" in error


@pytest.mark.usefixtures("folders")
def test_without_inceptions_package_pairs_are_measured_and_pixels_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def no_package(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(extras, "import_module", no_package)
    flags = ["evaluate", "--generated", "out", "--real", "real"]
    for more in ([], ["--truth", "in", "--extractor", "inception"]):
        assert main([*flags, *more]) == 2
        assert "--extractor pixels" in capsys.readouterr().err
    for more, metric in (("--truth", "truth_l1"), ("--inputs", "structure")):
        assert main([*flags, more, "in", "--json"]) == 0
        (record,) = json.loads(capsys.readouterr().out)["evaluations"]
        assert metric in record["metrics"]
        assert "not compared with --real" in record["notes"][0]
        assert "--extractor pixels" in record["notes"][0]


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--generated out/ --real photos/"),
        (["--generated", "out"], "what to compare them with"),
        (["--generated", "out", "--extractor", "pixels", "--truth", "in"], "--real photos/"),
        (["runs/x", "--real", "real"], "--real goes with images"),
        (["--generated", "out", "--real", "real", "--split", "test"], "--split goes with a model"),
        (["--generated", "out", "--real", "real", "-o", "x"], "--inputs sketches/"),
        (["--generated", "out", "--real", "rael"], "Did you mean 'real'?"),
        (["--generated", "out", "--real", "real", "--extractor", "pixel"], "mean 'pixels'?"),
        (["--generatd", "out"], "did you mean --generated?"),
        (["--generated", "out", "--real", "real", "--lpips"], "--truth photos/"),
        (["--generated", "out", "--real", "real", "--dino", "x"], "--inputs sketches/"),
        (["runs/x"], "runs/x"),
        (["out"], "--generated out --real photos/"),
        (["--generated", "out", "--inputs", "in", "-o", "out/page"], "into the images of --gen"),
        (["--generated", "out", "--real", "real", "--extractor", ""], "no extractor ''"),
        (["--generated", "out", "--real", "real", "--extractor", "fid"], "with inception"),
        (["--generated", "out", "--real", "real", "--extractor", "x.pth"], "torch.export.save"),
    ],
)
def test_what_cannot_be_measured(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]):
    assert main(["evaluate", *flags]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.usefixtures("folders")
def test_images_without_a_counterpart_are_counted_and_part_of_the_protocol(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    flags = ["evaluate", "--generated", "out", "--truth", "in", "--json"]
    assert main(flags) == 0
    (whole,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert whole["notes"] == []
    (tmp_path / "out" / "3.png").unlink()
    assert main(flags) == 0
    (fewer,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert fewer["fingerprint"] != whole["fingerprint"]
    assert ["1 of 8 images of in have no counterpart" in note for note in fewer["notes"]] == [True]
    Image.open(tmp_path / "out" / "4.png").save(tmp_path / "out" / "4.jpg")
    assert main(flags) == 0
    (doubled,) = json.loads(capsys.readouterr().out)["evaluations"]
    counts = ["2 of 8 images of out have no", "2 of 8 images of in have no"]
    assert [note.split(" counterpart")[0] for note in doubled["notes"]] == counts
    (tmp_path / "out" / "4.jpg").unlink()
    for path in (tmp_path / "out").glob("[1-9].png"):
        path.unlink()
    assert main(flags) == 2
    assert "only '0' is in both" in capsys.readouterr().err
