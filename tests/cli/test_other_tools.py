"""Flags that users of other tools type: each is answered with the setting that does it here."""

from __future__ import annotations

import shlex
from argparse import ArgumentTypeError
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpaired.cli import train
from unpaired.cli.flags.advice import answer, row_of, unknown_flag
from unpaired.cli.flags.alternatives import exists
from unpaired.cli.flags.arguments import device
from unpaired.cli.flags.other_tools import TABLE, VERBS, Row
from unpaired.cli.flags.settings import override
from unpaired.cli.main import VERBS as OWN_VERBS
from unpaired.cli.main import main
from unpaired.core.errors import SettingError, UnpairedError
from unpaired.recipes import recipe

REQUIRED = {
    "translate": ["no-such-model", "images/", "-o", "out/", "--to", "b"],
    "evaluate": ["no-such-model"],
    "generate": ["no-such-model", "-o", "out/"],
}


def answers(row: Row) -> Iterator[list[str]]:
    """All that a row can propose, as words."""
    for value in ("", *row.choices):
        yield shlex.split(answer(row, value, lambda: 100).partition(" (")[0].partition(" is ")[2])


def refusal(*arguments: str) -> SettingError:
    verb, *rest = arguments
    with pytest.raises(SettingError) as error:
        import_module(f"unpaired.cli.{verb}").run(rest)
    return error.value


@pytest.mark.parametrize("row", TABLE["train"], ids=lambda row: row.names.split()[0])
def test_what_is_proposed_for_training_exists(row: Row):
    """With each value of another name, too."""
    if not row.flags:
        assert row.note
        return
    known = train.parser().options
    for words in answers(row):
        flags = [word for word in words if word.startswith("-")]
        assert flags
        for flag in flags:
            assert flag in known or exists(flag.removeprefix("--").replace("-", "_")), flag
        _, rest = train.parser().parse_known_args(words)
        kinds = [i for i, word in enumerate(rest) if word.endswith(".kind")]
        chosen = [word for i in kinds for word in rest[i : i + 2]]
        override(recipe("demo"), chosen, "unpaired train")  # each kind is one that there is


def test_the_values_that_are_proposed_are_values():
    """All settings of one kind of network at once: the one who parses them is slow."""
    words = [word for row in TABLE["train"] if row.flags for word in next(answers(row))]
    _, rest = train.parser().parse_known_args(words)
    of_kinds = {i for k, word in enumerate(rest) if word.endswith(".kind") for i in (k, k + 1)}
    settings = [word for i, word in enumerate(rest) if i not in of_kinds]
    kinds = ["--method.generator.kind", "resnet", "--method.discriminator.kind", "patchgan"]
    experiment = override(recipe("demo"), [*kinds, *settings], "unpaired train")
    assert experiment.training.batch_size == 8
    assert experiment.a is not None
    assert experiment.a.fit == "crop"


@pytest.mark.parametrize("verb", REQUIRED)
def test_what_is_proposed_for_other_verbs_exists(verb: str):
    for row in TABLE[verb]:
        for words in answers(row) if row.flags else ():
            with pytest.raises(UnpairedError) as error:
                import_module(f"unpaired.cli.{verb}").run([*REQUIRED[verb], *words])
            assert error.value.code != "bad-arguments", words


@pytest.mark.parametrize("verb", TABLE)
def test_a_name_stands_in_one_row_and_is_no_flag_of_the_verb(verb: str):
    names = [name for row in TABLE[verb] for name in row.names.split()]
    of_verb = {
        name for name in set(names) if row_of(name, verb) is not None and names.count(name) > 1
    }
    # A verb's own rows come before those of all.
    assert all(any(name in row.names.split() for row in TABLE["segmenter"]) for name in of_verb)
    if verb == "train":
        own = {flag.strip("-").replace("-", "") for flag in train.parser().options}
        assert not own & {name.replace("-", "") for name in names}


@pytest.mark.parametrize(
    ("typed", "proposed"),
    [
        ("--batch-size 8", "--training.batch-size 8"),
        ("--batchSize 8", "--training.batch-size 8"),
        ("--batch_size=8", "--training.batch-size 8"),
        ("--bs 8", "--training.batch-size 8"),
        ("--batch", "--training.batch-size 8"),  # an example, where no value was typed
        (
            "--lr 1e-4,",
            "--training.generators.learning-rate 1e-4 --training.discriminators.learning-rate 1e-4",
        ),
        (
            "--learning_rate .0002",
            "--training.generators.learning-rate .0002 "
            "--training.discriminators.learning-rate .0002",
        ),
        ("--size 128", "--a.size 128"),
        ("--img-size 128x128", "--a.size 128"),
        ("--imgsz 640", "--a.size 640"),
        ("--crop_size [256]", "--a.fit crop --b.fit crop --a.size 256"),
        ("--load_size 286", "--a.fit crop --b.fit crop --a.short-side 286 --b.short-side 286"),
        ("--preprocess resize_and_crop", "--a.fit crop --b.fit crop"),
        ("--image-size large", "--a.size 128"),
        ("--epochs 5", "--images 500"),
        ("--n_epochs 0.5", "--images 50"),
        ("--kimg 25000", "--images 25000k"),
        ("--lambda_A 10.0", "--method.cycle-weight 10.0"),
        ("--lambda_identity 0.5", "--method.identity-weight 5"),
        ("--netG resnet_9blocks", "--method.generator.kind resnet --method.generator.blocks 9"),
        ("--netG unet_256", "--method.generator.kind unet --method.generator.downsamplings 8"),
        ("--ngf 32", "--method.generator.width 32"),
        ("--ndf 32", "--method.discriminator.width 32"),
        ("--pool_size 0", "--training.pool-size 0"),
        ("--no_flip", "--a.augmentation.no-flip --b.augmentation.no-flip"),
        ("--input_nc 1", "--a.channels 1"),
        ("--gan_mode lsgan", "--method.adversarial.kind least-squares"),
        ("--gan_mode wgangp", "--method.adversarial.kind wasserstein-gp"),
        ("--beta1 0.5", "--training.generators.beta1 0.5 --training.discriminators.beta1 0.5"),
        ("--norm batch", "--method.generator.norm batch --method.discriminator.norm batch"),
        ("--dataroot ./datasets/maps", "--a ./datasets/maps/trainA --b ./datasets/maps/trainB"),
        ("--fp16", "--training.precision bfloat16"),
        ("--precision 32", "--training.precision float32"),
        ("--gpu 0", "--device cuda"),
        ("--gpu_ids -1", "--device cpu"),
        ("--no-cuda", "--device cpu"),
        ("--save-dir out/mine", "-o out/mine"),
        ("--project my runs", "-o my runs"),
        ("--source photos/", "--a photos/"),
        ("--domain-a photos/", "--a photos/"),
    ],
)
def test_a_value_that_means_the_same_is_carried_over(typed: str, proposed: str):
    flag, *values = typed.split()
    message = unknown_flag(flag, values, ["--images", "--device"], "train", lambda: 100)
    assert message.partition(": ")[2].partition(" (")[0] == f"what does it here is {proposed}"


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        ("--workers 4", "as many threads as there are processors"),
        ("--resume", "the same command again continues the run"),
        ("--continue_train", "the same command again continues the run"),
        ("--weights x.pth", "begins with new weights"),
        ("--direction AtoB", "exchange them"),
        ("--epoch_count 3", "the same command again continues"),
        ("--weight-decay 0.01", "there is no such setting"),
    ],
)
def test_what_has_no_setting_says_why(flag: str, reason: str):
    error = refusal("train", "--recipe", "demo", *flag.split())
    assert error.code == "bad-arguments"
    assert f"unknown argument {flag.split()[0]!r}: " in str(error)
    assert reason in str(error)


@pytest.fixture(scope="module")
def image_sets(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """30 and 60 images."""
    root = tmp_path_factory.mktemp("sets")
    for name, count in (("photos", 30), ("paintings", 60)):
        (root / name).mkdir()
        for i in range(count):
            pixels = np.random.default_rng(i).integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return ["--a", str(root / "photos"), "--b", str(root / "paintings")]


@pytest.mark.parametrize("verb", ["train", "sweep"])
def test_epochs_are_images_of_this_data(verb: str, image_sets: list[str]):
    """Of 60, six are for the test and four for validation: an epoch is 50 images."""
    message = str(refusal(verb, *image_sets, "--epochs", "5"))
    assert "--images 250 (5 times the 50 images of the larger set" in message
    nowhere = str(refusal(verb, "--a", "nowhere/", "--b", "nowhere-else/", "--epochs", "5"))
    assert "--images 100k (times the images of the larger image set" in nowhere
    of_recipe = str(refusal(verb, *["--recipe"][: verb == "train"], "demo", "--epochs", "2"))
    assert "times the " in of_recipe


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sweep", "demo", "--lr", "1e-4,2e-4"], "--training.generators.learning-rate 1e-4,2e-4 "),
        (["check", "--a", "x", "--b", "y", "--size", "64"], "--a.size 64"),
        (["check", "--a", "x", "--b", "y", "--workers", "4"], "there is none"),
        (["translate", *REQUIRED["translate"], "--batch", "4"], "--batch-size 4"),
        (["translate", *REQUIRED["translate"], "--direction", "BtoA"], "--to a"),
        (["translate", *REQUIRED["translate"], "--gpu", "0"], "--device cuda"),
        (["translate", *REQUIRED["translate"], "--resume"], "--skip-existing"),
        (["translate", "--model", "m", *REQUIRED["translate"]], "the model comes first"),
        (["evaluate", "--fake", "out/"], "--generated out/"),
        (["evaluate", "--gt", "photos/"], "--real photos/"),
        (["evaluate", "m", "--workers", "4"], "there is none"),
        (["generate", *REQUIRED["generate"], "--num-images", "10"], "--count 10"),
        (["train", "--recipe", "demo", "--training.lr", "1e-4"], "learning-rate 1e-4 "),
        (["train", "--recipe", "demo", "--training.epochs=5"], "--images 100k"),
        (["train", "--recipe", "demo", "--method.lambda_A", "5"], "--method.cycle-weight 5"),
        (["train", "--recipe", "demo", "--a.image-size", "64"], "--a.size 64"),
        (["train", "--recipe", "demo", "--method.netG=unet"], "--method.generator.kind unet"),
    ],
)
def test_every_verb_answers(arguments: list[str], words: str):
    assert words in str(refusal(*arguments)) + " "


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "photos/", "paintings/"], "--a photos/ --b paintings/"),
        (["train", "photos/", "paintings/", "--time", "5m"], "--a photos/ --b paintings/"),
        (["check", "photos/", "paintings/"], "--a photos/ --b paintings/"),
        (["train", "demo"], "--recipe demo"),
        (["train", "--recipe", "demo", "--time", "2", "h"], "--time 2h"),
        (["train", "-a", "photos/", "-b", "paintings/"], "did you mean --a photos/?"),
        (["train", "--A", "photos/", "--B", "paintings/"], "did you mean --a photos/?"),
        (["train", "-images", "5"], "did you mean --images 5?"),
        (["train", "--recipe", "demo", "--imgaes", "5"], "did you mean --images?"),
    ],
)
def test_words_and_flags_that_are_almost_right(arguments: list[str], words: str):
    assert words in str(refusal(*arguments))


def test_underscores_are_dashes(image_sets: list[str], capsys: pytest.CaptureFixture[str]):
    settings = ["--training.batch_size", "2", "--a_test", image_sets[3], "--images=64"]
    assert main(["train", *image_sets, *settings, "--dry_run", "--device", "cpu"]) == 0
    assert '"batch_size": 2' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "CUDA_VISIBLE_DEVICES=0"),
        ("cuda:1", "CUDA_VISIBLE_DEVICES=1"),
        ("0,1", "CUDA_VISIBLE_DEVICES=0,1"),
        ("gpu", "--device cuda"),
        ("-1", "--device cpu"),
        ("mps", "--device cpu"),
        ("tpu", "auto, cpu or cuda"),
    ],
)
def test_devices_of_other_tools(text: str, words: str):
    with pytest.raises(ArgumentTypeError) as error:
        device(text)
    assert words in str(error.value)
    assert all(device(own) == own for own in ("auto", "cpu", "cuda"))


def test_verbs_of_other_tools(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert not VERBS.keys() & OWN_VERBS.keys()
    for other, own in VERBS.items():
        assert set(own) <= OWN_VERBS.keys()
        assert main([other, str(tmp_path)]) == 2
        message = capsys.readouterr().err
        assert all(f"`unpaired {verb}`" in message for verb in own)
