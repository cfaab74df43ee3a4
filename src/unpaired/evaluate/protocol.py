"""A protocol: the frozen description of a measurement. Numbers of different protocols never mix."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from unpaired.config import config, encode

Split = Literal["validation", "test"]


@config
class Protocol:
    """What was measured, on what, by whom."""

    name: str = "standard"
    """The set of metrics: "standard" is all that labels and pairing allow."""
    split: Split = "test"
    """Which images: never those that training saw."""
    images_a: str = ""
    """SHA-256 over the pixels of a's images, as the networks see them."""
    images_b: str = ""
    """SHA-256 over the pixels of b's images."""
    extractor: str = ""
    """What turns images into features: "classifier" or "pixels"."""
    judges: tuple[str, ...] = ()
    """Hashes of the task classifiers' weights, for a and b."""
    resize: str = "bicubic, anti-aliased, unquantised"
    """How images were brought to the networks' size."""
    palette: tuple[tuple[int, int, int], ...] = ()
    """Colours of the classes of label maps, to the nearest of which each pixel belongs."""
    distances: str = "equal n; floor: against training images"
    """Which images the distances compare."""
    style_seed: int = 0
    """Seed of the random styles of translations, and of the noise that images are made from."""
    resamples: int = 200
    """Bootstrap resamples behind the intervals."""

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ whenever any part of the protocol does."""
        parts = encode(self)
        if not self.palette:  # numbers without label maps keep the fingerprint they had
            del parts["palette"]
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]
