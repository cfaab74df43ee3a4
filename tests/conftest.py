"""What many tests share: a training small enough to run in a second."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from fake_run import write_run
from unpaired.engine.settings import Optimiser, Training
from unpaired.evaluation import content
from unpaired.evaluation import split as evaluated_split
from unpaired.experiment.experiment import Evaluation, Experiment
from unpaired.features import classifier
from unpaired.methods import CycleGAN
from unpaired.networks import CNN, UNet
from unpaired.recipes.demo import demo

torch.set_num_threads(1)  # the tests' networks are tiny: a second thread only waits


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Classifiers that tests train are shared by tests, and gone afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNPAIRED_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def small_measurements() -> Iterator[None]:
    """Evaluations take the structure of few images, and intervals from ten resamples: what these
    are worth is asked where the metrics are tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "MOST_IMAGES", 60)
        patch.setattr(evaluated_split, "Protocol", partial(evaluated_split.Protocol, resamples=10))
        yield


SMALL_MEASUREMENTS = """
from functools import partial
from unpaired.evaluation import content, split
content.MOST_IMAGES = 60
split.Protocol = partial(split.Protocol, resamples=10)
"""
"""The same in a process of its own, before what it does."""


@pytest.fixture(scope="module")
def quick_evaluation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Task classifiers that see 640 images: how well they do is not what is asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "_MIN_IMAGES_SEEN", 640)
        patch.setattr(classifier, "_EPOCHS", 1)
        patch.setenv("UNPAIRED_CACHE", str(tmp_path_factory.mktemp("quick")))
        yield


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A finished run, as records and reports read it."""
    folder = tmp_path / "digits"
    write_run(folder)
    return folder


@pytest.fixture(scope="session")
def tiny() -> Experiment:
    """See `tiny_experiment`."""
    return tiny_experiment()


def tiny_experiment() -> Experiment:
    """Ink ↔ sign with the smallest networks, five steps of four images, no classifier."""
    base = demo()
    optimiser = Optimiser(learning_rate=1e-3)
    return replace(
        base,
        name="tiny",
        method=CycleGAN(
            generator=UNet(width=8, norm="instance"),
            discriminator=CNN(width=8, spectral_norm=True),
            style_channels=2,
            cycle_noise=0.05,
        ),
        training=Training(
            images=20,
            batch_size=4,
            generators=optimiser,
            discriminators=optimiser,
            ema_images=8,
            pool_size=6,
            log_images=4,
            sample_images=8,
            checkpoint_images=8,
            device="cpu",
        ),
        evaluation=Evaluation(images=0, classifier=False),
    )


class Averages(torch.nn.Module):
    """Stands for a face encoder: 128 sums of the mean colours of quarters of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.sums = torch.nn.Linear(12, 128)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        means = torch.nn.functional.adaptive_avg_pool2d(images / 255, 2).flatten(1)
        return self.sums(means)


@pytest.fixture(scope="session")
def encoder_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `torch.export` program from images [N, 3, 112, 112] in 0…255 to [N, 128]."""
    path = tmp_path_factory.mktemp("program") / "encoder.pt2"
    batch = torch.export.Dim("batch")
    example = (torch.rand(2, 3, 112, 112),)
    program = torch.export.export(Averages().eval(), example, dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    return path


@pytest.fixture(scope="session")
def maps_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `torch.export` program from photos [N, 3, 256, 256] in 0…255 to maps [N, 64, 32, 32]."""
    path = tmp_path_factory.mktemp("program") / "maps.pt2"
    network = torch.nn.Conv2d(3, 64, 8, stride=8).eval()
    example = (torch.rand(2, 3, 256, 256),)
    program = torch.export.export(network, example, dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
    torch.export.save(program, path)
    return path


@pytest.fixture
def stand_in_data(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    encoder_program: Path,
    maps_program: Path,
) -> Path:
    """What recipes without a hub id look for: empty files, enough to read the settings, and small
    programs in the place of those that see faces and facades."""
    root = tmp_path_factory.mktemp("data")
    for name in ("facades/photo", "facades/labels"):
        (root / name).mkdir(parents=True)
        for split in ("train", "test"):
            (root / name / f"{split}.parquet").touch()
    (root / "weights").mkdir()
    shutil.copy(encoder_program, root / "weights/mobilefacenet.pt2")
    (root / "encoders").mkdir()
    shutil.copy(maps_program, root / "encoders/efficientnet-lite0.pt2")
    monkeypatch.setenv("UNPAIRED_DATA", str(root))
    return root


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data sets; tests that need it are skipped where it is absent."""
    root = Path(os.environ.get("UNPAIRED_DATA", "../shared/data"))
    if not (root / "mnist" / "test.parquet").exists():
        pytest.skip("real data absent: set UNPAIRED_DATA to a folder with mnist/test.parquet")
    return root
