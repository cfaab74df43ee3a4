"""Directions of a run: recorded when it begins, for all that read it without its method's code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unpaired.core.files import write_atomically
from unpaired.records.json_values import mapping, read_object, texts

FILE = "run.json"

_BEFORE_RECORDS: Mapping[str, tuple[str, ...]] = {
    "cyclegan": ("a2b", "b2a"),
    "dtn": ("a2b",),
    "gan": (),
}
"""Of the kinds of methods that there were when runs did not record their directions."""


def write_directions(run: Path, directions: Sequence[str]) -> None:
    """Record in a run folder how its method translates; no direction: it generates from noise."""
    write_atomically(run / FILE, json.dumps({"directions": list(directions)}) + "\n")


def read_directions(
    run: Path, config: Mapping[str, Any], notes: list[str] | None = None
) -> tuple[str, ...]:
    """The directions that a run has recorded; of an older run, those of its kind of method."""
    recorded = read_object(run / FILE, notes).get("directions")
    return texts(recorded) if isinstance(recorded, list) else directions_of_kind(config)


def directions_of_kind(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The directions of an experiment that has not recorded them."""
    kind = str(mapping(config.get("method")).get("kind"))
    return _BEFORE_RECORDS.get(kind, _BEFORE_RECORDS["cyclegan"])
