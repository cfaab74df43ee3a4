"""The configuration tree: one `Experiment` says everything about a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, Literal

from unpaired.core.config import Natural, config, decode, decoding_problems, encode
from unpaired.core.errors import SettingError
from unpaired.data.domain import Direction, Domain, DomainName
from unpaired.engine.settings import Training
from unpaired.experiment.earlier import in_present_form
from unpaired.methods import CycleGAN, Method
from unpaired.methods.protocols import Translates

SCHEMA: Final = 1
"""Version of the JSON form; a newer one is refused by name."""


@config
class Evaluation:
    """What is measured during training, on validation images, and at its end, on test images."""

    images: Natural = 100_000
    """Images seen between evaluations on validation images; 0: only at the end."""
    classifier: bool = True
    """Train a task classifier on real labelled images where both domains have labels."""
    adaptation: bool = False
    """On test images: train a classifier on translated labelled images, and let it read real ones
    (needs labels; minutes)."""
    export: Literal["last", "best"] = "last"
    """Weights that become the model folder; best: by translation accuracy, else kernel distance."""


@config
class Experiment:
    """One complete training: two domains, a method, and how it is trained and evaluated."""

    a: Domain | None = None
    """The first domain; none for methods that make images from noise."""
    b: Domain
    """The second domain."""
    method: Method = CycleGAN()
    """What is learned."""
    training: Training = Training()
    """How it is trained."""
    evaluation: Evaluation = Evaluation()
    """How it is evaluated."""
    name: str = "custom"
    """The recipe's name, or yours."""
    schema_version: Literal[1] = SCHEMA
    """Version of this form."""

    @property
    def domains(self) -> dict[DomainName, Domain]:
        """The domains that there are, by name."""
        return {"b": self.b} if self.a is None else {"a": self.a, "b": self.b}

    @property
    def keeps_16_bits(self) -> bool:
        """Whether images of a domain keep more bits than bfloat16 has."""
        return any(domain.decoding.depth == 16 for domain in self.domains.values())

    @property
    def evaluation_images(self) -> int:
        """See `engine.settings.Trainable`."""
        return self.evaluation.images

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions in which its method translates; none: it generates images from noise."""
        return self.method.directions if isinstance(self.method, Translates) else ()

    def domain(self, name: DomainName) -> Domain:
        """A domain that must be there."""
        return self.domains[name]


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
        raise SettingError(
            f"{where} is not valid JSON: {error}.", code="experiment-not-json"
        ) from None
    if not isinstance(data, dict):
        raise SettingError(f"{where} is not the settings of an experiment.", code="no-experiment")
    version = data.get("schema_version", SCHEMA)
    if isinstance(version, int) and version > SCHEMA:
        raise SettingError(
            f"{where} was written by a newer unpaired (schema {version}; this one reads up to "
            f"{SCHEMA}). Upgrade with: pip install -U unpaired",
            code="experiment-too-new",
        )
    text = json.dumps(in_present_form(data))
    if problems := decoding_problems(Experiment, text):
        lines = "".join(f"\n  - {problem}" for problem in problems)
        raise SettingError(f"{where} cannot be used:{lines}", code="experiment-invalid")
    return decode(Experiment, text)


def load(path: Path) -> Experiment:
    """Read `config.json`; see `from_json`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"{path} cannot be read: {error}.", code="experiment-unreadable"
        ) from None
    return from_json(text, str(path))
