"""Validation score: the one number by which moments of a training are ranked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean

from unpaired.metrics import catalogue
from unpaired.metrics.catalogue.metric import Metric
from unpaired.records.evaluation import EvaluationRecord


def validation_score(values: Mapping[str, float]) -> float:
    """Mean translation accuracy where there are labels, else minus the mean kernel distance.

    `values` are the metrics of one evaluation by name; NaN where they hold neither. Which metrics
    rank, and which of them first, the catalogue says.
    """
    ranking = _ranking(values)
    if ranking is None:
        return math.nan
    metric, ranked = ranking
    return fmean(ranked) if metric.better == "higher" else -fmean(ranked)


def score(evaluation: EvaluationRecord) -> float:
    """By which the best moment of a training is chosen; the lowest where nothing ranks it."""
    value = validation_score(evaluation.values)
    return -math.inf if math.isnan(value) else value


def meaning_of_score(values: Mapping[str, float]) -> str:
    """What `validation_score` is of these metrics, in words."""
    ranking = _ranking(values)
    if ranking is None:
        return "not measured"
    metric, _ = ranking
    title = metric.title.partition(" (")[0].lower()
    return f"{'' if metric.better == 'higher' else 'minus '}the mean {title}".removeprefix("the ")


def _ranking(values: Mapping[str, float]) -> tuple[Metric, list[float]] | None:
    """The first metric that ranks and was measured, with its values; companions have none."""
    ranking = sorted((m for m in catalogue.METRICS if m.ranking), key=lambda m: m.ranking)
    for metric in ranking:
        if ranked := [value for name, value in values.items() if metric.match(name) is not None]:
            return metric, ranked
    return None
