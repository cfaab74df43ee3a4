"""`unpaired study`: tables for people, one object for programs, refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from unpaired.cli.main import main


def write(path: Path, column: str = "rating", num_raters: int = 8) -> Path:
    random = np.random.default_rng(0)
    lines = [f"rater,image,method,{column},catch"]
    for rater in range(num_raters):
        lines.append(f"r{rater},c,catch,{'5' if column == 'rating' else 'fake'},{int(rater == 0)}")
        for image in range(12):
            for quality, method in enumerate(("a[b]", "good")):
                value = random.integers(1, 4) + quality
                if column == "choice":
                    value = "real" if value > 2 else "fake"
                lines.append(f"r{rater},{image},{method},{value},")
    path.write_text("\n".join(line for line in lines if not line.endswith(",0")))
    return path


def words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def test_tables_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["study", "analyse", str(write(tmp_path / "ratings.csv"))]) == 0
    captured = capsys.readouterr()
    text = words(captured.out)
    assert "1 of 1 rater failed more than 25 % of theirs" in text
    assert "with their 24 judgements: r0 (1 of 1)." in text
    assert "168 judgements, 7 raters, 12 images, 2 methods" in text
    assert "mean opinion score" in text
    assert "good − a[b]" in text
    assert "good is better" in text
    assert "Krippendorff's alpha over all methods: 0." in text
    assert captured.err == f"page: {tmp_path / 'study.html'}\n"
    assert {path.name for path in tmp_path.iterdir()} == {
        "ratings.csv",
        "study.html",
        "study.json",
    }


def test_one_object_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    table = write(tmp_path / "fooled.csv", "choice")
    output = tmp_path / "results"
    flags = ["-o", str(output), "--json", "--resamples", "1k", "--seed", "3"]
    assert main(["study", "analyse", str(table), *flags]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert captured.err == ""
    assert found.pop("page") == str(output / "study.html")
    assert found == json.loads((output / "study.json").read_text())
    assert (found["kind"], found["resamples"], found["seed"]) == ("2afc", 1000, 3)
    assert list(found["methods"]) == ["good", "a[b]"]
    assert "too narrow" in found["warnings"][0]


def test_the_threshold_of_catch_trials_can_be_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    table = str(write(tmp_path / "ratings.csv"))
    assert main(["study", "analyse", table, "--json", "--catch-threshold", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["raters"] == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "unpaired study analyse RATINGS.csv"),
        (["analyse"], "unpaired study analyse RATINGS.csv"),
        (["analise", "x.csv"], "invalid choice: 'analise'"),
        (["analyse", "absent.csv"], "absent.csv cannot be read: No such file or directory"),
        (["analyse", "x.csv", "--kind", "stars"], "invalid choice: 'stars'"),
        (["analyse", "x.csv", "--catch-threshold", "2"], "--catch-threshold is 2"),
        (["analyse", "x.csv", "--resamples", "10"], "--resamples is 10"),
        (["analyse", "x.csv", "--seed", "-1"], "--seed is -1"),
    ],
)
def test_refusals(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "x.csv")
    assert main(["study", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert not (tmp_path / "study.html").exists()


def test_help_describes_the_table(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        main(["study", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for column in ("rater", "image", "method", "rating", "choice", "practice", "catch", "expected"):
        assert f"\n{column} " in text


def test_a_study_needs_no_torch():
    code = "import sys, unpaired.study.page, unpaired.study.ratings; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
