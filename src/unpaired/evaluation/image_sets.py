"""Images that were made anywhere, judged as a pile against real ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unpaired.core.errors import DataError
from unpaired.features import Loaded
from unpaired.features.extract import ImageSet, extract
from unpaired.metrics.feature_sets import Features
from unpaired.metrics.floor import FEWEST_EXTRAPOLATED, disjoint, extrapolated, floor
from unpaired.metrics.frechet import frechet
from unpaired.metrics.kernel_distance import cmmd, kernel
from unpaired.metrics.precision_recall import NEAREST, neighbours
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
    """What one extractor finds of made images."""

    protocol: Protocol
    metrics: dict[str, Measurement]
    notes: list[str]
    """What a reader of the numbers must know."""


def compare(
    generated: ImageSet,
    real: ImageSet,
    extractor: Loaded,
    *,
    more_real: ImageSet | None = None,
    unchanged: ImageSet | None = None,
    domain: str = "",
    resamples: int = 200,
    seed: int = 0,
) -> ImageSetMeasurements:
    """Distances between a pile of made images and one of real images, in an extractor's features.

    All images of both are compared. The floor is the same number for as many real images and as
    many others of them, drawn from the real ones and `more_real`: for fewer of each, in the same
    proportion, where these do not suffice. Beside stands the distance of `unchanged`, the images
    before they were translated. Metrics are `fd/EXTRACTOR`, …, with `/domain` behind where it is
    given. Features are kept for next time.

    Raises:
        DataError: for piles of fewer than two images that can be read.
    """
    both_sets = generated, real
    beside = "" if more_real is None else f" and those of {more_real.digest}"
    notes = list(_notes(generated, real))
    features = [_features(images, extractor, notes) for images in both_sets]
    others, before = (
        None if images is None else _features(images, extractor, notes)
        for images in (more_real, unchanged)
    )
    name = f"{extractor.name}/{domain}" if domain else extractor.name
    notes += _notes_of_features(features[0], extractor, name, both_sets)
    if more_real is None:
        notes.append(
            "the floor is among the real images alone, and so of fewer than the distance: give "
            "others of their kind, --more-real photos/, for a floor at the same n."
        )
    metrics = _distances(extractor, name, features[0], features[1], others, before, resamples, seed)
    protocol = Protocol(
        name="piles",
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


def _distances(
    extractor: Loaded,
    name: str,
    generated: Features,
    real: Features,
    more_real: Features | None,
    unchanged: Features | None,
    resamples: int,
    seed: int,
) -> dict[str, Measurement]:
    """All that features tell of two piles, the more trustworthy first."""
    among = real if more_real is None else np.concatenate([real, more_real])
    sizes, count = (len(generated), len(real)), min(len(generated), len(real))
    like_generated, like_real = disjoint(among, sizes, np.random.default_rng(seed))
    metrics: dict[str, Measurement] = {}
    for short, distance in (("kd", kernel), ("fd", frechet)):
        metric = f"{short}/{name}"
        metrics[metric] = distance(generated, real, resamples, seed)
        if unchanged is not None:
            metrics[f"{metric}/input"] = distance(unchanged, real, resamples, seed)
        metrics[f"{metric}/floor"] = floor(among, sizes, seed, distance)
    if count >= FEWEST_EXTRAPOLATED:
        metrics[f"fd/{name}/infinity"] = extrapolated(generated, real, frechet, seed)
    if extractor.name == "clip":
        metrics[f"cmmd/{name}"] = _without_interval(cmmd(generated, real), len(generated))
        metrics[f"cmmd/{name}/floor"] = _without_interval(
            cmmd(like_generated, like_real), len(like_generated)
        )
    for kind, (others, compared) in {
        "": (real, generated),
        "/floor": (like_real, like_generated),
    }.items():
        if min(len(others), len(compared)) > NEAREST:
            scores = neighbours(others, compared, seed)
            metrics |= {f"{metric}/{name}{kind}": scores[metric] for metric in scores}
    if extractor.name in _OF_FID and count >= FEWEST_FOR_FID:
        first = [metric for metric in metrics if metric.startswith("fd/")]
        metrics = {metric: metrics[metric] for metric in [*first, *metrics]}
    return metrics


def _without_interval(value: float, n: int) -> Measurement:
    return Measurement(value, value, value, n)


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
            f"{images.name} has one usable image. A distance between piles needs at least two in "
            "each, and hundreds to mean something."
        )
    return described.features


def _notes(generated: ImageSet, real: ImageSet) -> Iterator[str]:
    """What the files themselves tell before any network has seen them."""
    copies = len(set(generated.hashes) & set(real.hashes))
    if copies:
        yield (
            f"{copies} made images are byte for byte among the real ones: a model that was trained "
            "on these has learned them by heart, or a folder was given twice."
        )
    shares = [_formats(images, lossless="lossless") for images in (generated, real)]
    names = shares[0].keys() | shares[1].keys()
    if any(abs(shares[0].get(n, 0) - shares[1].get(n, 0)) > _FORMATS_DIFFER for n in names):
        shown = [", ".join(_formats(images)) for images in (generated, real)]
        yield (
            f"the made images are {shown[0]} and the real ones {shown[1]}: distances see the "
            "compression too. Store both in one format, without loss, for numbers to compare."
        )
    if generated.longest_side != real.longest_side:
        yield (
            f"the first made images have up to {generated.longest_side} pixels a side, the real "
            f"ones up to {real.longest_side}: distances see the resizing too. Bring both to one "
            "size, by one filter."
        )
    if generated.grey != real.grey:
        which = ("made", "real") if generated.grey else ("real", "made")
        yield f"the {which[0]} images are grey, the {which[1]} ones not: distances show that first."
    if len(set(generated.hashes)) == 1 < len(generated.hashes):
        yield f"all {len(generated.hashes)} made images are the same file: the model has collapsed."


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
        yield f"{extractor.name} sees no difference between the made images: they have collapsed."


def _formats(images: ImageSet, lossless: str = "") -> dict[str, float]:
    """The share of each format among the images of a known one; `lossless` for all that lose
    nothing, where it is given."""
    known: Counter[str] = Counter()
    for name, count in sorted(images.formats.items()):
        if name != "unreadable":
            known[lossless if lossless and name in _LOSSLESS else name] += count
    return {name: n / known.total() for name, n in known.items()}
