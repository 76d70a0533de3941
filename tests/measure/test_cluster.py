from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, stats

from pytest_collab.errors import UsageError
from pytest_collab.measure.cluster import cluster_codes, cluster_mean, cluster_rate, robust_variance
from pytest_collab.measure.interval import clopper_pearson, wilson


def cr2_by_matrices(sample, codes):
    """CR2 and the Bell-McCaffrey degrees of freedom as written in the papers, with n x n matrices."""
    n = len(sample)
    design = np.ones((n, 1))
    bread = np.linalg.inv(design.T @ design)
    hat = design @ bread @ design.T
    residual = sample - sample.mean()
    variance = 0.0
    contrasts = []
    for cluster in np.unique(codes):
        rows = np.flatnonzero(codes == cluster)
        adjust = np.linalg.inv(linalg.sqrtm(np.eye(len(rows)) - hat[np.ix_(rows, rows)]).real)
        part = design[rows].T @ adjust
        variance += ((bread @ part @ residual[rows]) ** 2).item()
        contrasts.append((np.eye(n) - hat)[:, rows] @ (bread @ part).ravel())
    gram = np.array(contrasts) @ np.array(contrasts).T
    return variance, np.trace(gram) ** 2 / np.sum(gram**2)


@given(st.lists(st.integers(1, 6), min_size=2, max_size=8), st.integers(0, 2**32 - 1))
def test_the_closed_form_is_cr2_with_bell_mccaffrey_degrees_of_freedom(sizes, seed):
    codes = np.repeat(np.arange(len(sizes)), sizes)
    sample = np.random.default_rng(seed).normal(size=len(codes))
    assert robust_variance(sample, codes) == pytest.approx(cr2_by_matrices(sample, codes))


def test_with_equal_clusters_it_is_the_robust_interval_of_statsmodels():
    rng = np.random.default_rng(1)
    codes = np.repeat(np.arange(12), 5)
    sample = rng.normal(size=12)[codes] + rng.normal(size=60)
    fit = sm.OLS(sample, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    found = cluster_mean(sample, codes)
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]))


def test_clusters_of_one_give_students_interval():
    sample = [0.2, 0.9, 0.4, 0.6]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(sample), scale=stats.sem(sample))
    found = cluster_mean(sample, ["a", "b", "c", "d"])
    assert (found.low, found.high) == pytest.approx((low, high))


def draw_clusters(rng, runs, sizes, rate, alike):
    """0/1 values of shape (runs, n), beta-binomial with intra-cluster correlation `alike`."""
    shape = (1 - alike) / alike
    chance = rng.beta(rate * shape, (1 - rate) * shape, size=(runs, len(sizes)))
    return (rng.random((runs, sum(sizes))) < np.repeat(chance, sizes, axis=1)).astype(float)


def covered(estimates, truth):
    return np.mean([found.low <= truth <= found.high for found in estimates])


def test_intervals_cover_the_mean_of_clustered_values_where_naive_ones_do_not():
    rng = np.random.default_rng(7)
    sizes = [2, 4, 6, 8, 10, 10, 12, 14, 16, 18]
    codes = np.repeat(np.arange(10), sizes)
    data = draw_clusters(rng, 400, sizes, 0.6, 0.3)
    margin = 3 * np.sqrt(0.95 * 0.05 / 400)
    # Ten uneven clusters are few, and chance p stays as far from nominal as 400 runs can tell apart.
    assert covered([cluster_mean(row, codes, bounds=(0, 1)) for row in data], 0.6) >= 0.95 - margin - 0.01
    assert covered([cluster_rate(row, codes) for row in data], 0.6) >= 0.95 - margin - 0.01
    assert covered([cluster_rate(row, codes, method="exact") for row in data], 0.6) >= 0.95 - margin
    assert covered([wilson(row.sum(), len(row)) for row in data], 0.6) < 0.85


def test_clusters_of_one_give_the_plain_binomial_interval():
    sample = [1, 0, 1, 1, 0, 1]
    for method, function in (("wilson", wilson), ("exact", clopper_pearson)):
        found, plain = cluster_rate(sample, method=method), function(4, 6)
        assert (found.low, found.high, found.method) == (plain.low, plain.high, plain.method)


def test_when_every_trial_succeeds_a_cluster_counts_once():
    found = cluster_rate([1] * 30, np.repeat(np.arange(3), 10), method="exact")
    assert found.low == pytest.approx(clopper_pearson(3, 3).low)
    assert (found.n, found.clusters) == (30, 3)


def test_clusters_that_are_all_alike_leave_room_for_those_not_seen():
    found = cluster_mean([0, 1] * 12, np.repeat(np.arange(12), 2), bounds=(0, 1))
    low, high = clopper_pearson(12, 12).low, 1.0
    assert (found.low, found.high) == pytest.approx((0.5 * low, 0.5 + (high - low) * 0.5))


def test_one_cluster_says_nothing_about_others():
    found = cluster_mean([0.1, 0.9, 0.5], [0, 0, 0], bounds=(0, 1))
    assert (found.low, found.high) == (0, 1)


def test_labels_of_any_kind_make_clusters():
    assert cluster_codes([("a", 1), ("b", None), ("a", 1)], 3).tolist() == [0, 1, 0]
    assert cluster_codes(np.array(["x", "y", "x"]), 3).tolist() == [0, 1, 0]
    with pytest.raises(UsageError, match="3 values have 2 cluster labels"):
        cluster_mean([1, 2, 3], [0, 1])


def test_a_score_is_no_success_rate():
    with pytest.raises(UsageError, match="use cluster_mean"):
        cluster_rate([0.5, 1.0])
