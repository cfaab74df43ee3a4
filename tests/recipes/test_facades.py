"""The facade recipes: where their data are looked for, and that pairs measure without training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from unpaired import recipe
from unpaired.core.errors import DataError
from unpaired.data.dataset import load_images
from unpaired.engine.schedules import Linear
from unpaired.experiment.checks import check
from unpaired.recipes import require
from unpaired.recipes.facades import PALETTE
from unpaired.training.checks import check_palettes


def test_without_data_the_message_names_the_files_and_where_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNPAIRED_DATA", "elsewhere")
    with pytest.raises(DataError) as caught:
        require(recipe("facades-cyclegan"))
    message = str(caught.value)
    for part in (
        "elsewhere/facades/photo/train.parquet",
        "../shared/data",
        "CMP Facade Database",
        "UNPAIRED_DATA",
    ):
        assert part in message


def test_label_maps_are_told_from_photos(real_data: Path):
    experiment = recipe("facades-ours")
    images = {name: load_images(d, "train") for name, d in experiment.domains.items()}
    check_palettes(experiment, images)
    with pytest.raises(DataError) as caught:
        check_palettes(experiment, {"a": images["a"], "b": images["a"]})
    assert caught.value.code == "no-label-maps"


@pytest.mark.parametrize(
    ("name", "train_images"), [("facades", 400), ("maps", 1_096), ("cityscapes", 2_975)]
)
@pytest.mark.parametrize("variant", ["cyclegan", "sn", "wgan-gp"])
def test_200_epochs_as_the_report_has_them(
    stand_in_data: Path, name: str, train_images: int, variant: str
):
    assert recipe(f"{name}-{variant}").training.images == 200 * train_images


def test_label_maps_can_be_made_from_noise(stand_in_data: Path):
    """Alone they are no two piles of label maps."""
    b = replace(recipe("facades-ours").b, size=32)
    check(replace(recipe("dcgan-mnist"), b=b))


def test_as_the_report_has_it(stand_in_data: Path):
    plain, spectral = recipe("facades-cyclegan"), recipe("facades-sn")
    assert plain.a.source.name == str(stand_in_data / "facades/photo/train.parquet")  # type: ignore[union-attr]
    assert plain.b.palette == PALETTE
    assert not plain.a.palette
    assert len(set(PALETTE)) == 12
    assert plain.training.images == 200 * 400
    assert plain.training.schedule == Linear(decay_from=0.5)
    assert not plain.method.discriminator.spectral_norm
    assert spectral.method.discriminator.spectral_norm
    assert spectral.training == plain.training
