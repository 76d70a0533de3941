from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from pytest_collab.errors import UsageError
from pytest_collab.measure.interval import clopper_pearson, mean_interval, two_sided, wilson

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_wilson_gives_the_published_interval():
    # Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3 (score without continuity
    # correction).
    for successes, n, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        found = wilson(successes, n)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_clopper_pearson_gives_the_published_interval():
    # The same table, method 5.
    for successes, n, low, high in [
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ]:
        found = clopper_pearson(successes, n)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(counts, st.floats(0.5, 0.999))
def test_binomial_intervals_agree_with_statsmodels(count, confidence):
    successes, n = count
    for function, method in ((wilson, "wilson"), (clopper_pearson, "beta")):
        found = function(successes, n, confidence)
        low, high = proportion_confint(successes, n, alpha=1 - confidence, method=method)
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_binomial_intervals_cover_what_they_promise():
    # Coverage is a finite sum here, so it is computed rather than simulated.
    n = 40
    rates = np.linspace(0.01, 0.99, 197)
    chance = stats.binom.pmf(np.arange(n + 1)[:, None], n, rates)
    for function, least, average in ((clopper_pearson, 0.95, 0.95), (wilson, 0.83, 0.945)):
        ends = [function(successes, n) for successes in range(n + 1)]
        covered = np.array([[end.low <= rate <= end.high for rate in rates] for end in ends])
        coverage = (chance * covered).sum(axis=0)
        assert coverage.min() >= least
        assert coverage.mean() >= average


def test_no_episode_means_the_whole_range_and_no_figure():
    for function in (wilson, clopper_pearson):
        found = function(0, 0)
        assert math.isnan(found.value)
        assert not found.known
        assert (found.low, found.high) == (0, 1)


def test_impossible_counts_and_confidences_are_refused():
    with pytest.raises(UsageError, match="5 successes in 3 trials"):
        wilson(5, 3)
    with pytest.raises(UsageError, match=r"95 % is written 0\.95"):
        wilson(1, 3, 95)
    with pytest.raises(UsageError, match=r"between 0\.5 and 1"):
        two_sided(0.5)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=50).filter(lambda v: np.std(v) > 1e-6))
def test_mean_interval_agrees_with_scipy(values):
    found = mean_interval(values, 0.9)
    low, high = stats.t.interval(0.9, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


def test_equal_scores_do_not_make_an_interval_of_width_zero():
    found = mean_interval([1.0] * 20, 0.9, bounds=(0.0, 1.0))
    assert found.low == pytest.approx(clopper_pearson(20, 20, 0.9).low)
    assert found.high == 1.0
    inside = mean_interval([0.5] * 20, 0.9, bounds=(0.0, 1.0))
    assert 0.4 < inside.low < 0.5 < inside.high < 0.6


def test_a_single_value_says_nothing_about_the_mean():
    assert mean_interval([3.0]).high == math.inf
    assert (mean_interval([0.5], bounds=(0.0, 1.0)).low, mean_interval([0.5], bounds=(0.0, 1.0)).high) == (
        0,
        1,
    )


def test_a_value_that_cannot_be_is_named():
    with pytest.raises(UsageError, match=r"value 1 is .*nan"):
        mean_interval([1.0, math.nan])
    with pytest.raises(UsageError, match=r"within 0\.\.1"):
        mean_interval([0.5, 1.5], bounds=(0.0, 1.0))


def test_wilson_loads_neither_numpy_nor_scipy():
    code = (
        "import sys; from pytest_collab.measure.interval import wilson; wilson(3, 5);"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'scipy', 'jax')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
