"""Piles are looked at from Python as from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unpaired
from unpaired.core.errors import SettingError
from unpaired.data.sources import Folder


@pytest.mark.parametrize("kind", [str, Path, lambda path: Folder(path=str(path))])
def test_a_source_is_a_text_a_path_or_a_source(tmp_path, kind):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "1.png")
    found = unpaired.check_data({"a": kind(tmp_path)})
    assert found["a"].usable_names == ["1.png"]


def test_a_text_that_is_no_source():
    with pytest.raises(SettingError) as caught:
        unpaired.check_data({"a": "https://example.org/photos"})
    assert caught.value.code == "unknown-source"
