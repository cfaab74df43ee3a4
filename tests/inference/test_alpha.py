"""Transparency of images is that of their translations, wherever it can be held."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from unpaired.core.errors import SettingError
from unpaired.data.codecs.settings import Decoding
from unpaired.data.domain import Domain
from unpaired.data.pixels import with_alpha
from unpaired.data.sources import BuiltIn
from unpaired.experiment.experiment import Experiment
from unpaired.inference.files import translate_files
from unpaired.inference.translator import Translator

NOISE = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
# From transparent to opaque, with whole columns of both.
ALPHA = np.tile(np.linspace(-40, 295, 40).clip(0, 255).round().astype(np.uint8), (32, 1))
RGBA = np.dstack([NOISE, ALPHA])


def build(experiment: Experiment) -> Translator:
    torch.manual_seed(0)
    exact = replace(experiment, training=replace(experiment.training, precision="float32"))
    networks = exact.method.build(exact.a, exact.b).eval().requires_grad_(False)
    return Translator(exact, networks, torch.device("cpu"))


@pytest.fixture
def translator(tiny: Experiment) -> Translator:
    return build(tiny)


def opaque(translator: Translator) -> Any:
    """The translation of the image before its white background."""
    white = Image.new("RGBA", (40, 32), "white")
    front = Image.alpha_composite(white, Image.fromarray(RGBA)).convert("RGB")
    return translator.translate(np.asarray(front), "b")


def test_alpha_is_carried_over_and_opaque_pixels_are_as_translated(translator):
    found = translator.translate(RGBA, "b")
    assert found.shape == (32, 40, 4)
    np.testing.assert_array_equal(found[..., 3], ALPHA)
    whole = opaque(translator)
    for here in (ALPHA < 1, ALPHA > 254):
        np.testing.assert_array_equal(found[here, :3], whole[here])


def test_before_its_background_a_translation_looks_as_translated_without_alpha(translator):
    found = translator.translate(Image.fromarray(RGBA), "b")
    assert found.mode == "RGBA"
    on_white = Image.alpha_composite(Image.new("RGBA", found.size, "white"), found).convert("RGB")
    share = ALPHA[..., None] / 255
    # Where the networks made less light than the background alone lends, none can be taken out.
    possible = opaque(translator) >= 255 * (1 - share)
    difference = np.abs(np.asarray(on_white).astype(int) - opaque(translator))
    assert possible.mean() > 0.5
    assert difference[possible & (share > 0)].max() <= 2


def test_a_halo_of_the_background_is_taken_out():
    """A black disc whose rim is half transparent, seen before white as grey: the rim is black."""
    domain = Domain(source=BuiltIn(name="ink"))
    rim = np.full((1, 1, 3), 127, np.uint8)
    found = with_alpha(rim, np.full((1, 1, 1), 128, np.uint8), domain, domain)
    assert found[0, 0].tolist() == [0, 0, 0, 128]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "La", "PA", "P", "RGB", "L", "RGBa"])
def test_every_transparent_mode_of_pillow(translator, mode):
    image = Image.fromarray(RGBA)
    if mode in ("P", "RGB", "L"):  # one colour is transparent
        image = image.convert("RGB").convert(mode)
        key = image.getpixel((0, 0))
        image.info["transparency"] = key
        expected = np.asarray(image.convert("RGBA"))[..., 3]
        assert 0 < (expected == 0).mean() < 1
    else:
        for step in {"La": ["LA", "La"], "PA": ["P", "PA"], "RGBa": ["RGBa"]}.get(mode, [mode]):
            image = image.convert(step)
        expected = np.asarray(image.convert("LA" if mode == "La" else "RGBA"))[..., -1]
    found = translator.translate(image, "b")
    assert found.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(found)[..., 3], expected)
    assert translator.translate(image, "a").mode == "LA"
    assert translator.translate(image, "b", alpha="composite").mode == "RGB"


def test_arrays_and_tensors_of_two_and_four_channels(translator):
    for layers in (RGBA, np.dstack([NOISE[..., 0], ALPHA])):
        found = translator.translate(layers, "a")
        assert found.shape == (32, 40, 2)
        tensor = torch.from_numpy(layers).permute(2, 0, 1)
        found = translator.translate(tensor, "b")
        assert found.shape == (4, 32, 40)
        np.testing.assert_array_equal(found[3], ALPHA)
        batch = translator.translate(torch.stack([tensor, tensor]), "b", samples=2)
        assert [one.shape for one in batch] == [(2, 4, 32, 40)] * 2
        assert translator.translate(layers, "b", alpha="composite").shape == (32, 40, 3)


def test_images_without_alpha_get_none(translator):
    assert translator.translate(NOISE, "b").shape == (32, 40, 3)
    assert translator.translate(Image.fromarray(NOISE), "b").mode == "RGB"


def test_sixteen_bits_with_alpha(tiny):
    deep = build(replace(tiny, a=replace(tiny.a, decoding=Decoding(depth=16))))
    found = deep.translate(RGBA, "a")
    assert (found.dtype, found.shape) == (np.uint16, (32, 40, 2))
    np.testing.assert_array_equal(found[..., 1], ALPHA * np.uint16(257))
    # Pillow has no transparent grey of 16 bits.
    assert deep.translate(Image.fromarray(RGBA), "a").mode == "I;16"


def test_colours_of_label_maps_stay_colours(tiny):
    colours = ((255, 0, 0), (0, 0, 255))
    labels = Domain(source=BuiltIn(name="sign"), size=32, palette=colours)
    translator = build(replace(tiny, b=labels, method=replace(tiny.method, identity_weight=0.0)))
    found = translator.translate(RGBA, "b")
    assert {tuple(colour) for colour in found[..., :3].reshape(-1, 3).tolist()} <= set(colours)


def test_alpha_of_a_resized_translation_is_at_the_size_of_the_image(translator):
    large = Image.fromarray(RGBA).resize((200, 160))
    found = translator.translate(large, "b", resolution="trained")
    np.testing.assert_array_equal(np.asarray(found)[..., 3], np.asarray(large)[..., 3])


def test_a_choice_that_there_is_not(translator, tmp_path):
    with pytest.raises(SettingError) as error:
        translator.translate(RGBA, "b", alpha="drop")
    assert (error.value.code, error.value.setting) == ("unknown-choice", "alpha")
    with pytest.raises(SettingError) as error:
        translate_files(translator, tmp_path, tmp_path / "out", "b", alpha="drop")
    assert error.value.setting == "alpha"


def run(translator: Translator, folder: Path, **settings: Any) -> dict[str, Image.Image]:
    """What became of the files in `folder`/in, and the notes under the name "notes"."""
    report = translate_files(translator, folder / "in", folder / "out", **{"to": "b", **settings})
    assert report.refused == []
    found: dict[str, Any] = {"notes": report.notes}
    for path in (folder / "out").iterdir():
        with Image.open(path) as image:
            image.load()
            found[path.name] = image
    return found


def test_files_keep_alpha_where_their_format_holds_it(translator, tmp_path):
    (tmp_path / "in").mkdir()
    image = Image.fromarray(RGBA)
    for name in ("x.png", "x.webp", "x.tif"):
        image.save(tmp_path / "in" / name, lossless=True)
    palette = Image.fromarray(NOISE).quantize(8)
    palette.save(tmp_path / "in" / "palette.png", transparency=3)
    palette.save(tmp_path / "in" / "animation.gif", transparency=3)
    found = run(translator, tmp_path)
    assert found["notes"] == []
    for name in ("x.png", "x.webp", "x.tif"):
        assert found[name].mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(found[name])[..., 3], ALPHA)
    for name in ("palette.png", "animation.png"):
        is_clear = np.asarray(found[name])[..., 3] == 0
        np.testing.assert_array_equal(is_clear, np.asarray(palette) == 3)
    grey = run(translator, tmp_path, to="a", overwrite=True)
    assert {grey[name].mode for name in ("x.png", "x.tif")} == {"LA"}


@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_what_loses_its_alpha_is_said(translator, tmp_path, format):
    (tmp_path / "in").mkdir()
    Image.fromarray(RGBA).save(tmp_path / "in" / "x.png")
    Image.fromarray(np.dstack([NOISE, np.full_like(ALPHA, 255)])).save(tmp_path / "in" / "y.png")
    found = run(translator, tmp_path, image_format=format)
    if format == "png":
        assert found["notes"] == []
        return
    assert found["notes"] == ["x.png: is opaque in its translation: JPEG holds no transparency"]
    difference = np.abs(np.asarray(found["x.jpg"]).astype(int) - opaque(translator))
    assert difference.mean() < 16  # JPEG's own


def test_composite_is_as_before(translator, tmp_path):
    (tmp_path / "in").mkdir()
    Image.fromarray(RGBA).save(tmp_path / "in" / "x.png")
    found = run(translator, tmp_path, alpha="composite")
    assert found["x.png"].mode == "RGB"
    assert np.abs(np.asarray(found["x.png"]).astype(int) - opaque(translator)).max() <= 1


def test_files_of_sixteen_bits_say_that_they_are_opaque(tiny, tmp_path):
    deep = build(replace(tiny, a=replace(tiny.a, decoding=Decoding(depth=16))))
    (tmp_path / "in").mkdir()
    Image.fromarray(RGBA).save(tmp_path / "in" / "x.png")
    Image.fromarray(RGBA).save(tmp_path / "in" / "y.tif")
    report = translate_files(deep, tmp_path / "in", tmp_path / "out", "a")
    with Image.open(tmp_path / "out" / "x.png") as image:
        assert image.mode == "I;16"
    assert report.notes == [
        "x.png: is opaque in its translation: grey of 16 bits is written without transparency as "
        "PNG, with it as TIFF"
    ]
    found = tifffile.imread(tmp_path / "out" / "y.tif")
    np.testing.assert_array_equal(found[..., 1], ALPHA * np.uint16(257))
    opaque_part = np.abs(found.astype(int) - deep.translate(RGBA, "a"))[ALPHA > 254]
    assert opaque_part.max() <= 8  # in a batch, sums are rounded otherwise
