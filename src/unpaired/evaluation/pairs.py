"""Pairs of image files by name: an input, its translation, its truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.data.domain import resize
from unpaired.data.names import file_names, pair_id
from unpaired.evaluation.measure import Gathered, measure, measure_each
from unpaired.features import Loaded
from unpaired.features.extract import ImageSet, extract
from unpaired.metrics.catalogue.metric import Need
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol

FEWEST = 2


def matched(
    first: ImageSet, second: ImageSet
) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]]:
    """Name and both images, RGB at their own sizes, of each name that both sets have; sorted.

    Rows of a table have the name of their id. The endings may differ (cat.jpg and cat.png), and a
    last _A or _B; what two images of one set are called is left out, and so are images that cannot
    be read.

    Raises:
        DataError: when fewer than two names are in both.
    """
    both_sets = first, second
    names, places = _common(both_sets)
    for name in names:
        try:
            here, there = (
                p.pixels(place[name]) for p, place in zip(both_sets, places, strict=True)
            )
        except UnreadableImage:
            continue
        yield name, here, there


def against_truth(
    generated: ImageSet,
    truth: ImageSet,
    pretrained: Mapping[Need, Any] | None = None,
    *,
    resized: bool = False,
) -> dict[str, Measurement]:
    """Metrics of generated images against their truth, such as L1, PSNR and SSIM.

    With `resized`, images of another size than their truth are brought to it; bicubic.

    Raises:
        DataError: when nothing belongs together, or an image has another size than its truth.
    """

    def parts() -> Iterator[dict[Need, Any]]:
        for name, image, true in matched(generated, truth):
            if image.shape != true.shape and resized:
                image = resize(image, *true.shape[:2])
            elif image.shape != true.shape:
                (height, width), (h, w) = image.shape[:2], true.shape[:2]
                raise DataError(
                    f"{name!r} was generated with {width}×{height} pixels and its truth has "
                    f"{w}×{h}: bring both to one size first.",
                    code="truth-of-other-size",
                )
            x, y = (torch.from_numpy(p.transpose(2, 0, 1).copy())[None] for p in (image, true))
            yield {**(pretrained or {}), "translations_with_truth": x, "truth": y}

    return measure_each(parts())


def embedding_similarity(
    inputs: ImageSet,
    generated: ImageSet,
    extractor: Loaded,
    slots: Mapping[str, str] | None = None,
) -> dict[str, Measurement]:
    """Mean cosine of an image's features and its translation's; beside it, of another image's.

    The metric is `embedding_similarity/EXTRACTOR`; `slots` fill further parts of the name.

    Raises:
        DataError: when nothing belongs together.
    """
    both_sets = inputs, generated
    names, places = _common(both_sets)
    features = []
    for image_set, place in zip(both_sets, places, strict=True):
        described = extract(image_set, extractor)
        row = {int(i): n for n, i in enumerate(described.kept)}
        features.append({n: described.features[row[place[n]]] for n in names if place[n] in row})
    both = [name for name in names if all(name in of_set for of_set in features)]
    x, y = (np.stack([of_set[name] for name in both]) for of_set in features)
    values: dict[Need, Any] = {"source_features": x, "translation_features": y}
    return measure(Gathered({**(slots or {}), "extractor": extractor.name}, values))


def pairs_protocol(
    other: ImageSet, generated: ImageSet, resize: str, extractor: Loaded | None = None
) -> Protocol:
    """Of numbers of generated images, each beside the one of the same name in `other`."""
    common = counterparts(other, generated)
    return Protocol(
        name="pairs",
        split="given",
        images_a="" if common is None else common.digest,
        resize=resize,
        extractor="" if extractor is None else extractor.name,
        evaluators=() if extractor is None else (extractor.weights_hash,),
        distances="image by image",
    )


def unmatched(other: ImageSet, generated: ImageSet) -> list[str]:
    """A note on images without a counterpart."""
    notes = []
    for image_set, rest in ((generated, other), (other, generated)):
        count = len(image_set.hashes) - len(_places(image_set).keys() & _places(rest).keys())
        if count:
            notes.append(
                f"{count} of {len(image_set.hashes)} images of {image_set.name} have no "
                f"counterpart in {rest.name}, or share their name with another image: left out "
                "where images are compared one by one."
            )
    return notes


def _common(both_sets: Sequence[ImageSet]) -> tuple[list[str], list[dict[str, int]]]:
    """Names that both have, sorted, and where each set has which; see `matched`."""
    places = [_places(image_set) for image_set in both_sets]
    names = places[0].keys() & places[1].keys()
    if len(names) == 1:
        raise DataError(
            f"only {min(names)!r} is in both {both_sets[0].name} and {both_sets[1].name}: at least "
            f"{FEWEST} pairs are needed, and hundreds to mean something.",
            code="one-pair",
        )
    if not names:
        examples = [_names(image_set)[0] for image_set in both_sets]
        raise DataError(
            f"no image of {both_sets[1].name} has the name of one of {both_sets[0].name}: "
            f"{examples[1]!r} is there and {examples[0]!r} here. Images that belong together are "
            "known by their names, whatever the ending (.jpg, .png, _A, _B): rename one of the "
            "two.",
            code="no-pairs",
        )
    return sorted(names), places


def _places(image_set: ImageSet) -> dict[str, int]:
    """Where each image is, by what its name has in common with its counterpart's.

    Without those that share it (cat.jpg and cat.png): which is meant, nobody could say.
    """
    names = _names(image_set)
    counts = Counter(names)
    return {name: i for i, name in enumerate(names) if counts[name] == 1}


def _names(image_set: ImageSet) -> list[str]:
    records = image_set.records
    if records.ids is None:
        return [pair_id(name) for name in records.names]
    # As the translations of a table's images are called; see `file_names`.
    return [pair_id(f"{name}.png") for name in file_names(records.names, records.ids)]


def counterparts(image_set: ImageSet, of: ImageSet) -> ImageSet | None:
    """The images of a set that have the name of one in another; None where fewer than two do."""
    here, there = _places(image_set), _places(of)
    places = sorted(here[name] for name in here.keys() & there.keys())
    return image_set.only(places) if len(places) >= FEWEST else None
