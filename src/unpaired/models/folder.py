"""Model folder: what a training leaves to translate with, and all that is shared.

It holds `model.safetensors` (averaged generators and encoders), `config.json` (the experiment) and
`README.md` (the card). None of them can run code when read: pickles are refused.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from unpaired.core.config import encode
from unpaired.core.errors import ModelError, SettingError
from unpaired.core.files import at_home, replacing
from unpaired.core.weights import (
    CONFIG,
    WEIGHTS,
    read_weights,
    refuse_pickle,
    require_readable,
    write_weights,
)
from unpaired.data.domain import Domain
from unpaired.data.sources import HuggingFace
from unpaired.experiment import experiment as experiments
from unpaired.experiment.checks import check
from unpaired.experiment.experiment import Experiment
from unpaired.methods.networks import Networks
from unpaired.networks import ExportedEncoder, FeatureMaps
from unpaired.networks.exported import check_program

SCHEMA = 1
"""Version of the form of `config.json` in a model folder; a newer one is refused by name."""

CARD = "README.md"
ENCODER = "encoder.pt2"
"""The program of an encoder trained elsewhere: its weights alone would not do."""
_KEYS = {"schema_version", "images", "weights", "experiment"}


@dataclass(frozen=True)
class LoadedModel:
    """A model folder in memory."""

    experiment: Experiment
    """How it was trained; its sources are names only, without their folders."""
    networks: Networks
    """Generators and encoders on the CPU, in evaluation mode, without gradients."""
    images: int
    """Images seen per domain in training."""


def save_model(
    folder: Path, experiment: Experiment, networks: Networks, images: int, card: str
) -> Path:
    """Write a model folder as a whole; one that is there already is replaced. Returns `folder`.

    `networks` holds the averaged weights, `card` the text of `README.md`.

    Raises:
        ModelError: when `folder` is something else than a model folder, which is then left alone.
    """
    folder = folder.absolute()
    is_in_use = folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
    if is_in_use and not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"{folder} holds something else than a model. Choose another folder.",
            code="folder-in-use",
        )
    with replacing(folder) as temporary:
        state = networks.generating().state_dict()
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
        write_weights(tensors, temporary / WEIGHTS, {"format": "pt"})
        record = {
            "schema_version": SCHEMA,
            "images": images,
            "weights": "ema",
            "experiment": encode(without_folders(experiment)),
        }
        (temporary / CONFIG).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
        (temporary / CARD).write_text(card, encoding="utf-8")
        if program := _program(experiment):
            shutil.copyfile(program, temporary / ENCODER)
    return folder


def load_model(folder: Path) -> LoadedModel:
    """Read a model folder. Memory is spent only on what the file of weights really holds.

    Raises:
        ModelError: naming what is wrong and what to do: not a model folder, a pickle, a damaged
            file, a newer schema, unknown settings, other weights than the settings say, NaN.
    """
    _check_is_model(folder)
    experiment, images = _read_config(folder / CONFIG)
    if _program(experiment):
        check_program(folder / ENCODER)
        experiment = _with_encoder(experiment, str(folder / ENCODER))
    networks = _build_empty(experiment, folder / CONFIG)
    expected = networks.generating().state_dict()
    tensors = read_weights(folder / WEIGHTS, expected, _present_name)
    networks.generating().load_state_dict(tensors, assign=True)
    return LoadedModel(experiment, networks.eval().requires_grad_(False), images)


def _present_name(stored: str) -> str | None:
    """Layers around generators once brought label maps to classes and back."""
    if re.fullmatch(r"generators\.\w+\.(colours|looks)", stored):
        return None
    return re.sub(r"^(generators\.\w+)\.(classes|network)\.", r"\1.", stored)


def _check_is_model(folder: Path) -> None:
    """Raise unless the files of a model are there, and say where they may be instead."""
    refuse_pickle(folder, f"Give a model folder, with {WEIGHTS} and {CONFIG}, such as RUN/model.")
    for name in (WEIGHTS, CONFIG):
        require_readable(folder / name)
    if not folder.exists():
        raise ModelError(
            f"{folder} does not exist. Give a model folder, such as RUN/model.",
            code="model-not-found",
        )
    if not folder.is_dir():
        raise ModelError(
            f"{folder} is a file. Give the model folder that holds it.", code="model-is-file"
        )
    missing = [name for name in (WEIGHTS, CONFIG) if not (folder / name).is_file()]
    if not missing:
        return
    # The user may mean the run that the folder is or belongs to.
    nearby = (folder.absolute(), *folder.absolute().parents[:2])
    run = next((path for path in nearby if (path / "checkpoints").is_dir()), None)
    if run is not None and folder.absolute() != run / "model":
        if (run / "model" / WEIGHTS).is_file():
            raise ModelError(
                f"{folder} is no model, but its run has one: {run / 'model'}", code="model-is-run"
            )
        raise ModelError(
            f"{folder} belongs to a run that has no model yet. Continue the training to its end "
            "with the same command, which writes one.",
            code="run-without-model",
        )
    raise ModelError(
        f"{folder} is no model folder: it has no {' and no '.join(missing)}. Give the folder "
        "`model` of a run.",
        code="no-model-folder",
    )


def _read_config(path: Path) -> tuple[Experiment, int]:
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"{path} cannot be read: {error}.", code="model-config-unreadable"
        ) from None
    record = record if isinstance(record, dict) else {}
    version = record.get("schema_version")
    if isinstance(version, int) and version > SCHEMA:
        raise ModelError(
            f"{path} was written by a newer unpaired (schema {version}; this one reads up to "
            f"{SCHEMA}). Upgrade with: pip install -U unpaired",
            code="model-too-new",
        )
    if record.keys() != _KEYS:
        what = [f"unknown setting {key!r}" for key in sorted(record.keys() - _KEYS)]
        what += [f"no {key!r}" for key in sorted(_KEYS - record.keys())]
        raise ModelError(
            f"{path} is not the settings of a model: {', '.join(what)}.", code="no-model-config"
        )
    if not isinstance(record["images"], int):
        raise ModelError(
            f"{path}: images is {record['images']!r}, not a whole number.", code="no-model-config"
        )
    try:
        experiment = experiments.from_json(json.dumps(record["experiment"]), str(path))
        check(_without_held_out(experiment))
    except SettingError as error:
        raise ModelError(f"{path}: {error}", code="model-config-invalid") from None
    return experiment, record["images"]


def _build_empty(experiment: Experiment, path: Path) -> Networks:
    """The networks without memory for their weights; discriminators stay behind in training."""
    try:
        with torch.device("meta"):
            built = _without_spectral_norm(experiment.method).build(experiment.a, experiment.b)
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise ModelError(
            f"{path} describes networks that cannot be built: {error}", code="networks-unbuildable"
        ) from None
    return Networks(dict(built.generators.items()), {}, dict(built.encoders.items()))


def _without_spectral_norm(method: Any) -> Any:
    """The same for what a model keeps; without memory, the iterations of the norm take a second."""
    if not hasattr(getattr(method, "discriminator", None), "spectral_norm"):
        return method
    discriminator = dataclasses.replace(method.discriminator, spectral_norm=False)
    return dataclasses.replace(method, discriminator=discriminator)


def without_folders(experiment: Experiment) -> Experiment:
    """Reduce local paths to their last part: sharing a model must not publish a user's folders."""
    domains = {name: _shortened(domain) for name, domain in experiment.domains.items()}
    experiment = dataclasses.replace(experiment, **domains)  # type: ignore[arg-type]
    if hasattr(getattr(experiment.method, "encoder", None), "path"):
        # The folder holds what is needed: the program itself, or the weights.
        return _with_encoder(experiment, ENCODER if _program(experiment) else "")
    return experiment


def _without_held_out(experiment: Experiment) -> Experiment:
    """Without what is kept from training: of train/photos and test/photos, one name is left."""
    domains = {
        name: dataclasses.replace(domain, test_source=None, validation_source=None)
        for name, domain in experiment.domains.items()
    }
    return dataclasses.replace(experiment, **domains)  # type: ignore[arg-type]


def _program(experiment: Experiment) -> str:
    """The file of the encoder's program; empty where the method is complete without."""
    encoder = getattr(experiment.method, "encoder", None)
    return encoder.path if isinstance(encoder, (ExportedEncoder, FeatureMaps)) else ""


def _with_encoder(experiment: Experiment, path: str) -> Experiment:
    method: Any = experiment.method
    encoder = dataclasses.replace(method.encoder, path=path)
    return dataclasses.replace(experiment, method=dataclasses.replace(method, encoder=encoder))


def _shortened(domain: Domain) -> Domain:
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(domain):
        source = getattr(domain, field.name)
        if hasattr(source, "path"):
            name = at_home(source.path).resolve().name
            changes[field.name] = dataclasses.replace(source, path=name)
        elif isinstance(source, HuggingFace) and not _is_on_hub(source):
            name = at_home(source.name).resolve().name
            changes[field.name] = dataclasses.replace(source, name=name)
    return dataclasses.replace(domain, **changes)


def _is_on_hub(source: HuggingFace) -> bool:
    is_id = re.fullmatch(r"[\w-][\w.-]*(/[\w.-]+)?", source.name) is not None
    return is_id and not source.name.endswith(".parquet") and not Path(source.name).exists()
