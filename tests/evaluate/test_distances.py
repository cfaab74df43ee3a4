import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from unpaired.errors import DataError
from unpaired.evaluate.distances import (
    floor,
    frechet,
    frechet_distance,
    kernel,
    kernel_distance,
)

few = settings(max_examples=25, deadline=None)
sizes = st.integers(2, 12)
seeds = st.integers(0, 2**32 - 1)


def draw(n, d, seed=0, shift=0.0):
    """Features with unequal variances and correlations, as a network's are."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(d).normal(size=(d, d)) / np.sqrt(d)
    return random.normal(size=(n, d)) @ mixing * np.linspace(0.1, 3, d) + shift


def by_definition(x, y):
    covariance_x, covariance_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = sqrtm(covariance_x @ covariance_y).real
    shift = np.sum((x.mean(0) - y.mean(0)) ** 2)
    return shift + np.trace(covariance_x) + np.trace(covariance_y) - 2 * np.trace(root)


@pytest.mark.parametrize(
    ("n", "m", "d"), [(300, 200, 16), (64, 65, 64), (20, 30, 64), (25, 200, 64), (200, 25, 64)]
)
def test_frechet_distance_equals_the_matrix_square_root(n, m, d):
    x, y = draw(n, d), draw(m, d, seed=1, shift=0.3)
    assert frechet_distance(x, y) == pytest.approx(by_definition(x, y), rel=1e-7)


def test_constant_features_add_nothing_but_their_shift():
    x, y = draw(300, 16), draw(200, 16, seed=1)
    padded_x = np.hstack([x, np.full((300, 4), 7.0)])
    padded_y = np.hstack([y, np.full((200, 4), 7.5)])
    expected = frechet_distance(x, y) + 4 * 0.25
    assert frechet_distance(padded_x, padded_y) == pytest.approx(expected, rel=1e-9)


def test_identical_images_have_a_frechet_distance():
    same, other = np.ones((5, 3)), np.zeros((4, 3))
    assert frechet_distance(same, other) == pytest.approx(3)


def test_kernel_distance_equals_the_double_loop():
    x, y = draw(9, 4), draw(7, 4, seed=1, shift=0.5)

    def k(a, b):
        return (a @ b / 4 + 1) ** 3

    within_x = np.mean([k(x[i], x[j]) for i in range(9) for j in range(9) if i != j])
    within_y = np.mean([k(y[i], y[j]) for i in range(7) for j in range(7) if i != j])
    across = np.mean([k(a, b) for a in x for b in y])
    assert kernel_distance(x, y) == pytest.approx(within_x + within_y - 2 * across, rel=1e-12)


def test_kernel_distance_of_more_rows_than_are_held_at_once():
    x, y = draw(1500, 8), draw(1100, 8, seed=1)
    within_x, within_y, across = ((a @ b.T / 8 + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    np.fill_diagonal(within_x, 0)
    np.fill_diagonal(within_y, 0)
    expected = within_x.sum() / (1500 * 1499) + within_y.sum() / (1100 * 1099) - 2 * across.mean()
    assert kernel_distance(x, y) == pytest.approx(expected, rel=1e-9)


@few
@given(n=sizes, d=sizes, seed=seeds)
def test_frechet_distance_of_a_set_to_itself_is_zero(n, d, seed):
    x = draw(n, d, seed)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9 * np.sum(x**2))


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
@few
@given(n=sizes, m=sizes, d=sizes, seed=seeds)
def test_distances_know_neither_direction_nor_order(distance, n, m, d, seed):
    x, y = draw(n, d, seed), draw(m, d, seed + 1, shift=0.5)
    shuffle = np.random.default_rng(seed).permutation
    expected = distance(x, y)
    tolerance = {"rel": 1e-8, "abs": 1e-9 * (1 + np.sum(x**2) ** 3)}
    assert distance(y, x) == pytest.approx(expected, **tolerance)
    assert distance(shuffle(x), shuffle(y)) == pytest.approx(expected, **tolerance)


@few
@given(n=sizes, m=sizes, d=sizes, seed=seeds, move=st.floats(-3, 3))
def test_frechet_distance_ignores_a_common_shift(n, m, d, seed, move):
    x, y = draw(n, d, seed), draw(m, d, seed + 1, shift=0.5)
    assert frechet_distance(x + move, y + move) == pytest.approx(frechet_distance(x, y), abs=1e-6)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_storage_in_float32_changes_only_the_rounding(distance):
    x, y = draw(50, 8), draw(40, 8, seed=1, shift=0.3)
    stored = distance(x.astype(np.float32), y.astype(np.float32))
    assert stored == pytest.approx(distance(x, y), rel=1e-5)


@pytest.mark.parametrize("distance", [frechet, kernel])
def test_intervals_cover_the_expected_distance(distance):
    found = [
        distance(draw(200, 4, 2 * seed), draw(200, 4, 2 * seed + 1, shift=1.0), 100, seed)
        for seed in range(200)
    ]
    expected = np.mean([m.value for m in found])
    assert all(m.low < m.value < m.high for m in found)
    assert np.mean([m.low <= expected <= m.high for m in found]) == pytest.approx(0.95, abs=0.04)


def test_no_resamples_give_no_interval():
    x, y = draw(20, 4), draw(20, 4, seed=1)
    for distance, value in ((frechet, frechet_distance), (kernel, kernel_distance)):
        found = distance(x, y, resamples=0)
        assert found.low == found.value == found.high == pytest.approx(value(x, y))


def test_floor_compares_disjoint_sets_of_the_size_that_was_asked_for():
    seen = []

    def spy(x, y, resamples, seed):
        seen.append((x, y))
        return frechet(x, y, resamples, seed)

    features = draw(100, 4)
    found = floor(features, 30, 0, spy)
    assert found.n == 30
    assert found.low < found.value < found.high
    for x, y in seen:
        assert x.shape == y.shape == (30, 4)
        assert len(np.unique(np.vstack([x, y]), axis=0)) == 60


def test_floor_uses_halves_when_there_is_no_more():
    found = floor(draw(101, 4), 80, 0, kernel)
    assert found.n == 50
    assert found.low < 0 < found.high  # the kernel distance is unbiased


def test_frechet_floor_falls_with_the_number_of_images():
    features = draw(1000, 16)
    values = [floor(features, n, 0, frechet).value for n in (50, 100, 500)]
    assert values[0] > 1.8 * values[1] > 1.8**3 * values[2]


@pytest.mark.parametrize("distance", [frechet, kernel, frechet_distance, kernel_distance])
def test_what_cannot_be_compared_is_refused(distance):
    with pytest.raises(DataError, match="same extractor"):
        distance(draw(5, 3), draw(5, 4))
    with pytest.raises(DataError, match="at least two"):
        distance(draw(5, 3), draw(1, 3))
    with pytest.raises(DataError, match="NaN or infinity"):
        distance(draw(5, 3), np.full((5, 3), np.nan))


def test_floor_of_three_images_is_refused():
    with pytest.raises(DataError, match="at least 4 real images"):
        floor(draw(3, 2), 2, 0, frechet)
