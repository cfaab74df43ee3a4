"""What an index holds, when files are read for it, and what is known the next time."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpaired.core.errors import DataError
from unpaired.data import index as indexing
from unpaired.data import index_store
from unpaired.data.codecs import decode as decoding
from unpaired.data.domain import Domain
from unpaired.data.index import ImageIndex, open_index, opened_once
from unpaired.data.leaks import find_leaks
from unpaired.data.names import PackedNames
from unpaired.data.sources import BuiltIn, Folder
from unpaired.data.splits import list_split

HOUR = 3600


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of its own."""
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are opened, in their order."""
    opened: list[str] = []
    plain = decoding.open_regular

    def noted(path: Path, name: str) -> object:
        opened.append(name)
        return plain(path, name)

    monkeypatch.setattr(decoding, "open_regular", noted)
    monkeypatch.setattr(indexing, "open_regular", noted)
    return opened


def save(path: Path, number: int, age: float = HOUR) -> None:
    """An image that differs from those of other numbers, changed `age` seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    os.utime(path, (time.time() - age,) * 2)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Six images, the last in a folder of its own."""
    for i in range(5):
        save(tmp_path / "images" / f"{i}.png", i)
    save(tmp_path / "images" / "deep" / "5.jpg", 5)
    return Folder(path=str(tmp_path / "images"))


def test_names_hashes_and_formats(folder: Folder, tmp_path: Path):
    root = tmp_path / "images"
    (root / "text.png").write_bytes(b"no image")
    os.utime(root / "text.png", (0, 0))
    index = open_index(folder)
    assert index.names == [*(f"{i}.png" for i in range(5)), "deep/5.jpg", "text.png"]
    assert index.hashes.shape == (7, 32)
    assert index.hashes.dtype == np.uint8
    for name, row in zip(index.names, index.hashes, strict=True):
        assert row.tobytes() == hashlib.sha256((root / name).read_bytes()).digest()
    assert index.formats == ["PNG"] * 5 + ["JPEG", "unreadable"]


def test_built_in_images_are_pixels():
    index = open_index(BuiltIn(name="ink", part="test"))
    assert set(index.formats) == {"pixels"}
    content = index.read(3)
    assert isinstance(content, np.ndarray)
    assert index.hashes[3].tobytes() == hashlib.sha256(content.tobytes()).digest()


def test_each_file_is_read_once_for_its_hash_and_never_again(folder: Folder, reads: list[str]):
    first = open_index(folder)
    assert reads == []  # listing alone reads nothing
    assert len(first.hashes) == 6
    assert sorted(reads) == sorted(first.names)
    reads.clear()
    second = open_index(folder)
    np.testing.assert_array_equal(second.hashes, first.hashes)
    assert second.formats == first.formats
    assert reads == []


def test_who_reads_an_image_first_brings_its_hash_along(folder: Folder, reads: list[str]):
    index = open_index(folder)
    content = index.read(2)
    assert isinstance(content, bytes)
    assert index.hashes[2].tobytes() == hashlib.sha256(content).digest()
    assert reads.count("2.png") == 1
    assert isinstance(index.read(2), Path)  # its hash is known: it is left to the decoder


def test_a_changed_file_is_read_again_and_no_other(
    folder: Folder, tmp_path: Path, reads: list[str]
):
    before = open_index(folder).hashes
    reads.clear()
    save(tmp_path / "images" / "1.png", 77)  # of the same size or not, and as old
    save(tmp_path / "images" / "new.png", 78)
    (tmp_path / "images" / "4.png").unlink()
    after = open_index(folder)
    assert after.names == ["0.png", "1.png", "2.png", "3.png", "deep/5.jpg", "new.png"]
    np.testing.assert_array_equal(after.hashes[[0, 2, 3, 4]], before[[0, 2, 3, 5]])
    assert after.hashes[1].tobytes() != before[1].tobytes()
    assert sorted(reads) == ["1.png", "new.png"]
    reads.clear()
    assert len(open_index(folder).hashes) == 6
    assert reads == []


@pytest.mark.parametrize("what", ["size", "mtime", "inode"])
def test_what_a_file_is_known_by(what: str, folder: Folder, tmp_path: Path, reads: list[str]):
    path = tmp_path / "images" / "3.png"
    assert len(open_index(folder).hashes) == 6
    reads.clear()
    state = path.stat()
    content = path.read_bytes()
    if what == "size":
        path.write_bytes(content + b"\0")
    elif what == "inode":
        (tmp_path / "other").write_bytes(content)
        os.replace(tmp_path / "other", path)
        if path.stat().st_ino == state.st_ino:
            pytest.skip("the inode was used again")
    later = 1 if what == "mtime" else 0
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + later))
    assert len(open_index(folder).hashes) == 6
    assert reads == ["3.png"]


@pytest.mark.parametrize("age", [1.0, -60.0])
def test_a_file_that_changed_just_now_is_read_again(
    age: float, folder: Folder, tmp_path: Path, reads: list[str]
):
    """Where mtimes are coarse, it may change once more and keep its own; or clocks differ."""
    path = tmp_path / "images" / "2.png"
    save(path, 2, age)
    assert len(open_index(folder).hashes) == 6
    stamp = path.stat().st_mtime_ns
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    os.utime(path, ns=(stamp, stamp))
    reads.clear()
    changed = open_index(folder).hashes[2].tobytes()
    assert reads == ["2.png"]
    assert changed == hashlib.sha256(path.read_bytes()).digest()


def test_a_file_that_vanishes_has_the_hash_of_its_name_until_it_is_back(
    folder: Folder, tmp_path: Path, reads: list[str]
):
    path = tmp_path / "images" / "0.png"
    content, state = path.read_bytes(), path.stat()
    index = open_index(folder)
    path.unlink()
    assert index.hashes[0].tobytes() == hashlib.sha256(b"0.png").digest()
    assert index.formats[0] == "unreadable"
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert open_index(folder).hashes[0].tobytes() == hashlib.sha256(content).digest()


def test_a_damaged_store_is_not_used(
    folder: Folder, cache: Path, reads: list[str], caplog: pytest.LogCaptureFixture
):
    expected = open_index(folder).hashes
    (path,) = (cache / "indexes").iterdir()
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-40] ^= 1
    for content in (bytes(flipped), whole[:100], whole[:-1], b"", b"\0" * 200):
        path.write_bytes(content)
        reads.clear()
        with caplog.at_level(logging.WARNING):
            np.testing.assert_array_equal(open_index(folder).hashes, expected)
        assert len(reads) == 6
        assert path.read_bytes()[:100] == whole[:100]
    assert "is not used" in caplog.text


def test_a_store_of_another_version_is_written_anew(
    folder: Folder, reads: list[str], monkeypatch: pytest.MonkeyPatch
):
    assert len(open_index(folder).hashes) == 6
    monkeypatch.setattr(index_store, "_VERSION", 2)
    reads.clear()
    assert len(open_index(folder).hashes) == 6
    assert len(reads) == 6


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder without rights")
def test_a_store_that_cannot_be_written_is_done_without(
    folder: Folder, cache: Path, caplog: pytest.LogCaptureFixture
):
    cache.mkdir()
    cache.chmod(0o500)
    assert len(open_index(folder).hashes) == 6
    assert "cannot be kept for next time" in caplog.text


def test_a_store_in_the_place_of_a_file_is_done_without(
    folder: Folder, cache: Path, caplog: pytest.LogCaptureFixture
):
    cache.write_text("a file")
    assert len(open_index(folder).hashes) == 6
    assert "cannot be kept for next time" in caplog.text


def test_in_a_command_a_source_is_as_it_was_when_opened(folder: Folder, tmp_path: Path):
    with opened_once():
        index = open_index(folder)
        save(tmp_path / "images" / "6.png", 6)
        assert open_index(folder) is index
        with opened_once():  # part of the same command
            assert open_index(folder) is index
        assert open_index(folder) is index
    assert len(open_index(folder)) == 7
    assert open_index(folder) is not open_index(folder)


def test_a_source_that_cannot_be_opened_is_tried_again(tmp_path: Path):
    with opened_once():
        with pytest.raises(DataError):
            open_index(Folder(path=str(tmp_path / "images")))
        save(tmp_path / "images" / "0.png", 0)
        assert len(open_index(Folder(path=str(tmp_path / "images")))) == 1


# Splits

TEST = [1, 9, 18, 34, 45, 51, 59]
VALIDATION = [19, 24, 25, 29]


def test_splits_of_a_known_folder_stay_as_they_were(tmp_path: Path):
    """Runs that were begun with earlier versions are continued: their test images stay so."""
    root = tmp_path / "known"
    root.mkdir()
    for i in range(60):  # bytes that no version of an encoder changes
        (root / f"{i:02d}.ppm").write_bytes(b"P6 4 4 255\n" + bytes([i % 50] * 48))
    domain = Domain(source=Folder(path=str(root)), test_fraction=0.1, validation_fraction=0.05)
    numbers = {s: list_split(domain, s)[1].tolist() for s in ("validation", "test", "labelled")}
    assert numbers["test"] == TEST
    assert numbers["validation"] == VALIDATION
    train = list_split(domain, "train")[1].tolist()
    assert train == numbers["labelled"]
    assert sorted(train + TEST + VALIDATION) == list(range(60))


def test_leaks_read_each_source_once(folder: Folder, tmp_path: Path, reads: list[str]):
    for i in range(20):
        save(tmp_path / "b" / f"{i}.png", i + 3)
    a, b = Domain(source=folder), Domain(source=Folder(path=str(tmp_path / "b")))
    (warning,) = find_leaks({"a": a, "b": b})["test"]
    assert warning.startswith("2 images are in both domains")
    assert len(reads) == 26


# Names


@pytest.mark.parametrize("names", [[], [""], ["a"], ["a", "", "ö/é.png", "🙂"] * 3000])
def test_packed_names_are_a_sequence_of_texts(names: list[str]):
    packed = PackedNames.pack(names)
    assert packed == names
    assert list(packed) == names
    assert len(packed) == len(names)
    assert [packed[i] for i in range(len(names))] == names
    assert packed[1:3] == names[1:3]
    assert PackedNames.pack(names) == packed
    assert PackedNames.pack([*names, "x"]) != packed
    if names:
        assert packed[-1] == names[-1]
    with pytest.raises(IndexError):
        packed[len(names)]


def test_an_index_of_pixels_in_memory_is_not_stored(cache: Path):
    records = BuiltIn(name="sign", part="validation").open()
    assert ImageIndex(records).hashes.any()
    assert not (cache / "indexes").exists()
