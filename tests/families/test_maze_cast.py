"""The maze's built-in players: who succeeds, and that every planted fault comes back under its own name."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_collab import families
from pytest_collab.agents.registry import Registry
from pytest_collab.episode.record import Episode
from pytest_collab.families.maze import Maze, MazeFamily
from pytest_collab.testing import check_family, play_episode

SIX = Maze()
SEEDS = 200
FAULTY = 60
"""Seeds of each planted fault; benchmarks/maze_cast.py takes more."""

PLANTED = {
    "silent": "unresponsive",
    "deaf": "ungrounded",
    "stubborn": "disagreement",
    "vague": "vague",
    "repeater": "repetition",
    "confabulator": "false_claim",
    "promise_breaker": "broken_commitment",
    "quitter": "unresponsive",
    "free_rider": "free_riding",
    "babbler": "malformed_message",
}
"""The code under which each character's fault must come back."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    families.get("maze").prepare([(SIX, range(SEEDS))])
    return Registry(cast=MazeFamily.cast)


@pytest.mark.slow
def test_the_family_keeps_the_promises_of_families() -> None:
    check_family(MazeFamily(), [Maze(size=4, walls=0.2, path=(4, 6), turns=8)])
    check_family(MazeFamily(), [Maze(size=4, walls=0.2, path=(4, 6), turns=9, seats=3, show_ends=False)], seeds=(0,))


@pytest.mark.slow
@pytest.mark.parametrize("player", ["partner", "oracle"])
def test_two_who_cooperate_find_the_way(player: str, registry: Registry) -> None:
    played = [play_episode(SIX, [player, player], seed=seed, registry=registry).episode for seed in range(SEEDS)]
    solved = sum(episode.success for episode in played)
    assert solved >= 0.98 * SEEDS if player == "partner" else solved == SEEDS


def test_the_cast_is_planted_or_without_a_fault_to_name() -> None:
    assert set(MazeFamily.cast) == {*PLANTED, "partner", "oracle", "random", "nop"}


@pytest.mark.slow
def test_every_planted_fault_comes_back_under_its_own_code(registry: Registry) -> None:
    """On odd seeds the character speaks second. There `repeater` does no harm: its opening says all that matters."""
    confusion: dict[str, Counter[str]] = {player: Counter() for player in PLANTED}
    strays: list[Episode] = []
    for player, code in PLANTED.items():
        for seed in range(FAULTY):
            place = seed % 2
            team = [player, "partner"] if place == 0 else ["partner", player]
            episode = play_episode(SIX, team, seed=seed, registry=registry).episode
            headline = episode.headline
            confusion[player][headline.code if headline else "success"] += 1
            if headline is not None and (headline.code, headline.seats) != (code, ("ab"[place],)):
                strays.append(episode)
    columns = sorted({code for row in confusion.values() for code in row})
    print(" " * 16, *(f"{column:>18}" for column in columns))
    for player, row in confusion.items():
        print(f"{player:16}", *(f"{row[column]:>18}" for column in columns))
    for player, code in PLANTED.items():
        failed = sum(confusion[player].values()) - confusion[player]["success"]
        assert failed >= FAULTY // 4, f"{player} hardly ever harms its team"
        assert confusion[player][code] >= 0.95 * failed, f"{player}: {confusion[player]}"
    assert len(strays) <= 0.01 * FAULTY * len(PLANTED), "the other seat was blamed"


def test_conditions_order_as_theory_says(registry: Registry) -> None:
    def rate(condition: str, *team: str) -> float:
        played = [play_episode(SIX, team, condition, seed, registry=registry).episode for seed in range(20)]
        return sum(episode.success for episode in played) / len(played)

    team, mute = rate("team", "partner", "partner"), rate("mute", "partner", "partner")
    assert rate("solo", "partner") >= rate("shared", "partner", "partner") >= team > mute
    assert rate("solo:views", "partner") == 1.0, "all copies together show everything"
    assert rate("with:partner", "free_rider") < rate("with:partner", "partner") == team


def test_a_relay_hands_over_to_who_can_or_cannot(registry: Registry) -> None:
    """The second agent holds the other seat from the first, and this seat after K messages."""
    saved = play_episode(SIX, ["vague", "partner"], "relay:2", 0, registry=registry)
    assert saved.episode.success
    taken = [(event.seat, event.data["agent"]) for event in saved.transcript.of("seated")]
    assert taken == [("a", "vague"), ("b", "partner"), ("a", "partner")]
    assert not play_episode(SIX, ["partner", "vague"], "relay:1", 0, registry=registry).episode.success


@pytest.mark.parametrize("protocol", ["coordinates", "step_by_step", "share_first"])
def test_protocols_leave_partners_able(protocol: str, registry: Registry) -> None:
    assert play_episode(SIX, ["partner", "partner"], f"protocol:{protocol}", 1, registry=registry).episode.success


def test_a_seat_is_judged_by_what_it_wrote_whatever_the_machine(registry: Registry) -> None:
    first = play_episode(SIX, ["random", "partner"], seed=3, registry=registry)
    second = play_episode(SIX, ["random", "partner"], seed=3, registry=registry)
    texts = [[event.data["text"] for event in played.transcript.of("message")] for played in (first, second)]
    assert texts[0] == texts[1]
    assert first.episode.failures == second.episode.failures
