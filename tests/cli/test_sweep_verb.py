"""`unpaired sweep`: what its flags stand for, what it refuses, and the whole path once."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from conftest import SMALL_MEASUREMENTS
from unpaired.cli.main import main
from unpaired.experiment.experiment import load
from unpaired.recipes import recipe
from unpaired.sweeps import process, sweep

WEIGHTS = ["--method.cycle-weight", "0,5"]


def run(*arguments: str) -> int:
    """The exit code, wherever it was decided."""
    try:
        return main(["sweep", *arguments])
    except SystemExit as stop:
        return int(stop.code or 0)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return " ".join(captured.err.replace("│", " ").split())


def dry(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(*arguments, "--dry-run") == 0
    return json.loads(capsys.readouterr().out)


def train_command(capsys: pytest.CaptureFixture[str], command: list[str]) -> Any:
    """The settings that `unpaired train` makes of a run's command."""
    assert command[:2] == ["unpaired", "train"]
    assert main([*command[1:], "--dry-run"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_dry_run_lists_the_runs_and_the_commands_that_train_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    kinds = ["--method.adversarial.kind", "hinge,least-squares", "--images", "3k"]
    found = dry(capsys, "demo", *WEIGHTS, *kinds, "--seeds", "3")
    assert found["folder"] == "runs/sweep-demo"
    names = [one["name"] for one in found["runs"]]
    assert len(names) == 12
    assert names[:2] == [
        "cycle_weight=0,adversarial=hinge,seed=0",
        "cycle_weight=0,adversarial=least_squares,seed=0",
    ]
    last = found["runs"][-1]
    assert last["settings"] == {
        "method.cycle_weight": 5.0,
        "method.adversarial.kind": "least_squares",
        "training.seed": 2,
    }
    assert last["state"] == "open"
    trained = train_command(capsys, last["command"])
    assert trained["folder"] == f"runs/sweep-demo/{last['name']}"
    method = trained["experiment"]["method"]
    assert (method["cycle_weight"], method["adversarial"]["kind"]) == (5.0, "least_squares")
    assert trained["experiment"]["training"]["images"] == 3000
    assert trained["experiment"]["training"]["seed"] == 2
    assert trained["experiment"]["name"] == "demo"
    assert not list(tmp_path.iterdir())


def test_the_values_of_a_setting_that_train_has_a_flag_for(capsys: pytest.CaptureFixture[str]):
    found = dry(capsys, "demo", "--time", "5m,1h", "--images", "4k,8k", "-o", "x")
    assert [one["settings"]["training.seconds"] for one in found["runs"]] == [300, 300, 3600, 3600]
    assert found["runs"][0]["name"] == "seconds=300,images=4000,seed=0"
    assert found["folder"] == "x"


def test_seeds_are_a_count_or_a_list(capsys: pytest.CaptureFixture[str]):
    names = [
        [one["name"] for one in dry(capsys, "demo", "--seeds", text)["runs"]]
        for text in ("2", "3,5")
    ]
    assert names == [["seed=0", "seed=1"], ["seed=3", "seed=5"]]


def test_image_sets_instead_of_a_recipe(capsys: pytest.CaptureFixture[str]):
    image_sets = ["--a", "builtin:ink", "--b", "builtin:sign", "--device", "cpu"]
    found = dry(capsys, *image_sets, *WEIGHTS, "--name", "ink,signs")
    assert found["folder"] == "runs/sweep-ink,signs"
    assert any("images in builtin:ink" in reason for reason in found["reasons"])
    assert train_command(capsys, found["runs"][0]["command"])["experiment"]["a"]["channels"] == 1


def test_the_size_of_one_domain_varies_both(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    found = dry(capsys, "emoji-unet-patch", "--a.size", "32,64")
    assert [one["name"] for one in found["runs"]] == ["size=32,seed=0", "size=64,seed=0"]
    experiment = train_command(capsys, found["runs"][0]["command"])["experiment"]
    assert (experiment["a"]["size"], experiment["b"]["size"]) == (32, 32)
    both = ["--a.size", "32,64", "--b.size", "32,64"]
    message = refused(capsys, "emoji-unet-patch", *both, "--dry-run")
    assert "2 of 4 runs cannot be trained" in message
    assert "alone: the other follows" in message


def test_choices_follow_what_varies_as_in_train(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    for i in range(8):
        Image.new("RGB", (70, 70), (i, i, i)).save(tmp_path / f"{i}.png")
    image_sets = ["--a", str(tmp_path), "--b", str(tmp_path), "--device", "cpu"]
    found = dry(capsys, *image_sets, "--b.size", "32,64")
    trained = [train_command(capsys, one["command"])["experiment"] for one in found["runs"]]
    assert [experiment["training"]["batch_size"] for experiment in trained] == [32, 16]
    assert any("batches of 32" in r and "(1 of 2 settings)" in r for r in found["reasons"])
    assert sum("images in" in reason for reason in found["reasons"]) == 2


def test_smoke_keeps_the_names_though_it_shrinks_the_networks(capsys: pytest.CaptureFixture[str]):
    found = dry(capsys, "demo", "--method.generator.width", "16,32", "--smoke")
    assert found["folder"] == "runs/sweep-demo-smoke"
    assert [one["name"] for one in found["runs"]] == ["width=16,seed=0", "width=32,seed=0"]
    experiment = train_command(capsys, found["runs"][1]["command"])["experiment"]
    assert experiment["method"]["generator"]["width"] == 8


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--method.cycle-wieght", "0,5"], ["--method.cycle-wieght", "--method.cycle-weight"]),
        (["--method.cycle-weight", "0,five"], ["'five'", "in: --recipe demo --method.cycle"]),
        (
            ["--method.adversarial.kind", "hinge,least-sqares"],
            ["--method.adversarial.kind least_sqares: choose from", "Did you mean least_squares"],
        ),
        (
            ["--method.discriminator.kind", "cnn,patchgan", "--method.discriminator.layers", "1,2"],
            ["--method.discriminator.layers", "in: --recipe demo --method.discriminator.kind cnn"],
        ),
        (["--a.crop", "4,4,24,24"], ["one value is 4 numbers"]),
        (["--method.cycle-weight", "5,5.0"], ["cycle_weight=5,seed=0 is there twice"]),
        (
            ["--method.cycle-weight=-1,5", "--training.batch-size", "0,32"],
            [
                "3 of 4 runs cannot be trained",
                "cycle_weight=-1,batch_size=32,seed=0: 1 setting",
                "method.cycle_weight is -1",
                "training.batch_size is 0",
            ],
        ),
        ([], ["that is a single run. Give a setting several values"]),
        (["--method.cycle-weight", "5"], ["that is a single run"]),
        ([*WEIGHTS, "--seed", "3"], ["seeds of a sweep are set with --seeds"]),
        (["--training.seed", "0,1"], ["seeds of a sweep are set with --seeds"]),
        (["--sedes", "3"], ["unknown argument '--sedes'; did you mean --seeds?"]),
        (["--imges", "3k,4k"], ["unknown argument '--imges'; did you mean --images?"]),
        (["--seeds", "0"], ["one seed at least"]),
        ([*WEIGHTS, "--seeds", "0", "10"], ["seeds with commas and no spaces"]),
        (
            ["--method.cycle-weight", "0", "10"],
            ["commas and no spaces, as in --method.cycle-weight 0,10"],
        ),
        (["--seeds", "a"], ["'a' are no seeds; write a count, 3, or 3,4,5"]),
        (["--seeds", "1,1"], ["give every seed once"]),
        (["--seeds", "2", "--worker", "3/2"], ["'3/2' is no share; write 1/4"]),
        (["--images", "4k,lots"], ["'lots' is no number"]),
        (["--device", "cpu,cuda"], ["'cpu,cuda' is no device"]),
        ([*WEIGHTS, "--recipe", "demo"], ["give one recipe"]),
        (["mnist-usps"], ["mnist-usps"]),
    ],
)
def test_flags_that_a_sweep_cannot_take(
    flags: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
):
    message = refused(capsys, "demo", *flags, "--dry-run")
    for word in words:
        assert word in message


def test_a_recipe_that_does_not_exist_and_none(capsys: pytest.CaptureFixture[str]):
    assert "Did you mean 'demo'?" in refused(capsys, "demi", *WEIGHTS)
    assert "give two image sets" in refused(capsys, *WEIGHTS)


@pytest.mark.parametrize(
    ("codes", "expected"), [((0, 0), 0), ((3, 0), 3), ((2, 3), 3), ((0, 2), 2)]
)
def test_the_exit_code_tells_of_failures(
    codes: tuple[int, int],
    expected: int,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    from unpaired.report.comparison.entries import failure_path
    from unpaired.sweeps.folder import record_failure

    pending = list(codes)

    def pretend(cell: Any, folder: Path, **_: Any) -> int:
        code = pending.pop(0)
        (folder / cell.name / "model").mkdir(parents=True)
        if code:
            record_failure(failure_path(folder, cell.name), code, "what happened")
        else:
            (folder / cell.name / "model" / "config.json").write_text("{}")
            line = '{"split": "test", "images": 1}\n'
            (folder / cell.name / "evaluations.jsonl").write_text(line)
        return code

    monkeypatch.setattr(sweep, "train_apart", pretend)
    assert run("demo", *WEIGHTS, "-o", str(tmp_path / "s"), "--json") == expected
    found = json.loads(capsys.readouterr().out)
    names = ["cycle_weight=0,seed=0", "cycle_weight=5,seed=0"]
    ended = ["failed" if code else "finished" for code in codes]
    assert found["runs"] == dict(zip(names, ended, strict=True))
    failures = {n: c for n, c in zip(names, codes, strict=True) if c}
    assert {n: f["exit_code"] for n, f in found["failures"].items()} == failures


def test_the_whole_path(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Two smoke runs, their table and page, and the verbs that work on what they leave."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    flag, module = process.CHILD
    assert flag == "-m"
    code = f"import runpy; runpy.run_module({module!r}, run_name='__main__')"
    monkeypatch.setattr(process, "CHILD", ("-c", SMALL_MEASUREMENTS + code))
    folder = tmp_path / "sweep"
    command = ["demo", *WEIGHTS, "--smoke", "--device", "cpu", "-o", str(folder)]
    assert run(*command) == 0
    captured = capsys.readouterr()
    assert "final weights, with 95 % intervals" in captured.out
    assert "final and best" in captured.out
    assert f"page: {folder / 'compare.html'}" in captured.err
    assert "cycle_weight=0,seed=0: 1 of 2" in captured.err
    one = folder / "cycle_weight=5,seed=0"
    assert load(one / "config.json").method.cycle_weight == 5
    assert load(one / "config.json").a == recipe("demo").a
    recorded = shlex.split((one / "command.txt").read_text())
    assert recorded == [
        *["unpaired", "train", "--recipe", "demo", "--method.cycle-weight", "5"],
        *["--device", "cpu", "--smoke", "--seed", "0", "-o", str(one)],
    ]
    page = (folder / "compare.html").read_text()
    assert "cycle_weight=5" in page
    assert "cycle_weight%3D5%2Cseed%3D0/report.html" in page

    # The same command again trains nothing; `train` takes up a run of the sweep as its own.
    before = {path: path.stat().st_mtime_ns for path in one.rglob("*")}
    assert run(*command, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["runs"].values()) == {"finished"}
    assert found["comparison"]["comparable"]
    (table,) = found["comparison"]["tables"]
    assert [row["settings"] for row in table["rows"]] == [
        {"cycle_weight": "0"},
        {"cycle_weight": "5"},
    ]
    assert {path: path.stat().st_mtime_ns for path in one.rglob("*")} == before
    assert main([*recorded[1:], "--json"]) == 0
    capsys.readouterr()
    assert main(["report", str(one)]) == 0
    capsys.readouterr()

    message = refused(capsys, *command, "--training.batch-size", "2")
    assert "holds another sweep" in message
    assert "training.batch_size: 4 there, 2 here" in message
