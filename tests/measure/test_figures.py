from __future__ import annotations

import pytest

from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import UsageError
from pytest_collab.measure.figures import difficulty_curves, orderings, pass_at_k, pass_hat_k
from pytest_collab.measure.reader import frame_of
from tests.support.episodes import episode


def graded():
    """Twenty seeds of rising difficulty: two agents alone and as self-teams, which succeed half as often."""
    episodes = []
    for seed in range(20):
        for agent in "ab":
            for epoch in range(20):
                episodes.append(episode("solo", agent, seed, ok=epoch >= seed, epoch=epoch))
                works = epoch >= seed and epoch % 2 == 0
                episodes.append(episode("team", f"{agent}+{agent}", seed, ok=works, epoch=epoch))
    return episodes


def test_retention_of_a_run_is_that_of_its_curves():
    frame = frame_of(graded())
    found = difficulty_curves(frame)
    assert found.retention.tasks == 20
    assert found.retention.retention.value == pytest.approx(0.5, abs=0.05)
    assert [point.middle for point in found.solo] == pytest.approx([0.05 + 0.1 * bucket for bucket in range(10)])
    assert found.solo[0].success.value > found.solo[-1].success.value
    one = difficulty_curves(frame, "a")
    assert one.retention.retention.value == pytest.approx(found.retention.retention.value)
    assert difficulty_curves(frame, "c") is None
    assert difficulty_curves(frame, by_pool=True).retention.retention.clusters == 1


def test_difficulty_is_shared_by_all_agents():
    # `weak` fails alone where `strong` does not: half difficulty for both.
    frame = frame_of(
        [episode("solo", "strong", 1), episode("solo", "weak", 1, ok=False), episode("team", "strong+strong", 1)]
    )
    found = difficulty_curves(frame, "strong")
    assert [(point.low, point.success.value) for point in found.solo] == [(0.5, 1.0)]


def test_orderings_of_a_run_average_epochs_and_pair_seeds():
    episodes = [
        episode("team", team, seed, ok=team == "a+b" or epoch == 0, epoch=epoch)
        for seed in range(8)
        for epoch in range(2)
        for team in ("a+b", "b+a")
    ]
    (effect,) = orderings(frame_of(episodes))
    assert effect.team == ("a", "b")
    assert effect.comparison.difference.value == pytest.approx(0.5)
    assert effect.comparison.difference.n == 8
    assert effect.comparison.p_value == pytest.approx(2 / 2**8)


def test_pass_k_counts_epochs_that_are_evidence():
    episodes = [episode("team", "a+a", seed, ok=epoch < 2, epoch=epoch) for seed in range(5) for epoch in range(4)]
    frame = frame_of(episodes)
    rows = frame.condition.among(["team"])
    assert pass_at_k(frame, rows, 2).value == pytest.approx(1 - 1 / 6)
    assert pass_hat_k(frame, rows, 2).value == pytest.approx(1 / 6)
    broken = frame_of([*episodes[:-1], episode("team", "a+a", 4, epoch=3, outcome=Outcome.INFRASTRUCTURE, score=0)])
    with pytest.raises(UsageError, match="--collab-epochs=4"):
        pass_hat_k(broken, broken.condition.among(["team"]), 4)
