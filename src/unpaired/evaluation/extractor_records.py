"""What a model makes of one split, judged with any extractor; see `made_images` for files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from unpaired.data.domain import DIRECTION, OTHER, Domain, DomainName
from unpaired.evaluation.image_sets import judge
from unpaired.evaluation.model import Evaluator, Result
from unpaired.evaluation.pairs import embedding_similarity
from unpaired.evaluation.samples import Sample, to_eight_bits
from unpaired.features import Loaded
from unpaired.features.extract import ImageSet, image_set_of
from unpaired.features.pixels import LoadedPixels
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement


@dataclass(frozen=True)
class _Made:
    """Images that a model has made for `domain`, and what they were made from."""

    domain: DomainName
    pile: ImageSet
    way: str = ""
    source: ImageSet | None = None
    unchanged: ImageSet | None = None


def records(
    judge_of_split: Evaluator, result: Result, extractors: Sequence[Loaded]
) -> list[EvaluationRecord]:
    """What each extractor finds, as lines of evaluations.jsonl.

    Images are compared at the size of the networks. Numbers of one extractor are of a protocol of
    their own, named "extractor".

    Raises:
        DataError: for fewer than two images of a domain.
    """
    made = list(_made(judge_of_split, result)) if extractors else []
    real = {m.domain: _real(judge_of_split.images[m.domain], f"real {m.domain}") for m in made}
    more = {m.domain: _real(judge_of_split.training[m.domain], f"more {m.domain}") for m in made}
    found = []
    for extractor in extractors:
        started = time.monotonic()
        metrics: dict[str, Measurement] = {}
        notes: list[str] = []
        for images in made:
            judged = judge(
                images.pile,
                real[images.domain],
                _for(judge_of_split.experiment.domain(images.domain), extractor),
                more_real=more[images.domain],
                unchanged=images.unchanged,
                domain=images.domain,
                resamples=judge_of_split.protocol.resamples,
                seed=judge_of_split.protocol.style_seed,
            )
            metrics |= judged.metrics
            notes += [f"{images.pile.name}: {note}" for note in judged.notes]
            if images.source is not None:
                pair = images.source, images.pile
                metrics |= embedding_similarity(*pair, extractor, images.way)
        if extractor.name == judge_of_split.protocol.extractor:
            notes.append(
                f"the run's own protocol compares by {extractor.name} as well, but as many images "
                "of either pile and, where by classifiers, by its own: numbers of one name in the "
                "two tables need not agree."
            )
        protocol = replace(
            judge_of_split.protocol,
            name="extractor",
            extractor=extractor.name,
            evaluators=(extractor.weights_hash,),
            resize=f"{judge_of_split.protocol.resize}; then {extractor.resize}",
            distances="all images; floor: as many, with training images",
        )
        found.append(
            replace(
                result.record,
                protocol=protocol,
                fingerprint=protocol.fingerprint,
                metrics=metrics,
                notes=tuple(dict.fromkeys(notes)),
                seconds=time.monotonic() - started,
            )
        )
    return found


def _for(domain: Domain, extractor: Loaded) -> Loaded:
    """Pixels are compared in the domain's channels, as the run's own protocol does it."""
    return extractor.of(domain.channels) if isinstance(extractor, LoadedPixels) else extractor


def _made(judge_of_split: Evaluator, result: Result) -> Iterator[_Made]:
    for source, translated in result.translated.items():
        domain, way = OTHER[source], DIRECTION[source]
        names = judge_of_split.images[source].names
        unchanged = judge_of_split.unchanged(source, translated.source)
        yield _Made(
            domain,
            image_set_of(translated.there, names, f"{source} translated to {domain}"),
            way,
            image_set_of(translated.source, names, f"real {source}"),
            image_set_of(unchanged, names, f"unchanged {source}"),
        )
    if result.made is not None:
        names = [str(i) for i in range(len(result.made))]
        yield _Made("b", image_set_of(result.made, names, "b from noise"))


def _real(sample: Sample, name: str) -> ImageSet:
    pixels: Tensor = to_eight_bits(sample.pixels)
    return image_set_of(pixels, sample.names, name)
