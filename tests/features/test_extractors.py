from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from PIL import Image

import torchvision_operators
from unpaired.core.errors import BrokenPackage, DataError, MissingExtra, SettingError
from unpaired.core.extras import from_extra
from unpaired.data.sources import BuiltIn
from unpaired.features import (
    CLIP,
    NAMES,
    DINOv2,
    Extractor,
    Inception,
    Pixels,
    Program,
    TaskClassifier,
    parse_extractor,
)

CPU = torch.device("cpu")


def photos(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth colours and some noise, as photographs have, (count, height, width, 3) uint8."""
    random = np.random.default_rng(seed)
    coarse = torch.from_numpy(random.random((count, 3, 8, 8)))
    smooth = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    noisy = smooth.numpy().transpose(0, 2, 3, 1) + 0.05 * random.normal(
        size=(count, height, width, 3)
    )
    return (255 * noisy.clip(0, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def inception_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the form of the published ones."""
    torchvision_operators.declare()
    from torch_fidelity import feature_extractor_inceptionv3 as module

    with (
        patch.object(module, "load_state_dict_from_url", lambda *_, **__: {}),
        patch.object(module.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None),
        torch.random.fork_rng(),
    ):
        torch.manual_seed(0)
        network = module.FeatureExtractorInceptionV3("random", ["2048"])
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(network.state_dict(), path)
    return path


def test_legacy_features_are_those_of_torch_fidelity(inception_weights: Path):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    images = photos(3, 96, 130)
    reference = FeatureExtractorInceptionV3("r", ["2048"], str(inception_weights))
    (expected,) = reference(torch.from_numpy(images.transpose(0, 3, 1, 2)))
    loaded = Inception(weights=str(inception_weights), resize="legacy").load(CPU)
    prepared = np.stack([loaded.prepare(image) for image in images])
    found = loaded.features(torch.from_numpy(prepared))
    assert found.shape == (3, 2048)
    assert expected.std() > 0
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.std()))


def test_clean_features_are_not_rounded_on_their_way(inception_weights: Path):
    images = photos(2, 96, 130)
    clean = Inception(weights=str(inception_weights)).load(CPU)
    prepared = clean.prepare(images[0])
    assert prepared.shape == (3, 299, 299)
    assert prepared.dtype == np.float32
    assert (prepared % 1 > 0.01).mean() > 0.9  # bicubic gives fractions
    same_size = photos(1, 299, 299)[0]
    np.testing.assert_array_equal(clean.prepare(same_size), same_size.transpose(2, 0, 1))
    legacy = Inception(weights=str(inception_weights), resize="legacy").load(CPU)
    assert clean.weights_hash == legacy.weights_hash
    assert clean.name != legacy.name
    assert clean.resize != legacy.resize
    found = clean.features(torch.from_numpy(prepared[None]))
    other = legacy.features(torch.from_numpy(legacy.prepare(images[0])[None]))
    assert (found - other).abs().max() > 1e-3 * found.std()


def test_weights_that_are_no_weights_are_refused(tmp_path: Path, inception_weights: Path):
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (print, ("executed",))

    torch.save(Payload(), tmp_path / "payload.pth")
    torch.save({"fc.weight": torch.zeros(1)}, tmp_path / "other.pth")
    (tmp_path / "cut.pth").write_bytes(inception_weights.read_bytes()[:1000])
    (tmp_path / "text.pth").write_text("not weights")
    for name in ("payload.pth", "other.pth", "cut.pth", "text.pth"):
        with pytest.raises(SettingError, match=f"{name} does not hold weights of Inception v3"):
            Inception(weights=str(tmp_path / name)).load(CPU)
    with pytest.raises(SettingError) as error:
        Inception(weights=str(tmp_path / "absent.pth")).load(CPU)
    assert (error.value.code, error.value.setting) == ("weights-not-found", "extractor")


def test_published_weights_are_taken_from_the_cache_or_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inception_weights: Path
):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    asked = []

    def fetch(url: str, path: str, hash_prefix: str, progress: bool) -> None:
        asked.append((url, hash_prefix))
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    with pytest.raises(SettingError, match=r"cannot be fetched .*no route to host.*inception:FILE"):
        Inception().load(CPU)
    assert asked == [(asked[0][0], "6726825d")]
    cached = tmp_path / "checkpoints" / asked[0][0].rpartition("/")[2]
    cached.write_bytes(inception_weights.read_bytes())
    assert Inception().load(CPU).name == "inception"
    assert len(asked) == 1


@pytest.fixture(scope="module")
def transformer_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny random DINOv2 and CLIP models, as `save_pretrained` writes them."""
    torchvision_operators.declare()
    from transformers import (
        CLIPVisionConfig,
        CLIPVisionModelWithProjection,
        Dinov2Config,
        Dinov2Model,
    )

    folder = tmp_path_factory.mktemp("transformers")
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        Dinov2Model(Dinov2Config(image_size=56, patch_size=14, **sizes)).save_pretrained(
            folder / "dinov2"
        )
        config = CLIPVisionConfig(
            image_size=56, patch_size=14, projection_dim=16, intermediate_size=64, **sizes
        )
        CLIPVisionModelWithProjection(config).save_pretrained(folder / "clip")
    return {"dinov2": folder / "dinov2", "clip": folder / "clip"}


def test_transformers_see_images_as_their_authors_prepared_them(
    transformer_folders: dict[str, Path],
):
    from transformers import CLIPVisionModelWithProjection, Dinov2Model

    image = photos(1, 56, 56)[0]
    extractors = {
        "dinov2": DINOv2(weights=str(transformer_folders["dinov2"]), side=56),
        "clip": CLIP(weights=str(transformer_folders["clip"]), side=56),
    }
    for name, extractor in extractors.items():
        loaded = extractor.load(CPU)
        found = loaded.features(torch.from_numpy(loaded.prepare(image)[None]))
        mean, std = (
            ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
            if name == "dinov2"
            else ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
        )
        values = (torch.from_numpy(image / 255.0) - torch.tensor(mean)) / torch.tensor(std)
        values = values.permute(2, 0, 1)[None].float()
        if name == "dinov2":
            network = Dinov2Model.from_pretrained(transformer_folders[name]).eval()
            expected = network(values).pooler_output
        else:
            network = CLIPVisionModelWithProjection.from_pretrained(transformer_folders[name])
            expected = network.eval()(values).image_embeds
        torch.testing.assert_close(found, expected.detach())
        assert loaded.name == name
        assert "to 56×56" in loaded.resize


def test_a_folder_of_another_network_is_refused(transformer_folders: dict[str, Path]):
    with pytest.raises(SettingError, match=r"lacks .* of the weights of a Dinov2Model") as error:
        DINOv2(weights=str(transformer_folders["clip"])).load(CPU)
    assert (error.value.code, error.value.setting) == ("weights-incomplete", "extractor")
    with pytest.raises(SettingError) as error:
        CLIP(weights=str(transformer_folders["clip"].parent)).load(CPU)
    assert (error.value.code, error.value.setting) == ("transformer-not-found", "extractor")


@pytest.mark.parametrize(
    ("extractor", "package"),
    [(Inception(), "torch-fidelity"), (DINOv2(), "transformers"), (CLIP(), "transformers")],
)
def test_a_missing_package_is_named(
    extractor: Extractor, package: str, monkeypatch: pytest.MonkeyPatch
):
    module = package.replace("-", "_")
    for name in [module, *(n for n in sys.modules if n.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=rf"{package}.*unpaired\[metrics\]") as error:
        extractor.load(CPU)
    assert error.value.code == "missing-extra"


@pytest.mark.parametrize("error", ["ImportError", "RuntimeError"])
def test_a_package_that_does_not_import_is_told_from_a_missing_one(
    error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "half_built.py").write_text(f"raise {error}('operator torchvision::nms')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BrokenPackage, match=r"operator torchvision::nms.*another torch") as error:
        from_extra("half_built", "name", purpose="This")
    assert error.value.code == "broken-package"
    with pytest.raises(MissingExtra, match="'not-there'") as error:
        from_extra("not_there.part", "name", purpose="This")
    assert error.value.code == "missing-extra"


class Mean(torch.nn.Module):
    """The mean of each channel."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3))


class Both(torch.nn.Module):
    """Mean and maximum, in a tuple."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return images.mean((2, 3)), images.amax((2, 3))


def exported(path: Path, *shape: int, network: torch.nn.Module | None = None, **sizes: Any) -> str:
    """A program for images of this shape; `sizes` are the dimensions that may vary."""
    dynamic = {int(k[1:]): size for k, size in sizes.items()}
    program = torch.export.export(
        network or Mean(), (torch.rand(shape),), dynamic_shapes=(dynamic,)
    )
    torch.export.save(program, path)
    return str(path)


BATCH = torch.export.Dim("batch")


@pytest.mark.parametrize(("values", "scale"), [("", 1), (":unit", 255), (":signed", 127.5)])
def test_a_program_of_torch_export_has_the_side_and_the_features_that_it_has(
    tmp_path: Path, values: str, scale: float
):
    path = exported(tmp_path / "mean.pt2", 2, 3, 16, 16, d0=BATCH)
    loaded = parse_extractor(path + values).load(CPU)
    image = photos(1, 40, 30)[0]
    prepared = loaded.prepare(image)
    assert prepared.shape == (3, 16, 16)
    found = loaded.features(torch.from_numpy(prepared[None]))
    expected = torch.from_numpy(prepared.mean((1, 2))[None]) / scale - float(values == ":signed")
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)
    assert loaded.name == "mean"
    assert "16×16" in loaded.resize


def test_programs_of_other_values_are_other_extractors(tmp_path: Path):
    path = exported(tmp_path / "mean.pt2", 2, 3, 16, 16, d0=BATCH)
    hashes = {parse_extractor(path + v).load(CPU).weights_hash for v in ("", ":unit", ":signed")}
    assert len(hashes) == 3


def test_programs_that_do_not_fit_are_refused(tmp_path: Path):
    def refusal(text: str) -> str:
        with pytest.raises(SettingError) as refused:
            parse_extractor(text).load(CPU)
        return str(refused.value)

    assert "--extractor: there is no file" in refusal(str(tmp_path / "gone.pt2"))
    (tmp_path / "text.pt2").write_text("hello")
    assert "is no program of torch.export" in refusal(str(tmp_path / "text.pt2"))
    grey = exported(tmp_path / "grey.pt2", 2, 1, 16, 16, d0=BATCH)
    assert "takes [n, 1, 16, 16], not one batch of colour images" in refusal(grey)
    wide = exported(tmp_path / "wide.pt2", 2, 3, 16, 24, d0=BATCH)
    assert "takes [n, 3, 16, 24]. Export it for square images" in refusal(wide)
    side = torch.export.Dim("side", min=8)
    free = exported(tmp_path / "free.pt2", 2, 3, 16, 16, d0=BATCH, d2=side, d3=side)
    assert "takes [n, 3, n, n]. Export it for square images" in refusal(free)
    single = exported(tmp_path / "single.pt2", 1, 3, 16, 16)
    assert "does not take two images at once" in refusal(single)
    pairs = exported(tmp_path / "pairs.pt2", 2, 3, 16, 16, network=Both(), d0=BATCH)
    assert "returns a tuple for two images" in refusal(pairs)
    maps = exported(tmp_path / "maps.pt2", 2, 3, 16, 16, network=torch.nn.ReLU(), d0=BATCH)
    assert "returns (2, 3, 16, 16) for two images, not one tensor of features" in refusal(maps)
    assert "what values it takes" in refusal(f"{single}:uint")


def test_a_task_classifier_learns_from_labelled_images(tmp_path: Path):
    extractor = parse_extractor("classifier:builtin:ink:test")
    assert extractor == TaskClassifier(labelled=BuiltIn(name="ink", part="test"))
    loaded, again = extractor.load(CPU), extractor.load(CPU)
    assert loaded.weights_hash == again.weights_hash
    records = BuiltIn(name="ink", part="validation").open()
    pixels = [np.repeat(records.read(i), 3, axis=2) for i in range(60)]
    prepared = torch.from_numpy(np.stack([loaded.prepare(image) for image in pixels]))
    features = loaded.features(prepared)
    assert features.shape == (60, 128)
    # Images of one class are nearer to each other than to those of others.
    labels = torch.from_numpy(records.labels[:60])
    distances = torch.cdist(features, features)
    same = (labels[:, None] == labels) & ~torch.eye(60, dtype=torch.bool)
    assert distances[same].mean() < 0.7 * distances[labels[:, None] != labels].mean()
    for i in range(3):
        Image.fromarray(pixels[i]).save(tmp_path / f"{i}.png")
    with pytest.raises(DataError) as error:
        parse_extractor(f"classifier:{tmp_path}").load(CPU)
    assert (error.value.code, error.value.setting) == ("labels-missing", "extractor")


def test_shorthands():
    assert parse_extractor("inception") == Inception()
    assert parse_extractor("inception-legacy:w.pth") == Inception(weights="w.pth", resize="legacy")
    assert parse_extractor("dinov2:folder/x") == DINOv2(weights="folder/x")
    assert parse_extractor("faces/encoder.pt2") == Program(weights="faces/encoder.pt2")
    assert parse_extractor("f/e.pt2:unit") == Program(weights="f/e.pt2", values="unit")
    assert parse_extractor("inception:inc.pt2.pth") == Inception(weights="inc.pt2.pth")
    assert parse_extractor("pixels") == Pixels()
    with pytest.raises(SettingError, match="Did you mean 'inception'") as error:
        parse_extractor("incption")
    assert (error.value.code, error.value.setting) == ("unknown-extractor", "extractor")
    with pytest.raises(SettingError) as error:
        parse_extractor("classifier")
    assert (error.value.code, error.value.setting) == ("classifier-without-source", "extractor")
    with pytest.raises(SettingError) as error:
        parse_extractor("pixels:x")
    assert (error.value.code, error.value.setting) == ("extractor-without-weights", "extractor")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "pixels"])
def test_every_named_extractor_takes_weights(name: str):
    assert parse_extractor(f"{name}:here").weights == "here"
