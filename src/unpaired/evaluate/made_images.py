"""Images that were made anywhere, judged as a pile against real ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unpaired.config import encode
from unpaired.data.sources import Source, describe
from unpaired.errors import DataError, UnreadableImage
from unpaired.evaluate.distances import FEWEST_EXTRAPOLATED, extrapolated, floor
from unpaired.evaluate.extraction import Described, Pile, extract, open_pile
from unpaired.evaluate.extractors import Extractor, Loaded
from unpaired.evaluate.frechet import frechet
from unpaired.evaluate.intervals import Measurement
from unpaired.evaluate.kernels import cmmd, kernel
from unpaired.evaluate.neighbours import NEAREST, neighbours
from unpaired.evaluate.protocol import Protocol

FEWEST_FOR_FID = 2048
"""Images below which the bias of FID is of its own size: the kernel distance is shown first."""

SMALL_SIDE = 64
"""Side, in pixels, of images that enlarging to Inception's 299 changes more than a model would."""

_LOOKED_AT = 50  # images of each pile whose size and colours are looked at
_FORMATS_DIFFER = 0.1  # largest difference in the share of a format that is not worth a note


@dataclass(frozen=True)
class Judgement:
    """What is measured of made images."""

    records: list[dict[str, Any]]
    """One for each protocol, in the form of a line of evaluations.jsonl."""
    notes: list[str]
    """What a reader of the numbers must know."""


def judge(
    made: Source,
    real: Source,
    extractors: Sequence[Extractor],
    *,
    more_real: Source | None = None,
    device: torch.device | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> Judgement:
    """Distances between a pile of made images and one of real images, with each extractor.

    All images of both are compared. The floor is the same distance between two halves of the real
    images, and of `more_real` where there are such. Features are kept for next time.

    Raises:
        DataError: for piles that cannot be opened, of fewer than two images.
        SettingError, MissingExtra: for an extractor that cannot be loaded.
    """
    piles = [open_pile(source) for source in (made, real)]
    further = None if more_real is None else open_pile(more_real)
    beside = "" if further is None else f" and those of {further.digest}"
    notes = list(_notes(*piles))
    records = []
    for extractor in extractors:
        loaded = extractor.load(device or torch.device("cpu"))
        described = [_described(pile, loaded, notes) for pile in piles]
        others = None if further is None else _described(further, loaded, notes).features
        features = described[0].features, described[1].features
        notes += _notes_of_features(features[0], loaded, piles)
        metrics = _distances(loaded.name, features[0], features[1], others, resamples, seed)
        protocol = Protocol(
            name="piles",
            split="given",
            images_b=piles[1].digest,
            extractor=loaded.name,
            judges=(loaded.weights_hash,),
            resize=loaded.resize,
            formats=tuple("+".join(_formats(pile)) for pile in piles),
            counts=tuple(len(f) for f in features),
            distances=f"all images; floor: among real images{beside}",
            style_seed=seed,
            resamples=resamples,
        )
        records.append(record(made, real, protocol, metrics))
    return Judgement(records, list(dict.fromkeys(notes)))


def record(
    made: Source, other: Source, protocol: Protocol, metrics: dict[str, Measurement]
) -> dict[str, Any]:
    """Numbers of made images, in the form of a line of evaluations.jsonl."""
    return {
        "generated": describe(made),
        "against": describe(other),
        "protocol": encode(protocol),
        "fingerprint": protocol.fingerprint,
        "metrics": {name: m.as_json() for name, m in metrics.items()},
    }


def pairs_protocol(other: Source, resize: str, extractor: Loaded | None = None) -> Protocol:
    """Of numbers that compare made images one by one with those of the same name in `other`."""
    return Protocol(
        name="pairs",
        split="given",
        images_a=open_pile(other).digest,
        resize=resize,
        extractor="" if extractor is None else extractor.name,
        judges=() if extractor is None else (extractor.weights_hash,),
    )


def _distances(
    extractor: str,
    made: NDArray[np.float32],
    real: NDArray[np.float32],
    more_real: NDArray[np.float32] | None,
    resamples: int,
    seed: int,
) -> dict[str, Measurement]:
    """All that features tell of two piles, the more trustworthy first."""
    among = real if more_real is None else np.concatenate([real, more_real])
    order = np.random.default_rng(seed).permutation(len(among))
    halves = among[order[: len(among) // 2]], among[order[len(among) // 2 :]]
    count = min(len(made), len(real))
    metrics: dict[str, Measurement] = {}
    for short, distance in (("kd", kernel), ("fd", frechet)):
        name = f"{short}/{extractor}"
        metrics[name] = distance(made, real, resamples, seed)
        metrics[f"{name}/floor"] = floor(among, count, seed, distance)
    if count >= FEWEST_EXTRAPOLATED:
        metrics[f"fd/{extractor}/infinity"] = extrapolated(made, real, frechet, seed)
    if extractor == "clip":
        metrics["cmmd/clip"] = _without_interval(cmmd(made, real), len(made))
        metrics["cmmd/clip/floor"] = _without_interval(cmmd(*halves), len(halves[0]))
    for kind, (others, judged) in {"": (real, made), "/floor": halves}.items():
        if min(len(others), len(judged)) > NEAREST:
            found = neighbours(others, judged, seed)
            metrics |= {f"{name}/{extractor}{kind}": found[name] for name in found}
    if extractor.startswith("inception") and count >= FEWEST_FOR_FID:
        first = [name for name in metrics if name.startswith("fd/")]
        metrics = {name: metrics[name] for name in [*first, *metrics]}
    return metrics


def _without_interval(value: float, n: int) -> Measurement:
    return Measurement(value, value, value, n)


def _described(pile: Pile, extractor: Loaded, notes: list[str]) -> Described:
    described = extract(pile, extractor)
    if described.refused:
        first = described.refused[0]
        notes.append(
            f"{describe(pile.source)}: {len(described.refused)} of {len(pile.hashes)} images are "
            f"unreadable (first: {first})."
        )
    if len(described.features) < 2:
        raise DataError(
            f"{describe(pile.source)} has one usable image. A distance between piles needs at "
            "least two in each, and hundreds to mean something."
        )
    return described


def _notes(made: Pile, real: Pile) -> Iterator[str]:
    """What the files themselves tell before any network has seen them."""
    copies = len(set(made.hashes) & set(real.hashes))
    if copies:
        yield (
            f"{copies} made images are byte for byte among the real ones: a model that was trained "
            "on these has learned them by heart, or a folder was given twice."
        )
    shares = [_formats(pile) for pile in (made, real)]
    names = shares[0].keys() | shares[1].keys()
    if any(abs(shares[0].get(n, 0) - shares[1].get(n, 0)) > _FORMATS_DIFFER for n in names):
        shown = [", ".join(share) for share in shares]
        yield (
            f"the made images are {shown[0]} and the real ones {shown[1]}: distances see the "
            "compression too. Store both in one format, without loss, for numbers to compare."
        )
    grey = [_all_grey(pile) for pile in (made, real)]
    if grey[0] != grey[1]:
        which = ("made", "real") if grey[0] else ("real", "made")
        yield f"the {which[0]} images are grey, the {which[1]} ones not: distances show that first."
    if len(set(made.hashes)) == 1 < len(made.hashes):
        yield f"all {len(made.hashes)} made images are the same file: the model has collapsed."


def _notes_of_features(
    made: NDArray[np.float32], extractor: Loaded, piles: Sequence[Pile]
) -> Iterator[str]:
    """What numbers of this extractor must not be taken for."""
    count = min(len(pile.hashes) for pile in piles)
    if extractor.name.startswith("inception") and count < FEWEST_FOR_FID:
        yield (
            f"with {count} images, FID (fd/{extractor.name}) is mostly its own bias, which falls "
            f"as 1/n: read KID (kd/{extractor.name}) first, which has none; FID beside its floor."
        )
    small = max(max(_sizes(pile)) for pile in piles) <= SMALL_SIDE
    if extractor.name.startswith("inception") and small:
        yield (
            f"images of at most {SMALL_SIDE} pixels are enlarged to 299: the enlarging decides, "
            "not the images. For digits and the like take the features of a task classifier "
            "(--extractor classifier:LABELLED) or of a program of your own (encoder.pt2)."
        )
    if len(made) > 1 and not np.ptp(made, axis=0).any():
        yield f"all made images are one to {extractor.name}: the model has collapsed."


def _formats(pile: Pile) -> dict[str, float]:
    """The share of each format among the images of a known one."""
    known = {name: n for name, n in sorted(pile.formats.items()) if name != "unreadable"}
    return {name: n / sum(known.values()) for name, n in known.items()}


def _first_images(pile: Pile) -> Iterator[NDArray[np.uint8]]:
    for i in range(min(_LOOKED_AT, len(pile.hashes))):
        try:
            yield pile.pixels(i)
        except UnreadableImage:  # `extract` lists them
            continue


def _sizes(pile: Pile) -> list[int]:
    """The longer side of the first images."""
    return [max(image.shape[:2]) for image in _first_images(pile)] or [0]


def _all_grey(pile: Pile) -> bool:
    return all((image == image[..., :1]).all() for image in _first_images(pile))
