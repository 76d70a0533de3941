from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from pytest_collab.errors import UsageError
from pytest_collab.measure.cluster import cluster_mean
from pytest_collab.measure.ordering import ordering_effects
from pytest_collab.measure.paired import compare_pairs, match, mcnemar, paired_difference, sign_flip, tango


def test_only_keys_that_both_sides_have_are_compared():
    pairs = match({"x": 1.0, "y": 0.0, "z": 1.0}, {"z": 0.0, "x": 1.0, "w": 1.0})
    assert pairs.keys == ("x", "z")
    assert pairs.difference.tolist() == [0.0, 1.0]
    assert (pairs.only_first, pairs.only_second) == (1, 1)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_agrees_with_statsmodels(wins, losses):
    table = [[3, wins], [losses, 5]]
    expected = statsmodels_mcnemar(table, exact=True).pvalue if wins + losses else 1.0
    assert mcnemar(wins, losses) == pytest.approx(min(1.0, expected))


def score_by_optimisation(wins, losses, pairs, delta):
    """Tango's statistic, with the restricted maximum likelihood estimate found numerically."""

    def minus_log_likelihood(losing):
        winning, agreeing = losing + delta, 1 - 2 * losing - delta
        return -(
            stats_xlogy(wins, winning) + stats_xlogy(losses, losing) + stats_xlogy(pairs - wins - losses, agreeing)
        )

    low, high = max(0.0, -delta), (1 - delta) / 2
    best = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
    ).x
    return (wins - losses - pairs * delta) / math.sqrt(pairs * (2 * best + delta * (1 - delta)))


def stats_xlogy(count, chance):
    return 0.0 if count == 0 else count * math.log(max(chance, 1e-300))


@pytest.mark.parametrize(("wins", "losses", "pairs"), [(12, 2, 50), (3, 9, 40), (5, 5, 20), (1, 3, 44), (7, 1, 8)])
def test_tango_ends_where_the_score_test_just_rejects(wins, losses, pairs):
    found = tango(wins, losses, pairs)
    z = stats.norm.ppf(0.975)
    assert score_by_optimisation(wins, losses, pairs, found.low) == pytest.approx(z, abs=1e-3)
    assert score_by_optimisation(wins, losses, pairs, found.high) == pytest.approx(-z, abs=1e-3)


def test_pairs_that_all_agree_leave_room_for_those_not_seen():
    found = tango(0, 0, 40)
    z = stats.norm.ppf(0.975)
    assert (found.low, found.high) == pytest.approx((-(z**2) / (40 + z**2), z**2 / (40 + z**2)))


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0, 1))
def test_swapping_the_sides_mirrors_the_interval(count, share):
    disagree, pairs = count
    wins = round(disagree * share)
    one, other = tango(wins, disagree - wins, pairs), tango(disagree - wins, wins, pairs)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.low <= one.value <= one.high


def test_the_paired_interval_covers_what_it_promises():
    # Exactly, by summing over the trinomial, for 25 pairs.
    n = 25
    for winning, losing in [(0.3, 0.1), (0.15, 0.15), (0.02, 0.1), (0.4, 0.3)]:
        coverage = 0.0
        for wins in range(n + 1):
            for losses in range(n + 1 - wins):
                found = tango(wins, losses, n)
                if found.low <= winning - losing <= found.high:
                    chances = [winning, losing, 1 - winning - losing]
                    coverage += stats.multinomial.pmf([wins, losses, n - wins - losses], n, chances)
        assert coverage >= 0.935


def test_scores_are_compared_by_a_cluster_robust_interval():
    rng = np.random.default_rng(3)
    first, second = rng.random(40), rng.random(40)
    clusters = np.repeat(np.arange(10), 4)
    found, plain = paired_difference(first, second, clusters), cluster_mean(first - second, clusters)
    assert (found.value, found.low, found.high) == (plain.value, plain.low, plain.high)


def test_clustered_pairs_are_worth_fewer_independent_ones():
    first = np.repeat([1, 0, 1, 1, 0, 1, 0, 1], 5)
    second = np.repeat([0, 0, 1, 0, 1, 0, 0, 1], 5)
    clustered = paired_difference(first, second, np.repeat(np.arange(8), 5))
    assert clustered.value == paired_difference(first, second).value
    assert clustered.high - clustered.low > 1.9 * (
        paired_difference(first, second).high - paired_difference(first, second).low
    )


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=9))
def test_the_exact_sign_flip_agrees_with_scipy(values):
    difference = np.array(values, dtype=float)
    found = stats.permutation_test(
        (difference, np.zeros(len(difference))),
        lambda a, b: np.mean(a - b),
        permutation_type="samples",
        n_resamples=np.inf,
    )
    assert sign_flip(difference) == pytest.approx(found.pvalue)


def test_the_drawn_sign_flip_is_near_the_exact_one_and_repeats_itself():
    difference = np.random.default_rng(5).normal(0.4, 1, 16)
    exact = sign_flip(difference)
    # A seventeenth difference that is next to nothing does not change p, but takes enumeration away.
    drawn = sign_flip(np.append(difference, 1e-9), seed=11)
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 10_000))
    assert drawn == sign_flip(np.append(difference, 1e-9), seed=11)


def test_the_sign_flip_rejects_a_true_hypothesis_as_rarely_as_it_says():
    rng = np.random.default_rng(9)
    clusters = np.repeat(np.arange(10), 3)
    p_values = [sign_flip(rng.normal(size=10)[clusters] + rng.normal(size=30), clusters) for _ in range(400)]
    assert np.mean(np.array(p_values) <= 0.1) <= 0.1 + 3 * math.sqrt(0.09 / 400)


def test_nothing_to_compare_is_no_finding():
    assert sign_flip([]) == 1.0
    assert sign_flip([0.0, 0.0]) == 1.0
    assert compare_pairs([], []).p_value == 1.0
    with pytest.raises(UsageError, match="match them by key"):
        paired_difference([1, 0], [1])


def test_ordering_compares_each_pair_with_its_mirror_image_once():
    keys = [("maze", seed, 0) for seed in range(12)]
    scores = {
        ("strong", "weak"): dict.fromkeys(keys, 1.0),
        ("weak", "strong"): {key: float(key[1] < 4) for key in keys[:-1]},
        ("strong", "strong"): dict.fromkeys(keys, 1.0),
        ("lone", "weak"): dict.fromkeys(keys, 1.0),
    }
    (effect,) = ordering_effects(scores)
    assert effect.team == ("strong", "weak")
    assert effect.unmatched == 1
    assert (effect.comparison.wins, effect.comparison.losses, effect.comparison.ties) == (7, 0, 4)
    assert effect.comparison.p_value == pytest.approx(2 * 0.5**7)
    assert effect.comparison.difference.low > 0
