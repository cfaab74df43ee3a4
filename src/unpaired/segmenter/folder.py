"""Segmenter folder: a trained segmenter's weights, settings and card.

It holds `model.safetensors` (the weights), `config.json` (`Trained`) and `README.md` (the card).
None of them can run code when read: pickles are refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field

from unpaired.core.config import config, decode, decoding_problems, encode
from unpaired.core.errors import ModelError
from unpaired.core.files import replacing
from unpaired.core.weights import (
    CONFIG,
    LARGEST_SETTING,
    WEIGHTS,
    hash_of_weights,
    read_weights,
    refuse_pickle,
    write_weights,
)
from unpaired.models.metadata import LICENSE_ADVICE, head
from unpaired.records.measurement import Measurement
from unpaired.segmenter.networks import SegmenterNetwork
from unpaired.segmenter.segmenter import Segmenter

SCHEMA = 1
"""Version of the form of `config.json`; a newer one is refused by name."""

CARD = "README.md"
_MOST_BLOCKS = 64


@config
class Trained:
    """How a segmenter was trained, and how well it does on photos kept from the training."""

    schema_version: int = SCHEMA
    """Version of this form."""
    network: Annotated[SegmenterNetwork, Field(discriminator="kind")]
    """The network, whose weights lie beside."""
    pretrained: str = ""
    """Name of the weights that the training started from; empty: random ones."""
    palette: tuple[tuple[int, int, int], ...]
    """The colours of the classes in label maps."""
    size: int
    """Side, in pixels, of the square photos that the network sees."""
    images: int
    """Photos seen in training, counting repeats."""
    seed: int
    """What order, augmentation and first weights followed from."""
    seconds: float
    """Duration of the training."""
    photos: tuple[str, ...]
    """Hashes of the training photos (`hashes_of`): photos that the segmenter must not be measured
    on."""
    scores: dict[str, Measurement]
    """Scores on the held-out photos; the names are those of `segmentation.measure`."""
    weights_hash: str
    """Tells these weights from others."""


def save_segmenter(folder: Path, segmenter: Segmenter, trained: Trained) -> Path:
    """Write a segmenter folder as a whole; one that is there already is replaced.

    Raises:
        ModelError: when `folder` is something else, which is then left alone.
    """
    check_can_be_written(folder)
    folder = folder.absolute()
    with replacing(folder) as temporary:
        state = {name: t.detach().cpu().contiguous() for name, t in segmenter.state_dict().items()}
        write_weights(state, temporary / WEIGHTS, {"format": "pt"})
        scores = {name: score.as_json() for name, score in trained.scores.items()}
        record = encode(trained) | {"scores": scores}
        (temporary / CONFIG).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
        (temporary / CARD).write_text(card(trained), encoding="utf-8")
    return folder


def check_can_be_written(folder: Path) -> None:
    """Raise ModelError where a folder holds something else than a segmenter."""
    is_in_use = folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
    if is_in_use and _form_of(folder / CONFIG) is None:
        raise ModelError(
            f"{folder} holds something else than a segmenter. Choose another folder.",
            code="folder-in-use",
        )


def load_segmenter(folder: Path) -> tuple[Segmenter, Trained]:
    """Read a segmenter folder: the segmenter on the CPU, in evaluation mode, and its training.

    Raises:
        ModelError: naming what is wrong and what to do: another kind of folder, a pickle, a
            damaged file, a newer schema, unknown settings, other weights than were written.
        MissingExtra: without transformers.
    """
    _check_is_segmenter(folder)
    trained = _read_config(folder / CONFIG)
    with torch.device("meta"):  # without memory for weights that the file may not have
        empty = Segmenter(trained.network.build(len(trained.palette)))
    empty.load_state_dict(read_weights(folder / WEIGHTS, empty.state_dict()), assign=True)
    # The format checks lengths but not content: a flipped bit would give wrong scores, quietly.
    if hash_of_weights(empty) != trained.weights_hash:
        raise ModelError(
            f"{folder / WEIGHTS} holds other weights than {CONFIG} describes: it is damaged, or "
            "the files are of different segmenters. Copy the folder again.",
            code="weights-changed",
        )
    return empty.eval().requires_grad_(False), trained


def _check_is_segmenter(folder: Path) -> None:
    refuse_pickle(folder, "Give a folder that `unpaired segmenter train` has written.")
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ModelError(
            f"{folder} {what}. Give a folder that `unpaired segmenter train` has written.",
            code="no-such-segmenter",
        )
    missing = [name for name in (WEIGHTS, CONFIG) if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder} is no segmenter folder: it has no {' and no '.join(missing)}. Give one that "
            "`unpaired segmenter train` has written.",
            code="files-missing",
        )


def _form_of(path: Path) -> dict[str, object] | None:
    """The settings in a file where they are those of a segmenter of any version."""
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    keys = {"schema_version", "network", "palette", "weights_hash"}
    return record if isinstance(record, dict) and keys <= record.keys() else None


def _read_config(path: Path) -> Trained:
    record = _form_of(path)
    if record is None:
        raise ModelError(
            f"{path} is not the settings of a segmenter: it is of another kind of model, or "
            "damaged. Give a folder that `unpaired segmenter train` has written.",
            code="not-a-segmenter",
        )
    version = record["schema_version"]
    if isinstance(version, int) and version > SCHEMA:
        raise ModelError(
            f"{path} was written by a newer unpaired (schema {version}; this one reads up to "
            f"{SCHEMA}). Upgrade with: pip install -U unpaired",
            code="newer-schema",
        )
    text = json.dumps(record)
    problems = decoding_problems(Trained, text)
    if not problems:
        trained = decode(Trained, text)
        problems = _unreasonable(trained)
    if problems:
        raise ModelError(f"{path}: {' '.join(problems)}", code="settings-invalid")
    return trained


def _unreasonable(trained: Trained) -> list[str]:
    """Settings that no segmenter has."""
    network, problems = trained.network, []
    widths = [*network.widths, network.head_width, trained.size]
    if not all(1 <= width <= LARGEST_SETTING for width in widths):
        problems.append(f"widths and size {widths} are not within 1 to {LARGEST_SETTING}.")
    if not all(1 <= depth <= _MOST_BLOCKS for depth in network.depths):
        problems.append(f"depths {network.depths} are not within 1 to {_MOST_BLOCKS}.")
    heads = getattr(network, "heads", (1, 1, 1, 1))
    if any(h < 1 or width % h for width, h in zip(network.widths, heads, strict=True)):
        problems.append(f"heads {heads} do not divide the widths {network.widths}.")
    colours = trained.palette
    if not 2 <= len(set(colours)) == len(colours) <= LARGEST_SETTING:
        problems.append("the palette is not two colours or more, each once.")
    if any(not 0 <= value <= 255 for colour in colours for value in colour):
        problems.append("the palette's colours are not within 0 to 255.")
    return problems


def card(trained: Trained) -> str:
    """The text of README.md."""
    minutes = trained.seconds / 60
    start = f"the weights `{trained.pretrained}`" if trained.pretrained else "random weights"
    rows = [
        f"| {name} | {m.value:.3f} | {m.low:.3f} … {m.high:.3f} | {m.n} |"
        for name, m in trained.scores.items()
    ]
    colours = [
        f"| {i} | {red} {green} {blue} |" for i, (red, green, blue) in enumerate(trained.palette)
    ]
    network = type(trained.network).__name__
    scores = {name: m.value for name, m in trained.scores.items()}
    lines = [
        *head(
            "image-segmentation", [network.lower()], "Segmenter", "photos and label maps", scores
        ),
        "",
        "# Segmenter",
        "",
        f"Gives each pixel of a photo one of {len(trained.palette)} classes, to score generated "
        "photos with (FCN-score).",
        "",
        f"{network}, trained from {start} on {len(trained.photos):,} "
        f"photos at {trained.size}×{trained.size}: {trained.images:,} seen, counting repeats, in "
        f"{minutes:.0f} minutes, seed {trained.seed}. Weights `{trained.weights_hash}`.",
        "",
        "```bash",
        "unpaired segmenter score SEGMENTER_FOLDER --generated translated/ --labels labels/",
        "```",
        "",
        "## Photos kept from the training",
        "",
        "What generated photos can be expected to reach at best. Intervals: 95 %, bootstrap over "
        "photos. In class and iou, a class that does not occur counts as 0; …_present skips it.",
        "",
        "| score | value | interval | photos |",
        "|---|---|---|---|",
        *rows,
        "",
        "## Classes",
        "",
        "| class | colour |",
        "|---|---|",
        *colours,
        "",
        "## Limits",
        "",
        "It knows the photos it was trained on and nothing else. Scores of different segmenters, "
        "sizes or label maps do not compare.",
        "",
        LICENSE_ADVICE,
        "",
    ]
    return "\n".join(lines)
