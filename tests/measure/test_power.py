from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import power_proportions_2indep

from pytest_collab.errors import UsageError
from pytest_collab.measure.interval import clopper_pearson, two_sided
from pytest_collab.measure.power import (
    episodes_for_difference,
    episodes_for_rate,
    gate_limits,
    gate_power,
    mcnemar_power,
    pairs_for_difference,
    pairs_for_mcnemar,
)


@pytest.mark.parametrize("n", [1, 7, 20, 60])
@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
def test_the_limits_of_a_gate_are_those_of_clopper_pearson(n, threshold):
    ends = [clopper_pearson(successes, n, two_sided(0.95)) for successes in range(n + 1)]
    passing = [s for s, end in enumerate(ends) if end.low >= threshold]
    failing = [s for s, end in enumerate(ends) if end.high < threshold]
    assert gate_limits(n, threshold, 0.95) == (
        passing[0] if passing else n + 1,
        failing[-1] if failing else -1,
    )


def test_a_gate_errs_no_more_often_than_it_says_at_any_size_and_threshold():
    for n in (5, 13, 30, 100, 333):
        for threshold in (0.2, 0.5, 0.8, 0.9, 0.99):
            found = gate_power(n, threshold, threshold)
            assert found.passes <= 0.05
            assert found.fails <= 0.05
            assert found.passes + found.fails + found.undecided == pytest.approx(1.0)


def test_the_number_of_episodes_is_the_smallest_that_has_the_power():
    n = episodes_for_rate(0.9, 0.8)
    assert gate_power(n, 0.9, 0.8).passes >= 0.8
    assert any(gate_power(m, 0.9, 0.8).passes < 0.8 for m in range(n - 1, n + 10))
    # The normal approximation is a neighbour.
    z = stats.norm.ppf([0.95, 0.8])
    rough = ((z[0] * np.sqrt(0.8 * 0.2) + z[1] * np.sqrt(0.9 * 0.1)) / 0.1) ** 2
    assert rough < n < 1.35 * rough


def test_a_rate_below_the_threshold_needs_episodes_to_fail():
    n = episodes_for_rate(0.6, 0.8)
    assert gate_power(n, 0.6, 0.8).fails >= 0.8


def test_no_number_of_episodes_tells_a_rate_from_itself():
    assert episodes_for_rate(0.8, 0.8) is None
    with pytest.raises(UsageError, match="difference of zero"):
        episodes_for_difference(0.5, 0.5)
    with pytest.raises(UsageError, match="impossible"):
        pairs_for_difference(0.3, 0.2)


def test_pairs_agree_with_the_published_sample_size():
    # Connor (1987) works with psi (disagreement) and d; simulated power of the uncorrected McNemar test.
    n = pairs_for_difference(0.1, 0.3)
    rng = np.random.default_rng(8)
    counts = rng.multinomial(n, [0.2, 0.1, 0.7], size=4000)
    score = np.abs(counts[:, 0] - counts[:, 1]) / np.sqrt(counts[:, 0] + counts[:, 1])
    assert np.mean(score > stats.norm.ppf(0.975)) == pytest.approx(0.8, abs=0.025)


def test_unpaired_groups_agree_with_statsmodels():
    n = episodes_for_difference(0.8, 0.6)
    power = power_proportions_2indep(0.2, 0.6, n, alternative="two-sided").power
    assert power == pytest.approx(0.8, abs=0.01)
    # Cohen's arcsine method is independent of the formula used here.
    effect = 2 * (np.arcsin(np.sqrt(0.8)) - np.arcsin(np.sqrt(0.6)))
    assert NormalIndPower().solve_power(effect, alpha=0.05, power=0.8) == pytest.approx(n, rel=0.05)


def test_the_numbers_for_mcnemar_are_those_of_its_exact_power():
    for difference, disagreement in ((0.2, 0.2), (0.1, 0.4)):
        n = pairs_for_mcnemar(difference, disagreement)
        assert mcnemar_power(n, difference, disagreement) >= 0.8
        assert mcnemar_power(n - max(1, n // 10), difference, disagreement) < 0.8
        # Connor's approximation promises it with fewer than it takes.
        assert n >= pairs_for_difference(difference, disagreement)
    # By enumeration: four pairs can never be enough, and of six that all disagree six wins are.
    assert mcnemar_power(4, 0.5, 1.0) == 0.0
    assert mcnemar_power(6, 0.5, 1.0) == pytest.approx(0.75**6)


def test_every_number_up_to_a_tenth_more_keeps_the_power():
    assert (episodes_for_rate(0.9, 0.7), episodes_for_rate(0.75, 0.7)) == (28, 530)
    assert all(gate_power(n, 0.75, 0.7).passes >= 0.8 for n in range(530, 584))
