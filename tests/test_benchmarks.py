"""The benchmarks of speed compare like with like, and run."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from unpaired.networks import FeatureMaps

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_the_page_of_results_is_what_the_records_say(monkeypatch):
    """`python benchmarks/results.py` would change nothing."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    results = importlib.import_module("results")
    monkeypatch.setattr(results, "draw_curves", lambda *_: None)
    assert results.page() == (BENCHMARKS.parent / "docs" / "results.md").read_text()


@pytest.fixture
def train_step(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("train_step")


@pytest.mark.parametrize("upsampling", ["resize", "transposed"])
@pytest.mark.parametrize("identity", [0.0, 0.5])
def test_ours_and_textbook_compute_the_same_losses(train_step, identity, upsampling):
    contenders = importlib.import_module("contenders")
    options = train_step.parse(
        ["--precision", "float32", "--identity", str(identity), "--upsampling", upsampling]
    )
    case = contenders.SMOKE
    experiment = contenders.build_experiment(case, options)
    batch = contenders.build_batch(case, torch.device("cpu"))
    textbook = contenders.Textbook(experiment, torch.device("cpu"))
    fabric = contenders.build_fabric(experiment.training)
    step = contenders.OurStep(experiment, contenders.State(experiment, fabric.device), fabric)

    expected = textbook.step(batch["a"], batch["b"])
    step.advance(batch)

    losses = step.tally.take_means(1).losses
    of_generators = [v for k, v in losses.items() if k.startswith("generators/")]
    assert len(of_generators) == (6 if identity else 4)
    assert sum(of_generators) == pytest.approx(expected["generators"].item(), rel=1e-4)
    for domain in ("a", "b"):
        ours = losses[f"discriminators/{domain}"]
        assert ours == pytest.approx(expected[domain].item(), rel=1e-4)


def test_textbook_pool_keeps_its_size_and_returns_batches(train_step):
    pool = importlib.import_module("textbook").ImagePool(3)
    seen = set()
    for i in range(20):
        fakes = torch.arange(2 * i, 2 * i + 2).float().view(2, 1, 1, 1)
        queried = pool.query(fakes)
        assert queried.shape == fakes.shape
        assert len(pool.images) <= 3
        seen |= {int(value) // 2 < i for value in queried.flatten()}
    assert seen == {True, False}, "both new and older images are queried"


def test_smoke_run_prints_and_writes_all_numbers(train_step, tmp_path, capsys):
    path = tmp_path / "numbers.json"
    train_step.main(["--smoke", "--case", "small", "--threads", "1", "--json", str(path)])
    assert "textbook" in capsys.readouterr().out
    result = json.loads(path.read_text())["results"]["small"]
    for numbers in result["contenders"].values():
        assert len(numbers["seconds"]) == 2
        assert numbers["images_per_second"] > 0
        assert numbers["peak_memory_mb"] > 100
    ratio = result["contenders"]["textbook"]["ours_is_times_as_fast"]
    assert ratio["low"] <= ratio["median"] <= ratio["high"]


def test_translating_a_folder_gives_all_numbers(monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    benchmark = importlib.import_module("translate")
    flags = "--images 4 --compare 2 --rounds 1 --width 4 --blocks 1 --device cpu --json"
    monkeypatch.setattr("sys.argv", ["translate.py", *flags.split()])
    benchmark.main()
    result = json.loads(capsys.readouterr().out)
    assert result["images"] == 4
    assert 0 < result["network_share"] <= 1
    assert result["images_per_second"] > 0
    assert len(result["ratios"]) == 1


def test_a_gpus_memory_is_asked_for_by_its_name(train_step, monkeypatch):
    """On an H200 the script failed after all its steps, and wrote nothing."""
    asked: list[torch.device] = []

    def peak(device: torch.device) -> int:
        asked.append(device)
        return 3 * 2**20

    monkeypatch.setattr(torch.cuda, "max_memory_allocated", peak)
    assert train_step.own_peak_memory("cuda") == 3
    assert asked == [torch.device("cuda")]


def test_a_folder_that_is_no_checkout_of_the_peer_is_refused(train_step, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        train_step.main(["--peer", str(tmp_path)])
    assert stopped.value.code == 2
    assert "cycle_gan_model.py" in capsys.readouterr().err


def test_the_stages_of_a_classifier_become_a_program_of_maps(monkeypatch, tmp_path):
    """A stand-in with the parts of EfficientNet, written and read as by `facades-features-ours`."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    feature_maps = importlib.import_module("feature_maps")
    network = nn.Module()
    network._conv_stem, network._bn0 = nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16)
    network._swish = nn.ReLU6()
    sizes = [(16, 16, 1), (16, 24, 2), (24, 24, 1), (24, 40, 2)]
    network._blocks = nn.ModuleList(nn.Conv2d(i, o, 3, stride, 1) for i, o, stride in sizes)

    feature_maps.write(network, tmp_path / "new" / "maps.pt2", 32)

    maps = torch.export.load(tmp_path / "new" / "maps.pt2").module()(torch.rand(5, 3, 32, 32) * 255)
    assert [tuple(each.shape) for each in maps] == [(5, 16, 16, 16), (5, 24, 8, 8), (5, 40, 4, 4)]
    reader = FeatureMaps(path=str(tmp_path / "new" / "maps.pt2"), side=32)
    scores = reader.build(12, 16, "signed", mirrors=True)(torch.rand(2, 3, 16, 16))
    assert scores.shape == (2, 12, 16, 16)
