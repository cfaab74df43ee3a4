import tracemalloc

import numpy as np
import prdc
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

import torchvision_operators
from unpaired.core.errors import DataError
from unpaired.metrics import frechet as frechet_module
from unpaired.metrics import kernel_distance as kernels
from unpaired.metrics.floor import disjoint, extrapolated, floor
from unpaired.metrics.frechet import frechet, frechet_distance
from unpaired.metrics.kernel_distance import cmmd, kernel, kernel_distance, subset_kernel_distance
from unpaired.metrics.precision_recall import neighbours

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
    found = floor(features, (30, 20), 0, spy)
    assert found.n == 30
    assert found.low < found.value < found.high
    for x, y in seen:
        assert (x.shape, y.shape) == ((30, 4), (20, 4))
        assert len(np.unique(np.vstack([x, y]), axis=0)) == 50


def test_floor_uses_halves_when_there_is_no_more():
    found = floor(draw(101, 4), (80, 80), 0, kernel)
    assert found.n == 50
    assert found.low < 0 < found.high  # the kernel distance is unbiased


@pytest.mark.parametrize(
    ("rows", "sizes", "expected"),
    [
        (90, (20, 60), (20, 60)),
        (40, (20, 60), (10, 30)),
        (9, (2, 90), (2, 7)),
        (9, (90, 2), (7, 2)),
    ],
)
def test_sets_of_other_sizes_keep_their_proportion(rows, sizes, expected):
    x, y = disjoint(np.arange(rows)[:, None], sizes, np.random.default_rng(0))
    assert (len(x), len(y)) == expected
    assert len(np.union1d(x, y)) == len(x) + len(y)


def test_frechet_floor_falls_with_the_number_of_images():
    features = draw(1000, 16)
    values = [floor(features, (n, n), 0, frechet).value for n in (50, 100, 500)]
    assert values[0] > 1.8 * values[1] > 1.8**3 * values[2]


@pytest.mark.parametrize("distance", [frechet, kernel, frechet_distance, kernel_distance])
def test_what_cannot_be_compared_is_refused(distance):
    with pytest.raises(DataError) as error:
        distance(draw(5, 3), draw(5, 4))
    assert error.value.code == "features-of-other-form"
    with pytest.raises(DataError, match="at least 2") as error:
        distance(draw(5, 3), draw(1, 3))
    assert error.value.code == "too-few-for-distance"
    with pytest.raises(DataError) as error:
        distance(draw(5, 3), np.full((5, 3), np.nan))
    assert error.value.code == "features-not-finite"


def test_floor_of_three_images_is_refused():
    with pytest.raises(DataError, match="at least 4 real images") as error:
        floor(draw(3, 2), (2, 2), 0, frechet)
    assert error.value.code == "too-few-for-floor"


# Reference packages


@pytest.fixture(scope="module")
def fidelity():
    """torch-fidelity, which the machines of continuous integration can import only with help."""
    torchvision_operators.declare()
    from torch_fidelity import metric_fid, metric_kid

    return metric_fid, metric_kid


@pytest.mark.parametrize(("n", "m", "d"), [(400, 300, 32), (120, 140, 256)])
def test_frechet_distance_equals_torch_fidelity(fidelity, n, m, d):
    x, y = draw(n, d), draw(m, d, seed=1, shift=0.2)
    statistics = [fidelity[0].fid_features_to_statistics(torch.from_numpy(f)) for f in (x, y)]
    reference = fidelity[0].fid_statistics_to_metric(*statistics, verbose=False)
    expected = reference["frechet_inception_distance"]
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("subset_size", [50, 130])
def test_kernel_distance_of_subsets_equals_torch_fidelity(fidelity, subset_size):
    x, y = draw(140, 32), draw(130, 32, seed=1, shift=0.2)
    reference = fidelity[1].kid_features_to_metric(
        torch.from_numpy(x),
        torch.from_numpy(y),
        kid_subsets=20,
        kid_subset_size=subset_size,
        rng_seed=7,
        verbose=False,
    )
    mean, deviation = subset_kernel_distance(x, y, 20, subset_size, seed=7)
    assert mean == pytest.approx(reference["kernel_inception_distance_mean"], rel=1e-6)
    assert deviation == pytest.approx(reference["kernel_inception_distance_std"], rel=1e-6)


def test_subsets_larger_than_a_set_are_refused():
    with pytest.raises(DataError, match="Subsets of 1000 images cannot be drawn from 140 and 130"):
        subset_kernel_distance(draw(140, 4), draw(130, 4))


@pytest.mark.parametrize(("n", "m", "nearest"), [(150, 150, 5), (600, 90, 3)])
def test_neighbours_equal_prdc(monkeypatch, n, m, nearest):
    # Its eight workers take longer to start than the distances to compute.
    pairwise = prdc.prdc.sklearn.metrics.pairwise_distances
    alone = lambda x, y, metric, n_jobs: pairwise(x, y, metric=metric)  # noqa: E731
    monkeypatch.setattr(prdc.prdc.sklearn.metrics, "pairwise_distances", alone)
    real, made = draw(n, 16), draw(m, 16, seed=1, shift=0.4)
    expected = prdc.compute_prdc(real, made, nearest)
    found = neighbours(real, made, nearest=nearest)
    assert {name: m.value for name, m in found.items()} == pytest.approx(expected, rel=1e-6)


# What neighbours and CMMD say


def test_neighbours_tell_missing_modes_from_wrong_images():
    """Two clusters: a model that makes one of them, and one that adds a third."""
    clusters = [draw(200, 4, seed) * 0.1 + shift for seed, shift in ((0, 0), (1, 9), (2, 30))]
    fresh = [draw(200, 4, seed) * 0.1 + shift for seed, shift in ((3, 0), (4, 9))]
    real = np.vstack(clusters[:2])
    half = neighbours(real, fresh[0])
    assert half["precision"].value > 0.9
    assert half["recall"].value == pytest.approx(0.5, abs=0.08)
    assert half["coverage"].value < 0.55
    more = neighbours(real, np.vstack([*fresh, clusters[2]]))
    assert more["precision"].value == pytest.approx(2 / 3, abs=0.05)
    assert more["recall"].value > 0.9
    assert all(m.low <= m.value <= m.high for m in more.values())


def test_neighbours_of_a_set_and_itself():
    x = draw(100, 8)
    found = neighbours(x, x)
    assert found["precision"].value == found["recall"].value == found["coverage"].value == 1
    # A row lies in its own sphere and in those of the rows it is among the four nearest of: the
    # row at the radius itself is outside.
    assert found["density"].value == pytest.approx(1)


@few
@given(n=st.integers(7, 20), m=st.integers(7, 20), d=sizes, seed=seeds)
def test_neighbours_know_no_order_and_their_direction(n, m, d, seed):
    x, y = draw(n, d, seed), draw(m, d, seed + 1, shift=0.5)
    shuffle = np.random.default_rng(seed).permutation
    found, turned = neighbours(x, y), neighbours(y, x)
    assert found["precision"].value == turned["recall"].value
    assert found["recall"].value == turned["precision"].value
    other_order = neighbours(shuffle(x), shuffle(y))
    assert {k: v.value for k, v in other_order.items()} == pytest.approx(
        {k: v.value for k, v in found.items()}
    )
    stored = neighbours(2 * x.astype(np.float32), 2 * y.astype(np.float32))  # scale is no matter
    assert stored["coverage"].value == pytest.approx(found["coverage"].value, abs=1.5 / n)


@few
@given(n=sizes, m=sizes, d=sizes, seed=seeds)
def test_cmmd_knows_neither_direction_nor_order_and_is_never_negative(n, m, d, seed):
    x, y = draw(n, d, seed), draw(m, d, seed + 1, shift=0.5)
    shuffle = np.random.default_rng(seed).permutation
    value = cmmd(x, y)
    assert value > -1e-9
    assert cmmd(y, x) == pytest.approx(value, abs=1e-9)
    assert cmmd(shuffle(x), shuffle(y)) == pytest.approx(value, abs=1e-9)
    assert cmmd(x, x) == pytest.approx(0, abs=1e-9)


def test_too_few_rows_for_neighbours_are_refused():
    with pytest.raises(DataError, match="at least 6") as error:
        neighbours(draw(5, 3), draw(50, 3))
    assert error.value.code == "too-few-for-distance"


def test_cmmd_equals_its_definition():
    x, y = draw(30, 8), draw(20, 8, seed=1, shift=0.5)
    x, y = (f / np.linalg.norm(f, axis=1, keepdims=True) for f in (x, y))
    k = lambda a, b: np.exp(-((a[:, None] - b[None]) ** 2).sum(2) / 200).mean()  # noqa: E731
    expected = 1000 * (k(x, x) + k(y, y) - 2 * k(x, y))
    assert cmmd(x * 3, y * 2) == pytest.approx(expected, rel=1e-9)
    assert cmmd(x, x) == pytest.approx(0, abs=1e-9)
    assert cmmd(y, x) == pytest.approx(expected, rel=1e-9)


# Many images


def test_moments_without_a_group_are_those_of_the_other_rows():
    x = draw(300, 5)
    group = np.arange(40, 90)
    rest = frechet_module._moments(x).without(frechet_module._moments(x[group]))
    expected = frechet_module._moments(np.delete(x, group, axis=0))
    assert rest.n == expected.n
    np.testing.assert_allclose(rest.mean, expected.mean, rtol=1e-12)
    np.testing.assert_allclose(rest.scatter, expected.scatter, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", [200, 40])
def test_the_jackknife_covers_the_expected_distance_too(monkeypatch, n):
    monkeypatch.setattr(frechet_module, "MOST_RESAMPLED", 3)
    d = 4 if n == 200 else 60  # with more rows than features, and with fewer
    found = [
        frechet(draw(n, d, 2 * seed), draw(n, d, 2 * seed + 1, shift=1.0), 100, seed)
        for seed in range(200)
    ]
    expected = np.mean([m.value for m in found])
    covered = np.mean([m.low <= expected <= m.high for m in found])
    # With fewer images than features it is a little wide: leaving images out adds bias as well.
    assert covered == pytest.approx(0.95, abs=0.04) if n > d else covered > 0.95


def test_few_images_of_many_features_decompose_no_matrix_of_the_features_width(monkeypatch):
    """A root of 2048×2048 would take seconds; how long it takes, benchmarks/evaluation_traps.py
    measures."""
    decomposed: list[tuple[int, ...]] = []
    svd = np.linalg.svd

    def counted(matrix, **options):
        decomposed.append(matrix.shape)
        return svd(matrix, **options)

    monkeypatch.setattr(np.linalg, "svd", counted)
    frechet_distance(draw(120, 2048), draw(140, 2048, seed=1))
    assert decomposed == [(120, 140)]


def test_many_rows_are_never_held_in_float64_all_at_once():
    x = draw(20_000, 64).astype(np.float32)
    tracemalloc.start()
    frechet(x, x[::-1], resamples=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * x.nbytes  # in float64 one set would take 2


def test_a_large_set_is_thinned_for_the_kernel_distance(monkeypatch):
    x, y = draw(400, 4), draw(300, 4, seed=1, shift=0.5)
    whole = kernel(x, y)
    monkeypatch.setattr(kernels, "MOST_ROWS", 200)
    thinned = kernel(x, y)
    assert thinned.n == 200
    assert whole.low < thinned.value < whole.high


def test_extrapolation_takes_the_bias_away():
    """Two sets of one distribution: the distance at any n is all bias, its limit is 0."""
    found = [
        extrapolated(draw(400, 16, 2 * seed), draw(400, 16, 2 * seed + 1), frechet, seed).value
        for seed in range(20)
    ]
    bias = frechet_distance(draw(400, 16), draw(400, 16, seed=1))
    assert abs(np.mean(found)) < 0.15 * bias
    moved = extrapolated(draw(400, 16), draw(400, 16, seed=1, shift=0.5), frechet)
    assert moved.n == 400
    assert moved.value == pytest.approx(16 * 0.25, rel=0.25)
    assert moved.low < moved.value < moved.high


def test_few_images_are_not_extrapolated():
    with pytest.raises(DataError, match="at least 60") as error:
        extrapolated(draw(59, 4), draw(100, 4), frechet)
    assert error.value.code == "too-few-for-distance"
