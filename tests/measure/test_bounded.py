"""Bounds that never tighten on worse data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.errors import UsageError
from pytest_collab.measure.bounded import (
    MOST_DIFFERENT,
    assumed_range,
    bounded_difference,
    bounded_mean,
    clusters_of,
    excluded,
    tail,
)
from pytest_collab.measure.interval import clopper_pearson

UNIT = st.floats(0.0, 1.0)
SAMPLES = st.lists(st.tuples(UNIT | st.sampled_from([0.0, 1.0]), st.integers(0, 6)), min_size=1, max_size=24)


@pytest.mark.parametrize("n", [1, 2, 5, 20, 200, 5000])
@pytest.mark.parametrize("confidence", [0.6, 0.9, 0.99])
def test_independent_trials_get_the_exact_binomial_interval(n: int, confidence: float) -> None:
    for successes in sorted({0, 1, n // 2, n - 1, n}):
        found = bounded_mean([1.0] * successes + [0.0] * (n - successes), None, confidence)
        exact = clopper_pearson(successes, n, confidence)
        assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-10)
        assert (found.value, found.n, found.clusters) == (exact.value, n, n)


def test_clusters_that_agree_count_once_each() -> None:
    ten_each = bounded_mean([1.0] * 50, [place // 10 for place in range(50)], 0.9)
    assert (ten_each.low, ten_each.high) == pytest.approx((0.05 ** (1 / 5), 1.0))
    assert (ten_each.n, ten_each.clusters) == (50, 5)


def test_the_bound_is_the_quantile_of_randomly_weighted_means() -> None:
    rng = np.random.default_rng(3)
    values = rng.beta(2.0, 1.0, 12)
    weights = rng.dirichlet(np.ones(13), size=400_000)
    found = bounded_mean(values, None, 0.9)
    assert found.low == pytest.approx(np.quantile(weights[:, :12] @ values, 0.05), abs=0.002)
    assert found.high == pytest.approx(np.quantile(weights[:, :12] @ values + weights[:, 12], 0.95), abs=0.002)


def test_clusters_of_different_sizes_weigh_by_their_values_and_the_unseen_one_as_the_largest() -> None:
    rng = np.random.default_rng(4)
    sizes, sums = np.array([1.0, 4.0, 2.0, 8.0, 8.0]), np.array([1.0, 2.0, 2.0, 5.0, 8.0])
    codes = np.repeat(np.arange(5), sizes.astype(int))
    values = np.concatenate([np.repeat([1.0, 0.0], [int(s), int(n - s)]) for n, s in zip(sizes, sums, strict=True)])
    shares = rng.dirichlet(np.ones(6), size=400_000)
    ratios = shares[:, :5] @ sums / (shares[:, :5] @ sizes + shares[:, 5] * 8.0)
    found = bounded_mean(values, codes, 0.9)
    assert found.value == values.mean()
    assert found.low == pytest.approx(np.quantile(ratios, 0.05), abs=0.002)


@given(SAMPLES, st.data())
@settings(deadline=None, max_examples=60)
def test_a_worse_value_never_raises_either_end(sample: list[tuple[float, int]], data: st.DataObject) -> None:
    values, labels = [value for value, _ in sample], [label for _, label in sample]
    place = data.draw(st.integers(0, len(values) - 1))
    worse = [*values]
    worse[place] = values[place] * data.draw(UNIT)
    before, after = bounded_mean(values, labels), bounded_mean(worse, labels)
    assert after.low <= before.low + 1e-9
    assert after.high <= before.high + 1e-9


@given(SAMPLES, SAMPLES, st.data())
@settings(deadline=None, max_examples=30)
def test_a_worse_value_never_raises_either_end_of_a_difference(
    first: list[tuple[float, int]], second: list[tuple[float, int]], data: st.DataObject
) -> None:
    a, b = [value for value, _ in first], [value for value, _ in second]
    labels = [label for _, label in first], [label for _, label in second]
    worse = [*a]
    place = data.draw(st.integers(0, len(a) - 1))
    worse[place] = a[place] * data.draw(UNIT)
    before, after = bounded_difference(a, b, *labels), bounded_difference(worse, b, *labels)
    assert after.low <= before.low + 1e-9
    assert after.high <= before.high + 1e-9
    mirrored = bounded_difference(b, a, *labels[::-1])
    assert (mirrored.low, mirrored.high) == pytest.approx((-before.high, -before.low))


def test_very_many_different_values_are_put_on_a_grid_that_changes_little() -> None:
    values = np.random.default_rng(5).beta(4.0, 2.0, 20 * MOST_DIFFERENT)
    found = bounded_mean(values, None, 0.9)
    normal = 1.645 * values.std() / math.sqrt(len(values))
    assert found.low == pytest.approx(values.mean() - normal, abs=3e-4)
    assert found.high == pytest.approx(values.mean() + normal, abs=3e-4)
    worse = values.copy()
    worse[7] = 0.0
    assert bounded_mean(worse, None, 0.9).low <= found.low


def test_an_open_end_of_the_range_leaves_that_end_of_the_interval_open() -> None:
    found = bounded_mean([0.1, 0.4, 3.0, 0.2, 0.3], None, 0.9, bounds=(0.0, math.inf))
    assert 0.0 < found.low < 0.8
    assert found.high == math.inf
    assert bounded_mean([0.1, 0.4], None, 0.9, bounds=(-math.inf, math.inf)).low == -math.inf


def test_a_range_of_another_unit_scales_with_it() -> None:
    unit = bounded_mean([0.2, 0.9, 0.4], None, 0.9)
    points = bounded_mean([-30.0, 40.0, -10.0], None, 0.9, bounds=(-50.0, 50.0))
    assert (points.low, points.high) == pytest.approx((100 * unit.low - 50, 100 * unit.high - 50))


def test_nothing_observed_leaves_the_whole_range() -> None:
    found = bounded_mean([], None, bounds=(-1.0, 1.0))
    assert math.isnan(found.value)
    assert (found.low, found.high) == (-1.0, 1.0)
    assert not bounded_difference([], [1.0]).known


def test_more_clusters_of_the_same_kind_tighten_the_bounds() -> None:
    values = [0.0, 1.0, 1.0, 0.5]
    grown = bounded_mean(values, None, 0.9, scale=10.0)
    repeated = bounded_mean(values * 10, None, 0.9)
    assert (grown.low, grown.high) == pytest.approx((repeated.low, repeated.high))


def test_a_value_outside_the_range_is_refused() -> None:
    with pytest.raises(UsageError, match=r"value 1 is .*1\.5"):
        bounded_mean([0.5, 1.5])


@pytest.mark.parametrize("n", [5, 20])
@pytest.mark.parametrize(
    "kind", ["nearly one or nothing", "beta", "a hopeless seed", "large clusters are worse", "lognormal, floor only"]
)
def test_the_bound_misses_no_more_often_than_promised(n: int, kind: str) -> None:
    rng = np.random.default_rng([n, len(kind)])
    runs, missed = 300, 0
    for _ in range(runs):
        mean, labels = 0.8, None
        if kind == "nearly one or nothing":
            values = np.where(rng.random(n) < mean / 0.99, 1.0 - 0.02 * rng.random(n), 0.0)
        elif kind == "beta":
            values = rng.beta(2.4, 0.6, n)
        elif kind == "a hopeless seed":
            labels = np.repeat(np.arange(n), 10)
            values = 1.0 * (rng.random(10 * n) < np.repeat(np.where(rng.random(n) < mean / 0.98, 0.98, 0.0), 10))
        elif kind == "large clusters are worse":
            large = rng.random(n) < 0.5
            labels = np.repeat(np.arange(n), np.where(large, 8, 1))
            values = 1.0 * (rng.random(len(labels)) < np.where(large, (mean * 4.5 - 0.49) / 4, 0.98)[labels])
        else:
            mean = 1.0
            values = np.exp(rng.normal(-1.125, 1.5, n))
        missed += tail(clusters_of(values, labels), mean) <= 0.05
    assert missed / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize("n", [3, 5, 20, 60, 300])
@pytest.mark.parametrize("sigma", [1.0, 1.5])
def test_costs_of_a_heavy_tail_are_taken_for_too_low_no_more_often_than_promised(n: int, sigma: float) -> None:
    rng = np.random.default_rng([n, int(10 * sigma)])
    runs, missed = 300, 0
    for _ in range(runs):
        found = clusters_of(np.exp(rng.normal(-(sigma**2) / 2, sigma, n)))
        if found.value < 1.0:
            missed += excluded(found, 1.0, 0.9, bounds=assumed_range(found, (0.0, math.inf)))
    assert missed / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
