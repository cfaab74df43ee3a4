"""Classes of two image sets: compared only where both name the same ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unpaired.data.classes import Labels, labels_by_folder, renumbered
from unpaired.data.dataset import load_images
from unpaired.data.domain import Domain
from unpaired.data.shared_classes import SharedClasses, shared_classes
from unpaired.data.sources import BuiltIn, Folder, HuggingFace, Source


def folder(path: Path, *names: str) -> Folder:
    """A folder of one image per name."""
    for level, name in enumerate(names):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), level).save(path / name)
    return Folder(path=str(path))


def classes(path: Path, *names: str) -> Folder:
    return folder(path, *(f"{name}/{i}.png" for name in names for i in range(2)))


def table(path: Path, labels: list[Any], names: list[str] | None = None) -> HuggingFace:
    arrow = pytest.importorskip("pyarrow")
    content = arrow.table({"image": [b""] * len(labels), "label": labels})
    if names is not None:
        feature = {"label": {"names": names, "_type": "ClassLabel"}}
        declared = json.dumps({"info": {"features": feature}})
        content = content.replace_schema_metadata({"huggingface": declared})
    pytest.importorskip("pyarrow.parquet").write_table(content, path)
    return HuggingFace(name=str(path))


def compared(a: Source, b: Source, **of_a: Any) -> SharedClasses:
    return shared_classes({"a": Domain(source=a, **of_a), "b": Domain(source=b)})


def test_years_and_painters_are_no_classes(tmp_path: Path) -> None:
    a, b = classes(tmp_path / "a", "2021", "2022"), classes(tmp_path / "b", "gogh", "monet")
    result = compared(a, b)
    assert not result.shared
    (note,) = result.notes
    assert "the subfolders of a (2021, 2022) and the subfolders of b (gogh, monet)" in note
    assert "no translation accuracy" in note


@pytest.mark.parametrize(
    ("of_a", "of_b", "shared"),
    [
        (["cat", "dog"], ["cat", "dog"], True),
        (["Cat", "dog"], ["cat", "Dog"], True),
        (["caf\u00e9", "bar"], ["cafe\u0301", "bar"], True),
        (["cat", "dog"], ["cat", "fox"], False),
        (["cat", "dog"], ["cat", "dog", "fox"], False),
        (["2021/cat", "2022/cat"], ["gogh/cat", "monet/cat"], False),
        (["cat/indoors", "dog/indoors"], ["cat/1889", "dog/1890"], True),
    ],
)
def test_subfolders_are_classes_where_both_name_the_same(
    of_a: list[str], of_b: list[str], shared: bool, tmp_path: Path
) -> None:
    result = compared(classes(tmp_path / "a", *of_a), classes(tmp_path / "b", *of_b))
    assert result.shared is shared
    assert len(result.notes) == (not shared)
    assert bool(result.names) is shared


def test_classes_of_one_side_are_none_of_the_other(tmp_path: Path) -> None:
    a = classes(tmp_path / "a", "cat", "dog")
    b = folder(tmp_path / "b", "1.png", "2.png")
    result = compared(a, b)
    assert not result.shared
    assert result.notes == [
        "the subfolders of a (cat, dog) are no classes of b, which has none: no translation "
        "accuracy, and distances without a classifier."
    ]


def test_loose_images_beside_class_folders_are_said(tmp_path: Path) -> None:
    a = classes(tmp_path / "a", "cat", "dog")
    b = folder(tmp_path / "b", "cat/1.png", "dog/2.png", "loose.png", "more.png")
    result = compared(a, b)
    assert not result.shared
    assert "which has none as long as 2 images lie beside its subfolders" in result.notes[0]


def test_parts_of_a_data_set_are_no_classes(tmp_path: Path) -> None:
    a = classes(tmp_path / "a", "train", "test", "Val")
    result = compared(a, classes(tmp_path / "b", "train", "test", "Val"))
    assert result == SharedClasses(False)
    assert labels_by_folder(["train/1.png", "other/2.png"]) is not None


def test_without_any_classes_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert compared(folder(tmp_path / "a", "1.png"), folder(tmp_path / "b", "1.png")) == (
        SharedClasses(False)
    )


@pytest.mark.parametrize(
    ("of_a", "of_b", "shared"),
    [
        (([0, 1], ["cat", "dog"]), ([1, 0], ["cat", "dog"]), True),
        (([0, 1], ["cat", "dog"]), ([0, 1], ["shirt", "shoe"]), False),
        (([0, 0], ["cat", "dog"]), ([1, 1], ["cat", "dog"]), True),  # by what is declared
        (([0, 1], ["0", "1"]), ([0, 1], None), True),  # numbers name themselves
        (([0, 1, 2], None), ([0, 1], None), False),
        ((["cat", "dog"], None), (["dog", "cat"], None), True),
        ((["cat", "dog"], None), (["bird", "cat", "dog"], None), False),
        (([0, 1], ["cat", "dog"]), (["cat", "dog"], None), True),
    ],
)
def test_classes_of_tables_are_compared_by_name(
    of_a: tuple[list[Any], list[str] | None],
    of_b: tuple[list[Any], list[str] | None],
    shared: bool,
    tmp_path: Path,
) -> None:
    a, b = table(tmp_path / "a.parquet", *of_a), table(tmp_path / "b.parquet", *of_b)
    assert compared(a, b).shared is shared


def test_the_same_names_with_other_numbers_are_said(tmp_path: Path) -> None:
    a = table(tmp_path / "a.parquet", [0, 1], ["dog", "cat"])
    result = compared(a, classes(tmp_path / "b", "cat", "dog"))
    assert not result.shared
    assert "name the same classes, with other numbers" in result.notes[0]


def test_digits_are_digits_wherever_they_come_from(tmp_path: Path) -> None:
    digits = classes(tmp_path / "a", *map(str, range(10)))
    assert compared(BuiltIn(name="ink"), BuiltIn(name="sign")) == SharedClasses(True, [])
    assert compared(digits, BuiltIn(name="sign")).shared


def test_a_single_domain_has_its_own_classes(tmp_path: Path) -> None:
    b = Domain(source=classes(tmp_path / "b", "cat", "dog"))
    assert shared_classes({"b": b}) == SharedClasses(True)


def test_test_images_have_the_numbers_of_the_training_classes(tmp_path: Path) -> None:
    """A test folder that lacks a class would otherwise call dogs cats."""
    train = classes(tmp_path / "train", "bird", "cat", "dog")
    domain = Domain(source=train, test_source=classes(tmp_path / "test", "cat", "dog"), size=8)
    labels = load_images(domain, "test").labels
    assert labels is not None
    assert labels.tolist() == [1, 1, 2, 2]


def test_test_images_of_other_classes_are_unlabelled_and_that_is_said(tmp_path: Path) -> None:
    train = classes(tmp_path / "train", "cat", "dog")
    test = classes(tmp_path / "test", "cat", "fox")
    domain = Domain(source=train, test_source=test, size=8)
    assert load_images(domain, "test").labels is None
    result = compared(train, train, test_source=test)
    assert result.shared
    assert "the test images of a have classes that its training images have not" in result.notes[0]


def test_labels_without_names_keep_their_numbers() -> None:
    numbers = np.array([3, 1])
    assert renumbered(Labels(numbers), Labels(numbers, {1: "one", 3: "three"})) is numbers
