from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.errors import UsageError
from pytest_collab.measure.bounded import bounded_mean
from pytest_collab.measure.decision import (
    GateVerdict,
    MeanEvidence,
    PairedEvidence,
    RateEvidence,
    Rule,
    UnpairedEvidence,
    cluster_means,
    decide,
    decide_sequentially,
)
from pytest_collab.measure.power import gate_limits

PASS, FAIL, UNDECIDED = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNDECIDED
at_least = Rule("at_least", 0.8)


def results(successes: int, n: int) -> list[int]:
    return [1] * successes + [0] * (n - successes)


@given(st.integers(1, 120), st.data())
def test_a_success_rate_is_judged_as_the_exact_binomial_test_judges_it(n, data):
    successes = data.draw(st.integers(0, n))
    least, most = gate_limits(n, 0.8, 0.95)
    expected = PASS if successes >= least else FAIL if successes <= most else UNDECIDED
    assert decide(at_least, RateEvidence(results(successes, n))).verdict is expected


@pytest.mark.parametrize(
    ("relation", "low", "high", "verdict"),
    [
        ("at_least", 0.8, 0.9, PASS),
        ("above", 0.8, 0.9, UNDECIDED),
        ("at_least", 0.7, 0.8, UNDECIDED),
        ("above", 0.7, 0.8, FAIL),
        ("at_most", 0.7, 0.8, PASS),
        ("below", 0.7, 0.8, UNDECIDED),
        ("at_most", 0.8, 0.9, UNDECIDED),
        ("below", 0.8, 0.9, FAIL),
        ("at_most", 0.81, 0.9, FAIL),
        ("at_least", 0.7, 0.79, FAIL),
    ],
)
def test_only_strict_rules_exclude_their_threshold(relation, low, high, verdict):
    assert Rule(relation, 0.8).judge(low, high) is verdict


@given(st.integers(5, 60), st.data())
def test_the_number_said_to_settle_a_gate_does_settle_it(n, data):
    successes = data.draw(st.integers(0, n))
    found = decide(at_least, RateEvidence(results(successes, n)))
    if found.verdict is not UNDECIDED:
        assert found.needed is None
    elif successes / n != 0.8:
        grown = RateEvidence(results(successes, n)).interval(0.9, (n + found.needed) / n)
        assert at_least.judge(grown.low, grown.high) is not UNDECIDED
        short = RateEvidence(results(successes, n)).interval(0.9, (n + found.needed - 1) / n)
        assert at_least.judge(short.low, short.high) is UNDECIDED


def test_more_episodes_of_the_same_kind_do_settle_it():
    found = decide(at_least, RateEvidence(results(18, 20)))
    assert found.verdict is UNDECIDED
    total = 20 + found.needed
    assert decide(at_least, RateEvidence(results(round(0.9 * total), total))).verdict is PASS


def test_a_figure_on_the_threshold_is_never_promised_to_be_settled():
    found = decide(at_least, RateEvidence(results(8, 10)))
    assert (found.verdict, found.needed) == (UNDECIDED, None)
    assert decide(at_least, RateEvidence([])).needed is None


def test_episodes_of_one_cluster_are_less_evidence():
    values = np.repeat(results(18, 20), 10)
    alone = decide(at_least, RateEvidence(values))
    clustered = decide(at_least, RateEvidence(values, np.repeat(np.arange(20), 10)))
    assert alone.verdict is PASS
    assert clustered.verdict is UNDECIDED
    assert clustered.needed > 10


@pytest.mark.parametrize("relation", ["at_least", "at_most"])
def test_means_are_settled_by_the_number_said(relation):
    rng = np.random.default_rng(1)
    values = rng.beta(3, 2, 24)
    clusters = np.repeat(np.arange(8), 3)
    rule = Rule(relation, 0.62)
    found = decide(rule, MeanEvidence(values, clusters, (0.0, 1.0)))
    assert found.verdict is UNDECIDED
    copies = int(np.ceil((8 + found.needed) / 8))
    again = decide(
        rule,
        MeanEvidence(np.tile(values, copies), np.concatenate([clusters + 8 * i for i in range(copies)]), (0.0, 1.0)),
    )
    assert again.verdict is not UNDECIDED


def test_three_equal_scores_do_not_pass_a_gate():
    assert decide(Rule("at_least", 0.9), MeanEvidence([1.0] * 3, None, (0.0, 1.0))).verdict is UNDECIDED
    assert decide(Rule("at_least", 0.9), MeanEvidence([1.0] * 40, None, (0.0, 1.0))).verdict is PASS


def test_a_single_cluster_decides_nothing():
    found = decide(Rule("at_least", 0.5), MeanEvidence([0.9, 0.95], [0, 0], (0.0, 1.0)))
    assert found.verdict is UNDECIDED
    assert found.needed > 0


def test_pairs_show_a_difference_that_groups_of_that_size_do_not():
    rng = np.random.default_rng(2)
    hard = rng.random(60) < 0.5
    old, new = (~hard).astype(float), (~hard | (rng.random(60) < 0.17)).astype(float)
    better = Rule("above", 0.0)
    assert decide(better, PairedEvidence(new, old)).verdict is PASS
    unpaired = decide(better, UnpairedEvidence(new, old, rate=True))
    assert unpaired.verdict is UNDECIDED
    assert unpaired.needed > 0


def test_not_worse_by_a_margin_is_shown_and_refuted():
    rule = Rule("at_least", -0.1)
    same = np.array(results(40, 60), dtype=float)
    assert decide(rule, PairedEvidence(same, same)).verdict is PASS
    worse = same.copy()
    worse[:25] = 0
    assert decide(rule, PairedEvidence(worse, same)).verdict is FAIL
    assert decide(rule, PairedEvidence(same[:8], same[:8])).needed > 0


def test_unpaired_means_are_judged_by_the_squares_of_both_groups_bounds():
    rng = np.random.default_rng(3)
    first, second = rng.random(30), rng.random(40) * 0.8
    found = UnpairedEvidence(first, second).interval(0.9)
    a, b = bounded_mean(first, None, 0.9), bounded_mean(second, None, 0.9)
    assert found.value == pytest.approx(a.value - b.value)
    assert found.low == pytest.approx(found.value - math.hypot(a.value - a.low, b.high - b.value))
    assert found.high == pytest.approx(found.value + math.hypot(a.high - a.value, b.value - b.low))


def test_two_groups_without_any_spread_are_not_known_exactly():
    found = UnpairedEvidence([0.9, 0.9], [1.0, 1.0]).interval(0.9)
    assert found.low < -0.6
    assert found.high > 0.05
    assert decide(Rule("at_least", -0.05), UnpairedEvidence([1.0, 1.0], [1.0, 1.0])).verdict is UNDECIDED


def test_a_cost_may_go_further_than_those_seen_and_few_say_nothing_of_how_far():
    costs = [0.1, 0.4, 0.2, 0.3, 0.2]
    assert decide(Rule("at_most", 0.9), MeanEvidence(costs[:2])).estimate.high == math.inf
    found = decide(Rule("at_most", 0.9), MeanEvidence(costs))
    assert (found.verdict, found.estimate.high < 2.24) == (UNDECIDED, True)
    assert decide(Rule("at_most", 0.9), MeanEvidence(costs * 8)).verdict is PASS
    assert decide(Rule("at_most", 0.1), MeanEvidence(costs * 8)).verdict is FAIL


def test_a_sequential_verdict_stays_once_reached():
    rng = np.random.default_rng(4)
    values = (rng.random(150) < 0.95).astype(float)
    verdicts = [decide_sequentially(at_least, values[:n], kind="rate").verdict for n in range(1, 151, 7)]
    first = verdicts.index(PASS)
    assert set(verdicts[:first]) == {UNDECIDED}
    assert set(verdicts[first:]) == {PASS}


def test_a_sequential_gate_says_what_would_settle_it_too():
    values = [0.0] + [1.0] * 14
    found = decide_sequentially(at_least, values, kind="rate")
    assert found.verdict is UNDECIDED
    more = [float(place % 15 != 7) for place in range(200)]
    assert decide_sequentially(at_least, more[: 15 + found.needed + 5], kind="rate").verdict is PASS
    assert decide_sequentially(at_least, more[: 15 + found.needed // 2], kind="rate").verdict is UNDECIDED
    assert decide_sequentially(Rule("at_most", 0.2), [0.0] * 60, kind="rate").verdict is PASS
    assert decide_sequentially(Rule("at_most", 0.2), [1.0] * 60, kind="rate").verdict is FAIL


def test_clusters_are_averaged_in_the_order_they_come():
    assert cluster_means([1, 0, 1, 1], ["b", "a", "b", "a"]).tolist() == [1.0, 0.5]
    assert cluster_means([1, 0, 1, 0], np.array([7, 3, 7, 3])).tolist() == [1.0, 0.0]
    assert cluster_means([1, 0]).tolist() == [1.0, 0.0]
    assert cluster_means([]).tolist() == []


@settings(max_examples=30)
@given(st.floats(0.0, 0.5))
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(UsageError, match="one-sided confidence"):
        decide(at_least, RateEvidence([1]), confidence)
