"""How far raters agree: Krippendorff's alpha.

Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability". 1 means that raters agree in
everything, 0 that they agree as often as if judgements were dealt out by chance; below 0 they
disagree more than by chance. Written here because it is one formula over a table of counts, and
needs no further package; the tests hold it against the published examples.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Level = Literal["nominal", "ordinal", "interval"]

Floats = NDArray[np.float64]


def krippendorff_alpha(judgements: ArrayLike, level: Level) -> float | None:
    """Alpha of judgements (raters, units), NaN where a rater did not judge a unit.

    level: how much two judgements differ: "nominal" in kind only, "ordinal" by how many judgements
    lie between them, "interval" by the square of their distance.

    None where it is not defined: no unit with two judgements, or all judgements alike.
    """
    table = np.asarray(judgements, np.float64)
    values = np.unique(table[~np.isnan(table)])
    # How often each unit was given each value, (units, values).
    counts = np.stack([(table == value).sum(0) for value in values], 1).astype(np.float64)
    return alpha_of_counts(counts, values, level)


def alpha_of_counts(counts: Floats, values: Floats, level: Level) -> float | None:
    """Alpha of how often each unit was given each value, (units, values); `values` ascend."""
    counts = counts[counts.sum(1) > 1]  # a judgement that stands alone can be paired with none
    if not len(counts):
        return None
    per_unit = counts.sum(1)
    # The coincidence matrix o (values, values): pairs of judgements of the same unit, each unit
    # weighing as much as it has judgements.
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= counts[:, :, None] * np.eye(len(values))
    coincidences = (pairs / (per_unit - 1)[:, None, None]).sum(0)
    per_value = coincidences.sum(1)
    distances = _squared_distances(values, per_value, level)
    observed = (coincidences * distances).sum()
    expected = (np.outer(per_value, per_value) * distances).sum() / (per_value.sum() - 1)
    return None if expected == 0 else float(1 - observed / expected)


def _squared_distances(values: Floats, per_value: Floats, level: Level) -> Floats:
    """The difference function δ² between any two values, (values, values)."""
    if level == "nominal":
        return 1 - np.eye(len(values))
    # A value's place on the scale: itself, or the middle of its ranks among all judgements.
    place = values if level == "interval" else np.cumsum(per_value) - per_value / 2
    squared: Floats = (place[:, None] - place[None, :]) ** 2
    return squared
