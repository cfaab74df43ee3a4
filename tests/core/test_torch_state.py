"""What a caller has set in torch changes no result, and a training leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import unpaired
from unpaired.core.torch_state import global_state_kept, plain_torch
from unpaired.evaluation import files
from unpaired.experiment.experiment import Experiment
from unpaired.models.folder import save_model
from unpaired.training.observer import RunObserver


@contextmanager
def float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


surroundings = pytest.mark.parametrize(
    "surrounding",
    [
        torch.no_grad,
        torch.inference_mode,
        float64,
        lambda: torch.device("meta"),
        lambda: torch.autocast("cpu", torch.bfloat16),
    ],
    ids=["no_grad", "inference_mode", "float64", "device", "autocast"],
)


def weights(experiment: Experiment, folder: Path) -> dict[str, torch.Tensor]:
    """Of a training in float32, without the measurements at its end."""
    exact = replace(experiment.training, precision="float32")
    experiment = replace(experiment, training=exact)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunObserver, "finish", RunObserver.stop)
        unpaired.train(experiment, folder, quiet=True)
    return load_file(folder / "model" / "model.safetensors")


@pytest.fixture(scope="module")
def plain(tiny: Experiment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    return weights(tiny, tmp_path_factory.mktemp("plain") / "run")


@surroundings
def test_a_training_is_the_same_whatever_the_caller_has_set(tiny, plain, tmp_path, surrounding):
    with surrounding():
        found = weights(tiny, tmp_path / "run")
    assert all(torch.equal(found[name], plain[name]) for name in plain)


def test_weights_are_not_kept_as_they_were_before_a_step_by_the_autocast_of_a_caller():
    layer, values = torch.nn.Linear(4, 4), torch.ones(1, 4)
    with torch.autocast("cpu", torch.bfloat16), plain_torch():
        found = []
        for _ in range(2):
            with torch.autocast("cpu", torch.bfloat16):
                found.append(layer(values))
            with torch.no_grad():
                layer.weight += 1
    assert torch.allclose(found[1] - found[0], torch.tensor(4.0).bfloat16(), atol=0.1)


@surroundings
def test_a_model_translates_the_same_whatever_the_caller_has_set(tiny, tmp_path, surrounding):
    torch.manual_seed(0)
    folder = save_model(tmp_path / "model", tiny, tiny.method.build(tiny.a, tiny.b).eval(), 1, "")
    image = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    expected = unpaired.load(folder, device="cpu").translate(image, "b", style_seed=1)
    with surrounding():
        found = unpaired.load(folder, device="cpu").translate(image, "b", style_seed=1)
    assert np.array_equal(found, expected)


@surroundings
def test_image_sets_are_judged_by_a_classifier_whatever_the_caller_has_set(
    quick_evaluation, tmp_path, monkeypatch, surrounding
):
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path))  # or it would not be trained
    monkeypatch.setattr(files, "compare", partial(files.compare, resamples=10))
    with surrounding():
        found = unpaired.evaluate_images(
            "builtin:ink:test",
            "builtin:ink:validation",
            extractor="classifier:builtin:ink",
            device="cpu",
        )
    assert found["metrics"]["kd/classifier"]["n"] > 100


def test_a_training_leaves_the_global_generators_as_they_were(tiny, tmp_path):
    torch.manual_seed(5)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1]
    weights(tiny, tmp_path / "run")
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)


def test_threads_train_what_each_would_alone(tiny, plain, tmp_path, monkeypatch):
    monkeypatch.setattr(RunObserver, "finish", RunObserver.stop)
    exact = replace(tiny, training=replace(tiny.training, precision="float32"))
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda n: unpaired.train(exact, tmp_path / n, quiet=True), "ab"))
    for run in runs:
        found = load_file(run / "model" / "model.safetensors")
        assert all(torch.equal(found[name], plain[name]) for name in plain)


def test_the_choice_of_convolutions_is_as_before_even_after_an_error():
    def fail() -> None:
        torch.backends.cudnn.benchmark = True
        raise KeyError

    with pytest.raises(KeyError):
        global_state_kept(torch.device("cpu"))(fail)()
    assert not torch.backends.cudnn.benchmark
