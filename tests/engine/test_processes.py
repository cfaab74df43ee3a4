"""Two processes that share each batch learn what one process learns from the whole batch."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from unpaired.engine import checkpoint
from unpaired.experiment import Experiment, to_json

# Neither style nor noise, nor a pool: what is random differs between processes by intention.
CHILD = """
import sys, torch
from pathlib import Path
from unpaired.data.images import load_images
from unpaired.engine.hardware import build_fabric, leave
from unpaired.engine.loop import train
from unpaired.engine.run_folder import open_run
from unpaired.experiment import load

class Silent:
    def log(self, record): pass
    def sample(self, state): pass
    def evaluate(self, state): pass

torch.set_num_threads(1)
experiment, folder = load(Path(sys.argv[1])), Path(sys.argv[2])
images = {name: load_images(getattr(experiment, name), "train") for name in ("a", "b")}
folder.mkdir(exist_ok=True)
fabric = build_fabric(experiment.training)
train(fabric, experiment, images, folder, Silent())
leave(fabric)
"""


def run(experiment: Experiment, folder: Path, num_processes: int) -> dict[str, torch.Tensor]:
    config, script = folder.parent / "experiment.json", folder.parent / "child.py"
    config.write_text(to_json(experiment))
    script.write_text(CHILD)
    launch = [sys.executable]
    if num_processes > 1:
        launch += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
        launch += [str(num_processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launch, str(script), str(config), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    newest = checkpoint.list_newest_first(folder / "checkpoints")[0]
    return load_file(newest / "state.safetensors")


def test_two_processes_equal_one(tiny: Experiment, tmp_path: Path):
    method = replace(tiny.method, style_channels=0, cycle_noise=0.0)
    training = replace(tiny.training, pool_size=0, images=8, precision="float32")
    experiment = replace(tiny, method=method, training=training)
    alone, shared = run(experiment, tmp_path / "one", 1), run(experiment, tmp_path / "two", 2)
    weights = [
        name for name in alone if name.startswith("networks.generators") and name.endswith("weight")
    ]
    assert weights
    for name in weights:
        torch.testing.assert_close(shared[name], alone[name], rtol=1e-3, atol=1e-4)


def test_a_batch_that_cannot_be_shared_is_refused(tiny: Experiment, monkeypatch):
    from unpaired.engine.hardware import build_fabric
    from unpaired.errors import SettingError

    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(SettingError, match="Use a multiple of 3"):
        build_fabric(tiny.training)
