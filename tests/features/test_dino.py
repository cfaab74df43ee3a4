import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file

import torchvision_operators
from unpaired.core.errors import DataError, MissingExtra, SettingError
from unpaired.features.dino import load_dino

WIDTH, LAYERS, HEADS, SIDE, PATCH = 32, 3, 4, 32, 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small vision transformer with random weights, as transformers stores it."""
    pytest.importorskip("transformers.configuration_utils", reason="the extra metrics is absent")
    torchvision_operators.declare()
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=64,
        image_size=SIDE,
        patch_size=PATCH,
        initializer_range=0.2,  # so that tokens differ
    )
    folder = tmp_path_factory.mktemp("dino")
    ViTModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def dino(folder):
    return load_dino(str(folder))


def images(n, channels, height, width, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, height, width), dtype=torch.uint8, generator=random)


def keys_by_definition(weights, image):
    """The last block's keys for one image (3, H, W): a list of heads, each (tokens, width)."""
    planes = []
    for plane, mean, std in zip(
        image.numpy(), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True
    ):
        resized = Image.fromarray(plane).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        planes.append((np.asarray(resized) / 255 - mean) / std)
    pixels = torch.tensor(np.stack(planes), dtype=torch.float32)

    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x, name):
        scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return F.layer_norm(x, (WIDTH,), scale, shift, 1e-12)

    kernel = weights["embeddings.patch_embeddings.projection.weight"]
    bias = weights["embeddings.patch_embeddings.projection.bias"]
    patches = [
        (kernel * pixels[:, top : top + PATCH, left : left + PATCH]).sum((1, 2, 3)) + bias
        for top in range(0, SIDE, PATCH)
        for left in range(0, SIDE, PATCH)
    ]
    x = torch.stack([weights["embeddings.cls_token"][0, 0], *patches])
    x = x + weights["embeddings.position_embeddings"][0]
    for layer in range(LAYERS):
        block = f"encoder.layer.{layer}"
        before = norm(x, f"{block}.layernorm_before")
        query, key, value = (
            linear(before, f"{block}.attention.attention.{part}").split(WIDTH // HEADS, 1)
            for part in ("query", "key", "value")
        )
        if layer == LAYERS - 1:
            return key
        heads = [
            (q @ k.T / (WIDTH // HEADS) ** 0.5).softmax(1) @ v
            for q, k, v in zip(query, key, value, strict=True)
        ]
        x = x + linear(torch.cat(heads, 1), f"{block}.attention.output.dense")
        after = norm(x, f"{block}.layernorm_after")
        hidden = F.gelu(linear(after, f"{block}.intermediate.dense"))
        x = x + linear(hidden, f"{block}.output.dense")
    raise AssertionError


def distance_by_definition(weights, x, y):
    """Tumanyan et al. (2022): mean squared difference of the cosines between all tokens."""
    cosines = []
    for image in (x, y):
        tokens = torch.cat(list(keys_by_definition(weights, image)), 1)
        cosines.append([[float(F.cosine_similarity(a, b, dim=0)) for a in tokens] for b in tokens])
    return np.square(np.subtract(*cosines)).mean()


def test_equals_its_definition(folder, dino):
    weights = load_file(folder / "model.safetensors")
    x, y = images(3, 3, 40, 30), images(3, 3, 48, 48, seed=1)
    expected = [distance_by_definition(weights, a, b) for a, b in zip(x, y, strict=True)]
    assert min(expected) > 0.01
    # The resized values are rounded here and in Pillow's own arithmetic: they may differ by one.
    assert dino(x, y) == pytest.approx(expected, rel=0.01)


def test_identical_images_and_symmetry(dino):
    x, y = images(3, 3, SIDE, SIDE), images(3, 3, SIDE, SIDE, seed=1)
    assert dino(x, x).tolist() == [0, 0, 0]
    assert dino(x, y) == pytest.approx(dino(y, x))


def test_one_number_per_image_whatever_the_batch(dino):
    x, y = images(9, 3, SIDE, SIDE), images(9, 3, SIDE, SIDE, seed=1)
    together = dino(x, y)
    assert together.shape == (9,)
    assert together.dtype == np.float64
    for i in (0, 3, 4, 8):
        assert dino(x[i : i + 1], y[i : i + 1])[0] == pytest.approx(together[i], rel=1e-4)


def test_grey_is_as_good_as_equal_channels(dino):
    x = images(2, 1, 28, 28)
    assert dino(x, x.repeat(1, 3, 1, 1)).tolist() == [0, 0]


def test_image_sets_of_different_sizes_are_refused(dino):
    with pytest.raises(DataError, match="3 images and 2 translations") as error:
        dino(images(3, 3, SIDE, SIDE), images(2, 3, SIDE, SIDE))
    assert error.value.code == "images-without-translation"


def test_without_transformers_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r'pip install "unpaired\[metrics\]"') as error:
        load_dino()
    assert error.value.code == "missing-extra"


def test_weights_that_are_absent(folder, tmp_path):
    with pytest.raises(SettingError) as error:
        load_dino(str(tmp_path / "absent"))
    assert (error.value.code, error.value.setting) == ("transformer-not-found", "extractor")


def test_weights_that_are_incomplete(folder, tmp_path):
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.2.attention.attention.key.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(SettingError, match="lacks 1 of the weights of a ViTModel") as error:
        load_dino(str(tmp_path))
    assert (error.value.code, error.value.setting) == ("weights-incomplete", "extractor")


def test_a_file_that_is_no_model(folder, tmp_path):
    (tmp_path / "model.bin").write_bytes(b"nothing")
    with pytest.raises(SettingError) as error:
        load_dino(str(tmp_path / "model.bin"))
    assert (error.value.code, error.value.setting) == ("transformer-not-found", "extractor")
