"""Digests of a run's data: what proves that images which have moved or been renamed are the same.

`piles.json` in the run folder holds the number of training images of each domain and a digest of
their names, and digests of the content of each split and of an encoder's file. Earlier versions
kept number and names alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from unpaired.core.files import at_home, write_atomically
from unpaired.data.domain import Domain, DomainName
from unpaired.data.index import opened_once
from unpaired.data.splits import Split, list_split, sortable
from unpaired.experiment.experiment import Experiment
from unpaired.records.json_values import mapping, read_object

_FILE = "piles.json"
_CONTENTS = "contents"
_ENCODER = "method.encoder"

_PLACE_OF_IMAGES = re.compile(r"([ab])\.((?:\w+_)?source)\.(path|name)")
"""Settings that say where images lie."""

SAME_CONTENT = "The data has moved: its content is the same."
SAME_NAMES = (
    "The data has moved: number and names of its training images are the same, and no digest of "
    "their content was kept by the version that began this."
)


def describe_data(
    experiment: Experiment, names: Mapping[DomainName, Sequence[str]]
) -> dict[str, Any]:
    """What `piles.json` holds; `names` are those of the training images."""
    of_names: dict[str, Any] = {
        domain: [len(images), hashlib.sha256("\n".join(sorted(images)).encode()).hexdigest()]
        for domain, images in names.items()
    }
    return {**of_names, _CONTENTS: content_digests(experiment)}


def training_names(experiment: Experiment) -> dict[DomainName, list[str]]:
    """Names of the training images of each domain as they are listed, the unreadable among them."""
    listed = {name: list_split(domain, "train") for name, domain in experiment.domains.items()}
    return {name: [index.names[i] for i in places] for name, (index, places) in listed.items()}


@opened_once()
def content_digests(experiment: Experiment) -> dict[str, str]:
    """SHA-256 over the content of each split, "a.train" and so on, whatever its images are called
    and in whatever order; and over the file of an encoder.

    Raises:
        DataError: when a source cannot be opened.
    """
    digests = {
        f"{name}.{split}": _digest(domain, split)
        for name, domain in experiment.domains.items()
        for split in get_args(Split)
        if split != "labelled" or domain.labelled_source is not None
    }
    path = at_home(getattr(getattr(experiment.method, "encoder", None), "path", ""))
    if path.is_file():
        with path.open("rb") as file:
            digests[_ENCODER] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def stored_data(run: Path) -> Mapping[str, Any]:
    """What `piles.json` of a run holds; empty before it is there."""
    return read_object(run / _FILE)


def relocated(
    changed: Mapping[str, Any],
    experiment: Experiment,
    before: Mapping[str, Any],
    now: Mapping[str, Any],
) -> dict[str, str]:
    """Of changed settings, those that only say where data lies which is the same: why it is.

    `before` and `now` are what `describe_data` gives.
    """
    digests, digests_now = mapping(before.get(_CONTENTS)), mapping(now.get(_CONTENTS))
    moved: dict[str, str] = {}
    for path in changed:
        parts = _parts_at(path, experiment)
        if parts and all(part in digests for part in parts):
            if all(digests[part] == digests_now.get(part) for part in parts):
                moved[path] = SAME_CONTENT
        elif parts and not digests and _same_names(path, before, now):
            moved[path] = SAME_NAMES
    return moved


def training_data_warnings(run: Path, now: Mapping[str, Any], *, begun: bool) -> list[str]:
    """Warnings of training images that are others, or called otherwise, than when the run began. A
    run that has not `begun` notes them."""
    before = stored_data(run) if begun else {}
    domains = [domain for domain in now if domain != _CONTENTS]
    if not before:
        write_atomically(run / _FILE, json.dumps(now) + "\n")
        return []
    digests, digests_now = mapping(before.get(_CONTENTS)), mapping(now.get(_CONTENTS))
    warnings = []
    for domain in domains:
        renamed, part = before.get(domain) != now[domain], f"{domain}.train"
        if renamed and digests and digests.get(part) == digests_now.get(part):
            warnings.append(
                f"the training images of {domain} have other names than when this run began, and "
                "the same content: from here on they come in another order."
            )
        elif renamed or digests.get(part, digests_now.get(part)) != digests_now.get(part):
            warnings.append(
                f"the training images of {domain} are others than when this run began "
                f"({before[domain][0]:,} then, {now[domain][0]:,} now): some may have been kept "
                "from training until now, so that its numbers before and after cannot be "
                "compared. Another folder (-o) begins anew."
            )
    if not digests and not warnings:  # begun by an earlier version
        write_atomically(run / _FILE, json.dumps(now) + "\n")
    return warnings


def _digest(domain: Domain, split: Split) -> str:
    index, places = list_split(domain, split)
    return hashlib.sha256(np.sort(sortable(index.hashes[places])).tobytes()).hexdigest()


def _parts_at(path: str, experiment: Experiment) -> list[str]:
    """The parts of the data whose place a setting gives: the splits that are read from there."""
    if path == f"{_ENCODER}.path":
        return [_ENCODER]
    match = _PLACE_OF_IMAGES.fullmatch(path)
    if match is None:
        return []
    name, source = match[1], match[2]
    domain = experiment.domains.get("a" if name == "a" else "b")
    if source != "source":
        return [f"{name}.{source.removesuffix('_source')}"]
    held_out = ("validation", "test")
    own = [split for split in held_out if getattr(domain, f"{split}_source") is not None]
    return [f"{name}.{split}" for split in ("train", *held_out) if split not in own]


def _same_names(path: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether number and names of a domain's training images are as they were. Of images that are
    only measured on, an earlier version kept nothing; their numbers carry a digest of them."""
    domain = path.partition(".")[0]
    return domain in before and before[domain] == now.get(domain)
