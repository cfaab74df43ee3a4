"""Evaluation of image files of any origin: against real images, their inputs, their truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unpaired.core.devices import Device, choose_device
from unpaired.core.torch_state import plain_torch
from unpaired.data.missing import left_out
from unpaired.data.sources import parse_source
from unpaired.evaluation.content import Pretrained
from unpaired.evaluation.faithfulness import SHOWN_SIDE, faithfulness_of_files
from unpaired.evaluation.image_sets import compare
from unpaired.evaluation.measure import Gathered, measure
from unpaired.evaluation.pairs import (
    against_truth,
    counterparts,
    embedding_similarity,
    pairs_protocol,
    unmatched,
)
from unpaired.features import Loaded, parse_extractor
from unpaired.features.extract import ImageSet, open_image_set
from unpaired.metrics.catalogue.metric import Need
from unpaired.metrics.faithfulness import Faithfulness
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol


@dataclass(frozen=True, kw_only=True)
class ImageFiles:
    """Generated images, and what they are compared with."""

    generated: ImageSet
    real: ImageSet | None = None
    more_real: ImageSet | None = None
    """Other real images, for a floor at a larger n."""
    inputs: ImageSet | None = None
    """What the images were translated from, under the same names."""
    truth: ImageSet | None = None
    """What they should have become, under the same names."""

    @property
    def unchanged(self) -> ImageSet | None:
        """The inputs of the generated images."""
        return None if self.inputs is None else counterparts(self.inputs, self.generated)

    @property
    def left_out(self) -> list[str]:
        """What of the sources is no image, a line for each reason."""
        sets = (self.generated, self.real, self.more_real, self.inputs, self.truth)
        return [
            f"{images.name}: left out {line}"
            for images in sets
            if images is not None
            for line in left_out(images.records.refused, images.records.ignored)
        ]


@plain_torch()
def evaluate_images(
    generated: str | Path,
    real: str | Path,
    *,
    extractor: str = "inception",
    more_real: str | Path | None = None,
    device: Device = "auto",
) -> dict[str, Any]:
    """How far images of any origin are from real ones: `metrics`, `protocol`, `notes`.

    `generated`, `real` and `more_real` (others, for a floor at a larger n) are sources as on the
    command line: a folder, a .parquet file, "hf:owner/name:split". So is `extractor`: "inception"
    for FID and KID, "pixels", which needs nothing, "dinov2", "encoder.pt2", ….

    Raises:
        DataError: when an image set cannot be used.
        SettingError, MissingExtra: for an extractor that cannot be loaded.
    """
    loaded = parse_extractor(extractor).load(choose_device(device))
    sources = {"generated": generated, "real": real, "more_real": more_real}
    sets = {
        name: open_image_set(parse_source(str(source)))
        for name, source in sources.items()
        if source is not None
    }
    (record,), _ = evaluate_files(ImageFiles(**sets), [loaded])
    return {name: record[name] for name in ("protocol", "fingerprint", "metrics", "notes")}


def evaluate_files(
    files: ImageFiles,
    extractors: Sequence[Loaded],
    pretrained: Pretrained | None = None,
    *,
    embeddings: bool = False,
) -> tuple[list[dict[str, Any]], Faithfulness | None]:
    """A record for each protocol that the image sets allow, and how faithful translations are.

    With `embeddings`, each extractor also compares images with their inputs one by one.

    Raises:
        DataError: when an image set cannot be used, or too few images have a counterpart.
    """
    networks = (pretrained or Pretrained()).values
    records = [
        _record(files, files.real, compared.protocol, compared.metrics, compared.notes)
        for extractor in extractors
        if files.real is not None
        for compared in [
            compare(
                files.generated,
                files.real,
                extractor,
                more_real=files.more_real,
                unchanged=files.unchanged,
            )
        ]
    ]
    faithful = None
    if files.inputs is not None:
        faithful = faithfulness_of_files(files.inputs, files.generated)
        records.append(_of_content(files, files.inputs, faithful, networks))
        for extractor in extractors if embeddings else ():
            metrics = embedding_similarity(files.inputs, files.generated, extractor)
            protocol = pairs_protocol(files.inputs, files.generated, extractor.resize, extractor)
            records.append(_record(files, files.inputs, protocol, metrics))
    if files.truth is not None:
        records.append(_of_truth(files, files.truth, networks))
    for record in records[:1]:
        record["notes"] += files.left_out
    return records, faithful


def _of_content(
    files: ImageFiles, inputs: ImageSet, faithful: Faithfulness, networks: Mapping[Need, Any]
) -> dict[str, Any]:
    """What translations have kept of their inputs."""
    source, translations = faithful.tensors
    values: dict[Need, Any] = {
        **networks,
        "sampled_source": source,
        "sampled_translations": translations,
        "source_edges": faithful.edges[0],
        "translation_edges": faithful.edges[1],
        "faithfulness": faithful,
    }
    resize = f"bicubic, anti-aliased, to {SHOWN_SIDE}×{SHOWN_SIDE}"
    protocol = pairs_protocol(inputs, files.generated, resize)
    notes = list(unmatched(inputs, files.generated))
    metrics = measure(Gathered({}, values), notes)
    return _record(files, inputs, protocol, metrics, notes)


def _of_truth(files: ImageFiles, truth: ImageSet, networks: Mapping[Need, Any]) -> dict[str, Any]:
    """Images against their truth, and beside it their inputs."""
    metrics = against_truth(files.generated, truth, networks)
    unchanged = files.unchanged
    before = None if unchanged is None else counterparts(unchanged, truth)
    if before is not None:
        of_inputs = against_truth(before, truth, networks, resized=True)
        metrics |= {f"{name}/input": metric for name, metric in of_inputs.items()}
    resize = "none: sizes must agree; of inputs: bicubic, anti-aliased"
    protocol = pairs_protocol(truth, files.generated, resize)
    return _record(files, truth, protocol, metrics, unmatched(truth, files.generated))


def _record(
    files: ImageFiles,
    other: ImageSet,
    protocol: Protocol,
    metrics: Mapping[str, Measurement],
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    names = {"generated": files.generated.name, "against": other.name}
    return names | protocol.record(metrics) | {"notes": list(notes)}
