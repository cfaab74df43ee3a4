from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from unpaired.core.errors import DataError
from unpaired.data.sources import Folder, HuggingFace
from unpaired.evaluation.faithfulness import SHOWN_SIDE, faithfulness_of_files
from unpaired.evaluation.measure import Gathered, measure
from unpaired.evaluation.pairs import counterparts, embedding_similarity, matched
from unpaired.features import Pixels
from unpaired.features.extract import open_image_set
from unpaired.inference.plan import make_plan
from unpaired.metrics import structure
from unpaired.metrics.faithfulness import faithfulness
from unpaired.metrics.structure import CELLS, moved_edges, nearer


def scenes(count: int = 30, side: int = 64) -> Tensor:
    """White boxes on black, each elsewhere, uint8."""
    random = np.random.default_rng(0)
    images = np.zeros((count, 3, side, side), np.uint8)
    for image in images:
        for _ in range(3):
            top, left = random.integers(0, side - 16, 2)
            height, width = random.integers(8, 16, 2)
            image[:, top : top + height, left : left + width] = 255
    return torch.from_numpy(images)


def test_no_other_translation_is_nearer_than_a_faithful_one():
    source = scenes()
    assert (nearer(source, 255 - source) == 0).all()
    wrong = nearer(source, source.roll(1, 0))
    assert wrong.min() > 0.02
    alike = nearer(source, source[:1].expand_as(source))
    np.testing.assert_allclose(alike, 0.5)  # one image for all: no better than any other's


def test_rivals_are_the_same_however_many_are_held_at_once(monkeypatch: pytest.MonkeyPatch):
    source, there = scenes(), scenes().roll(3, 2)
    expected = nearer(source, there)
    monkeypatch.setattr(structure, "_BLOCK_IMAGES", 7)
    np.testing.assert_allclose(nearer(source, there), expected, atol=1e-12)


def test_what_was_painted_in_shows_where_it_is():
    source = scenes(2)
    there = source.clone()
    random = torch.Generator().manual_seed(0)
    there[0, :, 4:20, 40:60] = torch.randint(
        0, 255, (3, 16, 20), dtype=torch.uint8, generator=random
    )
    added, lost = moved_edges(source, there)
    assert added.shape == lost.shape == (2, CELLS, CELLS)
    inside = np.zeros((CELLS, CELLS), bool)
    inside[1:5, 10:15] = True
    assert added[0][inside].mean() > 0.15 > 10 * added[0][~inside].mean()
    assert added[1].max() < 1e-9
    gone, new = moved_edges(there, source)
    np.testing.assert_array_equal(gone, lost)
    np.testing.assert_array_equal(new, added)


def test_a_hallucination_is_suspected_and_the_others_are_not():
    source = scenes()
    there = 255 - source
    there[4] = 255 - source[17]  # what belongs to another image
    found = faithfulness(source, there, [f"scene-{i}" for i in range(30)])
    assert found.suspected.tolist() == [4]
    assert found.order[-1] == 4
    assert found.distances[4] > 0.3
    assert np.delete(found.distances, 4).max() < 1e-6
    assert found.source.shape == (30, 64, 64, 3)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Folder, Folder]:
    """Inputs of several sizes, and their negatives under the same names as another format."""
    for name in ("in", "out"):
        (tmp_path / name / "deep").mkdir(parents=True)
    for i, image in enumerate(scenes(6)):
        pixels = image.permute(1, 2, 0).numpy()
        picture = Image.fromarray(pixels).resize((60 + 10 * i, 80))
        where = "deep/" if i % 2 else ""
        picture.save(tmp_path / "in" / f"{where}{i}.jpg", quality=95)
        negative = Image.fromarray(255 - np.asarray(picture))
        negative.save(tmp_path / "out" / f"{where}{i}.png")
    return Folder(path=str(tmp_path / "in")), Folder(path=str(tmp_path / "out"))


def test_folders_are_matched_by_name(folders: tuple[Folder, Folder]):
    found = faithfulness_of_files(*map(open_image_set, folders))
    assert found.names == ["0", "2", "4", "deep/1", "deep/3", "deep/5"]
    assert found.source.shape == (6, SHOWN_SIDE, SHOWN_SIDE, 3)
    assert not len(found.suspected)
    source, translations = found.tensors
    values = {
        "sampled_source": source,
        "sampled_translations": translations,
        "source_edges": found.edges[0],
        "translation_edges": found.edges[1],
        "faithfulness": found,
    }
    metrics = measure(Gathered({}, values))
    assert metrics["structure"].value < 0.2
    assert metrics["structure/shuffled"].value > 0.4
    assert metrics["suspected"].value == 0


def test_similarity_of_features_is_of_images_of_one_name(folders: tuple[Folder, Folder]):
    loaded = Pixels().load(torch.device("cpu"))
    same = embedding_similarity(open_image_set(folders[0]), open_image_set(folders[0]), loaded)
    assert same["embedding_similarity/pixels"].value == pytest.approx(1)
    assert same["embedding_similarity/pixels/shuffled"].value < 0.8
    negatives = embedding_similarity(*map(open_image_set, folders), loaded)
    assert negatives["embedding_similarity/pixels"].value < 0.5
    assert negatives["embedding_similarity/pixels"].n == 6
    (Path(folders[1].path) / "2.png").write_bytes(b"")
    assert (
        embedding_similarity(*map(open_image_set, folders), loaded)["embedding_similarity/pixels"].n
        == 5
    )


def test_an_unreadable_file_is_left_out_and_strange_names_are_shown(
    folders: tuple[Folder, Folder], tmp_path: Path
):
    (tmp_path / "out" / "2.png").write_bytes(b"")
    assert "2" not in faithfulness_of_files(*map(open_image_set, folders)).names
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (8, 8)).save(other / "result_7.png")
    with pytest.raises(DataError, match=r"no image of .*'result_7' is there and '0' here") as error:
        faithfulness_of_files(open_image_set(folders[0]), open_image_set(Folder(path=str(other))))
    assert error.value.code == "no-pairs"


@pytest.mark.parametrize(
    "ids", [["000001.jpg", "2", "s_A"], ["x/1", "x/2", "x/3"], ["1.5", "1.6", ".7"]]
)
def test_translations_of_a_table_find_its_images(tmp_path: Path, ids: list[str]):
    """However `unpaired translate` calls them; see `file_names`."""
    arrow, parquet = map(pytest.importorskip, ("pyarrow", "pyarrow.parquet"))
    content = []
    for i, image in enumerate(scenes(3)):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / f"{i}.png")
        content.append((tmp_path / f"{i}.png").read_bytes())
    columns = {"image": [{"bytes": c, "path": None} for c in content], "id": ids}
    parquet.write_table(arrow.table(columns), tmp_path / "t.parquet")
    table = open_image_set(HuggingFace(name=str(tmp_path / "t.parquet")))
    plan = make_plan([tmp_path / "t.parquet"], tmp_path / "out", 1, None, 8, overwrite=False)
    (tmp_path / "out").mkdir()
    for job, made in zip(plan.jobs[:2], content[:2], strict=True):
        job.outputs[0].write_bytes(made)
    found = open_image_set(Folder(path=str(tmp_path / "out")))
    pairs = list(matched(table, found))
    assert len(pairs) == 2
    assert all(np.array_equal(here, there) for _, here, there in pairs)
    fewer = counterparts(table, found)
    assert fewer is not None
    assert fewer.hashes == table.hashes[:2]
    assert fewer.formats == {"PNG": 2}
    (tmp_path / "none").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "none" / "other.png")
    assert counterparts(table, open_image_set(Folder(path=str(tmp_path / "none")))) is None


def test_some_images_of_a_table_keep_the_names_that_all_of_them_have(tmp_path: Path):
    arrow, parquet = map(pytest.importorskip, ("pyarrow", "pyarrow.parquet"))
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    images = [{"bytes": buffer.getvalue(), "path": None}] * 3
    table = arrow.table({"image": images, "id": ["x/1", "y", "z"]})  # no names of files
    parquet.write_table(table, tmp_path / "t.parquet")
    whole = open_image_set(HuggingFace(name=str(tmp_path / "t.parquet")))
    fewer = whole.only([1, 2])
    assert len(list(matched(fewer, whole))) == 2
