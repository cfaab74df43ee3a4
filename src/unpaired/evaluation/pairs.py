"""Images of two piles that belong together by name: an input, what was made of it, its truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.data.domain import resize
from unpaired.data.names import file_names, pair_id
from unpaired.evaluation.encoders import cosines
from unpaired.features import Loaded
from unpaired.features.extract import ImageSet, extract
from unpaired.metrics import paired
from unpaired.metrics.intervals import bootstrap_mean
from unpaired.metrics.paired import PairDistance
from unpaired.metrics.structure import others
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol

FEWEST = 2


def matched(
    first: ImageSet, second: ImageSet
) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]]:
    """Name and both images, RGB at their own sizes, of each name that both piles have; sorted.

    Rows of a table have the name of their id. The endings may differ (cat.jpg and cat.png), and a
    last _A or _B; what two images of one pile are called is left out, and so are images that cannot
    be read.

    Raises:
        DataError: when fewer than two names are in both.
    """
    piles = first, second
    names, places = _common(piles)
    for name in names:
        try:
            here, there = (p.pixels(place[name]) for p, place in zip(piles, places, strict=True))
        except UnreadableImage:
            continue
        yield name, here, there


def against_truth(
    made: ImageSet,
    truth: ImageSet,
    looks: dict[str, PairDistance] | None = None,
    *,
    resized: bool = False,
) -> dict[str, Measurement]:
    """Mean L1, PSNR and SSIM of made images against their truth, and what `looks` adds.

    With `resized`, images of another size than their truth are brought to it; bicubic.

    Raises:
        DataError: when nothing belongs together, or a made image has another size than its truth.
    """
    measures = paired.MEASURES | (looks or {})
    found: dict[str, list[float]] = {name: [] for name in measures}
    for name, image, true in matched(made, truth):
        if image.shape != true.shape and resized:
            image = resize(image, *true.shape[:2])
        elif image.shape != true.shape:
            (height, width), (h, w) = image.shape[:2], true.shape[:2]
            raise DataError(
                f"{name!r} was made with {width}×{height} pixels and its truth has {w}×{h}: bring "
                "both to one size first."
            )
        x, y = (torch.from_numpy(p.transpose(2, 0, 1).copy())[None] for p in (image, true))
        for kind, measure in measures.items():
            found[kind].append(float(measure(x, y)[0]))
    return {f"truth_{kind}": bootstrap_mean(values) for kind, values in found.items()}


def embedding_similarity(
    inputs: ImageSet, made: ImageSet, extractor: Loaded, way: str = ""
) -> dict[str, Measurement]:
    """Mean cosine of an image's features and of what was made of it; beside it, of another image.

    With a face encoder: whether it is still the same person (Taigman et al. 2017). The metric is
    `embedding_similarity/EXTRACTOR`, with `/way` behind where it is given.

    Raises:
        DataError: when nothing belongs together.
    """
    piles = inputs, made
    names, places = _common(piles)
    features = []
    for pile, place in zip(piles, places, strict=True):
        described = extract(pile, extractor)
        row = {int(i): n for n, i in enumerate(described.kept)}
        features.append({n: described.features[row[place[n]]] for n in names if place[n] in row})
    both = [name for name in names if all(name in found for found in features)]
    x, y = (np.stack([found[name] for name in both]).astype(np.float64) for found in features)
    metric = f"embedding_similarity/{extractor.name}" + (f"/{way}" if way else "")
    return {
        metric: bootstrap_mean(cosines(x, y)),
        f"{metric}/shuffled": bootstrap_mean(cosines(x, y[others(len(y))])),
    }


def pairs_protocol(
    other: ImageSet, made: ImageSet, resize: str, extractor: Loaded | None = None
) -> Protocol:
    """Of numbers that compare made images one by one with those of the same name in `other`."""
    common = counterparts(other, made)
    return Protocol(
        name="pairs",
        split="given",
        images_a="" if common is None else common.digest,
        resize=resize,
        extractor="" if extractor is None else extractor.name,
        evaluators=() if extractor is None else (extractor.weights_hash,),
        distances="image by image",
    )


def unmatched(other: ImageSet, made: ImageSet) -> list[str]:
    """A note on images without a counterpart."""
    notes = []
    for pile, rest in ((made, other), (other, made)):
        count = len(pile.hashes) - len(_places(pile).keys() & _places(rest).keys())
        if count:
            notes.append(
                f"{count} of {len(pile.hashes)} images of {pile.name} have no counterpart in "
                f"{rest.name}, or share their name with another image: left out where images are "
                "compared one by one."
            )
    return notes


def _common(piles: Sequence[ImageSet]) -> tuple[list[str], list[dict[str, int]]]:
    """Names that both have, sorted, and where each pile has which; see `matched`."""
    places = [_places(pile) for pile in piles]
    names = places[0].keys() & places[1].keys()
    if len(names) == 1:
        raise DataError(
            f"only {min(names)!r} is in both {piles[0].name} and {piles[1].name}: at least "
            f"{FEWEST} pairs are needed, and hundreds to mean something."
        )
    if not names:
        examples = [_names(pile)[0] for pile in piles]
        raise DataError(
            f"no image of {piles[1].name} has the name of one of {piles[0].name}: "
            f"{examples[1]!r} is there and {examples[0]!r} here. Images that belong together are "
            "known by their names, whatever the ending (.jpg, .png, _A, _B): rename one of the two."
        )
    return sorted(names), places


def _places(pile: ImageSet) -> dict[str, int]:
    """Where each image is, by what its name has in common with its counterpart's.

    Without those that share it (cat.jpg and cat.png): which is meant, nobody could say.
    """
    names = _names(pile)
    counts = Counter(names)
    return {name: i for i, name in enumerate(names) if counts[name] == 1}


def _names(pile: ImageSet) -> list[str]:
    records = pile.records
    if records.ids is None:
        return [pair_id(name) for name in records.names]
    # As the translations of a table's images are called; see `file_names`.
    return [pair_id(f"{name}.png") for name in file_names(records)]


def counterparts(pile: ImageSet, of: ImageSet) -> ImageSet | None:
    """The images of a pile that have the name of one in another; None where fewer than two do."""
    here, there = _places(pile), _places(of)
    places = sorted(here[name] for name in here.keys() & there.keys())
    return pile.only(places) if len(places) >= FEWEST else None
