"""The package imports and trains where Python lacks what Linux has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import tiny_experiment
from unpaired.experiment.experiment import to_json

PROGRAM = """
import importlib, pkgutil, sys
import filelock, psutil, torch  # of which each platform has its own
for name in ("fcntl", "resource"):
    sys.modules[name] = None
import unpaired
for module in pkgutil.walk_packages(unpaired.__path__, "unpaired."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

from pathlib import Path
from unpaired.data.dataset import load_images
from unpaired.engine.distributed import build_fabric
from unpaired.engine.loop import train
from unpaired.experiment.experiment import load
from unpaired.training.run_folder import open_run

sys.path.insert(0, sys.argv[3])
from observers import Silent

experiment, folder = load(Path(sys.argv[1])), Path(sys.argv[2])
images = {name: load_images(domain, "train") for name, domain in experiment.domains.items()}
with open_run(folder, experiment):
    state = train(build_fabric(experiment.training), experiment, images, folder, Silent())
assert state.images == 20, state.images
assert sys.modules["fcntl"] is None
"""


def test_without_fcntl_and_resource(tmp_path: Path):
    config = tmp_path / "experiment.json"
    config.write_text(to_json(tiny_experiment()))
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            str(config),
            str(tmp_path / "run"),
            str(Path(__file__).parent),
        ],
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "checkpoints" / "000000000020").is_dir()
