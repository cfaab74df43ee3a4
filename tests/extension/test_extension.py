"""What it takes to add a method, a schedule, a metric: one patch each, applied, counted and used.

The patches are examples for whoever adds one. Where one no longer applies, because the lines around
its own have changed: make its change anew in a clone, and write `git add -N . && git diff` over it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import unpaired

HERE = Path(__file__).parent
MOST_FILES = {"method": 4, "schedule": 1, "metric": 2}
"""That an addition changes or adds."""

RATE, REMAINING = 1e-3, 0.1
TRAIN = f"""train --a red --b blue -o run --images 40 --device cpu --a.size 16 --b.size 16
  --method.kind contrastive --method.patches 16 --method.width 8 --method.r1-weight 1
  --method.r1-every 4 --method.generator.width 4 --method.generator.blocks 1
  --method.discriminator.width 4 --method.discriminator.layers 1
  --training.schedule.kind exponential --training.schedule.remaining {REMAINING}
  --training.generators.learning-rate {RATE} --training.batch-size 4 --training.log-images 4
  --training.checkpoint-images 4 --training.keep-checkpoints 10 --evaluation.images 0"""
LONGER = TRAIN.replace("--images 40", "--images 80")
VERBS = [
    TRAIN.split(),
    ["translate", "run/model", "red/00.png", "-o", "out", "--to", "b"],
    ["compare", "run", "-o", "compare.html", "--metric", "sharpness"],
    LONGER.split(),
]
IN_ONE_PROCESS = """
import json, sys
from unpaired.cli.main import main
sys.exit(json.dumps([main(verb) for verb in json.loads(sys.argv[1])]))
"""


def copy_of_src(folder: Path) -> Path:
    """The package as it is; returns `folder`."""
    package = Path(unpaired.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, folder / "src" / "unpaired", ignore=ignored)
    return folder


def apply(patch: str, folder: Path) -> None:
    # Not as part of a repository that the folder of temporary files may lie in.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
    command = ["git", "apply", str(HERE / f"{patch}.patch")]
    subprocess.run(command, cwd=folder, env=environment, check=True)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package with all additions trained ten steps, and was used."""
    folder = copy_of_src(tmp_path_factory.mktemp("extended"))
    for patch in MOST_FILES:
        apply(patch, folder)
    random = np.random.default_rng(0)
    for name, colour in (("red", (200, 40, 40)), ("blue", (40, 40, 200))):
        (folder / name).mkdir()
        for i in range(16):
            pixels = np.clip(random.normal(colour, 30, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i:02}.png")
    environment = os.environ | {"PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", IN_ONE_PROCESS, json.dumps(VERBS)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == "[0, 0, 0, 2]", done.stderr
    (folder / "stderr.txt").write_text(done.stderr)
    return folder


@pytest.mark.parametrize("patch", MOST_FILES)
def test_an_addition_applies_alone_and_touches_few_files(patch: str, tmp_path: Path) -> None:
    content = (HERE / f"{patch}.patch").read_text(encoding="utf-8")
    files = re.findall(r"^diff --git a/\S+ b/(\S+)$", content, re.MULTILINE)
    assert 1 <= len(files) <= MOST_FILES[patch]
    folder = copy_of_src(tmp_path / "alone")
    apply(patch, folder)
    for file in files:
        compile((folder / file).read_text(encoding="utf-8"), file, "exec")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_network_of_training_is_trained_and_stays_behind(extended: Path) -> None:
    first, last = (
        load_file(extended / "run/checkpoints" / f"{images:012}" / "state.safetensors")
        for images in (4, 40)
    )
    names = [name for name in last if name.startswith("networks.training_only.")]
    assert len(names) == 8  # two layers of the generator, two linear maps each
    assert not any(torch.equal(first[name], last[name]) for name in names)
    assert not any(name.startswith("average.training_only") for name in last)
    model = load_file(extended / "run/model/model.safetensors")
    assert all(name.startswith("generators.a2b.") for name in model)


def test_a_method_of_one_direction_trains_and_translates(extended: Path) -> None:
    assert json.loads((extended / "run/run.json").read_text()) == {"directions": ["a2b"]}
    log = lines(extended / "run/metrics.jsonl")
    assert [line["images"] for line in log] == list(range(4, 44, 4))
    losses = {"generators/adversarial_b", "generators/contrast_a", "discriminators/b"}
    penalty = "discriminators/r1_b"
    assert all(losses <= line["losses"].keys() <= losses | {penalty} for line in log)
    assert any(penalty in line["losses"] for line in log)
    assert np.asarray(Image.open(extended / "out/00.png")).shape == (16, 16, 3)


def test_a_schedule_sets_the_rates_and_says_what_may_be_continued(extended: Path) -> None:
    rates = [line["learning_rate"]["generators"] for line in lines(extended / "run/metrics.jsonl")]
    assert rates == pytest.approx([RATE * REMAINING ** (step / 10) for step in range(10)])
    messages = (extended / "stderr.txt").read_text(encoding="utf-8")
    assert "  - training.images: " in messages  # what keeps the run from being continued


def test_a_metric_stands_in_records_and_on_pages(extended: Path) -> None:
    record = lines(extended / "run/evaluations.jsonl")[-1]
    assert record["split"] == "test"
    assert record["metrics"]["sharpness/a2b"]["value"] > 0
    for page in ("run/report.html", "compare.html"):
        assert "Sharpness" in (extended / page).read_text(encoding="utf-8")
