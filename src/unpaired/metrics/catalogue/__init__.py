"""Metric catalogue: every metric once; all that computes, shows or explains metrics reads it.

To add a metric: its function in a file of `unpaired.metrics`, and an entry in `translations` or
`image_sets`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from unpaired.metrics.catalogue.image_sets import IMAGE_SET_METRICS
from unpaired.metrics.catalogue.metric import COMPANIONS, Companion, Metric, Suffix
from unpaired.metrics.catalogue.translations import TRANSLATION_METRICS

__all__ = [
    "COMPANIONS",
    "METRICS",
    "Companion",
    "Metric",
    "Suffix",
    "companions",
    "find",
    "is_companion",
    "rank",
]

METRICS: tuple[Metric, ...] = (*TRANSLATION_METRICS, *IMAGE_SET_METRICS)
"""In the order of tables."""

Value = TypeVar("Value")


def find(name: str) -> tuple[Metric, dict[str, str]] | None:
    """The metric of a name in records, and what stands in its braces; None for an unknown one."""
    for metric in METRICS:
        if (slots := metric.match(name)) is not None:
            return metric, slots
    return None


def rank(name: str) -> tuple[int, str]:
    """By which names are sorted: the order of the catalogue, unknown ones last."""
    known = find(name)
    return (METRICS.index(known[0]) if known else len(METRICS)), name


def is_companion(name: str, names: Collection[str]) -> bool:
    """Whether a name is that of a companion, "NAME/input", of one of `names`."""
    base, _, suffix = name.rpartition("/")
    return suffix in COMPANIONS and base in names


def companions(name: str, values: Mapping[str, Value]) -> dict[Suffix, Value]:
    """What stands beside a metric in `values`, by the ends of their names."""
    return {end: values[f"{name}/{end}"] for end in COMPANIONS if f"{name}/{end}" in values}
