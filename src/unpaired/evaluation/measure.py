"""Metric pipeline: what was gathered => every metric of the catalogue whose needs are met.

Models and files take the same way, so that one name is one number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unpaired.core.progress import report
from unpaired.evaluation.missing import Missing
from unpaired.metrics import catalogue
from unpaired.metrics.catalogue.metric import Metric, Need
from unpaired.metrics.feature_sets import Features
from unpaired.metrics.floor import disjoint_pairs, over_splits
from unpaired.metrics.intervals import bootstrap_mean
from unpaired.metrics.structure import others
from unpaired.records.measurement import Measurement

Values = Mapping[Need, Any]

_OF_TRANSLATIONS: tuple[Need, ...] = (
    "sampled_translations",
    "translation_edges",
    "translation_codes",
    "translation_features",
)
"""What is exchanged between images for the companion "shuffled"."""


@dataclass(frozen=True)
class Gathered:
    """What there is to measure of one direction, one domain, or two folders."""

    slots: Mapping[str, str]
    """What fills the braces of names: direction, source, target, extractor."""
    values: dict[Need, Any]
    unchanged: Values = field(default_factory=dict)
    """The same of images before their translation, for the companion "input"."""
    more_real: Features | None = None
    """Features of other real images, among which the floor is taken as well."""
    on_demand: bool = False
    """Whether a user named the extractor; see `Metric.on_demand`."""


def measure(gathered: Gathered, notes: list[str] | None = None) -> dict[str, Measurement]:
    """All metrics whose needs are met, each followed by its companions, in the catalogue's order.

    What the images at hand give no number for is left out, and `notes` gets a sentence that says
    why (see `missing`). Without `notes`, raises DataError as the metrics' functions do.
    """
    measurements: dict[str, Measurement] = {}
    missing = Missing()
    wanted = [metric for metric in catalogue.METRICS if _applies(metric, gathered)]
    # What one function gives for several metrics is computed once.
    for _, group in groupby(wanted, lambda m: (m.function, m.needs, m.companions)):
        metrics = list(group)
        report("metrics and their intervals", wanted.index(metrics[0]), len(wanted))
        for suffix, versions in _versions(metrics[0], gathered):
            names = [metric.name(gathered.slots) + suffix for metric in metrics]
            with nullcontext() if notes is None else missing.noting(*names):
                measurements |= _measured(dict(zip(names, metrics, strict=True)), versions())
    if notes is not None:
        undefined = [name for name, m in measurements.items() if not math.isfinite(m.value)]
        for name in undefined:
            missing.add([name], "these images give it no value that is a number.")
            del measurements[name]
        notes += missing.sentences
    return measurements


def _measured(metrics: Mapping[str, Metric], versions: Sequence[Values]) -> dict[str, Measurement]:
    """What one function gives for metrics, by name; the mean, where there are several versions."""
    some = next(iter(metrics.values()))
    results = [_call(some, values) for values in versions]
    measured: dict[str, Measurement] = {}
    for name, metric in metrics.items():
        numbers = [n for n in (_number(metric, r) for r in results) if n is not None]
        if len(numbers) > 1:
            measured[name] = over_splits(numbers, len(versions[0]["generated_features"]))
        elif numbers:
            measured[name] = numbers[0]
    return measured


def measure_each(parts: Iterable[Values]) -> dict[str, Measurement]:
    """Metrics that have a number for each image, of images that come one after the other.

    For files, whose sizes may differ and which together may not fit into memory.
    """
    numbers: dict[str, list[NDArray[np.float64]]] = {}
    for values in parts:
        for metric in catalogue.METRICS:
            if set(metric.needs) <= values.keys():
                result = _call(metric, values)
                assert isinstance(result, np.ndarray), f"{metric.pattern} is of a whole set"
                numbers.setdefault(metric.name({}), []).append(result)
    return {name: bootstrap_mean(np.concatenate(each)) for name, each in numbers.items()}


def _applies(metric: Metric, gathered: Gathered) -> bool:
    extractor = gathered.slots.get("extractor", "")
    return (
        set(metric.needs) <= gathered.values.keys()
        and (gathered.on_demand or not metric.on_demand)
        and (not metric.extractors or extractor in metric.extractors)
    )


def _versions(
    metric: Metric, gathered: Gathered
) -> Iterator[tuple[str, Callable[[], list[Values]]]]:
    """What a metric and each of its companions are computed of, by the end of the name."""
    values = gathered.values
    yield "", lambda: [values]
    if "input" in metric.companions and gathered.unchanged.keys() & set(metric.needs):
        yield "/input", lambda: [{**values, **gathered.unchanged}]
    if "floor" in metric.companions:
        yield "/floor", lambda: _real_against_real(metric, gathered)
    if "shuffled" in metric.companions:
        yield "/shuffled", lambda: [_with_translations_of_others(metric, values)]


def _with_translations_of_others(metric: Metric, values: Values) -> Values:
    """The same with the translation of another image for each."""
    exchanged = {need: values[need] for need in _OF_TRANSLATIONS if need in metric.needs}
    seed = values.get("seed", 0)
    return {**values, **{need: v[others(len(v), seed)] for need, v in exchanged.items()}}


def _real_against_real(metric: Metric, gathered: Gathered) -> list[Values]:
    """Two sets of real images in place of the generated and the real ones, split by split."""
    values, more = gathered.values, gathered.more_real
    generated, real = values["generated_features"], values["real_features"]
    among = real if more is None else np.concatenate([real, more])
    sizes = len(generated), len(real)
    pairs = disjoint_pairs(among, sizes, values["seed"], metric.floor_splits)
    fixed: dict[Need, Any] = {"resamples": 0, "seed": 0} if metric.floor_splits > 1 else {}
    return [
        {**values, "generated_features": first, "real_features": second, **fixed}
        for first, second in pairs
    ]


def _call(metric: Metric, values: Values) -> Any:
    """The result of a metric's function; None where there are too few images."""
    if metric.fewest_images:
        sets = (values[need] for need in ("generated_features", "real_features"))
        if min(map(len, sets)) < metric.fewest_images:
            return None
    return _function(metric.function)(*(values[need] for need in metric.needs))


def _number(metric: Metric, result: Any) -> Measurement | None:
    if isinstance(result, Mapping):
        result = result.get(metric.part)
    if result is None or isinstance(result, Measurement):
        return result
    return bootstrap_mean(result)


@cache
def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(import_module(f"unpaired.metrics.{module}"), function)
