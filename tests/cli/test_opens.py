"""How often one command opens each image and lists each folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import SMALL_MEASUREMENTS

COUNT = """
import json, os, sys
from collections import Counter

root, opens, listings = sys.argv[1], Counter(), Counter()

def count(event, arguments):
    kinds = {"open": opens, "os.scandir": listings, "os.listdir": listings, "glob.glob": listings}
    if event in kinds and isinstance(arguments[0], (str, os.PathLike)):
        path = os.path.realpath(arguments[0])
        if path == root or path.startswith(root + os.sep):
            kinds[event][path] += 1

sys.addaudithook(count)
from unpaired.cli.main import main

if sys.argv[2] == "train":
    exec(os.environ["SMALL_MEASUREMENTS"])
code = main(sys.argv[2:])
print("COUNTED " + json.dumps([opens, listings]))
sys.exit(code)
"""
"""A command, and what it opened and listed below a folder."""


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two folders of 40 images each, older than what is hashed again for its youth."""
    root = tmp_path / "images"
    for name, size in (("a", 36), ("b", 40)):
        (root / name).mkdir(parents=True)
        for i in range(40):
            path = root / name / f"{i:02d}.png"
            random = np.random.default_rng((ord(name), i))
            Image.fromarray(random.integers(0, 256, (size, size, 3), np.uint8)).save(path)
            os.utime(path, (time.time() - 3600,) * 2)
    return root


def counted(root: Path, cache: Path, *arguments: str) -> tuple[Counter[str], Counter[str]]:
    """Opens of files and listings of folders below `root`, by path."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT, str(root), *arguments],
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "UNPAIRED_CACHE": str(cache),
            "OMP_NUM_THREADS": "1",
            "SMALL_MEASUREMENTS": SMALL_MEASUREMENTS,
        },
    )
    assert done.returncode == 0, done.stderr
    line = next(s for s in done.stdout.splitlines() if s.startswith("COUNTED "))
    opens, listings = json.loads(line.removeprefix("COUNTED "))
    return Counter(opens), Counter(listings)


@pytest.mark.slow
def test_a_training_reads_each_image_twice_and_a_second_one_hashes_nothing(
    folders: Path, tmp_path: Path
):
    listed_once = {str(folders / name): 1 for name in "ab"}
    sources = ("--a", str(folders / "a"), "--b", str(folders / "b"))
    train = ("train", *sources, "--smoke", "--json", "--device", "cpu")
    cache = tmp_path / "cache"
    opens, listings = counted(folders, cache, *train, "-o", str(tmp_path / "cold"))
    assert len(opens) == 80
    assert sum(opens.values()) <= 2.2 * 80  # for the choice of settings and the hash; to train
    assert listings == listed_once
    # A recipe has its settings: what is left of the reads is the training's.
    again = (*train, "--recipe", "demo", "-o", str(tmp_path / "warm"))
    opens, listings = counted(folders, cache, *again)
    assert set(opens.values()) == {1}
    assert listings == listed_once


def test_check_reads_each_image_once(folders: Path, tmp_path: Path):
    check = ("check", "--a", str(folders / "a"), "--b", str(folders / "b"), "--json")
    for _ in range(2):
        opens, listings = counted(folders, tmp_path / "cache", *check)
        assert len(opens) == 80
        assert set(opens.values()) == {1}
        assert listings == {str(folders / name): 1 for name in "ab"}
