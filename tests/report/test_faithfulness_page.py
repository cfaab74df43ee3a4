from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.core.errors import RunError
from unpaired.metrics.faithfulness import Faithfulness, faithfulness
from unpaired.metrics.hidden_signal import HiddenSignal
from unpaired.report.faithfulness import change_map, write_faithfulness


@pytest.fixture
def found() -> Faithfulness:
    """Twenty random images, two of which have the translations of others."""
    random = torch.Generator().manual_seed(0)
    source = torch.randint(0, 256, (20, 1, 16, 16), generator=random, dtype=torch.uint8)
    there = (255 - source).expand(-1, 3, -1, -1).clone()
    there[3], there[5] = there[7].clone(), there[9].clone()
    return faithfulness(source, there, [f"<b>{i}</b>" for i in range(20)])


def test_the_page_shows_the_suspected_first_and_escapes_names(found: Faithfulness, tmp_path: Path):
    page = write_faithfulness({"a → b": found}, tmp_path / "out", "title & co")
    text = page.read_text()
    assert "2 of 20 translations (10%) are suspected" in text
    assert "title &amp; co" in text
    assert "<b>3</b>" not in text
    assert "&lt;b&gt;3&lt;/b&gt;" in text
    assert text.count("<img") == 3
    pictures = sorted(path.name for path in (tmp_path / "out/pictures").iterdir())
    assert pictures == ["0-least-faithful.png", "0-most-faithful.png", "0-suspected.png"]
    with (tmp_path / "out/faithfulness.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert {row["image"] for row in rows[:2]} == {"<b>3</b>", "<b>5</b>"}
    assert [row["suspected"] for row in rows] == ["1"] * 2 + ["0"] * 18
    assert float(rows[0]["structure_distance"]) > 0.5 > float(rows[2]["structure_distance"])


def test_of_few_images_none_is_shown_as_least_and_as_most_faithful(
    found: Faithfulness, tmp_path: Path
):
    source, there = (
        torch.from_numpy(p[:7]).permute(0, 3, 1, 2) for p in (found.source, found.translations)
    )
    few = replace(faithfulness(source, there, [f"few-{i}" for i in range(7)]), nearer=np.zeros(7))
    text = write_faithfulness({"a → b": few}, tmp_path, "title").read_text()
    shown = re.findall(r"few-\d", text)
    assert len(shown) == len(set(shown)) == 6


@pytest.mark.parametrize(
    ("noise", "blind", "words"),
    [
        (0.8, 0.2, "Nothing seems hidden"),
        (2.0, 0.2, "is not clear from these images"),
        (6.4, 0.2, "translations carry some of their input"),
        (6.4, 0.0124, "does not restore the images yet"),
    ],
)
def test_what_the_way_back_reads_is_told_and_shown(
    found: Faithfulness, tmp_path: Path, noise: float, blind: float, words: str
):
    titles = ["image", "made", "back", "made + noise", "back from it"]
    hidden = HiddenSignal(
        grown={"noise": noise + np.linspace(-0.5, 0.5, 20), "jpeg": np.full(20, 0.5)},
        untouched=np.full(20, 0.0123),
        cycle_l1={"noise": np.full(20, 0.0456), "jpeg": np.full(20, 0.0789)},
        blind=np.full(20, blind),
        pictures={title: np.full((6, 16, 16, 3), 99, np.uint8) for title in titles},
    )
    page = write_faithfulness({"a → b": found}, tmp_path, "title", {"a → b → a": hidden})
    text = page.read_text()
    assert words in text
    assert f"{noise:.2f} times as much" in text
    assert "is 0.0123, with noise 0.0456, with JPEG 0.0789; one image for all" in text
    assert (tmp_path / "pictures/hidden-0.png").is_file()


def test_without_suspects_the_page_says_so(found: Faithfulness, tmp_path: Path):
    faithful = replace(found, nearer=np.zeros(20))
    text = write_faithfulness({"a → b": faithful}, tmp_path, "title").read_text()
    assert "0 of 20 translations (0%) are suspected" in text
    assert "None." in text


def test_a_folder_that_cannot_be_written_is_named(found: Faithfulness, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError) as caught:
        write_faithfulness({"a → b": found}, tmp_path / "file", "title")
    assert caught.value.code == "output-unwritable"


def test_changes_are_red_where_edges_are_new_and_blue_where_they_are_gone():
    there = np.full((32, 32, 3), 200, np.uint8)
    added, lost = np.zeros((16, 16)), np.zeros((16, 16))
    added[:4], lost[-4:] = 1, 1
    picture = change_map(there, added, lost).astype(int)
    assert (picture[:6, :, 0] > picture[:6, :, 2] + 50).all()
    assert (picture[-6:, :, 2] > picture[-6:, :, 0] + 50).all()
    np.testing.assert_array_equal(picture[14:18], 200)
    assert Image.fromarray(picture.astype(np.uint8)).size == (32, 32)
