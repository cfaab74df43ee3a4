"""Study analysis: every method, every two methods against each other, the raters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import krippendorff
import numpy as np

from unpaired.metrics.intervals import wilson
from unpaired.records.measurement import Measurement
from unpaired.study.crossed import RESAMPLES, Interval, difference_interval, mean_interval
from unpaired.study.judgements import STEPS, Study
from unpaired.study.two_way import Crossed, Floats


@dataclass(frozen=True)
class RaterMean:
    """One rater's mean over the images of one method."""

    rater: str
    mean: float
    num_judgements: int


@dataclass(frozen=True)
class MethodResult:
    """What raters said of one method."""

    method: str
    num_judgements: int
    num_raters: int
    num_images: int
    mean: Interval
    """Mean opinion score (1…5), or share of judgements in which the rater was fooled (0…1)."""
    pooled: Measurement | None
    """2AFC: Wilson's interval of the share, which holds for independent judgements alone."""
    steps: tuple[int, ...] | None
    """Ratings: how many judgements gave each of the five steps."""
    alpha: float | None
    """Agreement over the images of this method; None where it is not defined."""
    raters: tuple[RaterMean, ...]


@dataclass(frozen=True)
class Difference:
    """Mean of `first` minus mean of `second`."""

    first: str
    second: str
    interval: Interval
    p_holm: float
    """p-value corrected for the number of comparisons."""

    @property
    def p_value(self) -> float:
        """As it would be were this the only comparison."""
        assert self.interval.p_value is not None
        return self.interval.p_value


@dataclass(frozen=True)
class Analysis:
    """All numbers of a study. `methods` run from the best to the worst."""

    study: Study
    methods: tuple[MethodResult, ...]
    differences: tuple[Difference, ...]
    alpha: float | None
    """Agreement over all images of all methods; differences between methods are part of it."""
    resamples: int
    seed: int

    @property
    def is_independent(self) -> bool:
        """Whether no method has a rater, or an image, twice."""
        return all(m.num_judgements == m.num_raters == m.num_images for m in self.methods)


def analyse(study: Study, *, resamples: int = RESAMPLES, seed: int = 0) -> Analysis:
    """Analyse a study; all random draws follow from `seed`.

    The intervals are those of `unpaired.study.crossed`, except for 2AFC judgements that share
    neither a rater nor an image: those are independent, and have Wilson's. The p-values of the
    differences are corrected by Holm's method.
    """
    methods = [_method(study, method, resamples, seed) for method in study.methods]
    methods.sort(key=lambda result: -result.mean.value)
    pairs = list(combinations([result.method for result in methods], 2))
    intervals = [
        difference_interval(study.crossed(*pair), study.bounds, resamples=resamples, seed=seed)
        for pair in pairs
    ]
    corrected = holm([interval.p_value or 0.0 for interval in intervals])
    differences = [
        Difference(first, second, interval, p_holm)
        for (first, second), interval, p_holm in zip(pairs, intervals, corrected, strict=True)
    ]
    counts = np.concatenate([_counts(study, study.crossed(name)) for name in study.methods])
    alpha = _alpha(study, counts)
    return Analysis(study, tuple(methods), tuple(differences), alpha, resamples, seed)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979).

    "A simple sequentially rejective multiple test procedure": the smallest of m is multiplied by
    m, the next by m − 1, …; none falls below one before it, and none exceeds 1.
    """
    m, largest = len(p_values), 0.0
    corrected = [0.0] * m
    for rank, place in enumerate(sorted(range(m), key=lambda place: p_values[place])):
        largest = max(largest, min(1.0, (m - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def agreement(
    counts: Floats, values: Floats, level: Literal["nominal", "ordinal", "interval"]
) -> float | None:
    """Krippendorff's alpha of how often each unit has each value, (units, values); `values` ascend.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": 1 where raters agree in
    everything, 0 where they agree as often as by chance. `level`: how much two judgements differ:
    "nominal" in kind only, "ordinal" by how many judgements lie between them, "interval" by the
    square of their distance.

    None where it is not defined: no unit with two judgements, or all such judgements alike.
    """
    paired = counts[counts.sum(1) > 1]  # a judgement that stands alone can be paired with none
    if np.count_nonzero(paired.sum(0)) < 2:
        return None
    return float(
        krippendorff.alpha(value_counts=paired, value_domain=values, level_of_measurement=level)
    )


def _method(study: Study, method: str, resamples: int, seed: int) -> MethodResult:
    data = study.crossed(method)
    num_judgements = int(data.counts.sum())
    counts = _counts(study, data)
    pooled = None
    if study.kind == "2afc":
        pooled = wilson(int(data.sums.sum()), num_judgements)
    if pooled and num_judgements == data.num_raters == data.num_images:
        mean = Interval(pooled.value, pooled.low, pooled.high, "independent judgements (Wilson)")
    else:
        mean = mean_interval(data, study.bounds, resamples=resamples, seed=seed)
    return MethodResult(
        method=method,
        num_judgements=num_judgements,
        num_raters=data.num_raters,
        num_images=data.num_images,
        mean=mean,
        pooled=pooled,
        steps=tuple(map(int, counts.sum(0))) if study.kind == "rating" else None,
        alpha=_alpha(study, counts),
        raters=_rater_means(study, method),
    )


def _counts(study: Study, data: Crossed) -> Floats:
    """How often each image of a method has each value, (images, values)."""
    judged = data.counts[0] > 0
    counts = [np.sum(judged & (data.sums[0] == value), 0) for value in _values(study)]
    return np.stack(counts, 1).astype(np.float64)


def _alpha(study: Study, counts: Floats) -> float | None:
    values = np.array(_values(study), np.float64)
    return agreement(counts, values, "ordinal" if study.kind == "rating" else "nominal")


def _values(study: Study) -> tuple[int, ...]:
    return STEPS if study.kind == "rating" else (0, 1)


def _rater_means(study: Study, method: str) -> tuple[RaterMean, ...]:
    chosen = study.method == study.methods.index(method)
    size = len(study.raters)
    counts = np.bincount(study.rater[chosen], minlength=size)
    sums = np.bincount(study.rater[chosen], study.value[chosen], minlength=size)
    return tuple(
        RaterMean(name, float(total / n), int(n))
        for name, total, n in zip(study.raters, sums, counts, strict=True)
        if n
    )
