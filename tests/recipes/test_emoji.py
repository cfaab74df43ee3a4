"""Where recipes look for their data."""

from __future__ import annotations

from pathlib import Path

import pytest

from unpaired.errors import SettingError
from unpaired.recipes import recipe
from unpaired.recipes.digits import digit_source, local_source
from unpaired.recipes.emoji import emoji_source

EMOJI = ["residual-cnn", "residual-patch", "unet-patch", "no-cycle", "ours"]


def test_absent_emoji_are_missed_by_name_and_with_where_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNPAIRED_DATA", str(tmp_path / "data"))
    for name in EMOJI:
        with pytest.raises(SettingError) as refused:
            recipe(f"emoji-{name}")
        for part in ("emoji/apple/train.parquet", str(tmp_path / "data"), "emoji-datasource-apple"):
            assert part in str(refused.value)


def test_local_files_are_preferred_to_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNPAIRED_DATA", str(tmp_path))
    assert local_source("fashion_mnist", "test") is None
    assert digit_source("fashion_mnist", "test").name == "zalando-datasets/fashion_mnist"
    for path in ("fashion_mnist/test.parquet", "emoji/apple/train.parquet"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    assert digit_source("fashion_mnist", "test").name == str(
        tmp_path / "fashion_mnist/test.parquet"
    )
    assert emoji_source("apple", "train").split == "train"
