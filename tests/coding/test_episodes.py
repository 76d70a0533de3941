"""Whole episodes: seats in sandboxes of their own, a merge, hidden tests, and a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_collab.episode.agent import Agent
from pytest_collab.episode.outcome import Outcome
from pytest_collab.families.coding.cast import PLANTED
from pytest_collab.testing import Played, play_episode
from tests.coding import small
from tests.coding.small import CLEAN, CONFLICTING


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.lay_out(tmp_path_factory.mktemp("pool"))


def play(
    root: Path, team: str | list[Agent], condition: str = "team", seed: int = CONFLICTING, **more: object
) -> Played:
    agents = team.split("+") if isinstance(team, str) else team
    return play_episode(small.params(root, **more), agents, condition, seed)


def codes(played: Played) -> list[tuple[str, tuple[str, ...]]]:
    return [(failure.code, failure.seats) for failure in played.episode.failures]


@pytest.mark.parametrize("seed", [CONFLICTING, CLEAN])
@pytest.mark.parametrize(
    ("team", "condition"),
    [
        ("oracle+oracle", "team"),
        ("partner+partner", "team"),
        ("partner", "solo"),
        ("partner", "with:partner"),
        ("partner+partner", "shared"),
        ("partner+partner", "git"),
        ("partner+partner", "sequential"),
        ("partner+partner", "lead"),
        ("partner+oracle", "relay:1"),
        ("partner+partner", "protocol:plan_first"),
    ],
)
def test_competent_players_succeed_under_every_condition(root: Path, team: str, condition: str, seed: int) -> None:
    played = play(root, team, condition, seed)
    assert played.episode.success, (played.episode.error, codes(played))
    assert played.episode.score == 1.0


def test_partners_who_cannot_talk_conflict_where_their_features_meet(root: Path) -> None:
    assert play(root, "partner+partner", "mute", CLEAN).episode.success
    played = play(root, "partner+partner", "mute")
    assert played.episode.outcome is Outcome.COORDINATION
    assert codes(played)[0] == ("work_overlap", ("a", "b"))
    assert played.episode.score == 0.0
    assert played.episode.metrics["own_passed"] == 1.0


@pytest.mark.slow
def test_every_planted_fault_comes_back_under_its_own_name(root: Path) -> None:
    matrix: dict[str, dict[str, int]] = {}
    wrong_seat = []
    for name in PLANTED:
        for seat, team in (("a", f"{name}+partner"), ("b", f"partner+{name}")):
            for seed in (CONFLICTING, CLEAN):
                episode = play(root, team, seed=seed).episode
                assert episode.outcome is not Outcome.INFRASTRUCTURE, episode.error
                if episode.success:
                    continue
                headline = episode.failures[0]
                row = matrix.setdefault(name, {})
                row[headline.code] = row.get(headline.code, 0) + 1
                if headline.seats != (seat,):
                    wrong_seat.append((team, seed, headline))
    lines = [f"{name:16} {row}" for name, row in matrix.items()]
    print("\n".join(["planted          headline", *lines]))
    assert set(matrix) == set(PLANTED), "a planted fault never led to a failure"
    for name, row in matrix.items():
        assert row.get(PLANTED[name], 0) >= 0.95 * sum(row.values()), "\n".join(lines)
    assert not wrong_seat
