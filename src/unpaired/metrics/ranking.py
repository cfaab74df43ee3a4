"""Validation score: the one number by which moments of a training are ranked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from statistics import fmean

_ACCURACY = re.compile(r"translation_accuracy/(a2b|b2a)")
_KERNEL_DISTANCE = re.compile(r"kd/.*(?<!/floor)(?<!/input)")


def validation_score(values: Mapping[str, float]) -> float:
    """Mean translation accuracy where there are labels, else minus the mean kernel distance.

    `values` are the metrics of one evaluation by name; NaN where they hold neither.
    """
    if accuracies := [v for name, v in values.items() if _ACCURACY.fullmatch(name)]:
        return fmean(accuracies)
    if distances := [v for name, v in values.items() if _KERNEL_DISTANCE.fullmatch(name)]:
        return -fmean(distances)
    return math.nan


def meaning_of_score(values: Mapping[str, float]) -> str:
    """What `validation_score` is of these metrics, in words."""
    has_labels = any(_ACCURACY.fullmatch(name) for name in values)
    return "mean translation accuracy" if has_labels else "minus the mean kernel distance"
