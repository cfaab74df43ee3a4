import numpy as np
import pytest
from scipy import stats
from simulated_study import BOUNDS, Design, simulate, true_mean

from unpaired.study.crossed import difference_interval, mean_interval
from unpaired.study.two_way import Crossed

QUALITIES = (0.4, 0.1)


def crossed(*methods):
    sums = np.array(methods, float)
    return Crossed(sums, np.ones_like(sums))


# Few raters: as many as in the protocol of a small study. Subsets: each rater sees some images.
@pytest.mark.parametrize("kind", ["rating", "2afc"])
@pytest.mark.parametrize(
    "design",
    [
        Design(5, 50, of_raters=0.5, of_images=0.4),
        Design(12, 40, of_raters=0.2, of_images=0.2, per_rater=20),
    ],
    ids=["5 raters", "12 raters, half of the images each"],
)
def test_intervals_of_few_raters_cover_the_truth(kind, design):
    random = np.random.default_rng(0)
    truth = true_mean(kind, QUALITIES[0])
    difference = truth - true_mean(kind, QUALITIES[1])
    covered = []
    for _ in range(1000):
        data = simulate(kind, design, QUALITIES, random)
        mean = mean_interval(Crossed(data.sums[:1], data.counts[:1]), BOUNDS[kind])
        between = difference_interval(data, BOUNDS[kind])
        covered.append((mean.low <= truth <= mean.high, between.low <= difference <= between.high))
    for share in np.mean(covered, 0):
        assert 0.93 <= share <= 0.98  # a little cautious where raters hardly differ


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rating", "2afc"])
def test_intervals_of_differences_cover_the_truth(kind):
    random = np.random.default_rng(0)
    design = Design(20, 30, of_raters=0.4, of_images=0.3, per_rater=20)
    truth = true_mean(kind, QUALITIES[0]) - true_mean(kind, QUALITIES[1])
    covered = []
    for seed in range(1000):
        data = simulate(kind, design, QUALITIES, random)
        found = difference_interval(data, BOUNDS[kind], resamples=300, seed=seed)
        covered.append(found.low <= truth <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.97


@pytest.mark.parametrize("num_raters", [6, 20])
def test_the_p_value_agrees_with_the_interval(num_raters):
    random = np.random.default_rng(1)
    decisions = set()
    for _ in range(60):
        data = simulate("rating", Design(num_raters, 20, 0.4, 0.3), QUALITIES, random)
        found = difference_interval(data, (1, 5), resamples=1000)
        assert 0 < found.p_value <= 1
        if abs(found.p_value - 0.05) > 0.01:
            is_different = not found.low <= 0 <= found.high
            assert is_different == (found.p_value < 0.05)
            decisions.add(is_different)
    assert decisions == {True, False}


def test_what_raters_and_images_do_to_both_methods_cancels():
    random = np.random.default_rng(0)
    methods = random.normal(3, 0.3, (2, 20, 30))
    shift = random.normal(0, 0.5, (20, 1)) + random.normal(0, 0.5, (1, 30))
    plain = difference_interval(crossed(*methods), (-9, 9), resamples=200)
    shifted = difference_interval(crossed(*(methods + shift)), (-9, 9), resamples=200)
    assert (plain.value, plain.low, plain.high) == pytest.approx(
        (shifted.value, shifted.low, shifted.high)
    )
    alone = mean_interval(crossed(methods[0] + shift), (-9, 9), resamples=200)
    assert alone.high - alone.low > 4 * (plain.high - plain.low)


def test_methods_that_share_no_image_of_a_rater_can_be_compared():
    """Each rater sees an image by one method only; strict and mild raters still cancel."""
    random = np.random.default_rng(0)
    data = simulate("rating", Design(30, 40, 0.6, 0.2), (0.4, -0.2), random)
    first = (np.add.outer(np.arange(30), np.arange(40)) % 2).astype(float)
    counts = np.stack([first, 1 - first])
    found = difference_interval(Crossed(data.sums * counts, counts), (1, 5), resamples=500)
    assert found.low < true_mean("rating", 0.4) - true_mean("rating", -0.2) < found.high
    assert found.p_value < 0.01


def test_one_rater_leaves_the_images():
    values = np.random.default_rng(0).normal(3, 0.5, 40)
    found = mean_interval(crossed(values[None]), (1, 5))
    assert found.basis == "images only (one rater)"
    half = stats.t.ppf(0.975, 39) * values.std(ddof=1) / np.sqrt(40)
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.03
    )
    turned = mean_interval(crossed(values[:, None]), (1, 5))
    assert turned.basis == "raters only (one image)"
    assert (turned.low, turned.high) == pytest.approx((found.low, found.high), abs=0.01)


def test_one_judgement_has_no_interval():
    found = mean_interval(crossed([[4]]), (1, 5))
    assert (found.value, found.low, found.high) == (4, 1, 5)
    assert found.basis == "one judgement: no interval"


@pytest.mark.parametrize("value", [0, 1])
def test_agreement_in_everything_is_not_certainty(value):
    found = mean_interval(crossed(np.full((20, 30), value)), (0, 1))
    assert "effective" in found.basis
    assert found.value == value
    # Wilson's interval for 0 of 20, as if each rater had been asked once.
    assert found.high - found.low == pytest.approx(0.1611, abs=5e-5)
    assert found.value in (found.low, found.high)


def test_a_rare_event_has_a_bounded_interval():
    values = np.zeros((20, 50))
    values[3, 7] = 1
    found = mean_interval(crossed(values), (0, 1), resamples=500)
    assert 0 < found.low < found.value < found.high < 0.02


def test_a_difference_without_exception_is_found():
    always = crossed(np.full((10, 10), 5.0), np.full((10, 10), 1.0))
    found = difference_interval(always, (1, 5))
    assert found.value == found.high == 4
    assert found.low > 0
    assert found.p_value < 0.01
    same = difference_interval(crossed(np.full((10, 10), 2.0), np.full((10, 10), 2.0)), (1, 5))
    assert (same.value, same.p_value) == (0, 1)


def test_intervals_stay_on_the_scale():
    random = np.random.default_rng(0)
    for _ in range(20):
        data = simulate("rating", Design(16, 16, 0.6, 0.6), (2.5,), random)
        found = mean_interval(data, (1, 5), resamples=200)
        assert 1 <= found.low <= found.value <= found.high <= 5


def test_the_interval_follows_its_seed():
    data = simulate("rating", Design(20, 20, 0.4, 0.3), (0.2,), np.random.default_rng(0))
    first = mean_interval(data, (1, 5), resamples=300, seed=1)
    assert mean_interval(data, (1, 5), resamples=300, seed=1) == first
    assert mean_interval(data, (1, 5), resamples=300, seed=2) != first


def test_memory_is_bounded_by_batches(monkeypatch):
    """Small batches draw other numbers, and say the same."""
    data = simulate("rating", Design(20, 20, 0.4, 0.3), (0.2,), np.random.default_rng(0))
    whole = mean_interval(data, (1, 5), resamples=4000)
    monkeypatch.setattr("unpaired.study.crossed._BATCH_NUMBERS", 1000)
    parts = mean_interval(data, (1, 5), resamples=4000)
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), abs=0.05)
