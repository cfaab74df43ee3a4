"""What each metric is called, how it is written, and what it means in plain words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from unpaired.records.measurement import Measurement
from unpaired.report.names import Names

Better = Literal["higher", "lower", "unknown"]

COMPANIONS = {
    "input": "Unchanged input",
    "floor": "Real against real (floor)",
    "shuffled": "Another image's translation",
}
"""Metrics that stand beside another, "NAME/floor" beside NAME, and what they are."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How one metric is written: its values are shown as `value * scale`, then `unit`."""

    kind: str
    """What is measured; metrics of one kind share a chart."""
    about: str = ""
    """Which direction or domain it is measured on."""
    sentence: str = ""
    """What the number means, without a full stop; a small first letter continues "98.4 % …"."""
    better: Better = "unknown"
    unit: str = ""
    scale: float = 1.0
    decimals: int | None = None
    """None: three significant digits."""
    headline: bool = False
    """Belongs to the few numbers in large type."""
    rank: int = 1_000
    """Position in tables."""

    @property
    def name(self) -> str:
        """A short name for tables."""
        return f"{self.kind}, {self.about}" if self.about else self.kind

    def number(self, value: float) -> str:
        """The value without its unit."""
        return self._write(value, value)

    def value(self, value: float) -> str:
        """The value with its unit."""
        return f"{self.number(value)} {self.unit}".strip()

    def interval(self, number: Measurement) -> str:
        """ "97.1–99.2", with as many digits as the value; empty without an interval."""
        if not number.has_interval:
            return ""
        low, high = (self._write(bound, number.value) for bound in (number.low, number.high))
        return f"{low} to {high}" if "−" in low + high else f"{low}–{high}"

    def with_deviation(self, mean: float, deviation: float | None) -> str:
        """ "97.6 ± 0.2 %": as many digits as the deviation needs for one of its own to show."""
        if deviation is None or not math.isfinite(mean):
            return self.value(mean)
        decimals = self._decimals(mean)
        size = deviation * self.scale
        if 0 < size < 0.5 * 10.0**-decimals:
            decimals = min(decimals + 3, -math.floor(math.log10(size)))
        both = f"{mean * self.scale:,.{decimals}f} ± {size:,.{decimals}f}".replace("-", "−")
        return f"{both} {self.unit}".strip()

    def _write(self, value: float, like: float) -> str:
        if not math.isfinite(value):
            return "not finite"
        return f"{value * self.scale:,.{self._decimals(like)}f}".replace("-", "−")

    def _decimals(self, value: float) -> int:
        if self.decimals is not None:
            return self.decimals
        size = abs(value * self.scale)
        return max(0, min(6, 2 - math.floor(math.log10(size)))) if size > 0 else 3


_PERCENT: dict[str, Any] = {"unit": "%", "scale": 100.0, "decimals": 1}
_HIGHER: dict[str, Any] = {"better": "higher"}
_LOWER: dict[str, Any] = {"better": "lower"}
_HEADLINE: dict[str, Any] = {"headline": True}

# (pattern, kind, about, sentence, form), in the order of tables. `(?P<to>…)` is a direction;
# `(?P<of>…)` a domain. In texts {source} and {target} are the ends of the direction, {of} is the
# domain, {other} the other one, {made} "translated" or "generated", {extractor} the network whose
# features are compared.
_PATTERNS: list[tuple[str, str, str, str, dict[str, Any]]] = [
    (
        r"translation_accuracy/(?P<to>a2b|b2a)",
        "Translation accuracy",
        "{source} → {target}",
        "of translated {source} images are read as the right class by a classifier trained on "
        "real {target} images",
        _PERCENT | _HIGHER | _HEADLINE,
    ),
    (
        r"adaptation_accuracy/(?P<to>a2b|b2a)",
        "Adaptation accuracy",
        "{source} → {target}",
        "of real {target} images are read as the right class by a classifier that only saw "
        "{source} images translated to {target}",
        _PERCENT | _HIGHER,
    ),
    (
        r"truth_psnr/(?P<to>a2b|b2a)",
        "PSNR against the truth",
        "{source} → {target}",
        "Peak signal-to-noise ratio of translated {source} images against their true {target} "
        "counterparts, which training never saw",
        {"unit": "dB", "decimals": 1} | _HIGHER | _HEADLINE,
    ),
    (
        r"truth_ssim/(?P<to>a2b|b2a)",
        "SSIM against the truth",
        "{source} → {target}",
        "Structural similarity of translated {source} images to their true {target} counterparts "
        "(1: the same)",
        {"decimals": 3} | _HIGHER,
    ),
    (
        r"truth_l1/(?P<to>a2b|b2a)",
        "Error against the truth",
        "{source} → {target}",
        "Mean absolute difference between translated {source} images and their true {target} "
        "counterparts, with black at 0 and white at 1",
        {"decimals": 4} | _LOWER,
    ),
    (
        r"truth_lpips/(?P<to>a2b|b2a)",
        "LPIPS against the truth",
        "{source} → {target}",
        "Perceptual distance of translated {source} images to their true {target} counterparts "
        "(0: the same)",
        {"decimals": 3} | _LOWER,
    ),
    (
        r"cycle_lpips/(?P<of>a|b)",
        "Cycle error (LPIPS)",
        "{of} → {other} → {of}",
        "Perceptual distance of {of} images to themselves after {of} → {other} → {of} (0: the "
        "same)",
        {"decimals": 3} | _LOWER,
    ),
    (
        r"segmentation/pixel",
        "Segmentation",
        "per pixel",
        "of all pixels of the translated label maps have their true class, read as the nearest "
        "colour of the palette",
        _PERCENT | _HIGHER | _HEADLINE,
    ),
    (
        r"segmentation/class",
        "Segmentation",
        "per class",
        "of a class's pixels have their true class, on average over the classes; a class that does "
        "not occur counts as 0",
        _PERCENT | _HIGHER,
    ),
    (
        r"segmentation/iou",
        "Segmentation",
        "intersection over union",
        "of the union of translated and true regions is shared, on average over the classes; a "
        "class that does not occur counts as 0",
        _PERCENT | _HIGHER,
    ),
    (
        r"segmentation/class_present",
        "Segmentation",
        "per class that occurs",
        "of a class's pixels have their true class, on average over the classes that occur in the "
        "truth",
        _PERCENT | _HIGHER,
    ),
    (
        r"segmentation/iou_present",
        "Segmentation",
        "intersection over union of classes that occur",
        "of the union of translated and true regions is shared, on average over the classes that "
        "occur in either",
        _PERCENT | _HIGHER,
    ),
    (
        r"diversity/(?P<to>a2b|b2a)",
        "Diversity",
        "{source} → {target}",
        "Variety of translated {source} images: 1 is as varied as real {target} images are, "
        "0 is all alike",
        {"decimals": 2} | _HIGHER | _HEADLINE,
    ),
    (
        r"diversity_within_classes/(?P<to>a2b|b2a)",
        "Diversity within classes",
        "{source} → {target}",
        "Variety of the translated {source} images of one class: 1 is as varied as real {target} "
        "images of that class are, 0 is one image a class",
        {"decimals": 2} | _HIGHER,
    ),
    (
        r"diversity/(?P<of>a|b)",
        "Diversity",
        "{of}",
        "Variety of {of} images made from noise: 1 is as varied as real ones are, 0 is all alike",
        {"decimals": 2} | _HIGHER | _HEADLINE,
    ),
    (
        r"structure/(?P<to>a2b|b2a)",
        "Structure distance",
        "{source} → {target}",
        "Distance between the edges of {source} images and of their translations: 0 where all are "
        "kept, 1 where they have nothing in common; a translation that must change shapes moves "
        "some",
        {"decimals": 3} | _LOWER,
    ),
    (
        r"dino_structure/(?P<to>a2b|b2a)",
        "Structure distance (DINO)",
        "{source} → {target}",
        "Distance between the structure of {source} images and of their translations, in the eyes "
        "of a self-supervised transformer: 0 is the same",
        {"decimals": 4} | _LOWER,
    ),
    (
        r"hidden_signal/(?P<of>a|b)/(?P<touched>noise|jpeg)",
        "Hidden signal ({touched})",
        "{of} → {other} → {of}",
        "Change of the image that comes back, over the change ({touched}) of the translation "
        "that no eye sees: up to about 1 nothing is hidden in it, several times more says that the "
        "way back reads what is not in the picture: the input, where images come back well, and "
        "worse with the change",
        {"decimals": 2} | _LOWER,
    ),
    (
        r"cycle_l1/(?P<of>a|b)/(?P<touched>noise|jpeg)",
        "Cycle error ({touched})",
        "{of} → {other} → {of}",
        "The cycle error when the translation was touched ({touched}) on the way",
        {"decimals": 4} | _LOWER,
    ),
    (
        r"encoder_accuracy/(?P<of>a|b)",
        "Encoder accuracy",
        "{of}",
        "of real {of} images are read as the right class by the method's own encoder",
        _PERCENT | _HIGHER,
    ),
    (
        r"embedding_similarity/(?P<to>a2b|b2a)",
        "Embedding similarity",
        "{source} → {target}",
        "Mean cosine between what the method's own encoder makes of {source} images and of their "
        "translations",
        {"decimals": 3} | _HIGHER,
    ),
    (
        r"feature_accuracy/(?P<of>a|b)",
        "Feature accuracy",
        "{of}",
        "of real {of} images are read as the right class by a linear classifier on the "
        "discriminator's features",
        _PERCENT | _HIGHER,
    ),
    (
        r"kd/(?P<extractor>[^/]+)/(?P<of>a|b)",
        "Kernel distance ({extractor})",
        "to real {of}",
        "Kernel distance between {made} and real {of} images (features: {extractor}; "
        "0: no difference)",
        {"decimals": 4} | _LOWER | _HEADLINE,
    ),
    (
        r"fd/(?P<extractor>[^/]+)/(?P<of>a|b)",
        "Fréchet distance ({extractor})",
        "to real {of}",
        "Fréchet distance between {made} and real {of} images (features: {extractor}); "
        "it shrinks as n grows, so compare at the same n only",
        _LOWER,
    ),
    (
        r"fd/(?P<extractor>[^/]+)/(?P<of>a|b)/infinity",
        "Fréchet distance ({extractor}), limit",
        "to real {of}",
        "What the Fréchet distance would be with any number of images, where a line in 1/n ends "
        "(features: {extractor})",
        _LOWER,
    ),
    (
        r"cmmd/(?P<extractor>[^/]+)/(?P<of>a|b)",
        "CMMD",
        "to real {of}",
        "Distance between {made} and real {of} images in CLIP's features (0: no difference)",
        {"decimals": 3} | _LOWER,
    ),
    (
        r"precision/(?P<extractor>[^/]+)/(?P<of>a|b)",
        "Precision ({extractor})",
        "of {made} {of}",
        "of the {made} images lie among real {of} images (features: {extractor})",
        _PERCENT | _HIGHER,
    ),
    (
        r"recall/(?P<extractor>[^/]+)/(?P<of>a|b)",
        "Recall ({extractor})",
        "of real {of}",
        "of real {of} images lie among the {made} ones (features: {extractor})",
        _PERCENT | _HIGHER,
    ),
    (
        r"density/(?P<extractor>[^/]+)/(?P<of>a|b)",
        "Density ({extractor})",
        "of {made} {of}",
        "How many real {of} images the {made} ones lie among, to how many they would if they were "
        "real: about 1 (features: {extractor})",
        {"decimals": 2} | _HIGHER,
    ),
    (
        r"coverage/(?P<extractor>[^/]+)/(?P<of>a|b)",
        "Coverage ({extractor})",
        "of real {of}",
        "of real {of} images have a {made} one near (features: {extractor})",
        _PERCENT | _HIGHER,
    ),
    (
        r"embedding_similarity/(?P<extractor>[^/]+)/(?P<to>a2b|b2a)",
        "Embedding similarity ({extractor})",
        "{source} → {target}",
        "Mean cosine between what {extractor} makes of {source} images and of their translations",
        {"decimals": 3} | _HIGHER,
    ),
    (
        r"cycle_l1/(?P<of>a|b)",
        "Cycle error",
        "{of} → {other} → {of}",
        "Mean absolute difference between {of} images and themselves after {of} → {other} → {of}, "
        "with black at 0 and white at 1",
        {"decimals": 4} | _LOWER,
    ),
]


def wording(metric: str, names: Names) -> Wording:
    """How `metric` is written; one that is not known here keeps its own name."""
    for rank, (pattern, *texts, form) in enumerate(_PATTERNS):
        if match := re.fullmatch(pattern, metric):
            words = _words(match.groupdict(), names)
            kind, about, sentence = (text.format(**words) for text in texts)
            return Wording(kind=kind, about=about, sentence=sentence, rank=rank, **form)
    return Wording(kind=metric)


def _words(groups: Mapping[str, str], names: Names) -> dict[str, str]:
    source, target = ("b", "a") if groups.get("to") == "b2a" else ("a", "b")
    of, other = ("a", "b") if groups.get("of") == "a" else ("b", "a")
    keys = {"source": source, "target": target, "of": of, "other": other}
    return {word: getattr(names, domain) for word, domain in keys.items()} | {
        "made": "translated" if names.directions else "generated",
        "extractor": groups.get("extractor", ""),
        "touched": {"noise": "noise", "jpeg": "JPEG"}.get(groups.get("touched", ""), ""),
    }


def in_order(metrics: Mapping[str, Measurement], names: Names) -> list[str]:
    """The names of `metrics` in the order of tables, without the companions of others."""
    own = [name for name in metrics if not is_companion(name, metrics)]
    return sorted(own, key=lambda name: (wording(name, names).rank, name))


def is_companion(metric: str, metrics: Mapping[str, Measurement]) -> bool:
    """Whether `metric` stands beside another metric, such as its value for the unchanged input."""
    base, _, suffix = metric.rpartition("/")
    return suffix in COMPANIONS and base in metrics
