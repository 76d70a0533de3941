from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from pytest_collab.errors import UsageError
from pytest_collab.measure.difference import hedges_g, newcombe, welch
from pytest_collab.measure.multiplicity import holm

samples = st.lists(st.floats(-50, 50), min_size=2, max_size=30).filter(lambda v: np.std(v) > 1e-3)


@given(samples, samples)
def test_welch_agrees_with_scipy(first, second):
    found = welch(first, second)
    expected = stats.ttest_ind(first, second, equal_var=False)
    low, high = expected.confidence_interval(0.95)
    assert (found.statistic, found.freedom, found.p_value) == pytest.approx(
        (expected.statistic, expected.df, expected.pvalue)
    )
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high))


def test_hedges_g_removes_the_bias_of_cohens_d():
    # The exact expectation of the uncorrected effect is delta / J; the correction gives delta back.
    rng = np.random.default_rng(2)
    found = [hedges_g(rng.normal(0.8, 1, 6), rng.normal(0, 1, 6)) for _ in range(3000)]
    values = np.array([estimate.value for estimate in found])
    assert values.mean() == pytest.approx(0.8, abs=4 * values.std() / math.sqrt(3000))
    # Cohen's d would be out by 8 %, well outside that margin.
    assert 4 * values.std() / math.sqrt(3000) < 0.8 / 0.9222 - 0.8
    covered = np.mean([estimate.low <= 0.8 <= estimate.high for estimate in found])
    assert covered >= 0.93


def test_hedges_g_gives_the_worked_example():
    # Borenstein et al. (2009), Introduction to Meta-Analysis, chapter 4: means 103 and 100, standard
    # deviations 5.5 and 4.5, 50 in each group; d = 0.5970 and g = 0.5924.
    def group(mean, deviation, n):
        base = stats.zscore(np.arange(n, dtype=float), ddof=1)
        return mean + deviation * base

    found = hedges_g(group(103, 5.5, 50), group(100, 4.5, 50))
    assert found.value == pytest.approx(0.5924, abs=5e-4)


def test_newcombe_gives_the_published_interval():
    # Newcombe (1998), Statistics in Medicine 17:873-890, table II, method 10.
    for a, m, b, n, low, high in [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (10, 10, 0, 10, 0.6075, 1.0),
    ]:
        found = newcombe(a, m, b, n)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 30), st.integers(0, 45))
def test_newcombe_agrees_with_statsmodels(first, second):
    found = newcombe(first, 30, second, 45)
    low, high = confint_proportions_2indep(first, 30, second, 45, method="newcomb")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_newcombe_covers_what_it_promises():
    n, m = 20, 30
    table = {(a, b): newcombe(a, n, b, m) for a in range(n + 1) for b in range(m + 1)}
    for one, other in [(0.8, 0.6), (0.5, 0.5), (0.95, 0.9), (0.2, 0.6)]:
        chance = np.outer(stats.binom.pmf(np.arange(n + 1), n, one), stats.binom.pmf(np.arange(m + 1), m, other))
        coverage = sum(chance[key] for key, found in table.items() if found.low <= one - other <= found.high)
        assert coverage >= 0.935


@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_holm_agrees_with_statsmodels(size):
    p_values = (np.random.default_rng(size).random(size) ** 3).tolist()
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_holm_leaves_out_comparisons_that_could_not_be_made():
    assert holm([0.01, math.nan, 0.04])[0] == pytest.approx(0.02)
    assert math.isnan(holm([0.01, math.nan, 0.04])[1])
    with pytest.raises(UsageError, match="p-value 1"):
        holm([0.5, 1.5])


def test_too_small_a_group_is_refused_with_the_remedy():
    with pytest.raises(UsageError, match="the second group has 1 values"):
        welch([1.0, 2.0], [1.0])


def test_constant_groups_have_no_spread_to_judge_by():
    assert welch([1.0, 1.0], [1.0, 1.0]).p_value == 1.0
    assert welch([2.0, 2.0], [1.0, 1.0]).p_value == 0.0
    assert hedges_g([1.0, 1.0], [1.0, 1.0]).value == 0.0
