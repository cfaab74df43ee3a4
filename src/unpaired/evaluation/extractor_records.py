"""Extractor records: a model's images of one split, measured in the features that a user names."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from unpaired.data.domain import OTHER, Domain, DomainName
from unpaired.evaluation.image_sets import compare
from unpaired.evaluation.model import Evaluator, Result
from unpaired.evaluation.pairs import embedding_similarity
from unpaired.evaluation.samples import Sample, to_eight_bits
from unpaired.features import Loaded
from unpaired.features.extract import ImageSet, image_set_of
from unpaired.features.pixels import LoadedPixels
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement


@dataclass(frozen=True)
class _Generated:
    """Images that a model has generated for `domain`, and what they were translated from."""

    domain: DomainName
    image_set: ImageSet
    slots: dict[str, str]
    source: ImageSet | None = None
    unchanged: ImageSet | None = None


def records(
    evaluator: Evaluator, result: Result, extractors: Sequence[Loaded]
) -> list[EvaluationRecord]:
    """What each extractor measures, as lines of evaluations.jsonl.

    Images are compared at the size of the networks. Numbers of one extractor are of a protocol of
    their own, named "extractor".

    Raises:
        DataError: for fewer than two images of a domain.
    """
    generated = list(_generated(evaluator, result)) if extractors else []
    real = {m.domain: _real(evaluator.images[m.domain], f"real {m.domain}") for m in generated}
    more = {m.domain: _real(evaluator.training[m.domain], f"more {m.domain}") for m in generated}
    records = []
    for extractor in extractors:
        started = time.monotonic()
        metrics: dict[str, Measurement] = {}
        notes: list[str] = []
        for images in generated:
            compared = compare(
                images.image_set,
                real[images.domain],
                _for(evaluator.experiment.domain(images.domain), extractor),
                more_real=more[images.domain],
                unchanged=images.unchanged,
                slots=images.slots,
                resamples=evaluator.protocol.resamples,
                seed=evaluator.protocol.style_seed,
            )
            metrics |= compared.metrics
            notes += [f"{images.image_set.name}: {note}" for note in compared.notes]
            if images.source is not None:
                pair = images.source, images.image_set
                metrics |= embedding_similarity(*pair, extractor, images.slots)
        if extractor.name == evaluator.protocol.extractor:
            notes.append(
                f"the run's own protocol compares by {extractor.name} as well, but as many images "
                "of either set and, where by classifiers, by its own: numbers of one name in the "
                "two tables need not agree."
            )
        protocol = replace(
            evaluator.protocol,
            name="extractor",
            extractor=extractor.name,
            evaluators=(extractor.weights_hash,),
            resize=f"{evaluator.protocol.resize}; then {extractor.resize}",
            distances="all images; floor: as many, with training images",
        )
        records.append(
            replace(
                result.record,
                protocol=protocol,
                fingerprint=protocol.fingerprint,
                metrics=metrics,
                notes=tuple(dict.fromkeys(notes)),
                seconds=time.monotonic() - started,
            )
        )
    return records


def _for(domain: Domain, extractor: Loaded) -> Loaded:
    """Pixels are compared in the domain's channels, as the run's own protocol does it."""
    return extractor.of(domain.channels) if isinstance(extractor, LoadedPixels) else extractor


def _generated(evaluator: Evaluator, result: Result) -> Iterator[_Generated]:
    for source, translated in result.translated.items():
        domain = OTHER[source]
        names = evaluator.images[source].names
        unchanged = evaluator.unchanged(source, translated.source)
        yield _Generated(
            domain,
            image_set_of(translated.translations, names, f"{source} translated to {domain}"),
            evaluator.slots(source),
            image_set_of(translated.source, names, f"real {source}"),
            image_set_of(unchanged, names, f"unchanged {source}"),
        )
    if result.from_noise is not None:
        names = [str(i) for i in range(len(result.from_noise))]
        yield _Generated(
            "b", image_set_of(result.from_noise, names, "b from noise"), {"target": "b"}
        )


def _real(sample: Sample, name: str) -> ImageSet:
    pixels: Tensor = to_eight_bits(sample.pixels)
    return image_set_of(pixels, sample.names, name)
