import math
from typing import Literal

import numpy as np
import pytest
from numpy.typing import ArrayLike

from unpaired.study.analysis import agreement

NONE = math.nan


def alpha_of(
    judgements: ArrayLike, level: Literal["nominal", "ordinal", "interval"]
) -> float | None:
    """Alpha of judgements (raters, units), NaN where a rater did not judge a unit."""
    table = np.asarray(judgements, float)
    values = np.unique(table[~np.isnan(table)])
    counts = np.stack([(table == value).sum(0) for value in values], 1).astype(float)
    return agreement(counts, values, level)


# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", example C: four observers and
# twelve units, with missing data.
FOUR_OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]
# Examples A (two observers, two values) and B (two observers, five values).
TWO_VALUES = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
FIVE_VALUES = [[1, 1, 2, 2, 4, 3, 3, 3, 5, 4, 4, 1], [2, 1, 2, 2, 2, 3, 3, 3, 5, 4, 4, 4]]


@pytest.mark.parametrize(
    ("judgements", "level", "alpha"),
    [
        (FOUR_OBSERVERS, "nominal", 0.743),
        (FOUR_OBSERVERS, "ordinal", 0.815),
        (FOUR_OBSERVERS, "interval", 0.849),
        (TWO_VALUES, "nominal", 0.095),
        (FIVE_VALUES, "nominal", 0.692),
    ],
)
def test_alpha_equals_published_examples(judgements, level, alpha):
    assert alpha_of(judgements, level) == pytest.approx(alpha, abs=5e-4)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_full_agreement_is_one_and_chance_is_zero(level):
    random = np.random.default_rng(0)
    same = np.tile(random.integers(1, 6, 30), (5, 1))
    assert alpha_of(same, level) == 1
    chance = random.integers(1, 6, (5, 3000))
    assert alpha_of(chance, level) == pytest.approx(0, abs=0.02)


def test_near_misses_weigh_less_on_an_ordinal_scale():
    near = [[1, 2, 3, 4, 5], [2, 3, 4, 5, 5]]
    ordinal, nominal = (alpha_of(near, level) for level in ("ordinal", "nominal"))
    assert nominal < 0.2 < 0.6 < ordinal


def test_alpha_of_two_values_is_the_same_on_every_level():
    alphas = [alpha_of(TWO_VALUES, level) for level in ("nominal", "ordinal", "interval")]
    assert alphas == pytest.approx([alphas[0]] * 3)


def test_order_and_lone_judgements_do_not_matter():
    table = np.array(FOUR_OBSERVERS, float)
    expected = alpha_of(table, "ordinal")
    assert alpha_of(table[::-1, ::-1], "ordinal") == pytest.approx(expected)
    lone = np.full((4, 1), NONE)
    lone[2] = 5
    assert alpha_of(np.hstack([table, lone]), "ordinal") == pytest.approx(expected)


@pytest.mark.parametrize(
    "judgements",
    [
        [[1, 2, NONE], [NONE, NONE, 3]],  # no unit with two judgements
        [[4, 4, 4], [4, 4, 4]],  # nothing that could differ
        [[1, 2, 3]],  # one rater
    ],
)
def test_alpha_is_not_defined_without_pairs_or_without_variation(judgements):
    assert alpha_of(judgements, "ordinal") is None
