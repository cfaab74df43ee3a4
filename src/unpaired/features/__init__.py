"""Feature extractors: images to features, so that sets of them can be compared.

To add one: a configuration with `load` in a file here, one name in `Extractor`, and a line in
`NAMES`. See `base.Loaded` for what it loads.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

from unpaired.core.errors import SettingError
from unpaired.data.sources import parse_source
from unpaired.features.base import Loaded
from unpaired.features.exported import Program
from unpaired.features.inception import Inception
from unpaired.features.pixels import Pixels
from unpaired.features.task_classifier import TaskClassifier
from unpaired.features.transformer import CLIP, DINOv2
from unpaired.networks.exported import Values

Extractor = Inception | DINOv2 | CLIP | TaskClassifier | Program | Pixels

NAMES: dict[str, Inception | DINOv2 | CLIP | Pixels] = {
    "inception": Inception(),
    "inception-legacy": Inception(resize="legacy"),
    "dinov2": DINOv2(),
    "clip": CLIP(),
    "pixels": Pixels(),
}
"""What users type; a program of their own is known by its file."""

__all__ = [
    "CLIP",
    "NAMES",
    "DINOv2",
    "Extractor",
    "Inception",
    "Loaded",
    "Pixels",
    "Program",
    "TaskClassifier",
    "parse_extractor",
]


def parse_extractor(text: str) -> Extractor:
    """The extractor of a shorthand: NAME, NAME:PATH of its weights, classifier:SOURCE of labelled
    images that it learns from, or a program's FILE.pt2, with :unit or :signed behind it where it
    does not take values of 0 to 255.

    Raises:
        SettingError: with the nearest name, when there is none.
    """
    name, _, path = text.partition(":")
    if program := re.fullmatch(r"(.+\.pt2)(?::(\w+))?", text):
        return _program(*program.groups())
    if name == "classifier":
        if not path:
            raise SettingError(
                "which images does it learn from? Type classifier:SOURCE.",
                code="classifier-without-source",
                setting="extractor",
            )
        return TaskClassifier(labelled=parse_source(path))
    if name not in NAMES:
        near = difflib.get_close_matches(name, [*NAMES, "classifier"], 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        if name.lower() in ("fid", "kid"):
            hint = " FID and KID are the distances with inception."
        if Path(text).suffix in (".pth", ".pt", ".bin", ".safetensors"):
            hint = " Weights alone are no network: torch.export.save makes a .pt2 of it."
        raise SettingError(
            f"there is no extractor {name!r}.{hint} Type {', '.join(NAMES)}, one of these with its "
            "weights (inception:weights.pth, dinov2:folder/), classifier:SOURCE with labelled real "
            "images, or a program that torch.export has written (encoder.pt2).",
            code="unknown-extractor",
            setting="extractor",
        )
    extractor = NAMES[name]
    if not path:
        return extractor
    if isinstance(extractor, Pixels):
        raise SettingError(
            f"{text!r}: pixels have no weights. Type pixels.",
            code="extractor-without-weights",
            setting="extractor",
        )
    return replace(extractor, weights=path)


def _program(path: str, values: str | None) -> Program:
    """FILE.pt2, FILE.pt2:unit, …."""
    if values not in (None, *get_args(Values)):
        raise SettingError(
            f"'{path}:{values}': behind the program stands what values it takes: {path}:bytes (0 "
            "to 255, as without), :unit (0 to 1) or :signed (-1 to 1).",
            code="unknown-values-of-program",
            setting="extractor",
        )
    return Program(weights=path, values=cast(Values, values or "bytes"))
