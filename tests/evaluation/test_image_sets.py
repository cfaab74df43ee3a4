from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.core.errors import DataError
from unpaired.data.sources import BuiltIn, Folder, Source
from unpaired.evaluation import image_sets as made_images
from unpaired.evaluation.files import evaluate_images
from unpaired.evaluation.image_sets import ImageSetMeasurements
from unpaired.features import CLIP, Extractor, Inception, Loaded, Pixels
from unpaired.features.extract import ImageSet, image_set_of, open_image_set


@pytest.fixture
def image_set(tmp_path: Path) -> Callable[..., Folder]:
    """Makes a folder of random images: `pile(name, count, seed)`."""

    def make(
        name: str,
        count: int,
        seed: int,
        *,
        grey: bool = False,
        side: int = 80,
        form: str = "png",
        clear: bool = False,
    ) -> Folder:
        folder = tmp_path / name
        folder.mkdir()
        random = np.random.default_rng(seed)
        for i in range(count):
            image = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
            image[:] = image[:1, :1, :1] if grey else (image + random.integers(0, 256, 3)) // 2
            picture = Image.fromarray(image)
            if clear:
                picture.putalpha(100)
            picture.save(folder / f"{i:03d}.{form}")
        return Folder(path=str(folder))

    return make


def evaluator(
    made: Source,
    real: Source,
    *extractors: Extractor,
    more_real: Source | None = None,
    unchanged: Source | None = None,
    resamples: int = 0,
) -> list[ImageSetMeasurements]:
    """`made_images.compare`, of sources."""
    return [
        made_images.compare(
            open_image_set(made),
            open_image_set(real),
            extractor.load(torch.device("cpu")),
            more_real=more_real and open_image_set(more_real),
            unchanged=unchanged and open_image_set(unchanged),
            resamples=resamples,
        )
        for extractor in extractors
    ]


class Blind(Pixels):
    """Sees the brightness of the whole, in steps."""

    def load(self, device: torch.device) -> Loaded:
        loaded = super().load(device)
        loaded.weights_hash = "blind"
        loaded.features = lambda images: images.mean((2, 3)).round()
        return loaded


class Stand:
    """Stands for a network: its features are the image at 8×8 and noise of its own."""

    def __init__(self, name: str) -> None:
        self.name, self.weights_hash, self.resize = name, "w", "r"
        self.pixels = Pixels().load(torch.device("cpu"))
        self.prepare, self.features = self.pixels.prepare, self.pixels.features


def test_real_images_are_as_near_as_the_floor_and_others_are_not():
    real, more = BuiltIn(name="sign", part="test"), BuiltIn(name="sign", part="validation")
    near = evaluator(more, real, Pixels(), resamples=5)[0].metrics
    far = evaluator(BuiltIn(name="ink", part="test"), real, Pixels(), resamples=5)
    assert near["fd/pixels"].value < 2 * near["fd/pixels/floor"].value
    distant = far[0].metrics
    assert distant["fd/pixels"].low > 10 * distant["fd/pixels/floor"].high
    assert distant["kd/pixels"].value > 10 * distant["kd/pixels/floor"].high
    assert distant["coverage/pixels"].value < 0.1 < 0.8 < near["coverage/pixels"].value
    assert any("grey" in note for note in far[0].notes)
    for metrics, counts in ((near, (180, 120)), (distant, (360, 180))):  # 360 real images
        assert metrics["fd/pixels/infinity"].value < metrics["fd/pixels"].value
        assert (metrics["fd/pixels"].n, metrics["fd/pixels/floor"].n) == counts


def test_more_real_images_give_a_floor_at_the_full_number():
    real, more = BuiltIn(name="sign", part="test"), BuiltIn(name="sign", part="train")
    found = evaluator(BuiltIn(name="ink", part="test"), real, Pixels(), more_real=more)
    assert found[0].metrics["fd/pixels/floor"].n == found[0].metrics["fd/pixels"].n == 360


@pytest.mark.parametrize(("num_made", "num_real"), [(150, 150), (100, 1000), (1000, 100)])
def test_a_perfect_model_comes_to_its_floor(num_made: int, num_real: int):
    """All images are of one kind: what is measured is what the numbers of images make of it."""
    random = torch.Generator().manual_seed(0)

    def image_set(name: str, count: int) -> ImageSet:
        quarters = torch.randint(0, 256, (count, 3, 2, 2), dtype=torch.uint8, generator=random)
        names = [str(i) for i in range(count)]
        return image_set_of(quarters.repeat_interleave(4, 2).repeat_interleave(4, 3), names, name)

    made, real, more = (
        image_set("made", num_made),
        image_set("real", num_real),
        image_set("more", 2000),
    )
    metrics = made_images.compare(made, real, Stand("clip"), more_real=more, resamples=0).metrics
    names = ("kd", "fd", "cmmd", "precision", "recall", "density", "coverage")
    found = {name: (metrics[f"{name}/clip"], metrics[f"{name}/clip/floor"]) for name in names}
    assert all(number.n == floor.n for number, floor in found.values())
    close = {"fd": 0.2, "cmmd": 0.03, "precision": 0.1, "recall": 0.1, "density": 0.2}
    for name, tolerance in (close | {"coverage": 0.1}).items():
        number, floor = found[name]
        assert number.value == pytest.approx(floor.value, abs=tolerance), name


def test_the_protocol_says_what_the_number_depends_on(image_set: Callable[..., Folder]):
    real = image_set("real", 8, 0)
    first = evaluator(image_set("made", 8, 1), real, Pixels())[0]
    assert first.protocol.extractor == "pixels"
    assert first.protocol.counts == (8, 8)
    assert first.protocol.formats == ("PNG", "PNG")
    assert first.protocol.resize == "averaged to 8×8"
    fingerprints = {first.protocol.fingerprint}
    for other in (image_set("fewer", 7, 1), image_set("jpeg", 8, 1, form="jpg")):
        fingerprints.add(evaluator(other, real, Pixels())[0].protocol.fingerprint)
    assert len(fingerprints) == 3
    same = evaluator(image_set("others", 8, 2), real, Pixels())[0]
    assert same.protocol.fingerprint == first.protocol.fingerprint


def test_one_record_for_each_extractor(
    image_set: Callable[..., Folder], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(CLIP, "load", lambda self, device: Stand("clip"))
    found = evaluator(
        image_set("made", 12, 0), image_set("real", 10, 1), Pixels(), CLIP(), resamples=5
    )
    names = [set(judged.metrics) for judged in found]
    assert "fd/pixels" in names[0]
    assert not any("clip" in name for name in names[0])
    assert {"cmmd/clip", "cmmd/clip/floor", "fd/clip", "precision/clip"} <= names[1]
    assert found[1].metrics["cmmd/clip"].value > 0


def test_fid_of_few_images_is_led_by_kid(
    image_set: Callable[..., Folder], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Inception, "load", lambda self, device: Stand("inception"))
    made, real = image_set("made", 12, 0), image_set("real", 10, 1)
    few = evaluator(made, real, Inception())
    assert next(iter(few[0].metrics)) == "kd/inception"
    assert any("with 10 images, FID" in note and "read KID" in note for note in few[0].notes)
    monkeypatch.setattr(made_images, "FEWEST_FOR_FID", 10)
    enough = evaluator(made, real, Inception())
    assert next(iter(enough[0].metrics)) == "fd/inception"
    assert not any("read KID" in note for note in enough[0].notes)


@pytest.mark.parametrize(
    ("made", "real", "words"),
    [
        ({"grey": True}, {}, "the generated images are grey"),
        ({}, {"grey": True}, "the real images are grey"),
        (
            {"clear": True},
            {},
            "the generated images are transparent: they are measured before white",
        ),
        ({"form": "jpg"}, {}, "the generated images are JPEG and the real ones PNG"),
        ({"seed": 1}, {}, "8 generated images are byte for byte among the real ones"),
        ({"side": 64}, {}, "up to 64 pixels a side, the real ones up to 80"),
        ({}, {}, "with 8 images and 192 features, fd/pixels is mostly its own bias"),
        ({}, {}, "--more-real photos/"),
    ],
)
def test_what_misleads_is_said(
    image_set: Callable[..., Folder], made: dict[str, object], real: dict[str, object], words: str
):
    settings = {"count": 8, "seed": 0} | made
    found = evaluator(image_set("made", **settings), image_set("real", 8, 1, **real), Pixels())
    assert any(words in note for note in found[0].notes), found[0].notes


def test_small_images_are_not_for_inception(
    image_set: Callable[..., Folder], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Inception, "load", lambda self, device: Stand("inception"))
    small = evaluator(
        image_set("small", 8, 0, side=32),
        image_set("real", 8, 1, side=32),
        Inception(),
        resamples=0,
    )
    assert any("enlarged to 299" in note for note in small[0].notes)
    large = evaluator(image_set("large", 8, 2), image_set("photos", 8, 3), Inception())
    assert not any("enlarged" in note for note in large[0].notes)


def test_a_collapsed_model_has_numbers_and_is_called_so(image_set: Callable[..., Folder]):
    made = image_set("made", 8, 0)
    first, *rest = sorted(Path(made.path).iterdir())
    for path in rest:
        path.write_bytes(first.read_bytes())
    found = evaluator(made, image_set("real", 8, 1), Pixels(), resamples=20)
    assert any("all 8 generated images are the same file" in note for note in found[0].notes)
    assert not any("sees no difference" in note for note in found[0].notes)  # it is said once
    metrics = found[0].metrics
    assert all(np.isfinite([m.value, m.low, m.high]).all() for m in metrics.values())
    assert metrics["recall/pixels"].value == 0


def test_one_image_is_no_image_set(image_set: Callable[..., Folder]):
    with pytest.raises(DataError) as error:
        evaluator(image_set("made", 1, 0), image_set("real", 8, 1), Pixels())
    assert error.value.code == "one-usable-image"


def test_unreadable_images_are_counted(image_set: Callable[..., Folder]):
    made = image_set("made", 8, 0)
    (Path(made.path) / "003.png").write_bytes(b"")
    found = evaluator(made, image_set("real", 8, 1), Pixels())
    assert any("1 of 8 images are unreadable (first: 003.png" in note for note in found[0].notes)
    assert found[0].protocol.counts == (7, 8)


def test_beside_the_made_images_stand_the_inputs(image_set: Callable[..., Folder]):
    made, real, inputs = (
        image_set("made", 9, 0),
        image_set("real", 10, 1),
        image_set("inputs", 9, 2),
    )
    (found,) = evaluator(made, real, Pixels(), unchanged=inputs)
    (plain,) = evaluator(inputs, real, Pixels())
    for name in ("kd/pixels", "fd/pixels"):
        assert found.metrics[f"{name}/input"] == plain.metrics[name]
        assert f"{name}/input" not in plain.metrics
    assert found.protocol.fingerprint == plain.protocol.fingerprint


def test_images_that_differ_where_an_extractor_does_not_look(image_set: Callable[..., Folder]):
    made = image_set("made", 8, 0)
    for i, path in enumerate(sorted(Path(made.path).iterdir())):
        image = np.full((80, 80, 3), 99, np.uint8)
        image[40, 40 + i] += 1  # lost in an average
        image[40, 41 + i] -= 1
        Image.fromarray(image).save(path)
    (found,) = evaluator(made, image_set("real", 8, 1), Blind())
    assert any("pixels sees no difference between the generated images" in n for n in found.notes)


def test_formats_without_loss_are_alike(image_set: Callable[..., Folder]):
    made, real = image_set("made", 8, 0, form="bmp"), BuiltIn(name="ink", part="test")
    (found,) = evaluator(made, real, Pixels())
    assert not any("compression" in note for note in found.notes)
    assert found.protocol.formats == ("BMP", "pixels")


def test_what_is_no_image_is_said(image_set: Callable[..., Folder]):
    generated, real = image_set("generated", 4, 0), image_set("real", 4, 1)
    for i in range(60):
        (Path(real.path) / f"{i}.psd").touch()
    (Path(generated.path) / "broken.png").symlink_to("gone.png")
    record = evaluate_images(generated.path, real.path, extractor="pixels", device="cpu")
    notes = record["notes"]
    assert f"{generated.path}: left out broken.png: is a broken link" in notes
    (line,) = (note for note in notes if note.startswith(f"{real.path}: left out"))
    assert "60 other files (60 .psd), not named like images" in line
