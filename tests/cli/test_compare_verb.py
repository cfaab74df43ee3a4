"""`unpaired compare`: tables for people, one object for programs, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unpaired.cli.main import main

METRICS = ("translation_accuracy/a2b", "diversity/a2b", "cycle_l1/a", "kd/classifier/b")


def write_run(
    folder: Path, weight: float, seed: int, value: float, fingerprint: str = "ffff0000"
) -> Path:
    folder.mkdir(parents=True)
    settings = {
        "name": "demo",
        "method": {"cycle_weight": weight},
        "training": {"seed": seed, "images": 300},
    }
    (folder / "config.json").write_text(json.dumps(settings))
    lines = []
    for split, images, shift in (("validation", 200, 0.1), ("validation", 300, 0.0)):
        lines.append(line(split, images, value + shift, "aaaa0000"))
    lines.append(line("test", 300, value, fingerprint))
    text = "".join(json.dumps(record) + "\n" for record in lines)
    (folder / "evaluations.jsonl").write_text(text)
    return folder


def line(split: str, images: int, value: float, fingerprint: str) -> dict[str, Any]:
    number = {"value": value, "low": value - 0.05, "high": value + 0.05, "n": 50}
    metrics = dict.fromkeys(METRICS, number)
    metrics["translation_accuracy/a2b/input"] = {"value": 0.25, "n": 50}
    return {
        "images": images,
        "weights": "ema",
        "split": split,
        "protocol": {"split": split, "images_a": fingerprint},
        "fingerprint": fingerprint,
        "metrics": metrics,
    }


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for weight, seed, value in ((5, 0, 0.5), (5, 1, 0.6), (10, 0, 0.8)):
        write_run(tmp_path / "runs" / f"{weight}-{seed}", weight, seed, value)
    return tmp_path / "runs"


def test_a_table_for_people(runs: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["compare", str(runs)]) == 0
    captured = capsys.readouterr()
    rows = [" ".join(row.replace("│", " ").split()) for row in captured.out.splitlines()]
    assert any(row.startswith("5 2 300 0.5500 ± 0.0707") for row in rows)
    assert any(row.startswith("10 1 300 0.8000 [0.7500, 0.8500]") for row in rows)
    assert any(row.startswith("unchanged input 0.2500") for row in rows)
    assert "5 2 0.5500 ± 0.0707 300 0.6500 ± 0.0707 200" in rows  # final and best
    assert "10 1 0.8000 300 0.9000 200" in rows
    assert captured.err == f"page: {runs / 'compare.html'}\n"
    assert (runs / "compare.html").stat().st_size > 10_000
    assert "warning" not in captured.out


def test_settings_that_are_no_better_than_the_unchanged_input_are_named(
    runs: Path, capsys: pytest.CaptureFixture[str]
):
    write_run(runs / "20-0", 20, 0, 0.2)
    assert main(["compare", str(runs)]) == 0
    doubts = [line for line in capsys.readouterr().out.splitlines() if "better than" in line]
    assert doubts == [
        "translation_accuracy/a2b is no better than the unchanged input (cycle_weight=20)"
    ]


def test_one_object_for_programs(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    page = tmp_path / "page.html"
    flags = ["--json", "-o", str(page), "--metric", "cycle_l1/a", "translation_accuracy"]
    assert main(["compare", str(runs), *flags]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["page"] == str(page)
    assert page.exists()
    assert found["comparable"]
    (table,) = found["tables"]
    assert table["fingerprint"] == "ffff0000"
    two, one = table["rows"]
    assert (two["settings"], two["runs"], two["of"]) == ({"cycle_weight": "5"}, ["5-0", "5-1"], 2)
    assert list(two["metrics"]) == [
        "cycle_l1/a",
        "translation_accuracy/a2b",
        "translation_accuracy/a2b/input",
    ]
    assert two["metrics"]["cycle_l1/a"]["mean"] == pytest.approx(0.55)
    assert two["metrics"]["cycle_l1/a"]["sd"] == pytest.approx(0.0707, abs=1e-4)
    assert [n["value"] for n in two["metrics"]["cycle_l1/a"]["runs"]] == [0.5, 0.6]
    assert one["metrics"]["cycle_l1/a"]["sd"] is None
    (course,) = found["final_and_best"]
    assert course["score"] == "mean translation accuracy"
    assert course["rows"][1]["final"] == {"mean": 0.8, "sd": None, "images": {"10-0": 300}}
    assert course["rows"][1]["best"]["images"] == {"10-0": 200}


def test_other_protocols_stand_in_another_table_or_are_refused(
    runs: Path, capsys: pytest.CaptureFixture[str]
):
    write_run(runs / "30-0", 30, 0, 0.9, fingerprint="eeee1111")
    assert main(["compare", str(runs)]) == 0
    text = capsys.readouterr().out
    first, second = text.index("protocol ffff0000"), text.index("protocol eeee1111")
    assert "│ 30" not in text[first:second]
    assert "│ 10" not in text[second : text.index("final and best")]
    words = "The protocols differ in the images of a."
    assert "warning: numbers of 2 protocols must not share a column" in text
    assert words in text

    assert main(["compare", str(runs), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert not found["comparable"]
    assert found["protocols_differ_in"] == {"the images of a": ["ffff0000", "eeee1111"]}

    (runs / "compare.html").unlink()
    assert main(["compare", str(runs), "--strict"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert not (runs / "compare.html").exists()


def test_validation_numbers_where_no_test_was_made(runs: Path, capsys: pytest.CaptureFixture[str]):
    run = write_run(runs / "30-0", 30, 0, 0.9)
    path = run / "evaluations.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:1]))
    assert main(["compare", str(runs)]) == 0
    assert "30-0: not finished: 200 of 300 images seen" in capsys.readouterr().out
    assert main(["compare", str(runs), "--split", "validation", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["tables"][0]["rows"]
    assert rows[-1]["images"] == [200]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["RUNS", "--metric", "cycle_l1/x"], "no run has a metric 'cycle_l1/x'. Did you mean cy"),
        (["RUNS", "--split", "train"], "invalid choice: 'train'"),
        ([], "the following arguments are required: runs"),
    ],
)
def test_refusals(flags: list[str], words: str, runs: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["compare", *(str(runs) if flag == "RUNS" else flag for flag in flags)]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""
    assert not (runs / "compare.html").exists()


def test_numbers_that_are_not_finite_stay_json(runs: Path, capsys: pytest.CaptureFixture[str]):
    run = write_run(runs / "30-0", 30, 0, float("inf"))
    assert "Infinity" in (run / "evaluations.jsonl").read_text()
    assert main(["compare", str(runs), "--json"]) == 0
    text = capsys.readouterr().out
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_narrow_terminal_leaves_out_columns_and_cuts_no_number(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    assert main(["compare", str(runs)]) == 0
    text = capsys.readouterr().out
    assert "0.5500 ± 0.0707" in text
    assert "…" not in text
    assert "also measured: diversity/a2b, kd/classifier/b (--metric NAME, or the page)" in text
    flags = ["--metric", "diversity", "kd", "translation_accuracy"]
    assert main(["compare", str(runs), *flags]) == 0  # what is asked for is shown all the same
    text = capsys.readouterr().out
    assert text.count("0.5500 ± 0.0707") == 4
    assert "also measured" not in text
