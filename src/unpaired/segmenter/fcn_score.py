"""FCN-score: does a segmenter of real photos recognise in generated photos the classes asked for?

Labels→photo, as in pix2pix (Isola et al. 2017, section 4): a photo generated from a label map is
read back as classes, and these are compared with the label map. Real photos of the same label maps
give the upper bound, as no segmenter is perfect.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unpaired.core.errors import DataError
from unpaired.data.sources import Source, describe
from unpaired.evaluation.measure import Gathered, measure
from unpaired.evaluation.samples import content_hash
from unpaired.metrics import segmentation
from unpaired.metrics.catalogue.metric import Need
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol
from unpaired.segmenter.folder import Trained
from unpaired.segmenter.label_maps import Pairs, hashes_of, match, read_label_maps, read_photos
from unpaired.segmenter.segmenter import Segmenter

NAME = "fcn_score"


def scores_of(
    segmenter: Segmenter, pairs: Pairs, num_classes: int, resamples: int = 200
) -> dict[str, Measurement]:
    """`segmentation.measure` of what a segmenter finds in photos, against their true classes."""
    predicted = segmenter.predict(pairs.photos)
    return segmentation.measure(pairs.classes, predicted, num_classes, resamples)


def fcn_score(
    segmenter: Segmenter,
    trained: Trained,
    generated: Source,
    labels: Source,
    real: Source | None = None,
) -> dict[str, Any]:
    """The scores of generated photos, and of real ones as the upper bound.

    Photos and label maps are paired by file name or id. Metrics are `fcn_score/NAME` and
    `fcn_score/NAME/real`, with the names of `segmentation.measure`. The bound is that of `real`,
    for the same label maps; without it, that of the photos held out in the segmenter's training.

    Raises:
        DataError: when there are no pairs, or an image set cannot be used.
    """
    size, palette = trained.size, trained.palette
    classes, maps, _ = read_label_maps(labels, size, palette)
    generated_photos = read_photos(generated, size)
    pairs = match(generated_photos, classes, maps)
    protocol = Protocol(
        name="fcn-score",
        images_a=content_hash(torch.from_numpy(pairs.classes)),
        extractor=f"segmenter at {size}×{size}",
        evaluators=(trained.weights_hash,),
        resize=f"{Protocol().resize}; label maps: nearest neighbour",
        palette=palette,
    )
    values: dict[Need, Any] = {
        "true_label_maps": pairs.classes,
        "segmented": segmenter.predict(pairs.photos),
        "num_classes": len(palette),
        "resamples": protocol.resamples,
        "seed": protocol.style_seed,
    }
    metrics = measure(Gathered({}, values))
    bound, num_trained_on = trained.scores, 0
    if real is not None:
        photos = match(read_photos(real, size), classes, maps)
        photos = photos.only(np.flatnonzero(np.isin(photos.ids, pairs.ids)))
        if not len(photos):
            raise DataError(
                f"{describe(real)} has no photo of the label maps that the generated photos were "
                f"made from, such as {pairs.ids[0]!r}. Give their real photos, or leave out "
                "--real.",
                code="real-photos-of-others",
                setting="real",
            )
        num_trained_on = len(set(hashes_of(photos.photos)) & set(trained.photos))
        bound = scores_of(segmenter, photos, len(palette), protocol.resamples)
    metrics |= {f"{NAME}/{name}/real": score for name, score in bound.items()}
    return protocol.record(metrics) | {
        "pairs": len(pairs),
        "photos_without_label_map": len(generated_photos.ids) - len(pairs),
        "label_maps_without_photo": len(maps.ids) - len(pairs),
        "refused": [str(error) for error in (*generated_photos.refused, *maps.refused)],
        "left_out": [*generated_photos.left_out, *maps.left_out],
        "real": {
            "from": "held out in training" if real is None else "given",
            "photos": bound["pixel"].n,
            "seen_in_training": num_trained_on,
        },
    }
