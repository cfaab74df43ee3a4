import numpy as np
import pytest

from unpaired.core.errors import DataError
from unpaired.metrics.intervals import bootstrap_mean, mean_over_pairs, resample_counts, wilson
from unpaired.records.measurement import Measurement


# Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_equals_published_intervals(successes, n, low, high):
    found = wilson(successes, n)
    assert found.value == successes / n
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert found.n == n


def test_wilson_is_symmetric_and_ends_at_certainty():
    all_right, all_wrong = wilson(50, 50), wilson(0, 50)
    assert all_right.high == 1
    assert all_wrong.low == 0
    assert all_right.low == pytest.approx(1 - all_wrong.high)


def test_bootstrap_interval_of_a_mean_covers_the_truth():
    random = np.random.default_rng(0)
    found = [
        bootstrap_mean(random.gamma(4.0, 0.25, size=100), seed, resamples=200)
        for seed in range(500)
    ]
    coverage = np.mean([m.low <= 1.0 <= m.high for m in found])
    assert 0.93 <= coverage <= 0.97


def test_bootstrap_mean_follows_its_seed():
    values = np.random.default_rng(0).normal(size=50)
    assert bootstrap_mean(values, seed=1) == bootstrap_mean(values, seed=1)
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values, seed=2)
    assert bootstrap_mean(values).value == values.mean()


def test_one_number_has_no_spread():
    assert bootstrap_mean([0.25]) == Measurement(0.25, 0.25, 0.25, 1)


@pytest.mark.parametrize("measure", [lambda: bootstrap_mean([]), lambda: wilson(0, 0)])
def test_nothing_to_measure_is_an_error(measure):
    with pytest.raises(DataError, match="at least one image"):
        measure()


def test_json_names_the_fields():
    assert Measurement(0.5, 0.4, 0.6, 9).as_json() == {
        "value": 0.5,
        "low": 0.4,
        "high": 0.6,
        "n": 9,
    }


def test_pairs_of_a_resample_leave_out_copies_of_one_image():
    random = np.random.default_rng(0)
    distances = random.random((6, 6))
    np.fill_diagonal(distances, 0)
    counts = resample_counts(6, 3, random)
    found = mean_over_pairs(counts, np.sum(counts @ distances * counts, 1))
    for row, mean in zip(counts.astype(int), found, strict=True):
        drawn = np.repeat(np.arange(6), row)
        assert len(drawn) == 6
        pairs = [distances[i, j] for i in drawn for j in drawn if i != j]
        assert mean == pytest.approx(np.mean(pairs))
