"""The configuration tree: one `Experiment` says everything about a training."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from unpaired.config import config, encode
from unpaired.data.domain import Domain
from unpaired.data.sources import BuiltIn
from unpaired.errors import SettingError
from unpaired.methods import CycleGAN, Method

SCHEMA = 1
"""Version of the JSON form; a newer one is refused by name."""


@config
class Optimiser:
    """One optimiser; generators and discriminators have one each (TTUR, Heusel et al. 2017)."""

    algorithm: Literal["adam", "rmsprop"] = "adam"
    """Adam, or RMSprop (report 000)."""
    learning_rate: float = 2e-4
    """Step size at the beginning."""
    beta1: float = 0.5
    """Adam's decay of the first moment (DCGAN, section 3); RMSprop does not use it."""
    beta2: float = 0.999
    """Adam's decay of the second moment; RMSprop's smoothing constant."""


@config
class Training:
    """How long, how fast and how exactly networks are trained."""

    images: int = 200_000
    """Length of the training in images seen per domain."""
    seconds: float | None = None
    """Time budget; training ends at whichever comes first, and the learning rate follows."""
    batch_size: int = 1
    """Images per domain and step, over all processes."""
    generators: Optimiser = Optimiser()
    """Optimiser of generators and encoders."""
    discriminators: Optimiser = Optimiser()
    """Optimiser of discriminators."""
    schedule: Literal["constant", "linear"] = "linear"
    """"linear": constant, then down to zero from `decay_from` on (CycleGAN, section 4)."""
    decay_from: float = 0.5
    """Share of the training after which a linear schedule begins to fall."""
    ema_images: int = 10_000
    """Half-life, in images seen, of the averaged weights that are evaluated and shared."""
    pool_size: int = 50
    """Past translations kept to train discriminators on (Shrivastava et al. 2017); 0: none."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """"auto": bfloat16 where processor or GPU computes it in hardware, else float32."""
    compile: bool = False
    """Compile each phase as a whole (torch.compile): minutes at the start, faster steps later."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """"auto": a GPU where there is one."""
    seed: int = 0
    """Everything random derives from it."""
    log_images: int = 2_000
    """Images seen between lines of metrics.jsonl."""
    sample_images: int = 20_000
    """Images seen between pictures of the fixed sample grid."""
    checkpoint_images: int = 50_000
    """Images seen between checkpoints."""
    keep_checkpoints: int = 2
    """Newest checkpoints kept, beside the best."""


@config
class Evaluation:
    """What is measured during training, on validation images, and at its end, on test images."""

    images: int = 100_000
    """Images seen between evaluations on validation images; 0: only at the end."""
    classifier: bool = True
    """Train a task classifier on real labelled images where both domains have labels."""
    export: Literal["last", "best"] = "last"
    """Weights that become the model folder; best: by translation accuracy, else kernel distance."""


@config
class Experiment:
    """One complete training: two domains, a method, and how it is trained and judged."""

    a: Domain
    """The first domain."""
    b: Domain
    """The second domain."""
    method: Method = CycleGAN()
    """What is learned."""
    training: Training = Training()
    """How it is trained."""
    evaluation: Evaluation = Evaluation()
    """How it is judged."""
    name: str = "custom"
    """The recipe's name, or yours."""
    schema_version: int = SCHEMA
    """Version of this form."""


def to_json(experiment: Experiment) -> str:
    """The stored form of an experiment."""
    return json.dumps(encode(experiment), indent=2) + "\n"


def from_json(text: str, where: str) -> Experiment:
    """Decode a stored experiment, strictly.

    Raises:
        SettingError: naming each unknown key, wrong type and unknown kind with its path.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingError(f"{where} is not valid JSON: {error}.") from None
    version = data.get("schema_version", SCHEMA) if isinstance(data, dict) else SCHEMA
    if isinstance(version, int) and version > SCHEMA:
        raise SettingError(
            f"{where} was written by a newer unpaired (schema {version}; this one reads up to "
            f"{SCHEMA}). Upgrade with: pip install -U unpaired"
        )
    try:
        return TypeAdapter(Experiment).validate_python(data)
    except ValidationError as error:
        lines = [_describe(dict(problem), data) for problem in error.errors()]
        raise SettingError(f"{where} cannot be used:\n" + "\n".join(lines)) from None


def load(path: Path) -> Experiment:
    """Read `config.json`."""
    return from_json(path.read_text(), str(path))


def check(experiment: Experiment) -> None:
    """Look for settings that have no meaning or contradict each other.

    Raises:
        SettingError: with all problems at once.
    """
    problems = [*_numbers(experiment, ""), *_crosswise(experiment)]
    if problems:
        raise SettingError(
            f"{len(problems)} setting{'s' * (len(problems) > 1)} cannot be used:\n"
            + "\n".join(f"  - {problem}" for problem in problems)
        )


_AT_LEAST: dict[str, float] = {
    "size": 8,
    "width": 1,
    "blocks": 0,
    "downsamplings": 0,
    "layers": 1,
    "kernel": 1,
    "images": 0,
    "batch_size": 1,
    "pool_size": 0,
    "ema_images": 0,
    "cycle_weight": 0,
    "cycle_weight_b": 0,
    "identity_weight": 0,
    "style_channels": 0,
    "style_weight": 0,
    "learning_rate": 0,
    "seconds": 0,
    "zoom": 1,
    "log_images": 1,
    "sample_images": 1,
    "checkpoint_images": 1,
    "keep_checkpoints": 1,
    "seed": 0,
}
_AT_MOST: dict[str, float] = {
    "beta1": 1,
    "beta2": 1,
    "decay_from": 1,
    "crop_probability": 1,
    "test_fraction": 0.9,
    "validation_fraction": 0.9,
    "fill": 255,
}


def _numbers(settings: Any, path: str) -> list[str]:
    problems = []
    for field in dataclasses.fields(settings):
        value, where = getattr(settings, field.name), f"{path}{field.name}"
        if dataclasses.is_dataclass(value):
            problems += _numbers(value, f"{where}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            least, most = _AT_LEAST.get(field.name, 0), _AT_MOST.get(field.name, math.inf)
            if not math.isfinite(value):
                problems.append(f"{where} is {value}: give a finite number.")
            elif not least <= value <= most:
                limit = f"at least {least:g}" if value < least else f"at most {most:g}"
                problems.append(f"{where} is {value:g}: it must be {limit}.")
    return problems


def _crosswise(experiment: Experiment) -> list[str]:
    a, b, method, training = experiment.a, experiment.b, experiment.method, experiment.training
    problems = []
    if a.size != b.size:
        problems.append(
            f"a.size is {a.size} and b.size {b.size}: networks see both domains at one size. "
            f"Give both the same, for example --a.size {b.size}."
        )
    multiple = method.generator.size_multiple
    for name, domain in (("a", a), ("b", b)):
        if domain.size % multiple:
            problems.append(
                f"{name}.size is {domain.size}: this generator halves the size "
                f"{method.generator.downsamplings} times and needs a multiple of {multiple}, "
                f"for example {max(1, domain.size // multiple) * multiple}."
            )
        if domain.test_fraction + domain.validation_fraction >= 1:
            problems.append(f"{name}: test and validation fractions leave nothing to train on.")
        if domain.crop is not None:
            left, top, right, bottom = domain.crop
            if not (0 <= left < right and 0 <= top < bottom):
                problems.append(
                    f"{name}.crop is {domain.crop}: it must be left top right bottom with "
                    "left < right and top < bottom, in pixels of the source images."
                )
        if isinstance(domain.source, BuiltIn) and domain.size != 32:
            problems.append(f"{name}.size is {domain.size}: the built-in images are 32×32.")
    if method.identity_weight and a.channels != b.channels:
        problems.append(
            f"method.identity_weight is {method.identity_weight:g}, but a has {a.channels} "
            f"channel(s) and b {b.channels}: a generator cannot be fed its own output. Set "
            "--method.identity-weight 0, or give both domains the same channels."
        )
    if method.discriminator.couples_images and training.batch_size == 1:
        problems.append(
            "training.batch_size is 1, but the discriminator compares the images of a batch "
            "(batch norm or minibatch_std). Use --training.batch-size 8 or more."
        )
    for phase in ("generators", "discriminators"):
        if getattr(training, phase).learning_rate == 0:
            problems.append(f"training.{phase}.learning_rate is 0: nothing would be learned.")
    if training.images == 0:
        problems.append("training.images is 0: nothing would be learned.")
    return problems


def _describe(problem: dict[str, Any], data: Any) -> str:
    """One line for a pydantic problem, with the nearest valid name for an unknown key."""
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "unexpected_keyword_argument":
        owner = _owner(problem["loc"][:-1])
        names = [f.name for f in dataclasses.fields(owner)] if owner else []
        close = difflib.get_close_matches(str(problem["loc"][-1]), names, 1)
        return f"  - {path}: unknown setting" + (f"; did you mean {close[0]!r}?" if close else ".")
    return f"  - {path}: {problem['msg']} (got {problem.get('input')!r})"


def _owner(location: tuple[Any, ...]) -> Any:
    """The configuration class at a path, as far as the types alone tell."""
    import typing

    owner: Any = Experiment
    for part in location:
        hints = typing.get_type_hints(owner) if dataclasses.is_dataclass(owner) else {}
        if part in hints:
            owner = hints[part]
            continue
        members = [m for m in typing.get_args(owner) if dataclasses.is_dataclass(m)]
        owner = next((m for m in members if getattr(m, "kind", None) == part), None)
    return owner if dataclasses.is_dataclass(owner) else None
