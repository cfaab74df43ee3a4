"""The configuration tree: strict JSON, and cross-checks that find all problems at once."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from unpaired.core.errors import SettingError
from unpaired.data.codecs.settings import Decoding
from unpaired.data.domain import Domain
from unpaired.data.sources import Folder
from unpaired.engine.settings import Optimiser, Training
from unpaired.experiment.checks import check
from unpaired.experiment.experiment import SCHEMA, Evaluation, Experiment, from_json, load, to_json
from unpaired.methods import DTN, CycleGAN
from unpaired.networks import CNN, ClassEncoder, PatchGAN, ResNet, UNet
from unpaired.recipes import RECIPES, recipe


def folders(**settings: Any) -> Experiment:
    """A sound experiment on two folders; `a` and `b` are settings of both domains."""
    domain = settings.pop("domain", {})
    parts = {name: Domain(source=Folder(path=f"{name}/"), **domain) for name in ("a", "b")}
    return Experiment(**(parts | settings))


def problems(experiment: Experiment) -> list[str]:
    """Lines of the refusal, without their bullets."""
    with pytest.raises(SettingError) as caught:
        check(experiment)
    first, *lines = str(caught.value).splitlines()
    assert first == f"{len(lines)} setting{'s' * (len(lines) > 1)} cannot be used:"
    return [line.removeprefix("  - ") for line in lines]


def refusal(text: str) -> str:
    with pytest.raises(SettingError) as caught:
        from_json(text, "runs/x/config.json")
    assert "runs/x/config.json" in str(caught.value)
    return str(caught.value)


def changed(path: str, value: Any) -> str:
    """The demo's JSON with another value at a path; a key that is not there is added."""
    data = json.loads(to_json(recipe("demo")))
    *owners, last = path.split(".")
    place = data
    for owner in owners:
        place = place[owner]
    place[last] = value
    return json.dumps(data)


# JSON


@pytest.mark.usefixtures("stand_in_data")
@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_sound_and_survive_json(name: str, tmp_path: Path):
    experiment = recipe(name)
    check(experiment)
    (tmp_path / "config.json").write_text(to_json(experiment))
    assert load(tmp_path / "config.json") == experiment
    assert experiment.name == name


def test_every_setting_is_stored():
    experiment = folders(domain={"crop": (1, 2, 3, 4), "range": (-1.0, 1)})
    stored = json.loads(to_json(experiment))
    assert stored["a"]["crop"] == [1, 2, 3, 4]
    assert stored["method"]["generator"]["kind"] == "resnet"
    assert stored["schema_version"] == SCHEMA
    restored = from_json(to_json(experiment), "here")
    assert restored == experiment
    assert restored.a.crop == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("traning", "traning: unknown setting; did you mean 'training'?"),
        ("training.batchsize", "training.batchsize: unknown setting; did you mean 'batch_size'?"),
        (
            "training.generators.learning_rte",
            "training.generators.learning_rte: unknown setting; did you mean 'learning_rate'?",
        ),
        (
            "method.generator.widht",
            "method.generator.widht: unknown setting; did you mean 'width'?",
        ),
        ("a.test_source.nmae", "a.test_source.nmae: unknown setting; did you mean 'name'?"),
        ("a.augmentation.zzz", "a.augmentation.zzz: unknown setting."),
    ],
)
def test_unknown_settings_are_named_with_the_nearest(path: str, line: str):
    assert refusal(changed(path, 1)) == f"runs/x/config.json cannot be used:\n  - {line}"


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("method.generator.kind", "unett", ["'unett'", "did you mean 'unet'?", "resnet"]),
        ("method.discriminator.kind", "patch", ["'patch'", "'patchgan'", "'cnn'"]),
        ("method.adversarial.kind", "wgan", ["'wgan'", "'hinge'", "'least_squares'"]),
        ("a.source.kind", "tape", ["'tape'", "'folder'", "'hf'", "'builtin'"]),
        ("method.kind", "magic", ["'magic'", "cyclegan"]),
    ],
)
def test_unknown_kinds_are_named_with_those_that_exist(path: str, kind: str, words: list[str]):
    message = refusal(changed(path, kind))
    assert f"  - {path}: " in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("training.batch_size", "12"),
        ("training.batch_size", True),
        ("training.batch_size", 1.5),
        ("training.batch_size", None),
        ("training.compile", 1),
        ("training.device", "tpu"),
        ("training.generators", []),
        ("a.channels", 2),
        ("a.decoding.depth", 12),
        ("a.fit", "zoom"),
        ("name", 3),
        ("schema_version", "1"),
    ],
)
def test_wrong_types_and_choices_are_named_with_their_value(path: str, value: Any):
    message = refusal(changed(path, value))
    assert f"\n  - {path}: " in message
    assert f"(got {value!r})" in message


def test_a_number_may_be_whole_where_any_is_meant():
    assert from_json(changed("method.cycle_weight", 5), "x").method.cycle_weight == 5.0


def test_long_values_are_not_repeated_in_full():
    message = refusal(changed("training.batch_size", "x" * 1000))
    assert len(message) < 200


def test_all_problems_of_a_file_come_at_once():
    data = json.loads(to_json(recipe("demo")))
    del data["a"]["source"]
    data["training"]["epochs"] = 3
    data["method"]["generator"]["width"] = "wide"
    message = refusal(json.dumps(data))
    assert message.splitlines()[1:] == [
        "  - a.source: Field required.",
        "  - method.generator.width: Input should be a valid integer (got 'wide').",
        "  - training.epochs: unknown setting.",
    ]


def test_a_newer_schema_is_refused_by_name():
    message = refusal(changed("schema_version", SCHEMA + 1))
    assert f"newer unpaired (schema {SCHEMA + 1}; this one reads up to {SCHEMA})" in message
    assert "pip install -U unpaired" in message


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"demo"'])
def test_what_is_no_experiment_is_refused(text: str):
    assert refusal(text).startswith("runs/x/config.json is not ")


# What Python lets through


def test_a_learning_rate_that_is_no_number():
    rate = Optimiser(learning_rate=math.nan)
    experiment = folders(training=Training(generators=rate, discriminators=rate))
    assert problems(experiment) == [
        "training.generators.learning_rate is nan: give a finite number.",
        "training.discriminators.learning_rate is nan: give a finite number.",
    ]
    # JSON has no NaN, but Python writes it and reads it.
    assert "NaN" in to_json(experiment)
    with pytest.raises(SettingError, match="learning_rate is nan") as error:
        check(from_json(to_json(experiment), "here"))
    assert error.value.code == "experiment-invalid"


@pytest.mark.parametrize(
    ("training", "line"),
    [
        ({"seed": "1"}, "training.seed: Input should be a valid integer (got '1')."),
        ({"precision": "int8"}, "training.precision: Input should be 'auto', 'bfloat16' or "),
        ({"generators": Optimiser(algorithm="sgd")}, "training.generators.algorithm: Input should"),
        ({"seconds": Path("x")}, "training.seconds: Input should be a valid number"),
    ],
)
def test_wrong_types_are_found_before_anything_runs(training: dict[str, Any], line: str):
    (found,) = problems(folders(training=Training(**training)))
    assert found.startswith(line)


# Numbers


def numbers(settings: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of all settings that hold a number, in a tree and in the alternatives listed here."""
    found = []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            found += numbers(value, (*path, field.name))
        elif type(value) in (int, float):
            found.append((*path, field.name))
    return found


def with_value(settings: Any, path: tuple[str, ...], value: Any) -> Any:
    name, *rest = path
    if rest:
        value = with_value(getattr(settings, name), tuple(rest), value)
    return replace(settings, **{name: value})


TREES = [
    folders(),
    folders(
        domain={"size": 64},
        method=CycleGAN(generator=UNet(), discriminator=CNN(), cycle_weight_b=1.0),
        training=Training(seconds=60.0),
    ),
]
NUMBERS = [
    pytest.param(tree, path, id=f"{i}-{'.'.join(path)}")
    for i, tree in enumerate(TREES)
    for path in numbers(tree)
    if path[-1] not in ("channels", "depth", "kernel", "schema_version")  # choices, not numbers
]


@pytest.mark.parametrize(("tree", "path"), NUMBERS)
def test_no_number_may_be_negative(tree: Experiment, path: tuple[str, ...]):
    name = ".".join(path)
    assert any(p.startswith(f"{name} is -1: ") for p in problems(with_value(tree, path, -1)))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_number_may_be_without_end(value: float):
    for tree in TREES:
        for path in numbers(tree):
            if isinstance(_get(tree, path), float):
                name = ".".join(path)
                found = problems(with_value(tree, path, value))
                assert f"{name} is {value}: give a finite number." in found


def _get(settings: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        settings = getattr(settings, name)
    return settings


@pytest.mark.parametrize(
    ("experiment", "line"),
    [
        (folders(domain={"size": 4}), "a.size is 4: it must be at least 8."),
        (folders(domain={"fill": 256}), "a.fill is 256: it must be at most 255."),
        (folders(training=Training(batch_size=0)), "training.batch_size is 0: it must be at least"),
        (
            folders(training=Training(generators=Optimiser(beta2=1.0))),
            "training.generators.beta2 is 1: it must be at most 0.99999.",
        ),
        (
            folders(domain={"decoding": Decoding(background=(0, 0, 300))}),
            "b.decoding.background is 300: it must be at most 255.",
        ),
        (
            folders(training=Training(seed=2**63)),
            "training.seed is 9223372036854775808: it must be at most",
        ),
    ],
)
def test_limits(experiment: Experiment, line: str):
    assert any(problem.startswith(line) for problem in problems(experiment))


# Settings against each other

CONTRADICTIONS: dict[str, tuple[Callable[[], Experiment], list[str]]] = {
    "sizes differ": (
        lambda: replace(folders(), b=Domain(source=Folder(path="b"), size=128)),
        ["a.size is 256 and b.size 128", "--b.size 128 alone"],
    ),
    "size is no multiple": (
        lambda: folders(domain={"size": 30}, method=CycleGAN(discriminator=CNN())),
        ["method.generator: ", "2 times and needs a multiple of 4", "use a size of 28 or 32"],
    ),
    "size is halved away": (
        lambda: folders(domain={"size": 32}, method=CycleGAN(generator=ResNet(downsamplings=5))),
        ["method.generator: ", "32×32 5 times, down to 1×1", "use fewer downsamplings"],
    ),
    "no halving at all": (
        lambda: folders(method=CycleGAN(generator=UNet(downsamplings=0))),
        ["method.generator: downsamplings is 0"],
    ),
    "kernel is even": (
        lambda: folders(method=CycleGAN(generator=ResNet(kernel=4))),
        ["method.generator: kernel is 4: give an odd number"],
    ),
    "patch is larger than the image": (
        lambda: folders(domain={"size": 16}),
        ["method.discriminator: 3 layers need images of 24×24 at least, not 16×16"],
    ),
    "more than a model folder may have": (
        lambda: folders(method=DTN(encoder=ClassEncoder(num_classes=5000))),
        ["method.encoder.num_classes is 5000: no model has more than 4096"],
    ),
    "nothing to train on": (
        lambda: folders(domain={"test_fraction": 0.6, "validation_fraction": 0.4}),
        ["test and validation fractions leave nothing to train on"],
    ),
    "training images as test images": (
        lambda: folders(domain={"test_source": Folder(path="b/")}),
        ["b: the training images are also those of the test", "a share of the training images"],
    ),
    "empty crop": (
        lambda: folders(domain={"crop": (5, 0, 5, 9)}),
        ["crop is (5, 0, 5, 9)", "left top right bottom"],
    ),
    "a scale of what has its own": (
        lambda: folders(domain={"scale": 0.5, "short_side": 300}),
        ["b.scale is 0.5, but", "b.fit cover, which has a scale of its own", "b.short_side is 300"],
    ),
    "two scales": (
        lambda: folders(domain={"fit": "crop", "scale": 0.5, "short_side": 300}),
        ["b.scale is 0.5 and b.short_side 300", "Leave one of them out"],
    ),
    "squares larger than the images": (
        lambda: folders(domain={"fit": "crop", "short_side": 200}),
        ["b.short_side is 200, which squares of b.size 256 do not fit in", "--b.short-side 256"],
    ),
    "parts for what sees the whole": (
        lambda: folders(method=DTN(), domain={"fit": "crop", "size": 32}),
        [
            "a.fit is crop, but DTN knows what is where of whole images alone",
            "cover, pad or resize",
        ],
    ),
    "black above white": (
        lambda: folders(domain={"range": (1.0, 0.0)}),
        ["range is 1 0", "black must be below that of white"],
    ),
    "identity of other channels": (
        lambda: replace(
            folders(method=CycleGAN(identity_weight=5.0)),
            b=Domain(source=Folder(path="b"), channels=1),
        ),
        ["3 signed channel(s) of a and 1 signed channel(s) of b", "--method.identity-weight"],
    ),
    "identity of other ranges": (
        lambda: replace(
            folders(method=CycleGAN(identity_weight=5.0)),
            b=Domain(source=Folder(path="b"), value_range="unit"),
        ),
        ["3 signed channel(s) of a and 3 unit channel(s) of b", "value_range"],
    ),
    "a palette of wrong colours": (
        lambda: replace(
            folders(),
            b=Domain(source=Folder(path="b"), palette=((0, 0, 0), (0, 300, 0), (0, 0, 0))),
        ),
        ["b.palette holds (0, 300, 0)", "0 to 255", "b.palette holds (0, 0, 0) more than once"],
    ),
    "a palette of grey images": (
        lambda: replace(
            folders(),
            b=Domain(source=Folder(path="b"), channels=1, palette=((0, 0, 0), (9, 9, 9))),
        ),
        ["b.palette holds RGB colours, but b.channels is 1", "--b.channels 3"],
    ),
    "a palette of one colour": (
        lambda: replace(folders(), a=Domain(source=Folder(path="a"), palette=((0, 0, 0),))),
        ["a.palette holds one colour"],
    ),
    "label channels without classes": (
        lambda: replace(folders(), a=Domain(source=Folder(path="a"), label_channels="colours")),
        ["a.label_channels is colours, but without a.palette"],
    ),
    "values of images for label maps": (
        lambda: replace(
            folders(),
            a=Domain(source=Folder(path="a"), palette=((0, 0, 0), (9, 9, 9)), value_range="unit"),
        ),
        ["a.value_range is unit, but networks see label maps as class channels"],
    ),
    "a range for label maps": (
        lambda: replace(
            folders(),
            a=Domain(source=Folder(path="a"), palette=((0, 0, 0), (9, 9, 9)), range=(0, 9)),
        ),
        ["a.range would change the colours of label maps"],
    ),
    "label maps of 16 bits": (
        lambda: replace(
            folders(),
            a=Domain(
                source=Folder(path="a"),
                palette=((0, 0, 0), (9, 9, 9)),
                decoding=Decoding(depth=16),
            ),
        ),
        ["a.palette holds colours of 8 bits, but a.decoding.depth is 16"],
    ),
    "two palettes": (
        lambda: folders(domain={"palette": ((0, 0, 0), (9, 9, 9))}),
        ["a.palette and b.palette are both set"],
    ),
    "a batch of one to compare": (
        lambda: folders(method=CycleGAN(discriminator=PatchGAN(minibatch_std=True))),
        ["training.batch_size is 1, but the discriminator compares", "--training.batch-size 8"],
    ),
    "built-in images at another size": (
        lambda: with_value(with_value(recipe("demo"), ("a", "size"), 64), ("b", "size"), 64),
        ["a.size is 64: the built-in images are 32×32", "b.size is 64"],
    ),
    "no step": (
        lambda: folders(training=Training(discriminators=Optimiser(learning_rate=0))),
        ["training.discriminators.learning_rate is 0: nothing would be learned"],
    ),
    "no images": (
        lambda: folders(training=Training(images=0)),
        ["training.images is 0: nothing would be learned"],
    ),
    "no time": (
        lambda: folders(training=Training(seconds=0)),
        ["training.seconds is 0: nothing would be learned"],
    ),
}


def test_a_training_sees_whole_batches():
    for images, batch, expected in ((32, 500, 500), (64, 16, 64), (65, 16, 80)):
        assert Training(images=images, batch_size=batch).whole_images == expected


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_contradictions_are_found(name: str):
    make, words = CONTRADICTIONS[name]
    text = "\n".join(problems(make()))
    for word in words:
        assert word in text


def test_all_problems_come_at_once():
    experiment = folders(
        domain={"size": 30, "crop": (3, 3, 2, 4)},
        method=CycleGAN(cycle_weight=-1.0, discriminator=PatchGAN(norm="batch")),
        training=Training(images=0, generators=Optimiser(learning_rate=math.inf)),
        evaluation=Evaluation(images=-5),
    )
    found = "\n".join(problems(experiment))
    for word in (
        "method.cycle_weight is -1",
        "training.generators.learning_rate is inf",
        "evaluation.images is -5",
        "a multiple of 4",
        "a.crop",
        "b.crop",
        "training.batch_size is 1",
        "training.images is 0",
    ):
        assert word in found


@pytest.mark.parametrize("size", [8, 16, 32, 64])
@pytest.mark.parametrize(
    "network",
    [
        UNet(downsamplings=d, norm=norm, blocks=blocks)
        for d in (1, 3, 5)
        for norm in ("none", "instance")
        for blocks in (0, 1)
    ]
    + [ResNet(downsamplings=d, kernel=k, blocks=1) for d in (0, 2, 4) for k in (1, 7, 17)],
    ids=str,
)
def test_generators_refuse_exactly_the_sizes_that_they_cannot_translate(network, size: int):
    import torch

    with torch.device("meta"):
        built = replace(network, width=1).build(1, 1, "signed")
        images = torch.empty(2, 1, size, size)
    if network.problems(size):
        with pytest.raises((RuntimeError, ValueError)):
            built(images)
    else:
        assert built(images).shape == images.shape


@pytest.mark.parametrize("size", [8, 12, 15, 24, 25, 48])
@pytest.mark.parametrize(
    "network",
    [PatchGAN(layers=n, norm=norm) for n in (1, 2, 3, 4) for norm in ("none", "instance")]
    + [CNN(norm=norm) for norm in ("none", "instance")],
    ids=str,
)
def test_discriminators_refuse_exactly_the_sizes_that_they_cannot_judge(network, size: int):
    import torch

    with torch.device("meta"):
        built = replace(network, width=1).build(1, size)
        images = torch.empty(2, 1, size, size)
    if network.problems(size):
        with pytest.raises((RuntimeError, ValueError)):
            built(images)
    else:
        assert built(images).numel() > 0


def config_classes(form: Any) -> set[Any]:
    """All configuration classes in a part of the tree, alternatives included."""
    classes = {form} if dataclasses.is_dataclass(form) else set()
    parts = get_type_hints(form).values() if classes else get_args(form)
    for part in parts:
        classes |= config_classes(part)
    return classes


def test_every_number_has_its_bounds_in_its_type():
    """Where help, schemas and forms find them; a range of the data alone may hold any numbers."""
    unbounded = [
        f"{form.__name__}.{field.name}"
        for form in config_classes(Experiment)
        for field in dataclasses.fields(form)
        if field.name not in ("range", "palette", "class_colours")
        if re.search(r"\b(int|float)\b", hint := str(field.type)) and "Ge(" not in hint
    ]
    assert not unbounded


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 0}, "training.batch_size is 0: it must be at least 1."),
        ({"seconds": math.inf}, "training.seconds is inf: give a finite number."),
        ({"seed": 2**63}, f"training.seed is {2**63}: it must be at most {2**63 - 1}."),
    ],
)
def test_numbers_out_of_bounds_are_refused(tiny: Experiment, changed: Any, message: str):
    with pytest.raises(SettingError) as error:
        check(replace(tiny, training=replace(tiny.training, **changed)))
    assert message in str(error.value)
