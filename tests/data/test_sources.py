"""Piles of images: folders, parquet files, data sets, built-in data, and their shorthands."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unpaired.core.errors import DataError, MissingExtra, SettingError, UnreadableImage
from unpaired.data.codecs.decode import decode
from unpaired.data.codecs.settings import Reading
from unpaired.data.sources import (
    BuiltIn,
    Folder,
    HuggingFace,
    Records,
    Source,
    describe,
    parse_source,
)


def png(level: int = 0) -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8), level).save(file, "PNG")
    return file.getvalue()


def fill(folder: Path, *names: str) -> Path:
    """Make one image per name; image i is of grey level i."""
    for level, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(level))
    return folder


def open_folder(path: Path) -> Records:
    return Folder(path=str(path)).open()


def refusals(records: Records) -> dict[str, str]:
    return {refused.name: refused.reason for refused in records.refused}


def level(records: Records, index: int) -> int:
    """Grey level of an image that `fill` or `parquet` made."""
    content = records.read(index)
    assert not isinstance(content, np.ndarray)
    image = decode(content, name=records.names[index], channels=1, decoding=Reading())
    return int(image.pixels[0, 0, 0])


def parquet(path: Path, **columns: Any) -> HuggingFace:
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(arrow.table(columns), path)
    return HuggingFace(name=str(path))


def cells(*levels: int) -> list[dict[str, bytes | str | None]]:
    return [{"bytes": png(level), "path": None} for level in levels]


# Folders


def test_a_folder_is_listed_at_any_depth_in_sorted_order(tmp_path: Path) -> None:
    fill(tmp_path, "b.png", "a.JPG", "deep/er/c.tiff", "deep/b.webp", ".hidden.png", ".trash/d.png")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "LICENSE").touch()
    records = open_folder(tmp_path)
    assert records.names == ["a.JPG", "b.png", "deep/b.webp", "deep/er/c.tiff"]
    assert [level(records, index) for index in range(4)] == [1, 0, 3, 2]
    assert records.ignored == {".txt": 1, "without extension": 1}
    assert records.refused == []
    assert records.labels is None
    assert records.ids is None


def test_first_level_folders_are_classes(tmp_path: Path) -> None:
    fill(tmp_path, "dog/1.png", "cat/2.png", "cat/deep/3.png", "ant/4.png")
    (tmp_path / "empty").mkdir()
    records = open_folder(tmp_path)
    assert records.labels is not None
    assert records.labels.dtype == np.int64
    assert records.labels.tolist() == [0, 1, 1, 2]
    assert records.class_names == {0: "ant", 1: "cat", 2: "dog"}


@pytest.mark.parametrize("names", [["cat/1.png", "cat/2.png"], ["cat/1.png", "dog/2.png", "3.png"]])
def test_one_folder_or_images_beside_folders_are_no_classes(
    names: list[str], tmp_path: Path
) -> None:
    assert open_folder(fill(tmp_path, *names)).labels is None


def test_odd_names_of_files_are_listed_as_they_are(tmp_path: Path) -> None:
    names = [
        "🙂.png",
        "a b.png",
        "a\nb.png",
        "<script>alert(1).png",
        "-rf.png",
        "CON.png",
    ]
    names.append("n" * 246 + ".png")
    records = open_folder(fill(tmp_path, *names))
    assert sorted(records.names) == sorted(names)
    for index, name in enumerate(records.names):
        assert level(records, index) == names.index(name)


def test_a_name_that_is_not_text_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "fine.png")
    with open(os.fsencode(tmp_path) + b"/\xff.png", "wb") as file:
        file.write(png())
    records = open_folder(tmp_path)
    assert records.names == ["fine.png"]
    assert refusals(records) == {"\\udcff.png": "has a name that is not valid UTF-8"}


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    fill(tmp_path / "real", "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    records = open_folder(tmp_path / "link")
    assert records.names == ["a.png"]
    assert records.refused == []


def test_pipes_and_folders_named_like_images_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, "real.png", "folder.png/inner.png")
    os.mkfifo(tmp_path / "pipe.png")
    records = open_folder(tmp_path)
    assert records.names == ["real.png"]
    assert refusals(records) == {
        "folder.png": "is a folder, though named like an image",
        "pipe.png": "is not a regular file",
    }


def test_a_file_deleted_during_the_run_is_refused(tmp_path: Path) -> None:
    records = open_folder(fill(tmp_path, "a.png", "b.png"))
    (tmp_path / "a.png").unlink()
    with pytest.raises(UnreadableImage, match=r"a\.png: cannot be opened: No such file") as caught:
        level(records, 0)
    assert caught.value.code == "cannot-be-opened"
    assert caught.value.code == "cannot-be-opened"
    assert level(records, 1) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_folder_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "locked/b.png")
    (tmp_path / "locked").chmod(0)
    records = open_folder(tmp_path)
    (tmp_path / "locked").chmod(0o700)
    assert records.names == ["a.png"]
    assert refusals(records) == {"locked": "cannot be listed: Permission denied"}


def test_a_folder_without_images_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for name in ("1.NEF", "2.nef", "readme.txt"):
        (tmp_path / name).touch()
    with pytest.raises(DataError) as caught:
        open_folder(tmp_path)
    assert caught.value.code == "no-images"
    message = str(caught.value)
    assert str(tmp_path) in message
    assert "3 other files (2 .nef, 1 .txt)" in message
    assert "1 refused (first: folder.png: is a folder, though named like an image)" in message
    assert "a camera's raw file, is not read: develop it to TIFF or PNG first" in message
    assert "must end in .jpg" in message


def test_a_missing_folder_suggests_its_nearest_neighbour(tmp_path: Path) -> None:
    fill(tmp_path, "photos/a.png", "paintings/b.png")
    with pytest.raises(DataError, match=r"fotos/x' does not exist\. Did you mean '.*/photos'\?"):
        open_folder(tmp_path / "fotos" / "x")


def test_a_missing_folder_that_looks_like_an_id_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="type hf:ylecun/mnist") as error:
        Folder(path="ylecun/mnist").open()
    assert error.value.code == "source-not-found"


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    fill(tmp_path, "a.png")
    with pytest.raises(DataError) as caught:
        open_folder(tmp_path / "a.png")
    assert caught.value.code == "source-is-a-file"


# Tables


def test_a_parquet_file(tmp_path: Path) -> None:
    source = parquet(tmp_path / "x.parquet", image=cells(5, 6, 7), label=[2, 0, 1], id=[10, 11, 12])
    records = source.open()
    assert records.names == ["row-000000", "row-000001", "row-000002"]
    assert [level(records, index) for index in range(3)] == [5, 6, 7]
    assert records.labels is not None
    assert records.labels.dtype == np.int64
    assert records.labels.tolist() == [2, 0, 1]
    assert records.ids == ["10", "11", "12"]


def test_a_parquet_file_with_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    parquet(path, picture=[png(3), png(4)], digit=["two", "one"])
    records = HuggingFace(name=str(path), image_column="picture", label_column="digit").open()
    assert level(records, 1) == 4
    assert records.labels is not None
    assert records.labels.tolist() == [1, 0]
    assert records.class_names == {0: "one", 1: "two"}
    assert records.ids is None


def test_the_names_of_classes_that_a_parquet_file_of_the_hub_declares(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    feature = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    declared = json.dumps({"info": {"features": {"image": {"_type": "Image"}} | feature}})
    table = arrow.table({"image": cells(1, 2), "label": [1, 0]})
    table = table.replace_schema_metadata({"huggingface": declared})
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "x.parquet")
    records = HuggingFace(name=str(tmp_path / "x.parquet")).open()
    assert records.labels is not None
    assert records.labels.tolist() == [1, 0]
    assert records.class_names == {0: "cat", 1: "dog"}


def test_labels_and_ids_may_be_absent(tmp_path: Path) -> None:
    records = parquet(tmp_path / "x.parquet", image=cells(1)).open()
    assert records.labels is None
    assert records.ids is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_column": "picture"}, "no column 'picture' (image_column). Its columns are: image"),
        ({"label_column": "digit"}, "no column 'digit' (label_column). Its columns are: image"),
        ({"image_column": "text"}, "'text' holds string, not images"),
        ({"label_column": "text"}, "'text' is empty in 1 of 2 rows. Set label_column to another."),
        ({"label_column": "score"}, "'score' holds double, not one whole number or text"),
    ],
)
def test_columns_that_cannot_be_used(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.parquet"
    parquet(path, image=cells(1, 2), text=["a", None], score=[0.5, 1.5])
    with pytest.raises(DataError) as caught:
        HuggingFace(name=str(path), **settings).open()
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_empty_row_is_refused_by_the_decoder(tmp_path: Path) -> None:
    records = parquet(tmp_path / "x.parquet", image=[*cells(1), None]).open()
    with pytest.raises(UnreadableImage, match="row-000001: is empty") as caught:
        level(records, 1)
    assert caught.value.code == "unknown-format"
    assert caught.value.code == "unknown-format"


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    source = parquet(tmp_path / "x.parquet", image=arrow.array([], arrow.binary()))
    with pytest.raises(DataError) as caught:
        source.open()
    assert caught.value.code == "no-rows"


def test_a_file_that_is_not_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 is not all that it takes")
    with pytest.raises(DataError) as error:
        HuggingFace(name=str(tmp_path / "x.parquet")).open()
    assert error.value.code == "no-parquet-file"


def test_a_missing_parquet_file_suggests_its_nearest_neighbour(tmp_path: Path) -> None:
    (tmp_path / "train.parquet").touch()
    with pytest.raises(DataError, match=r"Did you mean '.*/train\.parquet'\?") as error:
        HuggingFace(name=str(tmp_path / "trian.parquet")).open()
    assert error.value.code == "source-not-found"


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package, offline and with an empty cache."""
    package = pytest.importorskip("datasets")
    monkeypatch.setattr(package.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(package.config, "HF_HUB_OFFLINE", True)
    return package


@pytest.mark.usefixtures("datasets")
def test_a_local_folder_in_the_layout_of_the_hub(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pile", "train/x/a.png", "train/y/b.png", "test/x/c.png")
    records = HuggingFace(name=str(folder)).open()
    assert [level(records, index) for index in range(2)] == [0, 1]
    assert records.labels is not None
    assert records.labels.tolist() == [0, 1]
    assert records.class_names == {0: "x", 1: "y"}
    assert len(HuggingFace(name=str(folder), split="test").open().names) == 1
    with pytest.raises(DataError) as caught:
        HuggingFace(name=str(folder), split="tset").open()
    assert caught.value.code == "data-set-not-loaded"
    assert caught.value.code == "data-set-not-loaded"


@pytest.mark.usefixtures("datasets")
def test_a_local_folder_of_parquet_files(tmp_path: Path) -> None:
    (tmp_path / "pile").mkdir()
    parquet(tmp_path / "pile" / "train-0.parquet", image=cells(1, 2), id=["a", "b"])
    parquet(tmp_path / "pile" / "train-1.parquet", image=cells(3), id=["c"])
    records = HuggingFace(name=str(tmp_path / "pile"), split="train[1:]").open()
    assert [level(records, index) for index in range(2)] == [2, 3]
    assert records.ids == ["b", "c"]


def test_a_data_set_of_the_hub(datasets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    stored = datasets.Dataset.from_dict({"image": cells(9), "label": [4]}, features=features)
    asked = []

    def load_dataset(name: str, subset: str | None, split: str) -> Any:
        asked.append((name, subset, split))
        return stored

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    records = parse_source("hf:owner/digits:test").open()
    HuggingFace(name="owner/digits", subset="cropped", split="test").open()
    assert asked == [("owner/digits", None, "test"), ("owner/digits", "cropped", "test")]
    assert level(records, 0) == 9
    assert records.labels is not None
    assert records.labels.tolist() == [4]


def test_without_the_packages_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.parquet").touch()
    for package in ("datasets", "pyarrow"):
        monkeypatch.setitem(sys.modules, package, None)
    for name in (str(tmp_path / "x.parquet"), "owner/digits"):
        with pytest.raises(MissingExtra, match=r'pip install "unpaired\[hub\]"') as error:
            HuggingFace(name=name).open()
        assert error.value.code == "missing-extra"


# Built-in data


@pytest.mark.parametrize(("name", "channels"), [("ink", 1), ("sign", 3)])
def test_the_built_in_data(name: str, channels: int) -> None:
    records = parse_source(f"builtin:{name}:test").open()
    pixels = records.read(3)
    assert isinstance(pixels, np.ndarray)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (32, 32, channels)
    assert records.labels is not None
    assert records.ids is not None
    assert len(set(records.names)) == len(records.labels) == len(records.ids)


# Shorthands


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("photos", Folder(path="photos")),
        ("C:\\photos", Folder(path="C:\\photos")),
        ("x/train.parquet", HuggingFace(name="x/train.parquet")),
        ("hf:ylecun/mnist:train", HuggingFace(name="ylecun/mnist")),
        ("hf:ylecun/mnist:test", HuggingFace(name="ylecun/mnist", split="test")),
        ("hf:a/b:train[:10%]", HuggingFace(name="a/b", split="train[:10%]")),
        ("builtin:ink:train", BuiltIn(name="ink")),
        ("builtin:sign:validation", BuiltIn(name="sign", part="validation")),
    ],
)
def test_shorthands_and_back(text: str, source: Source) -> None:
    assert parse_source(text) == source
    assert describe(source) == text


@pytest.mark.parametrize("text", ["photos/", "./photos", ".//photos//", "photos/."])
def test_a_path_is_one_however_it_is_typed(text: str) -> None:
    assert parse_source(text) == Folder(path="photos")
    parquet = text.rstrip("/.") + "/x.parquet"
    assert parse_source(parquet) == HuggingFace(name="photos/x.parquet")


def test_a_pattern_is_answered_with_its_folder(tmp_path: Path) -> None:
    fill(tmp_path, "apple/059.png")
    for pattern in ("apple/*.png", "apple/*/[ab]?.png"):
        with pytest.raises(
            DataError, match=r"Give a folder, not a pattern: '.*/apple'\."
        ) as caught:
            open_folder(tmp_path / pattern)
        assert caught.value.code == "source-is-a-pattern"


def test_a_file_that_would_be_refused_is_not_suggested(tmp_path: Path) -> None:
    fill(tmp_path, "photos.png")
    with pytest.raises(DataError) as caught:
        open_folder(tmp_path / "photos")
    assert caught.value.code == "source-not-found"


def test_split_and_part_may_be_omitted() -> None:
    assert parse_source("hf:ylecun/mnist") == HuggingFace(name="ylecun/mnist", split="train")
    assert parse_source("builtin:ink") == BuiltIn(name="ink", part="train")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a source"),
        ("hub:ylecun/mnist", "hf:owner/name:split"),
        ("https://example.org/photos.zip", "download first"),
        ("hf:", "Type hf:owner/name"),
        ("hf:ylecun/mnist:", "Type hf:owner/name"),
        ("builtin:", "the name ink or sign"),
        ("builtin:pencil", "the name ink or sign"),
        ("builtin:ink:tset", "the part train or validation or test"),
    ],
)
def test_shorthands_without_meaning_say_what_to_type(text: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        parse_source(text)
    assert message in str(caught.value)
    assert repr(text) in str(caught.value)


def test_a_folder_whose_name_has_a_colon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "2024:holiday/a.png", "trip:rome/a.png")
    monkeypatch.chdir(tmp_path)
    for text in ("2024:holiday", "trip:rome"):
        assert parse_source(text).open().names == ["a.png"]
