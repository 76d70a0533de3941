"""Dilemmas in which everyone chooses whom it plays with."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.dilemma import Dilemma
from pytest_collab.families.dilemma.pairing import pairs
from pytest_collab.testing import Played, play_episode

CHOICE: dict[str, Any] = {"mechanism": "choice", "rounds": 6, "continuation": 0.95}


def play(*team: str, seed: int = 0, **params: Any) -> Played:
    return play_episode(Dilemma(**{**CHOICE, **params}), list(team), seed=seed)


@given(st.lists(st.permutations(range(6)).map(lambda order: order[:3]), min_size=6, max_size=6), st.integers(0, 99))
def test_only_two_who_have_named_each_other_meet_and_nobody_is_left_who_could(
    named: list[list[int]], seed: int
) -> None:
    wanted = [[other for other in one if other != seat] for seat, one in enumerate(named)]
    found = pairs(wanted, seed, 1)
    met = [seat for pair in found for seat in pair]
    assert len(met) == len(set(met))
    assert all(a in wanted[b] and b in wanted[a] for a, b in found)
    free = [seat for seat in range(6) if seat not in met]
    assert not any(a in wanted[b] and b in wanted[a] for a, b in combinations(free, 2))
    assert pairs(wanted, seed, 1) == found


def test_those_whom_both_would_rather_have_come_first() -> None:
    assert set(pairs([[1, 2, 3], [0, 2, 3], [0, 3], [0, 2]], 5, 0)) == {(0, 1), (2, 3)}


@pytest.mark.parametrize("game", ["prisoners", "stag_hunt", "travellers"])
def test_who_cooperates_and_is_met_with_the_same_stays(game: Any) -> None:
    played = play("chooser", "partner", "generous", "unconditional", game=game)
    assert played.episode.success
    metrics = played.episode.metrics
    assert (metrics["cooperation"], metrics["alone"], metrics["stayed"]) == (1, 0, 1)
    assert "left" not in metrics


FAULTS = {
    "free_rider": "free_riding",
    "hermit": "unresponsive",
    "nop": "unresponsive",
    "promise_breaker": "broken_commitment",
}


@pytest.mark.parametrize("mate", ["chooser", "partner"])
def test_a_planted_fault_comes_back_under_its_own_name_at_its_own_seat(mate: str) -> None:
    failed = 0
    for name, code in FAULTS.items():
        for at in range(4):
            team = [name if seat == at else mate for seat in range(4)]
            episode = play(*team, seed=at, talk=name == "promise_breaker").episode
            if episode.success:
                continue
            failed += 1
            found = [(failure.code, failure.seats) for failure in episode.failures]
            assert found[0] == (code, ("abcd"[at],)), (name, at, found)
            assert {seat for _, seats in found for seat in seats} == {"abcd"[at]}
    assert failed == 16


def test_a_free_rider_is_left_alone_by_those_who_choose() -> None:
    played = play("free_rider", "chooser", "chooser", "chooser")
    rounds = [event.data["pairs"] for event in played.transcript.of("state") if "pairs" in event.data]
    assert sum("a" in pair for pair in rounds[0]) == 1
    assert all("a" not in pair for pairs_ in rounds[1:] for pair in pairs_)
    metrics = played.episode.metrics
    assert metrics["left"] == 1
    assert metrics["assortment"] > 0
    assert metrics["alone"] > 0.25
    asked = [
        event.data["text"] for event in played.transcript.of("prompt", seat="b") if event.data["phase"] == "choose"
    ]
    assert "a played with nobody and got 1" in asked[-1]


def test_where_nobody_wants_anybody_the_round_passes_and_nobody_gains() -> None:
    played = play("hermit", "hermit", "hermit", "hermit")
    assert played.episode.outcome is not Outcome.SUCCESS
    assert played.episode.metrics["alone"] == 1
    assert played.episode.metrics["payoff"] == 1
    assert played.episode.score == 0


def test_one_agent_that_plays_all_seats_can_choose_and_punish_too() -> None:
    solo = play_episode(Dilemma(**CHOICE, punishment=3), ["partner"], "solo")
    assert solo.episode.success


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"game": "public_goods"}, "games of two with like places"),
        ({"game": "trust"}, "games of two with like places"),
        ({"groups": 1}, "needs others to meet"),
        ({"prompts": "as_published"}, "nobody chooses a partner"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Dilemma(**{**CHOICE, **wrong})
