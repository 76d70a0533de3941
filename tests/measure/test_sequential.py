from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from pytest_collab.errors import UsageError
from pytest_collab.measure.interval import clopper_pearson, two_sided
from pytest_collab.measure.sequential import (
    Crossing,
    betting_log_wealth,
    confidence_sequence,
    first_crossing,
    log_wealth,
    mixture_log_wealth,
    projected_log_wealth,
)


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.05, 0.95))
def test_the_mixture_is_the_integral_that_it_stands_for(successes, failures, mean):
    def integrand(rate):
        ratio = (rate / mean) ** successes * ((1 - rate) / (1 - mean)) ** failures
        return ratio * stats.beta.pdf(rate, 0.5, 0.5)

    # The prior's density has no bound at 1, which quadrature takes more points for.
    integral, _ = integrate.quad(integrand, mean, 1, limit=200)
    expected = integral / stats.beta.sf(mean, 0.5, 0.5)
    found = mixture_log_wealth(np.array([float(successes)]), np.array([float(successes + failures)]), mean)
    assert math.exp(found[0]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["rate", "mean"])
@pytest.mark.parametrize("mean", [0.1, 0.5, 0.9])
def test_wealth_is_a_fair_game_at_the_mean_and_a_losing_one_beyond(kind, mean):
    # Exactly: the expectation over all 2**8 courses that eight 0/1 values can take.
    courses = (np.arange(256)[:, None] >> np.arange(8)) & 1
    for true_mean in (mean, mean - 0.05):
        chance = (true_mean**courses * (1 - true_mean) ** (1 - courses)).prod(axis=1)
        wealth = np.exp([log_wealth(course, mean, "above", kind=kind)[-1] for course in courses])
        expected = float(chance @ wealth)
        assert expected == pytest.approx(1.0) if true_mean == mean else expected < 1.0


@pytest.mark.slow
def test_looking_after_every_value_does_not_inflate_the_error():
    rng = np.random.default_rng(21)
    runs, n, alpha = 1000, 300, 0.05
    bound = math.log(1 / alpha)
    allowed = alpha + 3 * math.sqrt(alpha * (1 - alpha) / runs)
    counts = np.arange(1, n + 1, dtype=float)
    for mean in (0.3, 0.9):
        data = (rng.random((runs, n)) < mean).astype(float)
        mixture = mixture_log_wealth(np.cumsum(data, axis=1), counts, mean)
        betting = betting_log_wealth(data, mean)
        for wealth in (mixture, betting):
            assert np.mean(wealth.max(axis=1) >= bound) <= allowed
        # The same data, looked at with a fixed-size interval after each value: far more errors.
        lows = stats.beta.ppf(alpha, np.cumsum(data, axis=1), counts - np.cumsum(data, axis=1) + 1)
        assert np.mean((np.nan_to_num(lows) > mean).any(axis=1)) > 2 * alpha


def test_bounded_scores_keep_the_promise_with_either_kind():
    rng = np.random.default_rng(22)
    scores = rng.beta(2, 1, size=(300, 200))
    for kind in ("rate", "mean"):
        wrong = [
            log_wealth(row, 2 / 3, side, kind=kind).max() >= math.log(20)
            for row in scores
            for side in ("above", "below")
        ]
        assert np.mean(wrong) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


def test_betting_profits_from_a_small_spread():
    scores = np.random.default_rng(23).uniform(0.55, 0.65, 100)
    narrow, wide = confidence_sequence(scores, kind="mean"), confidence_sequence(scores, kind="rate")
    assert narrow.low <= 0.6 <= narrow.high
    assert narrow.high - narrow.low < 0.6 * (wide.high - wide.low)


@pytest.mark.parametrize("kind", ["rate", "mean"])
def test_the_sequence_only_ever_shrinks_and_holds_the_truth(kind):
    data = (np.random.default_rng(24).random(400) < 0.7).astype(float)
    ends = [confidence_sequence(data[:n], kind=kind) for n in (1, 5, 20, 80, 200, 400)]
    for before, after in pairwise(ends):
        assert before.low <= after.low <= 0.7 <= after.high <= before.high
    # The price of looking at any time is moderate.
    fixed = clopper_pearson(data.sum(), 400)
    assert ends[-1].high - ends[-1].low < 1.7 * (fixed.high - fixed.low)


def test_paired_differences_have_a_sequence_too():
    rng = np.random.default_rng(25)
    difference = rng.choice([-1.0, 0.0, 1.0], p=[0.05, 0.65, 0.3], size=300)
    found = confidence_sequence(difference, kind="mean", bounds=(-1.0, 1.0))
    assert 0.0 < found.low < 0.25 < found.high < 0.5
    assert first_crossing(difference, 0.0, 0.95, kind="mean", bounds=(-1.0, 1.0)).side == "above"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), max_size=30), st.sampled_from([0.1, 0.5, 0.8]))
def test_a_crossing_is_where_the_sequence_leaves_the_threshold_behind(results, threshold):
    values = [float(result) for result in results]
    crossing = first_crossing(values, threshold, 0.9, kind="rate")
    at = crossing.n if crossing else len(values)
    for n in {max(0, at - 1), at, len(values)}:
        found = confidence_sequence(values[:n], two_sided(0.9), kind="rate")
        outside = found.low > threshold or found.high < threshold
        if abs(found.low - threshold) > 1e-6 and abs(found.high - threshold) > 1e-6:
            assert outside == (crossing is not None and n >= crossing.n)


def test_the_order_of_results_does_not_change_where_they_end():
    scores = np.random.default_rng(26).random(50)
    for kind in ("rate", "mean"):
        one, other = (log_wealth(row, 0.4, "above", kind=kind)[-1] for row in (scores, scores[::-1]))
        assert one == pytest.approx(other)


@pytest.mark.parametrize("kind", ["rate", "mean"])
def test_a_projection_is_the_wealth_that_repeated_values_end_at(kind):
    scores = np.random.default_rng(27).random(30)
    for side in ("above", "below"):
        repeated = log_wealth(np.tile(scores, 3), 0.4, side, kind=kind)[-1]
        assert projected_log_wealth(scores, 0.4, side, 3.0, kind=kind) == pytest.approx(repeated)


def test_crossings_say_which_side_and_when():
    assert first_crossing([1.0] * 60, 0.5, 0.95, kind="rate") == Crossing("above", 6)
    assert first_crossing([0.0] * 60, 0.5, 0.95, kind="rate") == Crossing("below", 6)
    assert first_crossing([1.0, 0.0] * 30, 0.5, 0.95, kind="rate") is None


def test_edges_of_the_range_are_handled():
    assert confidence_sequence([], kind="rate").low == 0.0
    assert confidence_sequence([0.0, 0.0], kind="rate").low == 0.0
    assert confidence_sequence([1.0] * 10, kind="mean").high == 1.0
    with pytest.raises(UsageError, match="outside the values' range"):
        first_crossing([0.5], 1.5, 0.95, kind="mean")
