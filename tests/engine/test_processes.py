"""Processes that share each batch: they learn what one does, stop together, and go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import children
from observers import Silent
from unpaired.core.errors import NonFiniteLoss, SettingError
from unpaired.data.dataset import load_images
from unpaired.engine import checkpoint, loop
from unpaired.engine.distributed import build_fabric, leave
from unpaired.engine.schedules import Linear
from unpaired.engine.step import Step
from unpaired.experiment.experiment import Experiment, load, to_json


def work(config: Path, folder: Path) -> None:
    """Train as one of the processes, and write down with which code or error it ended.

    SIGNAL, such as "1 at 20": the second process, and no other, gets SIGTERM after 20 images;
    POISON: its losses are not finite from then on.
    """
    original = Step.advance

    def advance(step: Step, batch: Any) -> None:
        original(step, batch)
        here = f"{step.fabric.global_rank} at {step.state.images}"
        if os.environ.get("SIGNAL") == here:
            signal.raise_signal(signal.SIGTERM)
        if os.environ.get("POISON") == here:
            discriminator = step.state.networks.discriminators["a"]
            discriminator.register_forward_hook(lambda _, images, logits: logits * float("nan"))

    Step.advance = advance  # type: ignore[method-assign]
    experiment = load(config)
    images = {name: load_images(domain, "train") for name, domain in experiment.domains.items()}
    folder.mkdir(exist_ok=True)
    fabric = build_fabric(experiment.training)
    ended: Any = 0
    try:
        state = loop.train(fabric, experiment, images, folder, Silent())
        weights = {name: weight.data for name, weight in state.networks.named_parameters()}
        save_file(weights, folder / f"weights-{fabric.global_rank}.safetensors")
    except SystemExit as left:
        ended = left.code
    except NonFiniteLoss as error:
        ended = error
    (folder / f"ended-{fabric.global_rank}").write_text(str(ended))
    leave(fabric)


def run(experiment: Experiment, folder: Path, num_processes: int, **environment: str) -> list[str]:
    """Train into a folder; returns the code with which each process ended."""
    config = folder.parent / "experiment.json"
    config.write_text(to_json(experiment))
    if num_processes == 1:
        processes = [children.start(work, config, folder, **environment)]
    else:
        processes = children.start_together(num_processes, work, config, folder, **environment)
    for process in processes:
        process.join(200)
    assert [process.exitcode for process in processes] == [0] * num_processes
    return [(folder / f"ended-{process}").read_text() for process in range(num_processes)]


def launch(experiment: Experiment, folder: Path, num_processes: int) -> None:
    """The same by torchrun."""
    config, here = folder.parent / "experiment.json", Path(__file__)
    config.write_text(to_json(experiment))
    script = folder.parent / "child.py"
    script.write_text(
        f"import sys; sys.path += {[str(here.parent), str(here.parents[1])]!r}\n"
        "from pathlib import Path; import torch; from test_processes import work\n"
        "torch.set_num_threads(1); work(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", str(num_processes), str(script), str(config), str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr


def newest(folder: Path) -> dict[str, torch.Tensor]:
    path = checkpoint.list_newest_first(folder / "checkpoints")[0]
    return load_file(path / "state.safetensors")


def test_two_processes_equal_one(tiny: Experiment, tmp_path: Path):
    """Without style, noise or pool: what is random differs between processes by intention."""
    method = replace(tiny.method, style_channels=0, cycle_noise=0.0)
    training = replace(tiny.training, pool_size=0, images=8, precision="float32")
    experiment = replace(tiny, method=method, training=training)
    run(experiment, tmp_path / "1", 1)
    launch(experiment, tmp_path / "2", 2)
    alone, shared = newest(tmp_path / "1"), newest(tmp_path / "2")
    weights = [
        name for name in alone if name.startswith("networks.generators") and name.endswith("weight")
    ]
    assert weights
    for name in weights:
        torch.testing.assert_close(shared[name], alone[name], rtol=1e-3, atol=1e-4)


def test_a_signal_to_one_of_them_stops_all_and_they_go_on_to_the_bit(
    tiny: Experiment, tmp_path: Path
):
    """Pools, the codes of styles and batch norm's statistics are each process's own."""
    method = replace(tiny.method, generator=replace(tiny.method.generator, norm="batch"))
    experiment = replace(tiny, method=method, training=replace(tiny.training, images=40))
    assert run(experiment, tmp_path / "unbroken", 2) == ["0", "0"]
    assert run(experiment, tmp_path / "broken", 2, SIGNAL="1 at 20") == ["143", "143"]
    assert checkpoint.list_newest_first(tmp_path / "broken/checkpoints")[0].name == "000000000020"
    assert run(experiment, tmp_path / "broken", 2) == ["0", "0"]
    unbroken, continued = newest(tmp_path / "unbroken"), newest(tmp_path / "broken")
    assert unbroken.keys() == continued.keys()
    assert not [name for name in unbroken if not torch.equal(unbroken[name], continued[name])]
    own = [name for name in unbroken if name.startswith("process.1.")]
    differ = {name for name in own if not torch.equal(unbroken[name], unbroken[name[10:]])}
    for part in ("pool.a", "running_mean", "codes"):
        assert any(part in name for name in differ), part


def test_a_loss_that_is_not_finite_in_one_of_them_ends_both(tiny: Experiment, tmp_path: Path):
    first, second = run(tiny, tmp_path / "run", 2, POISON="1 at 12")
    # Its own losses are finite, but the mean of the gradients is not.
    assert first.startswith("the gradient of the generators is not finite after 12 images seen")
    assert second.startswith("the loss generators/adversarial_a")
    assert "is not finite after 12 images seen" in second
    assert checkpoint.list_newest_first(tmp_path / "run/checkpoints")[0].name == "000000000008"


def test_a_time_budget_ends_all_of_them_with_the_same_weights(tiny: Experiment, tmp_path: Path):
    """Their clocks differ; the learning rate follows from one, and so does the end."""
    training = replace(
        tiny.training, images=1_000_000, seconds=2.0, schedule=Linear(decay_from=0.0)
    )
    assert run(replace(tiny, training=training), tmp_path / "run", 2) == ["0", "0"]
    first, second = (load_file(tmp_path / f"run/weights-{n}.safetensors") for n in (0, 1))
    assert not [name for name in first if not torch.equal(first[name], second[name])]


def test_a_batch_that_cannot_be_shared_is_refused(tiny: Experiment, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(SettingError) as error:
        build_fabric(tiny.training)
    assert error.value.code == "batch-not-shareable"
    assert error.value.setting == "training.batch_size"
