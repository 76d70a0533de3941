"""The matrix base: the documented game is whole, and odd replies have defined meanings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.episode.outcome import Outcome
from pytest_collab.testing import Played, play_episode

DOC = Path(__file__).parents[2] / "docs" / "writing-tasks.md"


def code(name: str) -> str:
    found = re.search(rf"<!-- run: {name} -->\n```python\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def game() -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "stag_hunt"}
    exec(compile(code("stag_hunt"), "stag_hunt", "exec"), namespace)
    return namespace


class Says(Agent):
    """Answers every request to act with the same words."""

    name = "says"

    def __init__(self, text: str) -> None:
        self.text = text

    async def reply(self, request: Request) -> Reply:
        return Reply(self.text if request.phase == "act" else "")


def play(game: dict[str, Any], *team: Any, condition: str = "team", **params: Any) -> Played:
    return play_episode(game["StagHunt"](**params), list(team), condition, family=game["StagHuntFamily"]())


def test_the_documented_game_is_a_whole_family_in_under_150_lines(
    game: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(code("stag_hunt").splitlines()) < 150
    exec(compile(code("stag_hunt_play"), "stag_hunt_play", "exec"), game)
    printed = capsys.readouterr().out.strip()
    assert printed
    assert f"```text\n{printed}\n```" in DOC.read_text("utf-8")


@pytest.mark.parametrize(
    ("player", "code_"),
    [
        ("promise_breaker", "broken_commitment"),
        ("free_rider", "free_riding"),
        ("quitter", "unresponsive"),
        ("nop", "unresponsive"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_planted_fault_comes_back_first_and_at_its_seat(
    game: dict[str, Any], player: str, code_: str, first: bool
) -> None:
    team = [player, "partner"] if first else ["partner", player]
    episode = play(game, *team).episode
    assert episode.outcome is Outcome.COORDINATION
    assert episode.headline is not None
    assert (episode.headline.code, episode.headline.seats) == (code_, ("a",) if first else ("b",))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no action"),
        ("ACTION: stag\nACTION: hare", "two different actions"),
        ("ACTION b: stag", "in the name of seat b"),
        ("ACTION: NaN", "no action of this game"),
    ],
)
def test_a_reply_without_an_action_is_told_and_plays_idle(game: dict[str, Any], text: str, why: str) -> None:
    played = play(game, Says(text), "partner", rounds=2)
    assert [why in event.data["why"] for event in played.transcript.of("malformed", seat="a")] == [True, True]
    assert played.episode.metrics["malformed_replies"] == 2
    states = played.transcript.of("state")
    assert [event.data["profile"] for event in states] == [["hare", "stag"]] * 2


def test_a_thousand_messages_are_cut_off_counted_and_told_as_a_flood(game: dict[str, Any]) -> None:
    flood = "ACTION: stag\n" + "\n".join(f"MESSAGE to b: {i}" for i in range(1000))
    played = play(game, Says(flood), "partner", rounds=2)
    delivered = [event for event in played.transcript.of("message", seat="a") if event.data["delivered"]]
    assert len(delivered) == 64
    assert [e.data["dropped"] for e in played.transcript.of("message", seat="a") if e.data["dropped"]] == [
        {"b": "flood"},
        {"b": "flood"},
    ]
    assert played.episode.success


def test_messages_to_oneself_and_to_nobody_are_dropped_and_counted(game: dict[str, Any]) -> None:
    text = "ACTION: stag\nMESSAGE to a: me\nMESSAGE to zoe: hello\nMESSAGE: none"
    played = play(game, Says(text), "partner", rounds=1)
    assert [e.data["dropped"] for e in played.transcript.of("message", seat="a")] == [
        {"a": "self"},
        {"zoe": "nobody"},
    ]
    assert played.episode.metrics["messages_dropped"] == 2


def test_one_agent_plays_all_seats_and_its_failure_is_its_own(game: dict[str, Any]) -> None:
    assert play(game, "partner", condition="solo", seats=3).episode.success
    episode = play(game, "random", condition="solo", seats=3).episode
    assert episode.outcome is Outcome.COMPETENCE
    assert episode.headline is not None
    assert episode.headline.seats == ("a",)
