"""Protocol: the frozen description of a measurement. Numbers of different protocols never mix."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

from unpaired.core.config import config, encode
from unpaired.records.measurement import Measurement

Split = Literal["validation", "test"]

_LATER = ("palette", "formats", "counts")
_FORMER_NAMES = {"evaluators": "judges"}
"""Names of parts in older files, and in what is hashed: numbers keep their fingerprints."""


@config
class Protocol:
    """What was measured, on what, by whom."""

    name: str = "standard"
    """The set of metrics: "standard" is all that labels and pairing allow."""
    split: Split | Literal["given"] = "test"
    """Which images: never those of training; "given" where a user names them."""
    images_a: str = ""
    """SHA-256 over the pixels of a's images, as the networks see them."""
    images_b: str = ""
    """SHA-256 over the pixels of b's images."""
    extractor: str = ""
    """What turns images into features: "classifier", "pixels", "inception", …."""
    evaluators: tuple[str, ...] = ()
    """Hashes of the evaluators' weights: the task classifiers of a and b, or the extractor."""
    resize: str = "bicubic, anti-aliased, unquantised"
    """How images were brought to the networks' size."""
    palette: tuple[tuple[int, int, int], ...] = ()
    """Colours of the classes of label maps, to the nearest of which each pixel belongs."""
    formats: tuple[str, ...] = ()
    """Formats of generated and of real files, where they were files: JPEG moves distances."""
    counts: tuple[int, ...] = ()
    """Numbers of generated and of real images, where all were compared."""
    distances: str = "equal n; floor: against training images"
    """Which images the distances compare."""
    style_seed: int = 0
    """Seed of the random styles of translations, and of the noise behind generated images."""
    resamples: int = 200
    """Bootstrap resamples behind the intervals."""

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ whenever any part of the protocol does."""
        parts = self.as_json()
        for name, former in _FORMER_NAMES.items():
            parts[former] = parts.pop(name)
        for name in _LATER:  # numbers that these say nothing of keep the fingerprint they had
            if not parts[name]:
                del parts[name]
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def as_json(self) -> dict[str, Any]:
        """All parts under their names, as JSON stores them."""
        parts: dict[str, Any] = encode(self)
        return parts

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Protocol:
        """What `as_json` wrote, now or in an older version; what is absent has its default."""
        parts: dict[str, Any] = {}
        for part in fields(cls):
            former = content.get(_FORMER_NAMES.get(part.name, part.name))
            value = _as_tuple(content.get(part.name, former))
            if isinstance(value, type(part.default)):
                parts[part.name] = value
        return cls(**parts)

    def record(self, metrics: Mapping[str, Measurement]) -> dict[str, Any]:
        """Numbers measured under it, as evaluations.jsonl keeps them."""
        return {
            "protocol": self.as_json(),
            "fingerprint": self.fingerprint,
            "metrics": {name: metric.as_json() for name, metric in metrics.items()},
        }


def _as_tuple(value: Any) -> Any:
    """A JSON list as a tuple of what it holds; anything else as it is."""
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value
