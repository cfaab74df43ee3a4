"""What is chosen for two piles that nobody has described, and what it is said to cost."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.core.errors import DataError
from unpaired.data.codecs.settings import Reading
from unpaired.data.first_images import FirstImages, probe_images
from unpaired.data.sources import BuiltIn, Folder, Source, parse_source
from unpaired.experiment import auto
from unpaired.experiment.auto import undescribed
from unpaired.experiment.checks import check
from unpaired.experiment.experiment import Experiment
from unpaired.experiment.smoke import smoke
from unpaired.methods import GAN
from unpaired.networks import CNN, ResNet, UNet
from unpaired.objectives import WassersteinClip
from unpaired.recipes import RECIPES, recipe
from unpaired.training.estimate import Estimate, estimate


def fill(folder: Path, height: int, width: int, mode: str = "RGB", count: int = 8) -> Folder:
    folder.mkdir(parents=True)
    for i in range(count):
        random = np.random.default_rng(i)
        if mode == "I;16":
            image = Image.fromarray(random.integers(0, 2**16, (height, width), np.uint16))
        else:
            pixels = random.integers(0, 256, (height, width, 3), np.uint8)
            image = Image.fromarray(pixels).convert(mode)
        image.save(folder / f"{i}.png")
    return Folder(path=str(folder))


def choose(
    a: Source | None, b: Source, device: Literal["auto", "cpu"] = "auto", **given: Any
) -> tuple[Experiment, list[str]]:
    """What is chosen for two piles, after some settings were given: `training__batch_size=2`."""
    experiment = undescribed(a, b)
    experiment = replace(experiment, training=replace(experiment.training, device=device))
    paths = {name.replace("__", "."): value for name, value in given.items()}
    for path, value in paths.items():
        experiment = with_value(experiment, path.split("."), value)
    return auto.choose(experiment, paths)


def with_value(settings: Any, path: list[str], value: Any) -> Any:
    name, *deeper = path
    inner = with_value(getattr(settings, name), deeper, value) if deeper else value
    return replace(settings, **{name: inner})


@pytest.fixture
def with_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "choose_device", lambda wanted: torch.device("cuda"))
    monkeypatch.setattr(auto, "choose_precision", lambda wanted, device: "bfloat16")


def test_small_and_grey_beside_large_and_colour(tmp_path: Path):
    grey, colour = fill(tmp_path / "grey", 40, 40, "L"), fill(tmp_path / "colour", 200, 300)
    experiment, reasons = choose(grey, colour, "cpu")
    check(experiment)
    assert (experiment.a.channels, experiment.b.channels) == (1, 3)
    assert experiment.a.size == experiment.b.size == 32
    assert experiment.a.fit == experiment.b.fit == "cover"
    assert experiment.method.identity_weight == 0  # the channels differ
    assert experiment.a.augmentation.flip
    assert experiment.training.batch_size == 32
    assert experiment.method.generator == ResNet(width=32, blocks=3)
    text = "\n".join(reasons)
    for words in (
        f"a: 8 images in {grey.path}, short side 40 pixels, grey",
        f"b: 8 images in {colour.path}, short side 200 pixels, colour",
        "size 32×32: the largest that the images fill",
        "ResNet generator: a and b differ in channels",
        "ResNet generator with 3 blocks",
        "on cpu",
    ):
        assert words in text


def test_large_images_are_limited_on_a_processor_and_the_flag_is_named(tmp_path: Path):
    image_sets = [fill(tmp_path / name, 300, 260, count=4) for name in "ab"]
    experiment, reasons = choose(*image_sets, "cpu")
    check(experiment)
    assert experiment.a.size == 128
    assert experiment.method.identity_weight == 5
    assert experiment.method.generator == UNet(
        width=32,
        downsamplings=3,
        blocks=4,
        norm="instance",
        upsampling="resize",
        full_size_skip=True,
    )
    assert any("a and b have like channels" in reason for reason in reasons)
    assert any("for more detail: --a.size 256" in reason for reason in reasons)


@pytest.mark.usefixtures("with_gpu")
def test_a_gpu_gets_larger_images_networks_and_batches(tmp_path: Path):
    image_sets = [fill(tmp_path / name, 300, 260, count=4) for name in "ab"]
    experiment, reasons = choose(*image_sets)
    check(experiment)
    assert experiment.a.size == 256
    generator = experiment.method.generator
    assert isinstance(generator, UNet)
    assert (generator.width, generator.blocks) == (64, 6)
    assert experiment.training.batch_size == 8
    assert any("bfloat16 on cuda" in reason for reason in reasons)


@pytest.mark.parametrize("side", [20, 33, 64, 127, 128])
@pytest.mark.parametrize("gpu", [False, True])
def test_every_size_gives_a_sound_experiment(
    side: int, gpu: bool, tmp_path: Path, request: pytest.FixtureRequest
):
    if gpu:
        request.getfixturevalue("with_gpu")
    image_sets = [fill(tmp_path / name, side, side, count=4) for name in "ab"]
    experiment, reasons = choose(*image_sets)
    check(experiment)
    assert experiment.a.size == max(s for s in (32, 64, 128) if s <= max(side, 32))
    if side < 32:
        assert any("smaller images are enlarged" in reason for reason in reasons)


def test_what_was_given_stays_and_choices_follow_it(tmp_path: Path):
    image_sets = [fill(tmp_path / name, 72, 72, count=4) for name in "ab"]
    experiment, reasons = choose(*image_sets, "cpu", b__size=128, method__generator__width=8)
    check(experiment)
    assert (experiment.a.size, experiment.b.size) == (128, 128)
    generator = experiment.method.generator
    assert isinstance(generator, UNet)
    assert (generator.width, generator.blocks) == (8, 4)
    assert experiment.training.batch_size == 4
    text = "\n".join(reasons)
    assert "size 128×128: as given; images of a and b are smaller and are enlarged" in text
    assert "U-Net generator with 4 blocks, PatchGAN with 3 layers, batches of 4: usual" in text

    given = {
        "method__generator": UNet(),
        "method__discriminator": CNN(),
        "training__batch_size": 64,
        "training__precision": "float32",
    }
    experiment, reasons = choose(*image_sets, "cpu", **given)
    assert experiment.method.generator == UNet()
    assert experiment.method.discriminator == CNN()
    assert experiment.training.generators.learning_rate == 4e-4  # as the batch asks for
    text = "\n".join(reasons)
    for word in ("ResNet", "U-Net", "PatchGAN", "batches of", "float", "in reasonable time"):
        assert word not in text


def test_a_kind_that_was_typed_stays_with_what_suits_the_size(tmp_path: Path):
    image_sets = [fill(tmp_path / name, 72, 72, count=4) for name in "ab"]
    wanted = with_value(undescribed(*image_sets), ["method", "generator"], ResNet())
    experiment, reasons = auto.choose(wanted, {"method.generator.kind"})
    assert experiment.method.generator == ResNet(width=experiment.method.generator.width, blocks=4)
    assert not any("channels, so that" in reason for reason in reasons)


def test_label_maps_are_drawn_anew(tmp_path: Path):
    image_sets = [fill(tmp_path / name, 72, 72, count=4) for name in "ab"]
    palette = ((0, 0, 0), (255, 255, 255))
    experiment, _ = choose(*image_sets, "cpu", b__palette=palette)
    check(experiment)
    assert experiment.method.identity_weight == 0, "no generator can take its own output"
    assert isinstance(experiment.method.generator, ResNet)


def test_unlike_channels_keep_what_was_typed_of_the_generator(tmp_path: Path):
    grey, colour = fill(tmp_path / "grey", 40, 40, "L"), fill(tmp_path / "colour", 40, 40)
    given: dict[str, Any] = {"method__generator__width": 8, "method__generator__norm": "batch"}
    experiment, _ = choose(grey, colour, "cpu", **given)
    assert experiment.method.generator == ResNet(width=8, blocks=3, norm="batch")
    # What a ResNet has not keeps the U-Net.
    experiment, _ = choose(grey, colour, "cpu", method__generator__full_size_skip=False)
    assert isinstance(experiment.method.generator, UNet)
    assert not experiment.method.generator.full_size_skip


@pytest.mark.parametrize(
    ("size", "halvings"), [(32, 3), (36, 2), (16, 2), (8, 1), (64, 3), (256, 3), (100, 2), (50, 1)]
)
def test_a_u_net_halves_sizes_to_whole_pixels(size: int, halvings: int, tmp_path: Path):
    image_sets = [fill(tmp_path / name, 72, 72, count=4) for name in "ab"]
    experiment, _ = choose(*image_sets, "cpu", a__size=size, b__size=size)
    assert experiment.method.generator.downsamplings == halvings
    check(experiment)


def test_a_shorter_training_is_looked_at_and_stored_as_often(tmp_path: Path):
    image_sets = fill(tmp_path / "a", 40, 40), fill(tmp_path / "b", 40, 40)
    short, _ = choose(*image_sets, "cpu", training__images=4_000)
    assert short.training.sample_images == short.training.checkpoint_images == 200
    assert short.evaluation.images == 800
    usual, _ = choose(*image_sets, "cpu")
    assert usual.training.checkpoint_images == usual.training.images // 20


def test_a_clipped_critic_gets_no_spectral_norm(tmp_path: Path):
    image_sets = fill(tmp_path / "a", 40, 40), fill(tmp_path / "b", 40, 40)
    experiment, _ = choose(*image_sets, "cpu", method__adversarial=WassersteinClip())
    check(experiment)
    assert not experiment.method.discriminator.spectral_norm


def test_a_size_beyond_what_is_usual_is_trained_in_small_batches(tmp_path: Path):
    image_sets = [fill(tmp_path / name, 72, 72, count=4) for name in "ab"]
    for size in (8, 20, 48, 512):
        experiment, reasons = choose(*image_sets, "cpu", a__size=size)
        check(experiment)
        assert any("enlarged" in reason for reason in reasons) == (size == 512)
    assert experiment.training.batch_size == 1
    assert not any("reasonable time" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("a", "b", "name"),
    [
        ("photos/", "paintings", "photos-paintings"),
        ("X/train.parquet", "Y/train.parquet", "X-Y"),
        ("maps/trainA", "maps/trainB", "maps"),
        ("x/images/train", "hf:owner/signs:train", "x-signs"),
        ("x/v1.2_b", "builtin:ink", "v1-ink"),
        ("training_A", "test", None),
    ],
)
def test_a_run_is_named_after_what_tells_its_sources(
    a: str, b: str, name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "work_1").mkdir()
    monkeypatch.chdir(tmp_path / "work_1")
    found = undescribed(parse_source(a), parse_source(b)).name
    assert found == (name or re.sub(r"[^A-Za-z0-9]+", "-", Path.cwd().name))


def test_one_image_set_is_for_images_from_noise(tmp_path: Path):
    b = fill(tmp_path / "b", 72, 72, count=4)
    experiment, reasons = choose(None, b, "cpu", method=GAN())
    check(experiment)
    assert experiment.a is None
    assert experiment.method == GAN()
    assert experiment.name == "b"
    assert experiment.b.size == 64
    assert any("batches of 16" in reason for reason in reasons)


def test_changes_of_training_images_are_told_with_the_flags_that_leave_them_out(tmp_path: Path):
    image_sets = [fill(tmp_path / name, 40, 40, count=4) for name in "ab"]
    text = "\n".join(choose(*image_sets, "cpu")[1])
    assert "mirrored" in text
    assert "without: --a.augmentation.no-flip --b.augmentation.no-flip" in text
    assert "without: --a.augmentation.zoom 1 --b.augmentation.zoom 1" in text
    reasons = choose(*image_sets, "cpu", a__augmentation__flip=False)[1]
    assert any(r.endswith("without: --b.augmentation.no-flip") for r in reasons)
    built_in = choose(BuiltIn(name="ink"), BuiltIn(name="sign"), "cpu")[1]
    assert not any("mirrored" in reason for reason in built_in)


def test_the_first_look_sees_images_as_training_does(tmp_path: Path):
    (tmp_path / "numbers").mkdir()
    for i in range(4):
        pixels = np.random.default_rng(i).random((40, 40)).astype(np.float32)
        Image.fromarray(pixels).save(tmp_path / "numbers" / f"{i}.tiff")
    numbers = Folder(path=str(tmp_path / "numbers"))
    with pytest.raises(DataError) as error:
        probe_images(numbers)
    assert error.value.code == "no-readable-image"
    assert probe_images(numbers, Reading(range=(0, 1))).is_grey
    experiment, _ = choose(
        numbers,
        numbers,
        "cpu",
        a__crop=(0, 0, 32, 32),
        **{f"{name}__range": (0.0, 1.0) for name in "ab"},
    )
    assert experiment.a.range == (0, 1)
    assert probe_images(numbers, Reading(range=(0, 1)), (0, 0, 30, 40)).short_side == 30


def test_sixteen_bits_and_unreadable_files(tmp_path: Path):
    deep = fill(tmp_path / "deep", 40, 40, "I;16")
    (tmp_path / "deep" / "0.png").write_bytes(b"nothing")
    seen = probe_images(deep)
    words = "files (1 of 8 that were tried cannot be read)"
    assert seen == FirstImages(
        num_images=8, short_side=40, is_grey=True, sixteen_bits=True, files=words
    )
    experiment, reasons = choose(deep, fill(tmp_path / "plain", 40, 40, "L"), "cpu")
    assert reasons[0].startswith(f"a: 8 {words} in ")
    assert reasons[1].startswith("b: 8 images in ")
    assert (experiment.a.decoding.depth, experiment.b.decoding.depth) == (16, 8)


def test_one_coloured_image_makes_an_image_set_coloured(tmp_path: Path):
    grey = fill(tmp_path / "pile", 40, 40, "L")
    Image.new("RGB", (40, 40), (200, 30, 30)).save(tmp_path / "pile" / "x.png")
    assert not probe_images(grey).is_grey


def test_an_image_set_of_damaged_images_names_the_first(tmp_path: Path):
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(b"nothing")
    with pytest.raises(DataError) as caught:
        choose(Folder(path=str(tmp_path)), BuiltIn(name="ink"))
    message = str(caught.value)
    assert f"{tmp_path}: none of the 3 images that were tried can be read (first: 0.png" in message


def test_built_in_image_sets_keep_their_splits_apart():
    experiment, _ = choose(BuiltIn(name="ink"), BuiltIn(name="sign"), "cpu")
    check(experiment)
    assert experiment.a.test_source == BuiltIn(name="ink", part="test")
    assert experiment.b.validation_source == BuiltIn(name="sign", part="validation")
    assert not experiment.a.augmentation.flip  # digits


# Smoke and estimate


@pytest.mark.usefixtures("stand_in_data")
@pytest.mark.parametrize("name", RECIPES)
def test_smoke_shrinks_every_recipe_to_seconds(name: str):
    small = smoke(recipe(name))
    check(small)
    assert small.name == f"{name}-smoke"
    assert small.training.images <= 24
    assert small.training.batch_size <= 4
    assert not small.evaluation.classifier
    nets = small.method.build(small.a, small.b)
    # An encoder that is given, of whatever size, stays as it is.
    assert sum(p.numel() for p in nets.parameters() if p.requires_grad) < 300_000


def test_smoke_shrinks_what_was_chosen_for_large_images(tmp_path: Path, with_gpu: Any):
    image_sets = [fill(tmp_path / name, 260, 260, count=4) for name in "ab"]
    small = smoke(choose(*image_sets)[0])
    check(small)
    assert small.a.size == 32


def test_an_estimate_counts_parameters_and_scales_with_the_training(tiny: Experiment):
    found = estimate(tiny)
    nets = tiny.method.build(tiny.a, tiny.b)
    assert found.num_parameters == sum(p.numel() for p in nets.parameters())
    assert found.memory_bytes > 20 * found.num_parameters
    assert 0 < found.seconds_per_step < 5
    steps = tiny.training.images / tiny.training.batch_size
    assert found.seconds == pytest.approx(steps * found.seconds_per_step)
    budget = replace(tiny, training=replace(tiny.training, images=10**9, seconds=60.0))
    assert estimate(budget).seconds == 60


def test_an_estimate_of_memory_grows_with_the_batch(tiny: Experiment):
    double = replace(tiny, training=replace(tiny.training, batch_size=8))
    small, large = estimate(tiny), estimate(double)
    parameters = 20 * small.num_parameters
    ratio = (large.memory_bytes - parameters) / (small.memory_bytes - parameters)
    assert 1.5 < ratio < 2.1


def test_an_estimate_reads_as_a_sentence():
    found = Estimate(12_300_000, 3 * 2**30, 7200.0, 0.25, 240.0)
    assert found.sentence == (
        "estimate: 12.3 million parameters, about 3.0 GiB of memory beside the images, "
        "2 h 0 min of training (0.25 s per step), and about 4 min of measuring after it"
    )


# Crops


def test_crops_come_at_one_scale_unless_zoom_is_asked_for(tmp_path: Path):
    a, b = fill(tmp_path / "a", 108, 192), fill(tmp_path / "b", 130, 130)
    experiment, reasons = choose(a, b, "cpu", a__fit="crop", a__scale=0.5)
    check(experiment)
    assert (experiment.a.augmentation.zoom, experiment.b.augmentation.zoom) == (1, 1.2)
    assert experiment.a.size == 32  # 54 pixels are left of the short side
    text = "\n".join(reasons)
    assert "training images of a: squares from anywhere in each, at scale 0.5" in text
    assert "training images of b: some are zoomed" in text
    zoomed = {"a__fit": "crop", "a__augmentation__zoom": 1.3}
    assert choose(a, b, "cpu", **zoomed)[0].a.augmentation.zoom == 1.3


@pytest.mark.parametrize(
    ("settings", "size", "enlarged"),
    [
        ({"a__fit": "crop"}, 64, False),
        ({"a__fit": "crop", "a__short_side": 128}, 128, False),
        ({"a__fit": "crop", "a__size": 128, "b__size": 128}, 128, True),
        ({"a__fit": "crop", "a__scale": 2.0, "a__size": 128, "b__size": 128}, 128, False),
    ],
)
def test_size_follows_from_the_scale_of_crops(
    settings: dict[str, Any], size: int, enlarged: bool, tmp_path: Path
):
    a, b = fill(tmp_path / "a", 100, 192), fill(tmp_path / "b", 130, 130)
    experiment, reasons = choose(a, b, "cpu", **settings)
    check(experiment)
    assert experiment.a.size == experiment.b.size == size
    assert ("images of a are smaller and are enlarged" in "\n".join(reasons)) == enlarged
