"""The segmenter learns coloured shapes, judges alike in any company, and survives its folder."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import torchvision_operators
from hand_made_icc import DISPLAY_P3, rgb_profile
from unpaired.core.errors import DataError, MissingExtra, ModelError, SettingError
from unpaired.core.weights import hash_of_weights
from unpaired.data.palettes import read_palette, unknown_colours
from unpaired.data.sources import Folder, HuggingFace
from unpaired.metrics.segmentation import measure, nearest_colour
from unpaired.recipes.facades import PALETTE as FACADES
from unpaired.segmenter.fcn_score import fcn_score, scores_of
from unpaired.segmenter.folder import Trained, load_segmenter, save_segmenter
from unpaired.segmenter.label_maps import (
    Pairs,
    hashes_of,
    hold_out,
    match,
    read_label_maps,
    read_photos,
)
from unpaired.segmenter.networks import SegFormer, UperNet, pretrained
from unpaired.segmenter.segmenter import Segmenter, augment, train_segmenter

pytest.importorskip("transformers")
torchvision_operators.declare()

PALETTE = ((0, 0, 255), (255, 170, 0), (170, 0, 0))
SIZE = 32
SMALL = UperNet(widths=(8, 16, 16, 16), head_width=8)
FORMER = SegFormer(widths=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), head_width=8)


def scenes(number: int, seed: int = 0) -> tuple[Tensor, np.ndarray]:
    """Grey walls with a green square and a bright stripe, noisy: photos, and their classes."""
    random = np.random.default_rng(seed)
    classes = np.zeros((number, SIZE, SIZE), np.int64)
    for scene in classes:
        top, left = random.integers(0, SIZE - 12, 2)
        scene[top : top + 12, left : left + 12] = 1
        row = random.integers(0, SIZE - 6)
        scene[row : row + 6] = 2
    colours = np.array([(90, 90, 90), (60, 130, 60), (200, 190, 180)])
    pixels = colours[classes] + random.normal(0, 15, (number, SIZE, SIZE, 3))
    photos = torch.from_numpy(pixels.clip(0, 255).astype(np.uint8)).permute(0, 3, 1, 2)
    return photos.contiguous(), classes


@pytest.fixture(scope="module")
def trained() -> Segmenter:
    return train_segmenter(*scenes(40), 3, SMALL, images_seen=960)[0]


def settings(segmenter: Segmenter, **changes: Any) -> Trained:
    photos, classes = scenes(6, seed=2)
    base = Trained(
        network=SMALL,
        palette=PALETTE,
        size=SIZE,
        images=960,
        seed=0,
        seconds=1.5,
        photos=tuple(hashes_of(scenes(40)[0])),
        scores=measure(classes, segmenter.predict(photos), 3, 20),
        weights_hash=hash_of_weights(segmenter),
    )
    return replace(base, **changes)


@pytest.fixture(scope="module")
def folder(trained: Segmenter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_segmenter(tmp_path_factory.mktemp("kept") / "it", trained, settings(trained))


def write(folder: Path, images: dict[str, np.ndarray], **options: Any) -> Folder:
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in images.items():
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name, **options)
    return Folder(path=str(folder))


def as_files(photos: Tensor) -> dict[str, np.ndarray]:
    return {f"{i}.png": p.permute(1, 2, 0).numpy() for i, p in enumerate(photos)}


def painted(classes: np.ndarray, ending: str = "png") -> dict[str, np.ndarray]:
    return {f"{i}.{ending}": np.array(PALETTE)[c] for i, c in enumerate(classes)}


# Learning


def test_learns_shapes_that_it_has_not_seen(trained: Segmenter):
    photos, classes = scenes(20, seed=1)
    found = measure(classes, trained.predict(photos), 3, 20)
    majority = (classes == 0).mean()
    assert 0.6 < majority < 0.7
    assert found["pixel"].value > majority + 0.15
    assert found["iou"].value > 2 * majority / 3  # twice that of naming the majority everywhere


def test_equal_seeds_give_equal_weights_and_leave_the_global_state(
    monkeypatch: pytest.MonkeyPatch,
):
    before = torch.random.get_rng_state()
    seeds_of_all_gpus: list[int] = []  # which `torch.manual_seed` seeds as well
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds_of_all_gpus.append)
    first, again, other = (
        hash_of_weights(train_segmenter(*scenes(4), 3, FORMER, seed=seed, images_seen=80)[0])
        for seed in (0, 0, 1)
    )
    assert first == again != other
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not seeds_of_all_gpus


def test_what_else_is_in_the_image_set_changes_nothing(trained: Segmenter):
    photos, _ = scenes(40, seed=3)
    whole = trained.predict(photos)
    alone = np.concatenate([trained.predict(p[None]) for p in photos])
    assert (whole == alone).mean() > 0.9999  # sums in another order may tip a tie
    with torch.no_grad():
        logits = trained(photos.float() / 255)
        torch.testing.assert_close(logits[7:8], trained(photos[7:8].float() / 255))
    assert logits.shape == (40, 3, SIZE, SIZE)


def test_photos_and_classes_are_moved_alike():
    """A photo that shows its own classes still does, wherever it is cropped and mirrored."""
    _, classes = scenes(30)
    shown = torch.from_numpy(classes * 100).to(torch.uint8)[:, None].repeat(1, 3, 1, 1)
    seen, moved = augment(shown, torch.from_numpy(classes), torch.Generator().manual_seed(0))
    assert seen.shape == shown.shape
    assert 0 <= seen.min() <= seen.max() <= 1
    assert set(moved.unique().tolist()) == {0, 1, 2}
    assert not torch.equal(moved, torch.from_numpy(classes))
    for image, truth in zip(seen[:, 0], moved, strict=True):  # colours change, their order does not
        means = [image[truth == k].mean() for k in range(3) if (truth == k).any()]
        assert means == sorted(means)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x[:1], y[:1]), "at least two photos"),
        (lambda x, y: (x.float(), y), "uint8"),
        (lambda x, y: (x[:, :1], y), "3, H, W"),
        (lambda x, y: (x[:, :, :16], y[:, :16]), "at least 32×32"),
        (lambda x, y: (x, y[:, 1:]), "a class for each pixel"),
        (lambda x, y: (x, y + 1), "0 to 2; these pixels' go from 1 to 3"),
    ],
)
def test_what_cannot_be_learnt_is_refused(change: Any, message: str):
    with pytest.raises(DataError, match=message):
        train_segmenter(*change(*scenes(4)), 3, SMALL)


def test_a_training_too_short_to_teach_anything_is_refused():
    with pytest.raises(SettingError, match="at least 80") as error:
        train_segmenter(*scenes(4), 3, SMALL, images_seen=64)
    assert (error.value.code, error.value.setting) == ("training-too-short", "images")


def test_without_transformers_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"unpaired\[metrics\]") as error:
        UperNet().build(3)
    assert error.value.code == "missing-extra"


def test_pretrained_weights_start_from_a_local_folder(tmp_path: Path):
    source = FORMER.build(5)
    source.save_pretrained(tmp_path / "former")  # type: ignore[operator]
    form, network = pretrained(str(tmp_path / "former"), 3)
    assert form == FORMER
    encoder = {n: t for n, t in source.state_dict().items() if n.startswith("segformer.")}
    assert encoder
    for name, tensor in encoder.items():
        assert torch.equal(network.state_dict()[name], tensor)
    segmenter, form = train_segmenter(
        *scenes(4), 3, weights=str(tmp_path / "former"), images_seen=80
    )
    assert form == FORMER
    assert segmenter.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert segmenter.predict(scenes(2)[0]).shape == (2, SIZE, SIZE)
    UperNet().build(3).save_pretrained(tmp_path / "other")  # type: ignore[operator]
    with pytest.raises(SettingError) as error:
        pretrained(str(tmp_path / "other"), 3)
    assert (error.value.code, error.value.setting) == ("pretrained-unusable", "pretrained")


# The folder


@pytest.mark.parametrize("network", [SMALL, FORMER])
def test_the_folder_gives_back_the_same_segmenter_to_the_bit(tmp_path: Path, network: Any):
    segmenter, form = train_segmenter(*scenes(4), 3, network, images_seen=80)
    written = settings(segmenter, network=form)
    save_segmenter(tmp_path / "it", segmenter, written)
    save_segmenter(tmp_path / "it", segmenter, written)  # replaced
    assert [p.name for p in tmp_path.iterdir()] == ["it"]
    loaded, read = load_segmenter(tmp_path / "it")
    assert read == written
    for name, tensor in segmenter.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])
    photos, _ = scenes(5, seed=4)
    assert np.array_equal(segmenter.predict(photos), loaded.predict(photos))
    assert not loaded.training
    text = (tmp_path / "it" / "README.md").read_text()
    assert type(network).__name__ in text
    assert "| 1 | 255 170 0 |" in text
    assert {p.name for p in (tmp_path / "it").iterdir()} == {
        "README.md",
        "config.json",
        "model.safetensors",
    }


def changed(key: str, value: Any) -> Any:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        record = json.loads(path.read_text())
        place = record
        *parents, last = key.split(".")
        for parent in parents:
            place = place[parent]
        place[last] = value
        path.write_text(json.dumps(record))

    return change


def rewritten(change: Any) -> Any:
    def write(folder: Path) -> None:
        path = folder / "model.safetensors"
        path.write_bytes(change(path.read_bytes()))

    return write


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "config.json").unlink(), "no config.json"),
        (lambda f: (f / "config.json").write_text("{"), "not the settings of a segmenter"),
        (lambda f: (f / "config.json").write_text('{"experiment": {}}'), "another kind of model"),
        (changed("schema_version", 2), "newer unpaired"),
        (changed("surprise", 1), "surprise: unknown setting"),
        (changed("network.kind", "segfomer"), "did you mean 'segformer'"),
        (changed("network.widths", [8, 16, 16, 9000]), "not within 1 to 4096"),
        (changed("network.depths", [1, 1, 1, 2]), "other networks"),
        (changed("size", "32"), "size"),
        (changed("palette", [[0, 0, 0], [0, 0, 0]]), "each once"),
        (changed("palette", [[0, 0, 0], [0, 0, 900]]), "within 0 to 255"),
        (changed("weights_hash", "0" * 16), "holds other weights"),
        (rewritten(lambda c: c[: len(c) // 2]), "damaged or cut short"),
        (rewritten(lambda c: c[:-5] + bytes([c[-5] ^ 1]) + c[-4:]), "holds other weights"),
        (rewritten(lambda _: b"PK\x03\x04" + bytes(50)), "is a pickle"),
    ],
)
def test_damaged_and_foreign_folders_are_refused(
    folder: Path, tmp_path: Path, damage: Any, message: str
):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    damage(copy)
    with pytest.raises(ModelError, match=message):
        load_segmenter(copy)


def test_what_is_no_segmenter_is_neither_read_nor_replaced(trained: Segmenter, tmp_path: Path):
    with pytest.raises(ModelError) as error:
        load_segmenter(tmp_path / "nothing")
    assert error.value.code == "no-such-segmenter"
    (tmp_path / "model.pth").write_bytes(b"\x80")
    with pytest.raises(ModelError) as error:
        load_segmenter(tmp_path / "model.pth")
    assert error.value.code == "pickled-weights"
    with pytest.raises(ModelError) as error:
        save_segmenter(tmp_path, trained, settings(trained))
    assert error.value.code == "folder-in-use"
    assert [p.name for p in tmp_path.iterdir()] == ["model.pth"]


# Label maps and pairs


@pytest.mark.parametrize(("quality", "share"), [(90, 0.002), (50, 0.002)])
def test_label_maps_stored_as_jpeg_are_read(tmp_path: Path, quality: int, share: float):
    _, classes = scenes(4)
    large = classes.repeat(4, 1).repeat(4, 2)
    source = write(tmp_path / "lossy", painted(large, "jpg"), quality=quality)
    found, image_set, _ = read_label_maps(source, 4 * SIZE, PALETTE)
    assert (found == large).mean() > 0.97
    assert image_set.ids == ["0", "1", "2", "3"]
    for path in (tmp_path / "lossy").iterdir():
        assert unknown_colours(np.asarray(Image.open(path)), PALETTE)[0] < share


def test_unknown_colours_are_refused_by_name(tmp_path: Path):
    _, classes = scenes(4)
    files = painted(classes)
    source = write(tmp_path / "labels", files)
    with pytest.raises(DataError, match=r"4 of 4 label maps .*\(170, 0, 0\).*--palette FILE"):
        read_label_maps(source, SIZE, PALETTE[:2])
    photos = write(tmp_path / "photos", as_files(torch.full((2, 3, 40, 40), 120).byte()))
    with pytest.raises(DataError, match=r"\(120, 120, 120\); the most is 100%") as error:
        read_label_maps(photos, SIZE, PALETTE)
    assert (error.value.code, error.value.setting) == ("unknown-colours", "palette")


def test_a_few_pixels_of_no_class_are_tolerated(tmp_path: Path):
    pixels = np.array(PALETTE)[np.zeros((64, 64), int)]
    pixels[30:34, 30:34] = (0, 255, 0)  # 16 of 4096 pixels, of which 4 have four like neighbours
    share, found = unknown_colours(pixels.astype(np.uint8), PALETTE)
    assert share == 4 / 4096
    assert found == {255 * 256: 4}


def test_half_the_distance_tells_colours_apart_that_are_near():
    near = ((0, 0, 0), (10, 0, 0))
    pixels = np.full((8, 8, 3), (6, 0, 0), np.uint8)
    assert unknown_colours(pixels, near)[0] == 0  # to (10, 0, 0): 4
    assert unknown_colours(np.full((8, 8, 3), (16, 0, 0), np.uint8), near)[0] == 1  # 6 > 10/2


def test_the_palette_of_lossless_label_maps_is_found(tmp_path: Path):
    _, classes = scenes(4)
    found, _, palette = read_label_maps(write(tmp_path / "png", painted(classes)), SIZE, None)
    assert palette == ((0, 0, 255), (170, 0, 0), (255, 170, 0))
    assert np.array_equal(np.array(palette)[found], np.array(PALETTE)[classes])
    profile = rgb_profile(DISPLAY_P3)  # classes are no colours that it could change
    profiled = write(tmp_path / "profiled", painted(classes), icc_profile=profile)
    assert read_label_maps(profiled, SIZE, None)[2] == palette
    lossy = write(tmp_path / "jpg", painted(classes, "jpg"), quality=90)
    with pytest.raises(DataError, match=r"more than 256 colours.*JPEG") as error:
        read_label_maps(lossy, SIZE, None)
    assert (error.value.code, error.value.setting) == ("too-many-colours", "palette")
    plain = write(tmp_path / "plain", painted(np.zeros((2, 8, 8), int)))
    with pytest.raises(DataError) as error:
        read_label_maps(plain, SIZE, None)
    assert error.value.code == "one-colour"


def test_pairs_have_equal_names_whatever_the_order_and_ending(tmp_path: Path):
    photos, classes = scenes(3)
    files = as_files(photos)
    made = write(tmp_path / "photos", {"b_A.png": files["1.png"], "z.png": files["0.png"]})
    maps = painted(classes)
    labels = write(tmp_path / "maps", {"a.png": maps["0.png"], "b_B.bmp": maps["1.png"]})
    found, image_set, palette = read_label_maps(labels, SIZE, PALETTE)
    pairs = match(read_photos(made, SIZE), found, image_set)
    assert pairs.ids == ["b"]
    assert torch.equal(pairs.photos[0], photos[1])
    assert np.array_equal(pairs.classes[0], classes[1])
    assert palette == PALETTE


def test_image_sets_without_pairs_are_refused(tmp_path: Path):
    photos, classes = scenes(2)
    made = read_photos(write(tmp_path / "photos", {"x.png": as_files(photos)["0.png"]}), SIZE)
    found, maps, _ = read_label_maps(write(tmp_path / "maps", painted(classes)), SIZE, PALETTE)
    with pytest.raises(DataError, match=r"called 'x'; the label maps '0', '1'\.") as error:
        match(made, found, maps)
    assert error.value.code == "no-photo-with-label-map"
    wide = write(tmp_path / "wide", {"0.png": np.tile((1, 2, 3), (20, 30, 1))})
    with pytest.raises(DataError, match=r"30×20 pixels and its label map .* 32×32") as error:
        match(read_photos(wide, SIZE), found, maps)
    assert error.value.code == "other-proportions"
    twice = {"0.png": as_files(photos)["0.png"], "0.bmp": as_files(photos)["1.png"]}
    with pytest.raises(DataError, match="several images with the name or id '0'") as error:
        read_photos(write(tmp_path / "twice", twice), SIZE)
    assert error.value.code == "doubled-id"
    with pytest.raises(DataError) as error:
        read_photos(write(tmp_path / "grey", {"0.png": np.full((20, 20), 90)}), SIZE)
    assert (error.value.code, error.value.setting) == ("grey-photos", "photos")


def test_rows_without_ids_are_no_pairs(tmp_path: Path):
    arrow = pytest.importorskip("pyarrow")
    file = io.BytesIO()
    Image.new("RGB", (8, 8), PALETTE[0]).save(file, "PNG")
    table = arrow.table({"image": [{"bytes": file.getvalue(), "path": None}]})
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "x.parquet")
    with pytest.raises(DataError) as error:
        read_photos(HuggingFace(name=str(tmp_path / "x.parquet")), SIZE)
    assert error.value.code == "no-ids-to-pair"


def test_held_out_photos_are_never_trained_on_not_even_twice():
    photos, classes = scenes(20)
    twice = Pairs(
        [str(i) for i in range(40)], photos.repeat(2, 1, 1, 1), np.concatenate([classes, classes])
    )
    train, test = hold_out(twice)
    assert len(train) == 36
    assert len(test) == 4
    assert not set(hashes_of(train.photos)) & set(hashes_of(test.photos))


@pytest.mark.parametrize("text", ["0 0 255\n255,170,0 # door\n\n(170; 0; 0)\n"])
def test_palettes_are_read_from_text(tmp_path: Path, text: str):
    (tmp_path / "palette.txt").write_text(text)
    assert read_palette(tmp_path / "palette.txt") == PALETTE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3\n4 5", "line 2: '4 5' is no colour"),
        ("1 2 3\n4 5 256", "line 2"),
        ("1 2 3", "1 colours"),
        ("1 2 3\n1 2 3", "2 colours, 1 of them different"),
    ],
)
def test_what_is_no_palette_is_refused(tmp_path: Path, text: str, message: str):
    (tmp_path / "palette.txt").write_text(text)
    with pytest.raises(SettingError, match=message):
        read_palette(tmp_path / "palette.txt")
    with pytest.raises(SettingError) as error:
        read_palette(tmp_path / "none.txt")
    assert (error.value.code, error.value.setting) == ("palette-unreadable", "palette")


# The score


class Fixed(Segmenter):
    """Finds the same classes in the i-th photo, whatever it shows."""

    def __init__(self, classes: np.ndarray) -> None:
        super().__init__(torch.nn.Identity())
        self.classes = classes

    def predict(self, photos: Tensor) -> np.ndarray:
        return self.classes[: len(photos)]


def test_scores_are_those_counted_by_hand():
    """2×2 maps of three classes, one of which does not occur: 3 of 4 pixels are right.

    Per class 1/2 and 2/2; over union 1/2 and 2/3.
    """
    truth, found = np.array([[[0, 0], [1, 1]]]), np.array([[[0, 1], [1, 1]]])
    pairs = Pairs(["x"], torch.zeros(1, 3, 2, 2, dtype=torch.uint8), truth)
    scores = {name: m.value for name, m in scores_of(Fixed(found), pairs, 3, 5).items()}
    assert scores == pytest.approx(
        {
            "pixel": 3 / 4,
            "class": (1 / 2 + 1) / 3,
            "iou": (1 / 2 + 2 / 3) / 3,
            "class_present": (1 / 2 + 1) / 2,
            "iou_present": (1 / 2 + 2 / 3) / 2,
        }
    )


def test_generated_photos_beside_real_ones(trained: Segmenter, tmp_path: Path):
    photos, classes = scenes(6, seed=5)
    labels = write(tmp_path / "labels", painted(classes))
    files = as_files(photos)
    # Made from the label map of the next scene: the right kind of photo, of something else.
    wrong = {name: files[f"{(i + 1) % 6}.png"] for i, name in enumerate(files)}
    generated = write(
        tmp_path / "generated", {**dict(list(wrong.items())[:4]), "x.png": files["0.png"]}
    )
    record = fcn_score(
        trained, settings(trained), generated, labels, write(tmp_path / "real", files)
    )
    assert record["pairs"] == 4
    assert (record["photos_without_label_map"], record["label_maps_without_photo"]) == (1, 2)
    assert record["real"] == {"from": "given", "photos": 4, "seen_in_training": 0}
    metrics = record["metrics"]
    names = ("pixel", "class", "iou", "class_present", "iou_present")
    assert set(metrics) == {f"fcn_score/{n}{of}" for n in names for of in ("", "/real")}
    assert metrics["fcn_score/pixel"]["n"] == metrics["fcn_score/pixel/real"]["n"] == 4
    found = trained.predict(photos)
    expected = (found[:4] == classes[:4]).mean()
    assert metrics["fcn_score/pixel/real"]["value"] == pytest.approx(expected)
    expected = (found[[1, 2, 3, 4]] == classes[:4]).mean()
    assert metrics["fcn_score/pixel"]["value"] == pytest.approx(expected)
    assert metrics["fcn_score/iou"]["value"] < metrics["fcn_score/iou/real"]["value"] - 0.2
    assert record["protocol"]["evaluators"] == [hash_of_weights(trained)]


def test_without_real_photos_the_bound_is_that_of_the_training(trained: Segmenter, tmp_path: Path):
    photos, classes = scenes(3, seed=6)
    labels, made = write(tmp_path / "l", painted(classes)), write(tmp_path / "p", as_files(photos))
    kept = settings(trained)
    record = fcn_score(trained, kept, made, labels)
    assert record["real"] == {"from": "held out in training", "photos": 6, "seen_in_training": 0}
    assert record["metrics"]["fcn_score/iou/real"] == kept.scores["iou"].as_json()


def test_real_photos_that_trained_the_segmenter_are_counted(trained: Segmenter, tmp_path: Path):
    photos, classes = scenes(40)
    source = write(tmp_path / "photos", as_files(photos[:5]))
    labels = write(tmp_path / "labels", painted(classes[:5]))
    record = fcn_score(trained, settings(trained), source, labels, source)
    assert record["real"]["seen_in_training"] == 5
    other = write(tmp_path / "other", {"z.png": as_files(photos)["7.png"]})
    more = write(tmp_path / "labels", {"z.png": painted(classes)["7.png"]})
    with pytest.raises(DataError) as error:
        fcn_score(trained, settings(trained), source, more, other)
    assert (error.value.code, error.value.setting) == ("real-photos-of-others", "real")


# Real label maps


@pytest.mark.slow
def test_facades_against_themselves_and_as_jpeg(real_data: Path):
    """The truth scores 1; stored as JPEG of quality 90, 0.99 of the pixels keep their class."""
    parquet = pytest.importorskip("pyarrow.parquet")
    path = real_data / "facades" / "labels" / "test.parquet"
    if not path.exists():
        pytest.skip(f"real data absent: {path}")
    stored, lossy = [], []
    for image in parquet.read_table(path).column("image").to_pylist():
        pixels = Image.open(io.BytesIO(image["bytes"])).convert("RGB")
        stored.append(np.asarray(pixels))
        file = io.BytesIO()
        pixels.save(file, "JPEG", quality=90)
        lossy.append(np.asarray(Image.open(file)))
        assert unknown_colours(stored[-1], FACADES)[0] == 0
        assert unknown_colours(lossy[-1], FACADES)[0] < 0.001
    truth, found = (
        nearest_colour(torch.from_numpy(np.stack(p)).permute(0, 3, 1, 2), FACADES)
        for p in (stored, lossy)
    )
    assert np.array_equal(np.array(FACADES)[truth], np.stack(stored))
    assert all(score.value == 1 for score in measure(truth, truth, 12, 5).values())
    assert measure(truth, found, 12, 5)["pixel"].value >= 0.99
