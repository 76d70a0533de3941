from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.errors import UsageError
from pytest_collab.measure.passk import pass_at_k, pass_at_k_mean, pass_hat_k, pass_hat_k_mean

tries = st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))


@given(tries)
def test_both_are_averages_over_every_choice_of_k_tries(case):
    n, successes, k = case
    results = [1] * successes + [0] * (n - successes)
    chosen = list(combinations(results, k))
    assert pass_at_k(n, successes, k) == pytest.approx(np.mean([any(choice) for choice in chosen]))
    assert pass_hat_k(n, successes, k) == pytest.approx(np.mean([all(choice) for choice in chosen]))


def test_both_are_without_bias_and_their_intervals_cover():
    rng = np.random.default_rng(4)
    rate, k = 0.5, 3
    counts = rng.binomial(8, rate, size=(300, 60))
    for function, truth in ((pass_at_k_mean, 1 - (1 - rate) ** k), (pass_hat_k_mean, rate**k)):
        found = [function([(8, int(c)) for c in row], k) for row in counts]
        values = np.array([estimate.value for estimate in found])
        assert values.mean() == pytest.approx(truth, abs=4 * values.std() / np.sqrt(300))
        assert np.mean([estimate.low <= truth <= estimate.high for estimate in found]) >= 0.95 - 3 * np.sqrt(
            0.95 * 0.05 / 300
        )


def test_more_tries_than_were_made_are_refused():
    with pytest.raises(UsageError, match="play at least k epochs"):
        pass_at_k(2, 1, 3)
    with pytest.raises(UsageError, match="impossible"):
        pass_hat_k(2, 3, 1)
