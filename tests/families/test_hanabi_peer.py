"""Step for step against two other programs that play Hanabi; the games that are kept are in test_hanabi_rules.py."""

from __future__ import annotations

import pytest

from tests.support import hanabi_peers as peers


@pytest.mark.slow
@pytest.mark.parametrize("table", range(len(peers.SIZES)))
def test_random_games_of_the_learning_environment_agree_step_for_step(table: int) -> None:
    pytest.importorskip(
        "hanabi_learning_environment",
        reason="not installed: CMAKE_POLICY_VERSION_MINIMUM=3.5 pip install hanabi-learning-environment==0.0.4",
    )
    for seed in range(1, 21):
        trace = peers.of_learning_environment(peers.SIZES[table], seed, (0.95, 0.6, 0.0, 1.0)[seed % 4])
        assert peers.replayed(trace) == trace["states"], f"seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("table", range(len(peers.SIZES)))
def test_random_games_of_jaxmarl_agree_step_for_step(table: int) -> None:
    pytest.importorskip(
        "jaxmarl.environments.hanabi",
        reason="not installed: pip install jaxmarl==0.2.0 jax==0.4.38 jaxlib==0.4.38 (in an environment of its own)",
    )
    for trace in peers.of_jaxmarl(peers.SIZES[table], [(seed, 0.9) for seed in range(4)]):
        assert peers.replayed(trace) == trace["states"]
