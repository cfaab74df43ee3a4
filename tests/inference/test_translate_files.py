"""Files of images: names kept, bad ones left out, nothing overwritten that was not asked for."""

from __future__ import annotations

import errno
import os
import sys
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.core.devices import has_bfloat16
from unpaired.core.errors import DataError, SettingError, UnreadableImage
from unpaired.data.codecs.settings import Decoding
from unpaired.experiment.experiment import Experiment
from unpaired.inference.files import TranslationReport, translate_files
from unpaired.inference.translator import Translator

module = import_module("unpaired.inference.files")


def build(experiment: Experiment) -> Translator:
    torch.manual_seed(0)
    networks = experiment.method.build(experiment.a, experiment.b).eval().requires_grad_(False)
    for parameter in networks.parameters():
        parameter *= 10
    return Translator(experiment, networks, torch.device("cpu"))


@pytest.fixture
def translator(tiny: Experiment) -> Translator:
    return build(tiny)


@pytest.fixture
def translate(translator: Translator, tmp_path: Path) -> Callable[..., TranslationReport]:
    """Translate in/ to out/ of the temporary folder, or what else is given."""

    def run(*inputs: object, to: Any = "b", **settings: Any) -> TranslationReport:
        given = [str(i) for i in inputs] or [str(tmp_path / "in")]
        settings = {"output": tmp_path / "out"} | settings
        return translate_files(translator, given, to=to, **settings)

    return run


def write(path: Path, size: tuple[int, int] = (32, 32), seed: int = 0, mode: str = "L") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    format = None if path.suffix else "PNG"
    Image.fromarray(pixels).convert(mode).save(path, format)
    return path


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_names_folders_and_sizes_are_kept(translate, tmp_path):
    sizes = {
        "x.png": (32, 40),
        "deep/er/y.JPG": (50, 32),
        "deep/z.webp": (33, 31),
        "t.TIFF": (32, 32),
    }
    for seed, (name, size) in enumerate(sizes.items()):
        write(tmp_path / "in" / name, size, seed)
    report = translate()
    assert report.num_translated == 4
    assert report.refused == []
    assert names(tmp_path / "out") == sorted(sizes)
    for name, (height, width) in sizes.items():
        with Image.open(tmp_path / "out" / name) as image:
            assert image.size == (width, height)
            assert image.mode == "RGB"
    assert 0 < report.network_seconds < report.seconds


def test_result_is_that_of_the_translator(translate, translator, tmp_path):
    for i in range(10):
        write(tmp_path / "in" / f"{i}.png", (32, 32 + 8 * (i % 2)), i)
    translate(batch_size=3)
    for i in range(10):
        with Image.open(tmp_path / "out" / f"{i}.png") as image:
            found = np.asarray(image).astype(int)
        alone = translator.translate(tmp_path / "in" / f"{i}.png", "b")
        limit = 16 if has_bfloat16(translator.device) else 1
        assert np.abs(found - np.asarray(alone)).max() <= limit


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Makes a .parquet file of the images 0.png, 1.png …, with ids."""
    arrow, parquet = map(pytest.importorskip, ("pyarrow", "pyarrow.parquet"))

    def make(count: int, ids: list[str] | None) -> Path:
        content = [write(tmp_path / f"{i}.png", seed=i).read_bytes() for i in range(count)]
        columns = {"image": [{"bytes": c, "path": None} for c in content]}
        path = tmp_path / "table.parquet"
        parquet.write_table(arrow.table(columns | ({"id": ids} if ids else {})), path)
        return path

    return make


def test_a_name_that_is_taken_is_said(translate, tmp_path):
    write(tmp_path / "x" / "1.png")
    write(tmp_path / "y" / "1.png")
    report = translate(tmp_path / "x", tmp_path / "y")
    assert names(tmp_path / "out") == ["1-2.png", "1.png"]
    (note,) = report.notes
    assert note.startswith(f"{tmp_path / 'y' / '1.png'} becomes 1-2.png: another image is called")


def test_tables_are_translated_under_their_ids(translate, translator, table, tmp_path):
    assert translate(table(3, ["x", "y.1", "U+1F468 200D"])).num_translated == 3
    assert names(tmp_path / "out") == ["U+1F468 200D.png", "x.png", "y.1.png"]
    with Image.open(tmp_path / "out" / "y.1.png") as image:
        found = np.asarray(image).astype(int)
    alone = np.asarray(translator.translate(tmp_path / "1.png", "b"))
    assert np.abs(found - alone).max() <= (16 if has_bfloat16(translator.device) else 1)


def test_large_images_that_go_through_small_are_told_with_the_way_out(translate, tmp_path):
    write(tmp_path / "in" / "large.png", (150, 100))
    write(tmp_path / "in" / "twice.png", (64, 64))
    write(tmp_path / "in" / "small.png", (8, 8))
    (note,) = translate().notes
    assert note.startswith(
        "1 of 3 images are more than twice as large as those of the training, 32"
    )
    assert "--resolution native" in note
    for resolution in ("native", "trained"):
        assert translate(resolution=resolution, overwrite=True).notes == []


def test_an_ending_that_no_table_has_given_is_no_lie(translate, tmp_path):
    arrow, parquet = map(pytest.importorskip, ("pyarrow", "pyarrow.parquet"))
    content = write(tmp_path / "image.webp").read_bytes()
    columns = {"image": [{"bytes": content, "path": None}] * 2, "id": ["U+1F18E", "x.png"]}
    parquet.write_table(arrow.table(columns), tmp_path / "table.parquet")
    notes = translate(tmp_path / "table.parquet").notes
    assert notes == ["x.png.png: is a WebP though its name says .png"]
    assert names(tmp_path / "out") == ["U+1F18E.png", "x.png.png"]


@pytest.mark.parametrize(
    "ids", [["../x", "y"], ["x", "x"], ["", "y"], [".x", "y"], ["a:b", "y"], None]
)
def test_ids_that_are_no_file_names_give_way_to_rows(translate, table, tmp_path, ids):
    assert translate(table(2, ids)).num_translated == 2
    assert names(tmp_path / "out") == ["row-000000.png", "row-000001.png"]


def test_the_built_in_digits_are_translated(translate, tmp_path):
    report = translate("builtin:sign:test", to="a")
    assert report.num_translated == 360
    with Image.open(sorted((tmp_path / "out").iterdir())[0]) as image:
        assert image.mode == "L"


def test_unreadable_files_are_left_out(translate, tmp_path):
    write(tmp_path / "in" / "good.png")
    (tmp_path / "in" / "empty.png").write_bytes(b"")
    (tmp_path / "in" / "page.jpg").write_text("<html>")
    whole = write(tmp_path / "in" / "half.png").read_bytes()
    (tmp_path / "in" / "half.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "in" / "gone.png").symlink_to(tmp_path / "absent.png")
    seen = []
    report = translate(progress=lambda done, total: seen.append((done, total)))
    assert report.num_translated == 1
    refused = {error.name: error.reason for error in report.refused}
    assert set(refused) == {"empty.png", "page.jpg", "half.png", "gone.png"}
    assert "zero bytes" in refused["empty.png"]
    assert names(tmp_path / "out") == ["good.png"]
    assert seen[-1] == (5, 5)


def test_strict_stops_at_the_first_unreadable_file(translate, tmp_path):
    write(tmp_path / "in" / "good.png")
    (tmp_path / "in" / "bad.png").write_bytes(b"")
    with pytest.raises(UnreadableImage, match=r"bad\.png") as caught:
        translate(strict=True)
    assert caught.value.code == "unknown-format"
    assert caught.value.exit_code == 2


def test_file_deleted_during_the_run(translate, translator, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "NUM_WORKERS", 1)
    for i in range(20):
        write(tmp_path / "in" / f"{i:02d}.png", seed=i)
    at_once = translator.translate_batch

    def delete_last(*arguments: Any) -> torch.Tensor:
        (tmp_path / "in" / "19.png").unlink(missing_ok=True)
        return at_once(*arguments)

    monkeypatch.setattr(translator, "translate_batch", delete_last)
    report = translate(batch_size=2)
    assert report.num_translated == 19
    assert [error.name for error in report.refused] == ["19.png"]
    assert "cannot be opened" in report.refused[0].reason


def test_strange_names(translate, tmp_path):
    strange = ["😀 smile.png", "new\nline.png", "-rf.png", "<script>.png", "[x].png", "%s%n.png"]
    strange += ["CON.png", "n" * 246 + ".png", "b" * 251 + ".png"]
    for name in strange:
        write(tmp_path / "in" / name)
    report = translate()
    assert report.refused == []
    assert names(tmp_path / "out") == sorted(strange)


def test_name_without_extension(translate, tmp_path):
    write(tmp_path / "photo")
    translate(tmp_path / "photo")
    assert names(tmp_path / "out") == ["photo.png"]


def test_name_that_grows_too_long_is_refused(translate, tmp_path):
    write(tmp_path / "in" / ("n" * 251 + ".png"))
    write(tmp_path / "in" / "short.png")
    report = translate(samples=2)
    assert report.num_translated == 1
    assert "name too long" in report.refused[0].reason
    assert names(tmp_path / "out") == ["short-1.png", "short-2.png"]


def test_formats_that_are_not_written_become_png(translate, tmp_path):
    for name in ("a.gif", "b.bmp", "c.ppm", "d.jpe"):
        write(tmp_path / "in" / name)
    write(tmp_path / "in" / "e.pgm")
    translate()
    assert names(tmp_path / "out") == ["a.png", "b.bmp", "c.ppm", "d.jpe", "e.png"]
    for name in names(tmp_path / "out"):
        with Image.open(tmp_path / "out" / name) as image:
            assert image.mode == "RGB"


@pytest.mark.parametrize(
    ("image_format", "expected"),
    [
        ("png", ["x.png", "y.png"]),
        ("jpeg", ["x.jpg", "y.jpeg"]),
        ("webp", ["x.webp", "y.webp"]),
        ("tiff", ["x.tif", "y.tif"]),
    ],
)
def test_chosen_format(translate, tmp_path, image_format, expected):
    write(tmp_path / "in" / "x.png")
    write(tmp_path / "in" / "y.jpeg")
    translate(image_format=image_format)
    assert names(tmp_path / "out") == expected
    for name in expected:
        with Image.open(tmp_path / "out" / name) as image:
            assert image.format == image_format.upper()


def test_16_bits_are_written_where_the_format_holds_them(tiny, tmp_path):
    deep = build(replace(tiny, a=replace(tiny.a, decoding=Decoding(depth=16))))
    for name in ("x.png", "y.jpg", "z.tif"):
        write(tmp_path / "in" / name, mode="RGB")
    translate_files(deep, [tmp_path / "in"], tmp_path / "out", "a")
    assert names(tmp_path / "out") == ["x.png", "y.png", "z.tif"]
    for name in names(tmp_path / "out"):
        with Image.open(tmp_path / "out" / name) as image:
            assert image.mode == "I;16"
    translate_files(deep, [tmp_path / "in"], tmp_path / "8", "a", image_format="jpeg")
    with Image.open(tmp_path / "8" / "x.jpg") as image:
        assert image.mode == "L"


def test_like_names_are_told_apart(translate, tmp_path):
    for name in ("in/x.gif", "in/x.png", "other/x.png", "in/x-2.png"):
        write(tmp_path / name)
    report = translate(tmp_path / "in", tmp_path / "other")
    assert report.num_translated == 4
    assert names(tmp_path / "out") == ["x-2.png", "x-3.png", "x-4.png", "x.png"]


@pytest.mark.parametrize("samples", [1, 2])
def test_a_name_stays_where_another_image_must_change_its(translate, tmp_path, samples):
    write(tmp_path / "in" / "x.gif", seed=1)
    write(tmp_path / "in" / "x.png", seed=2)
    report = translate(samples=samples)
    translate(tmp_path / "in" / "x.png", samples=samples, output=tmp_path / "alone")
    for name in names(tmp_path / "alone"):
        found = (tmp_path / folder / name for folder in ("out", "alone"))
        x, y = (np.asarray(Image.open(path)).astype(int) for path in found)
        assert np.abs(x - y).max() <= 16  # bfloat16
    (note,) = report.notes
    end = "-1" if samples > 1 else ""
    assert note.startswith(f"{tmp_path / 'in' / 'x.gif'} becomes x-2{end}.png: another image is")


def test_files_folders_and_patterns(translate, tmp_path):
    for name in ("in/a/x.png", "in/b/y.png", "in/b/no.txt.png", "in/b/z.jpg", "single.png"):
        write(tmp_path / name)
    (tmp_path / "in" / "b" / "notes.txt").write_text("")
    translate(
        tmp_path / "in" / "*" / "[xy]*", tmp_path / "single.png", tmp_path / "in" / "b" / "y.png"
    )
    assert names(tmp_path / "out") == ["a/x.png", "b/y.png", "single.png"]
    translate(tmp_path / "in" / "**", output=tmp_path / "all")
    assert names(tmp_path / "all") == ["a/x.png", "b/no.txt.png", "b/y.png", "b/z.jpg"]


def test_named_pipe_does_not_block(translate, tmp_path):
    write(tmp_path / "in" / "x.png")
    os.mkfifo(tmp_path / "pipe.png")
    report = translate(tmp_path / "in", tmp_path / "pipe.png")
    assert "not a regular file" in report.refused[0].reason


def test_what_a_link_leads_to_is_translated_and_never_overwritten(translate, tmp_path):
    path = write(tmp_path / "store" / "x.png")
    before = path.read_bytes()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.png").symlink_to("../store/x.png")
    (tmp_path / "in" / "album.png").symlink_to("../store")
    report = translate()
    assert report.num_translated == 1
    assert "is a link to a folder" in report.refused[0].reason
    with pytest.raises(SettingError) as error:
        translate(output=tmp_path / "store", overwrite=True)
    assert error.value.code == "output-replaces-input"
    assert path.read_bytes() == before


def test_heic_photos_become_png_and_are_named_without_their_package(
    translate, tmp_path, monkeypatch
):
    package = pytest.importorskip("pillow_heif")
    (tmp_path / "in").mkdir()
    for i in range(3):
        photo = package.from_pillow(Image.new("RGB", (32, 32), (90 * i, 0, 0)))
        photo.save(tmp_path / "in" / f"{i}.HEIC", quality=90)
    write(tmp_path / "in" / "x.png")
    assert translate().num_translated == 4
    assert names(tmp_path / "out") == ["0.png", "1.png", "2.png", "x.png"]
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    report = translate(output=tmp_path / "again")
    assert report.num_translated == 1
    assert [error.code for error in report.refused] == ["missing-decoder"] * 3
    assert all('pip install "unpaired[heif]"' in error.reason for error in report.refused)


def test_files_that_are_not_named_like_images_are_counted(translate, tmp_path):
    write(tmp_path / "in" / "x.png")
    for name in ("in/1.NEF", "in/2.nef", "in/notes.txt", "more/readme", "more/1.psd"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "more" / "folder").mkdir()
    report = translate(tmp_path / "in", tmp_path / "more" / "*")
    assert report.ignored == {".nef": 2, ".txt": 1, "without extension": 1, ".psd": 1}
    with pytest.raises(DataError) as error:
        translate(tmp_path / "more")
    assert error.value.code == "no-image-to-translate"
    assert "a Photoshop document, is not read: export it" in str(error.value)


def test_nothing_to_translate(translate, tmp_path):
    with pytest.raises(DataError) as error:
        translate(tmp_path / "absent")
    assert error.value.code == "input-not-found"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("")
    with pytest.raises(DataError) as error:
        translate()
    assert error.value.code == "no-image-to-translate"
    with pytest.raises(DataError) as error:
        translate(tmp_path / "in" / "*.png")
    assert error.value.code == "no-image-to-translate"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("output", ["in", "in/sub", "alias"])
def test_output_inside_the_input_folder_is_refused(translate, tmp_path, output):
    write(tmp_path / "in" / "x.png")
    (tmp_path / "alias").symlink_to(tmp_path / "in")
    with pytest.raises(SettingError) as error:
        translate(output=tmp_path / output, overwrite=True)
    assert error.value.code == "output-among-inputs"


@pytest.mark.parametrize("output", ["in", "alias"])
def test_input_files_are_never_overwritten(translate, tmp_path, output):
    path = write(tmp_path / "in" / "x.png")
    before = path.read_bytes()
    (tmp_path / "alias").symlink_to(tmp_path / "in")
    with pytest.raises(SettingError) as error:
        translate(path, output=tmp_path / output, overwrite=True)
    assert error.value.code == "output-replaces-input"
    assert path.read_bytes() == before


def test_existing_files_are_kept_unless_told_otherwise(translate, tmp_path):
    write(tmp_path / "in" / "x.png")
    write(tmp_path / "in" / "y.png")
    victim = tmp_path / "elsewhere.png"
    victim.write_bytes(b"precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x.png").symlink_to(victim)
    with pytest.raises(SettingError, match=r"1 of 2 .*x\.png.*--skip-existing") as error:
        translate()
    assert (error.value.code, error.value.setting) == ("outputs-exist", "skip_existing")
    assert names(tmp_path / "out") == ["x.png"]
    assert translate(overwrite=True).num_translated == 2
    assert victim.read_bytes() == b"precious"  # the link was replaced, not followed
    assert not (tmp_path / "out" / "x.png").is_symlink()


def test_an_interrupted_translation_goes_on_with_what_is_missing(translate, tmp_path):
    for i in range(4):
        write(tmp_path / "in" / f"{i}.png", seed=i)
    translate(tmp_path / "in" / "0.png", tmp_path / "in" / "1.png")
    first = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in ("0.png", "1.png")}
    (tmp_path / "out" / "2.png").touch()  # what a crash of the machine may leave
    (tmp_path / "out" / ".unpaired-1-2").write_bytes(b"\x89PNG")  # a file that was being written
    progress: list[tuple[int, int]] = []
    report = translate(skip_existing=True, progress=lambda *counts: progress.append(counts))
    assert (report.num_translated, report.num_skipped) == (2, 2)
    assert progress[-1] == (2, 2)  # of those that were left
    for name, written in first.items():
        assert (tmp_path / "out" / name).stat().st_mtime_ns == written
    with Image.open(tmp_path / "out" / "2.png") as image:
        image.load()
    again = translate(skip_existing=True)
    assert (again.num_translated, again.num_skipped, again.refused) == (0, 4, [])


def test_an_image_is_skipped_only_if_all_of_its_samples_exist(translate, tmp_path):
    for i in range(2):
        write(tmp_path / "in" / f"{i}.png", seed=i)
    translate(samples=2, style_seed=7)
    whole = {name: (tmp_path / "out" / name).read_bytes() for name in names(tmp_path / "out")}
    (tmp_path / "out" / "1-2.png").unlink()
    report = translate(samples=2, style_seed=7, skip_existing=True)
    assert (report.num_translated, report.num_skipped) == (1, 1)
    assert names(tmp_path / "out") == sorted(whole)
    assert (tmp_path / "out" / "0-1.png").read_bytes() == whole["0-1.png"]


def test_what_is_skipped_keeps_the_names_of_the_others(translate, tmp_path):
    """x.gif becomes x-2.png, whether or not x.png exists."""
    write(tmp_path / "in" / "x.gif")
    write(tmp_path / "in" / "x.png", seed=1)
    translate()
    expected = names(tmp_path / "out")
    (tmp_path / "out" / "x.png").unlink()
    assert translate(skip_existing=True).num_translated == 1
    assert names(tmp_path / "out") == expected


def test_existing_translations_are_replaced_or_kept_but_not_both(translate, tmp_path):
    write(tmp_path / "in" / "x.png")
    with pytest.raises(SettingError) as error:
        translate(overwrite=True, skip_existing=True)
    assert (error.value.code, error.value.setting) == ("overwrite-or-skip", "skip_existing")
    assert not (tmp_path / "out").exists()


def test_output_must_be_a_folder(translate, tmp_path):
    write(tmp_path / "in" / "x.png")
    (tmp_path / "file").write_text("")
    for output in (tmp_path / "file", tmp_path / "picture.png"):
        with pytest.raises(SettingError) as error:
            translate(output=output)
        assert error.value.code == "output-is-no-folder"


def test_nothing_of_the_original_is_passed_on(translate, tmp_path):
    path = write(tmp_path / "in" / "x.png")
    with Image.open(path) as image:
        image.load()
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    image.save(path, exif=exif, icc_profile=b"profile of where I live")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("payload", "where I live")
    image.save(tmp_path / "in" / "y.jpg", exif=exif)
    assert translate().num_translated == 2
    for name in ("x.png", "y.jpg"):
        content = (tmp_path / "out" / name).read_bytes()
        assert b"where I live" not in content
        assert b"PK" not in content[-100:]


def test_samples_are_numbered_and_reproducible(translate, tmp_path):
    for i in range(5):
        write(tmp_path / "in" / f"{i}.png", seed=i)
    translate(samples=3, style_seed=7)
    assert len(names(tmp_path / "out")) == 15
    content = {(tmp_path / "out" / f"2-{k}.png").read_bytes() for k in (1, 2, 3)}
    assert len(content) == 3
    translate(tmp_path / "in" / "2.png", samples=3, style_seed=7, output=tmp_path / "again")
    for k in (1, 2, 3):
        found, expected = (
            np.asarray(Image.open(tmp_path / folder / f"2-{k}.png")).astype(int)
            for folder in ("again", "out")
        )
        assert np.abs(found - expected).max() <= 16  # bfloat16


def test_memory_is_bounded_when_every_size_is_another(translate, translator, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "VALUES_IN_MEMORY", 5 * 32 * 48)
    monkeypatch.setattr(module, "NUM_WORKERS", 2)
    for i in range(30):
        write(tmp_path / "in" / f"{i}.png", (32, 32 + 4 * i), i)
    read, alive, most = module._Run._read, [], []
    lock = threading.Lock()

    def count_read(run: Any, job: Any) -> Any:
        with lock:
            alive.append(job)
        return read(run, job)

    at_once = translator.translate_batch

    def count_batch(pixels: torch.Tensor, *rest: Any) -> torch.Tensor:
        result = at_once(pixels, *rest)
        with lock:
            most.append(len(alive))
            del alive[: len(pixels)]
        return result

    monkeypatch.setattr(module._Run, "_read", count_read)
    monkeypatch.setattr(translator, "translate_batch", count_batch)
    assert translate(batch_size=64).num_translated == 30
    assert max(most) <= 12


def test_disk_full_ends_the_call(translate, tmp_path, monkeypatch):
    write(tmp_path / "in" / "x.png")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(DataError, match=r"x\.png cannot be written: No space left") as error:
        translate()
    assert error.value.code == "output-unwritable"
    assert names(tmp_path / "out") == []


def test_image_too_large_for_its_format_or_the_device_is_left_out(
    translate, translator, tmp_path, monkeypatch
):
    write(tmp_path / "in" / "long.png", (4, 17000))
    write(tmp_path / "in" / "x.png")
    report = translate(image_format="webp", resolution="native")
    assert report.num_translated == 1
    assert "cannot be written as" in report.refused[0].reason
    assert names(tmp_path / "out") == ["x.webp"]

    def full_gpu(*_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(translator, "_translate_at_once", full_gpu)
    report = translate(output=tmp_path / "gpu")
    assert len(report.refused) == 2
    assert "GPU's memory" in report.refused[0].reason


def test_warnings_are_reported(translate, tmp_path):
    frames = [Image.new("L", (32, 32), level) for level in (0, 90)]
    (tmp_path / "in").mkdir()
    frames[0].save(tmp_path / "in" / "x.gif", save_all=True, append_images=frames[1:])
    assert translate().notes == ["x.gif: animated: the first of 2 frames is used"]


def test_batch_size_without_meaning(translate, tmp_path):
    write(tmp_path / "in" / "x.png")
    with pytest.raises(SettingError, match="batch_size is 0") as error:
        translate(batch_size=0)
    assert (error.value.code, error.value.setting) == ("batch-size-too-small", "batch_size")


@pytest.mark.parametrize("kind", [str, Path])
def test_one_input_needs_no_list(translator, tmp_path, monkeypatch, kind):
    """Letter by letter, "./in" would be all of this folder, and all of the disk."""
    monkeypatch.chdir(tmp_path)
    write(Path("in/1.png"))
    write(Path("other/2.png"))
    report = translate_files(translator, kind("./in"), "out", "b")
    assert report.num_translated == 1
    assert names(tmp_path / "out") == ["1.png"]


def test_a_physical_range_is_read_and_its_translations_are_black_to_white(tiny, tmp_path):
    ranged = replace(tiny, b=replace(tiny.b, range=(-10.0, 4095.0)))
    write(tmp_path / "in" / "x.png")
    (note,) = translate_files(build(ranged), tmp_path / "in", tmp_path / "out", "b").notes
    assert note.startswith("the numbers -10 and 4095 of b.range are written as black and white")
    assert translate_files(build(ranged), tmp_path / "in", tmp_path / "a", "a").notes == []


def test_a_range_for_reading_is_that_of_one_domain_and_never_of_label_maps(tiny):
    translator = build(tiny)
    translator.read_as("a", range=(0.0, 10.0))
    assert (translator.experiment.a.range, translator.experiment.b.range) == ((0.0, 10.0), None)
    labels = replace(tiny.b, palette=((0, 0, 0), (255, 255, 255)))
    translator.experiment = replace(tiny, b=labels)
    translator.read_as(range=(0.0, 10.0))
    assert translator.experiment.b.range is None
    with pytest.raises(SettingError) as error:
        translator.read_as("b", range=(0.0, 10.0))
    assert (error.value.code, error.value.setting) == ("range-of-label-maps", "range")
