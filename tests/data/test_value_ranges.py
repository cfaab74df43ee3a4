"""Which range suits the numbers of image files, and that check and train say so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from unpaired.cli.main import main
from unpaired.core.errors import DataError
from unpaired.data.codecs.decode import decode
from unpaired.data.codecs.decoded import Values
from unpaired.data.codecs.settings import Decoding, Reading
from unpaired.data.dataset import load_images
from unpaired.data.domain import Domain
from unpaired.data.first_images import probe_images
from unpaired.data.sources import Folder
from unpaired.data.value_ranges import advise
from unpaired.experiment.experiment import Experiment
from unpaired.training.checks import unsuited_ranges


def some(largest: float, limit: int | None = 65535, smallest: float = 0) -> Values:
    return Values(smallest, largest, limit)


def sets(*values: Values) -> dict[str, Values]:
    return {f"{i}.png": v for i, v in enumerate(values)}


@pytest.mark.parametrize(
    ("largest", "limit", "proposal"),
    [
        (4095, 65535, "0 4095"),
        (3990, 65535, "0 4095"),
        (1023, 65535, "0 1023"),
        (16383, 65535, "0 16383"),
        (255, 65535, "0 255"),
        (1, 65535, "0 1"),
        (1, 255, "0 1"),
        (33, 255, "0 63"),
        (500, 4095, "0 511"),
    ],
)
def test_integers_of_fewer_bits_than_their_file(largest: int, limit: int, proposal: str):
    advice = advise(sets(some(largest, limit), some(largest // 2 + 1, limit)))
    assert advice is not None
    assert advice.sentence("a") == f"values 0…{largest} of {limit}: --a.range {proposal}"


@pytest.mark.parametrize(
    ("largest", "limit"), [(65535, 65535), (40000, 65535), (255, 255), (90, 255), (4095, 4095)]
)
def test_integers_that_fill_their_bits_need_no_range(largest: int, limit: int):
    assert advise(sets(some(largest, limit), some(largest, limit))) is None


def test_eight_bits_that_were_stretched_to_sixteen_are_as_bright_as_before():
    bright, dark = (Values(0, 257 * level, 65535, step=257) for level in (100, 40))
    assert advise(sets(bright, dark)) is None
    advice = advise(sets(dark))
    assert advice is not None
    assert advice.proposal == (0, 63 * 257)


def test_one_bright_outlier_hides_nothing_and_is_named():
    values = sets(*[some(4095)] * 59, some(60000))
    advice = advise(values)
    assert advice is not None
    assert advice.sentence("b") == (
        "values 0…4095 of 65535 in 59 of 60 images (59.png has up to 60000): --b.range 0 4095"
    )
    assert advise(sets(*[some(4095)] * 50, *[some(60000)] * 10)) is None


def test_numbers_with_a_sign_or_a_point():
    for smallest, largest, proposal in (
        (-1024, 3071, (-1024, 3071)),
        (0.002, 0.98, (0, 1)),
        (-0.7, 0.9, (-1, 1)),
        (271.32, 310.9, (271, 311)),
    ):
        advice = advise(sets(some(largest, None, smallest)))
        assert advice is not None
        assert advice.proposal == proposal


def test_values_that_lie_high_and_near_together():
    advice = advise(sets(some(33_000, smallest=32_000)))
    assert advice is not None
    assert advice.proposal == (32_000, 33_000)


def test_no_range_suits_files_of_two_widths():
    advice = advise(sets(some(4095), some(4095), some(255, 255), some(255, 255), some(250, 255)))
    assert advice is not None
    assert advice.proposal is None
    assert advice.text.startswith("values 0…4095 of 65535 in 2 images, beside 3 of other bits")


def test_blank_images_say_nothing():
    assert advise(sets(some(0), some(0, 255))) is None
    assert advise({}) is None


def test_a_range_that_is_set():
    twelve = sets(some(4095), some(4000))
    assert advise(twelve, (0, 4095)) is None
    assert advise(twelve, (1000, 2000)) is None  # a window, as radiologists set it
    advice = advise(twelve, (0, 65535))
    assert advice is not None
    assert "changes nothing" in advice.text
    advice = advise(sets(some(255, 255)), (0, 4095))
    assert advice is not None
    assert advice.sentence("a").startswith("values 0…255 use 6% of the range 0…4095 that is set")
    advice = advise(twelve, (0, 60000))
    assert advice is not None
    assert advice.sentence("a").endswith(": --a.range 0 4095")


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_decoding_knows_the_numbers_of_files(format: str, tmp_path: Path):
    def values(pixels: Any, **reading: Any) -> Values:
        path = tmp_path / f"image.{format.lower()}"
        Image.fromarray(pixels).save(path)
        decoded = decode(path, name="x", channels=1, decoding=Reading(**reading))
        return decoded.values

    twelve = np.arange(64, dtype=np.uint16).reshape(8, 8) * 65
    assert values(twelve) == Values(0, 4095, 65535)
    assert values(twelve, depth=16) == Values(0, 4095, 65535)
    assert values(twelve, range=(0, 4095)) == Values(0, 4095, 65535)
    assert values(twelve // 65 * 257) == Values(0, 63 * 257, 65535, step=257)
    eight = np.arange(64, dtype=np.uint8).reshape(8, 8)
    for reading in ({}, {"depth": 16}, {"range": (0, 63)}):
        assert values(eight, **reading) == Values(0, 63, 255)


def test_integers_outside_of_their_range_are_told_as_floats_are(tmp_path: Path):
    Image.fromarray(np.full((8, 8), 5000, np.uint16)).save(tmp_path / "x.png")
    found = decode(tmp_path / "x.png", name="x", channels=1, decoding=Reading(range=(0.0, 4095.0)))
    assert found.notes == ("has values from 5000 to 5000, clipped to 0..4095",)


def fill(folder: Path, kind: str, count: int = 12) -> str:
    """Images of noise of a kind, in a folder."""
    random = np.random.default_rng(len(kind))
    folder.mkdir()
    for i in range(count):
        if kind == "rgb 12":
            pixels = random.integers(0, 4096, (32, 32, 3)).astype(np.uint16)
            tifffile.imwrite(folder / f"{i}.tif", pixels, photometric="rgb")
        elif kind == "ct":
            pixels = random.integers(-1024, 3072, (32, 32)).astype(np.int16)
            tifffile.imwrite(folder / f"{i}.tif", pixels)
        elif kind == "float":
            pixels = random.random((32, 32)).astype(np.float32)
            Image.fromarray(pixels).save(folder / f"{i}.tif")
        elif kind == "mask":
            pixels = random.integers(0, 2, (32, 32)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
        else:
            high = {"12": 4096, "16": 65536}[kind]
            pixels = random.integers(0, high, (32, 32)).astype(np.uint16)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    return str(folder)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("12", "values 0…4095 of 65535: --a.range 0 4095"),
        ("rgb 12", "values 0…4095 of 65535: --a.range 0 4095"),
        ("mask", "values 0…1 of 255: --a.range 0 1"),
        ("ct", "of which the files do not say what is white: --a.range -1024 3071"),
        ("16", ""),
    ],
)
def test_check_proposes_a_range(
    kind: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    a, b = fill(tmp_path / "a", kind), fill(tmp_path / "b", "16")
    main(["check", "--a", a, "--b", b])
    text = capsys.readouterr().out
    assert (line in text) if line else (".range" not in text)
    assert "--b.range" not in text
    main(["check", "--a", a, "--b", b, "--json"])
    proposal = json.loads(capsys.readouterr().out)["image_sets"]["a"]["range"]
    if not line:
        assert proposal is None
        return
    flags = ["--a.range", *(f"{number:g}" for number in proposal)]
    main(["check", "--a", a, "--b", b, *flags])
    text = capsys.readouterr().out
    assert "12 of 12 usable" in text
    assert ".range" not in text


def domains(folder: Path, kind: str, **settings: Any) -> Experiment:
    """Images of a kind as domain a, and such as fill 16 bits as b."""
    sources = [fill(folder / "a", kind, 30), fill(folder / "b", "16", 30)]
    a, b = (Domain(source=Folder(path=path), size=32, channels=1) for path in sources)
    return Experiment(a=replace(a, **settings), b=b)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    ("kind", "settings", "warnings"),
    [
        ("12", {}, ["a has values 0…4095 of 65535: --a.range 0 4095"]),
        ("mask", {}, ["a has values 0…1 of 255: --a.range 0 1"]),
        ("12", {"range": (0.0, 4095.0)}, []),
        ("16", {}, []),
        (
            "16",
            {"range": (0.0, 65535.0)},
            ["a has values 0…655", ": setting the range 0…65535 changes nothing"],
        ),
    ],
)
def test_training_warns_as_check_does(
    kind: str, settings: dict[str, Any], warnings: list[str], depth: Any, tmp_path: Path
):
    experiment = domains(tmp_path, kind, decoding=Decoding(depth=depth), **settings)
    images: Any = {name: load_images(d, "train") for name, d in experiment.domains.items()}
    found = unsuited_ranges(experiment, images)
    assert len(found) == bool(warnings)
    assert all(part in found[0] for part in warnings)


def test_the_former_name_of_the_range_has_its_effect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    a, b = fill(tmp_path / "a", "12"), fill(tmp_path / "b", "16")
    flags = ["--a", a, "--b", b, "--a.decoding.float-range", "0", "4095"]
    assert main(["train", *flags, "--dry-run"]) == 0
    stored = json.loads(capsys.readouterr().out)["experiment"]
    assert stored["a"]["range"] == [0, 4095]
    main(["check", *flags])
    assert ".range" not in capsys.readouterr().out


def test_check_counts_transparent_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    a, b = fill(tmp_path / "a", "16"), fill(tmp_path / "b", "16")
    for i in range(3):
        Image.new("RGBA", (32, 32), (i, 2, 3, 90 * i)).save(tmp_path / "a" / f"clear-{i}.png")
    Image.new("RGBA", (32, 32), (1, 2, 3, 255)).save(tmp_path / "a" / "opaque.png")
    main(["check", "--a", a, "--b", b])
    assert "3 images are transparent: their background is shown as --a.decoding.background" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("kind", "proposal"), [("ct", "--a.range -1024 3071"), ("float", "--a.range 0 1")]
)
def test_train_names_the_range_that_lets_numbers_pass(kind: str, proposal: str, tmp_path: Path):
    with pytest.raises(DataError) as error:
        probe_images(Folder(path=fill(tmp_path / "a", kind)))
    assert error.value.code == "no-readable-image"
    assert str(error.value).endswith(f"of which the files do not say what is white: {proposal}")


@pytest.mark.parametrize(
    ("kind", "range", "is_deep"),
    [("mask", (0.0, 7.0), False), ("12", (0.0, 4095.0), True), ("float", (0.0, 1.0), True)],
)
def test_a_range_gives_no_file_more_bits_than_it_has(
    kind: str, range: tuple[float, float], is_deep: bool, tmp_path: Path
):
    first = probe_images(Folder(path=fill(tmp_path / "a", kind)), Reading(range=range))
    assert first.sixteen_bits == is_deep
