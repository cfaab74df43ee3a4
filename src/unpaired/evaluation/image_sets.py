"""Image sets compared with real ones in the features of an extractor; notes on what misleads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unpaired.core.errors import DataError
from unpaired.evaluation.measure import Gathered, measure
from unpaired.features import Loaded
from unpaired.features.extract import ImageSet, extract
from unpaired.metrics.feature_sets import Features
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol

FEWEST_FOR_FID = 2048
"""Images below which the bias of FID is of its own size: the kernel distance is shown first."""

SMALL_SIDE = 64
"""Side, in pixels, of images that enlarging to Inception's 299 changes more than a model would."""

_LOSSLESS = {"PNG", "TIFF", "BMP", "PPM", "pixels"}
_OF_FID = ("inception", "inception-legacy")
_FORMATS_DIFFER = 0.1  # largest difference in the share of a format that is not worth a note


@dataclass(frozen=True)
class ImageSetMeasurements:
    """What one extractor measures of generated images."""

    protocol: Protocol
    metrics: dict[str, Measurement]
    notes: list[str]
    """What one must know to read the numbers."""


def compare(
    generated: ImageSet,
    real: ImageSet,
    extractor: Loaded,
    *,
    more_real: ImageSet | None = None,
    unchanged: ImageSet | None = None,
    slots: Mapping[str, str] | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> ImageSetMeasurements:
    """Distances between generated images and real ones, in an extractor's features.

    All images of both are compared. The floor is the same number for as many real images and as
    many others of them, drawn from the real ones and `more_real`: for fewer of each, in the same
    proportion, where these do not suffice. Beside stands the distance of `unchanged`, the images
    before they were translated. `slots` fill the names of metrics, which are `fd/EXTRACTOR`
    without. Features are kept for next time.

    Raises:
        DataError: for sets of fewer than two images that can be read.
    """
    both_sets = generated, real
    beside = "" if more_real is None else f" and those of {more_real.digest}"
    notes = list(_notes(generated, real))
    features = [_features(images, extractor, notes) for images in both_sets]
    others, before = (
        None if images is None else _features(images, extractor, notes)
        for images in (more_real, unchanged)
    )
    slots = {**(slots or {}), "extractor": extractor.name}
    name = "/".join([extractor.name, *([slots["target"]] if "target" in slots else [])])
    notes += _notes_of_features(features[0], extractor, name, both_sets)
    if more_real is None:
        notes.append(
            "the floor is among the real images alone, and so of fewer than the distance: give "
            "others of their kind, --more-real photos/, for a floor at the same n."
        )
    gathered = Gathered(
        slots,
        {
            "generated_features": features[0],
            "real_features": features[1],
            "resamples": resamples,
            "seed": seed,
        },
        {} if before is None else {"generated_features": before},
        others,
        on_demand=True,
    )
    metrics = _trusted_first(measure(gathered, notes), extractor, min(map(len, features)))
    protocol = Protocol(
        name="image sets",
        split="given",
        images_b=real.digest,
        extractor=extractor.name,
        evaluators=(extractor.weights_hash,),
        resize=extractor.resize,
        formats=tuple("+".join(_formats(images)) for images in both_sets),
        counts=tuple(len(f) for f in features),
        distances=f"all images; floor: as many of the real images{beside}",
        style_seed=seed,
        resamples=resamples,
    )
    return ImageSetMeasurements(protocol, metrics, list(dict.fromkeys(notes)))


def _trusted_first(
    metrics: dict[str, Measurement], extractor: Loaded, count: int
) -> dict[str, Measurement]:
    """FID in front, where there are enough images for it; else the kernel distance stays there."""
    if extractor.name not in _OF_FID or count < FEWEST_FOR_FID:
        return metrics
    front = [metric for metric in metrics if metric.startswith("fd/")]
    return {metric: metrics[metric] for metric in [*front, *metrics]}


def _features(images: ImageSet, extractor: Loaded, notes: list[str]) -> Features:
    described = extract(images, extractor)
    if described.refused:
        first = described.refused[0]
        notes.append(
            f"{images.name}: {len(described.refused)} of {len(images.hashes)} images are "
            f"unreadable (first: {first})."
        )
    if len(described.features) < 2:
        raise DataError(
            f"{images.name} has one usable image. A distance between image sets needs at least two "
            "in each, and hundreds to mean something.",
            code="one-usable-image",
        )
    return described.features


def _notes(generated: ImageSet, real: ImageSet) -> Iterator[str]:
    """What the files themselves show before any network is applied."""
    copies = len(set(generated.hashes) & set(real.hashes))
    if copies:
        yield (
            f"{copies} generated images are byte for byte among the real ones: a model that was "
            "trained on these has learned them by heart, or a folder was given twice."
        )
    shares = [_formats(images, lossless="lossless") for images in (generated, real)]
    names = shares[0].keys() | shares[1].keys()
    if any(abs(shares[0].get(n, 0) - shares[1].get(n, 0)) > _FORMATS_DIFFER for n in names):
        shown = [", ".join(_formats(images)) for images in (generated, real)]
        yield (
            f"the generated images are {shown[0]} and the real ones {shown[1]}: distances see the "
            "compression too. Store both in one format, without loss, for numbers to compare."
        )
    if generated.longest_side != real.longest_side:
        yield (
            f"the first generated images have up to {generated.longest_side} pixels a side, the "
            f"real ones up to {real.longest_side}: distances see the resizing too. Bring both to "
            "one size, by one filter."
        )
    if generated.grey != real.grey:
        which = ("generated", "real") if generated.grey else ("real", "generated")
        yield f"the {which[0]} images are grey, the {which[1]} ones not: distances show that first."
    if generated.transparent:
        yield (
            "the generated images are transparent: they are measured before white, which hides "
            "what networks made there. Translations with --alpha composite show all of it."
        )
    if len(set(generated.hashes)) == 1 < len(generated.hashes):
        count = len(generated.hashes)
        yield f"all {count} generated images are the same file: the model has collapsed."


def _notes_of_features(
    generated: Features, extractor: Loaded, name: str, both_sets: Sequence[ImageSet]
) -> Iterator[str]:
    """What numbers of this extractor must not be taken for."""
    count = min(len(images.hashes) for images in both_sets)
    if extractor.name in _OF_FID and count < FEWEST_FOR_FID:
        yield (
            f"with {count} images, FID (fd/{name}) is mostly its own bias, which falls "
            f"as 1/n: read KID (kd/{name}) first, which has none; FID beside its floor."
        )
    elif count < generated.shape[1]:
        yield (
            f"with {count} images and {generated.shape[1]} features, fd/{name} is mostly its own "
            f"bias: read kd/{name} first, and fd/{name} beside its floor."
        )
    small = max(images.longest_side for images in both_sets) <= SMALL_SIDE
    if extractor.name in _OF_FID and small:
        yield (
            f"images of at most {SMALL_SIDE} pixels are enlarged to 299: the enlarging decides, "
            "not the images. For digits and the like take the features of a task classifier "
            "(--extractor classifier:LABELLED) or of a program of your own (encoder.pt2)."
        )
    if len(set(both_sets[0].hashes)) > 1 and not np.ptp(generated, axis=0).any():
        yield (
            f"{extractor.name} sees no difference between the generated images: they have "
            "collapsed."
        )


def _formats(images: ImageSet, lossless: str = "") -> dict[str, float]:
    """The share of each format among the images of a known one; `lossless` for all that lose
    nothing, where it is given."""
    known: Counter[str] = Counter()
    for name, count in sorted(images.formats.items()):
        if name != "unreadable":
            known[lossless if lossless and name in _LOSSLESS else name] += count
    return {name: n / known.total() for name, n in known.items()}
