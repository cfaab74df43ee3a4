import io

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.core.errors import DataError
from unpaired.core.weights import hash_of_weights
from unpaired.data.builtin import render
from unpaired.features import classifier_cache
from unpaired.features.classifier import reduces, train_classifier
from unpaired.features.classifier_cache import default_folder, load_or_train

no_gpu = not torch.cuda.is_available()


def built_in(part):
    pixels, labels, _ = render("sign", part)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels)


@pytest.fixture(scope="module")
def toy():
    """Bright on the left, or bright on the right."""
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 100, (60, 1, 16, 16), dtype=torch.uint8, generator=random)
    labels = torch.arange(60) % 2
    images[labels == 0, :, :, :8] += 100
    images[labels == 1, :, :, 8:] += 100
    return images, labels


@pytest.fixture(scope="module")
def trained(toy):
    return train_classifier(*toy, 2, images_seen=640)


def test_learns_the_built_in_signs():
    classifier = train_classifier(*built_in("train"), 10, images_seen=3000)
    images, labels = built_in("test")
    assert (classifier.predict(images) == labels).double().mean() > 0.96


def test_learns_usps(real_data):
    parquet = pytest.importorskip("pyarrow.parquet")

    def read(split):
        columns = parquet.read_table(real_data / "usps" / f"{split}.parquet").to_pydict()
        files = (io.BytesIO(image["bytes"]) for image in columns["image"])
        pixels = np.stack([np.asarray(Image.open(file).convert("L")) for file in files])
        return torch.from_numpy(pixels)[:, None], torch.tensor(columns["label"])

    classifier = train_classifier(*read("train"), 10, images_seen=10_000)
    images, labels = read("test")
    assert (classifier.predict(images) == labels).double().mean() > 0.95


def test_large_images_are_looked_at_at_a_smaller_size(trained):
    """Their judge would train for hours; at 96 pixels nothing changes."""
    large = torch.rand(3, 1, 128, 160)
    reduced = torch.nn.functional.interpolate(large, size=64, mode="area")
    assert torch.equal(trained.features(large), trained.features(reduced))
    assert not reduces(torch.empty(1, 1, 96, 96))
    assert not torch.equal(
        trained.features(large[..., :96, :96]),
        trained.features(
            torch.nn.functional.interpolate(large[..., :96, :96], size=64, mode="area")
        ),
    )


def test_the_seed_decides_the_weights(toy, trained):
    again = train_classifier(*toy, 2, images_seen=640)
    other = train_classifier(*toy, 2, images_seen=640, seed=1)
    assert hash_of_weights(again) == hash_of_weights(trained) != hash_of_weights(other)


@pytest.mark.parametrize(
    "device",
    ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(no_gpu, reason="needs a GPU"))],
)
def test_training_leaves_the_global_random_state_alone(toy, monkeypatch, device):
    torch.manual_seed(3)
    expected = torch.rand(4), torch.rand(4, device=device)
    torch.manual_seed(3)
    seeds_of_all_gpus = []  # which `torch.manual_seed` seeds as well
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds_of_all_gpus.append)
    train_classifier(*toy, 2, images_seen=128, device=device)
    assert torch.equal(torch.rand(4), expected[0])
    assert torch.equal(torch.rand(4, device=device), expected[1])
    assert not seeds_of_all_gpus


def test_answers_do_not_depend_on_the_batch(toy, trained):
    images, labels = toy
    trained.train()  # the answers are those of evaluation mode all the same
    features = trained.features(images)
    assert features.shape == (60, 128)
    assert not features.requires_grad
    torch.testing.assert_close(trained.features(images[7:8]), features[7:8])
    torch.testing.assert_close(trained.features(images.float() / 255), features)
    many = images.repeat(10, 1, 1, 1)
    torch.testing.assert_close(trained.features(many)[-60:], features)
    assert torch.equal(trained.logits(images).argmax(1), trained.predict(images))
    assert (trained.predict(images) == labels).all()


def test_contrast_and_brightness_of_a_domain_do_not_matter(toy):
    """A faint domain is learnt as a strong one is: inputs are standardised."""
    images, labels = toy
    faint = images // 20 + 200
    classifier = train_classifier(faint, labels, 2, images_seen=640)
    assert (classifier.predict(faint) == labels).all()
    inputs = (faint.double() / 255 - classifier.mean) / classifier.std
    assert (inputs.mean().item(), inputs.std().item()) == pytest.approx((0, 1), abs=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x.float(), y), "uint8"),
        (lambda x, y: (x[0], y), "uint8"),
        (lambda x, y: (x[:1], y[:1]), "at least two images"),
        (lambda x, y: (x, y[:9]), "as many"),
        (lambda x, y: (x, y.float()), "int64"),
        (lambda x, y: (x, y + 1), "0 to 1; these go from 1 to 2"),
        (lambda x, y: (x, y - 1), "0 to 1; these go from -1 to 0"),
    ],
)
def test_what_cannot_be_learnt_is_refused(toy, change, message):
    with pytest.raises(DataError, match=message):
        train_classifier(*change(*toy), 2)


def refuse_to_train(*_):
    raise AssertionError("trained although the weights were cached")


def test_the_cache_returns_the_same_weights(toy, tmp_path, monkeypatch):
    first = load_or_train(*toy, 2, folder=tmp_path, images_seen=64)
    monkeypatch.setattr(classifier_cache, "train_classifier", refuse_to_train)
    second = load_or_train(*toy, 2, folder=tmp_path, images_seen=64)
    assert hash_of_weights(first) == hash_of_weights(second)
    assert torch.equal(first.features(toy[0]), second.features(toy[0]))
    assert not second.training


@pytest.mark.parametrize("change", ["pixel", "label", "seed", "images_seen", "classes"])
def test_the_cache_knows_all_that_goes_into_the_weights(toy, tmp_path, change):
    images, labels = toy[0].clone(), toy[1].clone()
    load_or_train(images, labels, 2, folder=tmp_path, images_seen=64)
    if change == "pixel":
        images[3, 0, 5, 5] ^= 1
    if change == "label":
        labels[3] = 1 - labels[3]
    load_or_train(
        images,
        labels,
        3 if change == "classes" else 2,
        folder=tmp_path,
        seed=int(change == "seed"),
        images_seen=128 if change == "images_seen" else 64,
    )
    assert len(list(tmp_path.iterdir())) == 2


def cut(content):
    return content[: len(content) // 2]


def flip(content):
    return content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]


@pytest.mark.parametrize("damage", [cut, flip, lambda _: b"", lambda _: b"<html>" * 50])
def test_a_damaged_file_is_replaced(toy, tmp_path, caplog, damage):
    first = load_or_train(*toy, 2, folder=tmp_path, images_seen=64)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    path.write_bytes(damage(content))
    repaired = load_or_train(*toy, 2, folder=tmp_path, images_seen=64)
    assert str(path) in caplog.text
    assert hash_of_weights(repaired) == hash_of_weights(first)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_written_costs_only_time(toy, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    load_or_train(*toy, 2, folder=tmp_path / "file" / "below", images_seen=64)
    assert "cannot be kept" in caplog.text


def test_the_environment_names_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path))
    assert default_folder() == tmp_path / "classifiers"
    monkeypatch.delenv("UNPAIRED_CACHE")
    assert default_folder().parts[-3:] == (".cache", "unpaired", "classifiers")
