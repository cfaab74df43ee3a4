"""Folders of links: what data stores lay out, what is followed, and what is not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpaired.data.folder import Listing, list_images
from unpaired.data.index import open_index, opened_once
from unpaired.data.sources import Folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links want a right there")

FOLDER = (
    "is a link to a folder, which is not followed: give that folder itself, or a folder of links "
    "to its files"
)


def image(path: Path, level: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), level).save(path, "PNG")
    return path


def link(path: Path, target: Path | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def reasons(listing: Listing) -> dict[str, str]:
    return {refused.name: refused.reason for refused in listing.refused}


def test_links_to_files_are_images_wherever_they_lead(tmp_path: Path) -> None:
    elsewhere, here = image(tmp_path / "elsewhere" / "x.png"), tmp_path / "here"
    image(here / "real.png")
    link(here / "absolute.png", elsewhere)
    link(here / "relative.png", "../elsewhere/x.png")
    link(here / "chain.png", "relative.png")
    link(here / "inside.png", "real.png")
    link(here / "deep" / "up.png", "../../elsewhere/x.png")
    listing = list_images(here)
    names = ["absolute.png", "chain.png", "deep/up.png", "inside.png", "real.png", "relative.png"]
    assert listing.names == names
    assert listing.refused == []
    state = elsewhere.stat()
    assert listing.stamps[1].tolist() == [state.st_size, state.st_mtime_ns, state.st_ino]


@pytest.mark.parametrize(
    "content",
    [
        ".git/annex/objects/Xk/0v/SHA256E-s1--ab.png/SHA256E-s1--ab.png",  # git-annex
        ".dvc/cache/files/md5/ab/cdef0123",  # DVC, cache.type symlink
        "blobs/0123456789abcdef",  # huggingface_hub's snapshot_download
    ],
)
def test_layouts_of_data_stores(content: str, tmp_path: Path) -> None:
    image(tmp_path / content, level=77)
    images = tmp_path / "snapshots" / "main" / "train"
    link(images / "photo.png", os.path.relpath(tmp_path / content, images))
    source = Folder(path=str(images))
    with opened_once():
        index = open_index(source)
        assert list(index.names) == ["photo.png"]
        assert index.formats == ["PNG"]
        assert not index.records.refused


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("../.git/annex/objects/a/b/c.png", "git annex get"),
        ("../.dvc/cache/files/md5/ab/cd", "dvc pull"),
        ("../../blobs/0123", "another download from the hub"),
        ("gone.png", ""),
    ],
)
def test_a_link_to_content_that_is_not_here_says_what_brings_it(
    target: str, what: str, tmp_path: Path
) -> None:
    link(tmp_path / "images" / "x.png", target)
    (reason,) = reasons(list_images(tmp_path / "images")).values()
    assert reason == "is a broken link" + (f": {what} brings what it leads to" if what else "")


def test_loops_devices_pipes_and_folders_are_not_followed_and_said(tmp_path: Path) -> None:
    image_set, album = tmp_path / "images", tmp_path / "album"
    image(image_set / "real.png")
    image(album / "x.png")
    os.mkfifo(tmp_path / "pipe")
    for name, target in {
        "self.png": "self.png",
        "device.png": "/dev/zero",
        "pipe.png": tmp_path / "pipe",
        "album": album,
        "album.png": album,
        "up": image_set,
    }.items():
        link(image_set / name, target)
    listing = list_images(image_set)
    assert listing.names == ["real.png"]
    codes = {refused.name: refused.code for refused in listing.refused}
    assert codes["self.png"] == "link-loops"
    assert codes["device.png"] == codes["pipe.png"] == "no-regular-file"
    assert codes["album"] == codes["up"] == "link-to-folder"
    assert reasons(listing) == {
        "self.png": "is a link that loops",
        "device.png": "is a link to something that is not a regular file",
        "pipe.png": "is a link to something that is not a regular file",
        "album": FOLDER,
        "album.png": FOLDER,
        "up": FOLDER,
    }


def test_a_link_without_an_image_ending_is_counted_by_its_own_name(tmp_path: Path) -> None:
    content = image(tmp_path / "x.png")
    link(tmp_path / "images" / "photo", content)
    link(tmp_path / "images" / "photo.jpg", content)
    listing = list_images(tmp_path / "images")
    assert listing.names == ["photo.jpg"]
    assert listing.ignored == {"without extension": 1}


def test_a_folder_that_strangers_fill_leads_nowhere_else(tmp_path: Path) -> None:
    image_set = tmp_path / "images"
    secret = image(tmp_path / "secret.png")
    image(image_set / "real.png")
    link(image_set / "inside.png", "real.png")
    link(image_set / "outside.png", secret)
    link(image_set / "chain.png", "outside.png")
    listing = list_images(image_set, outside=False)
    assert listing.names == ["inside.png", "real.png"]
    outside = "is a link that leads outside the folder"
    assert reasons(listing) == {"outside.png": outside, "chain.png": outside}


def test_other_content_behind_a_link_is_hashed_anew(tmp_path: Path) -> None:
    first, second = image(tmp_path / "1", 1), image(tmp_path / "2", 2)
    os.utime(first, ns=(10**18, 10**18))
    os.utime(second, ns=(10**18, 10**18))
    assert first.stat().st_size == second.stat().st_size
    hashes = []
    for content in (first, second):
        (tmp_path / "images" / "x.png").unlink(missing_ok=True)
        link(tmp_path / "images" / "x.png", content)
        hashes.append(open_index(Folder(path=str(tmp_path / "images"))).hashes)
    assert not np.array_equal(*hashes)
