"""Refusals, filters and cut answers are told as what they are, in every family, and never counted as silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_collab import families
from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.episode.outcome import Outcome
from pytest_collab.families.commons import Commons
from pytest_collab.families.maze import Maze
from pytest_collab.families.philosophers import Philosophers
from pytest_collab.report.story import tell
from pytest_collab.testing import Played, play_episode
from tests.support.handshake import Handshake, HandshakeFamily

PARAMS = {
    "maze": Maze(size=6, turns=6),
    "commons": Commons(),
    "philosophers": Philosophers(),
    "handshake": Handshake(turns=8),
}


class Breaks(Agent):
    """Its answers come to nothing, all of them or every `every`th one; the rest says a number."""

    def __init__(self, stop: Any, text: str = "", every: int = 1) -> None:
        self.name = f"breaks-{stop}"
        self.stop, self.text, self.every = stop, text, every
        self.answers = 0

    async def reply(self, request: Request) -> Reply:
        self.answers += 1
        if self.answers % self.every:
            return Reply("hm")
        return Reply(self.text, stop=self.stop)


def play(name: str, *team: Any) -> Played:
    family = HandshakeFamily() if name == "handshake" else families.get(name)
    return play_episode(PARAMS[name], team, family=family)


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize(("stop", "code"), [("refusal", "refused"), ("filter", "refused"), ("length", "cut_off")])
def test_answers_that_break_off_are_a_code_of_their_own_in_every_family(name: str, stop: str, code: str) -> None:
    played = play(name, Breaks(stop), Breaks(stop))
    episode = played.episode
    assert episode.outcome is Outcome.COMPETENCE
    assert episode.headline is not None
    assert episode.headline.code == code
    assert episode.settled
    assert not any(failure.is_coordination for failure in episode.failures)
    proof = [played.transcript[seq] for seq in episode.headline.events]
    assert proof
    assert all(event.kind == "reply" and event.data["stop"] == stop for event in proof)
    assert all(usage.stops == {stop: len(played.transcript.of("reply", seat=seat))}
               for seat, usage in episode.usage.items())  # fmt: skip


def test_only_the_seat_whose_answers_broke_off_is_blamed_for_them() -> None:
    episode = play("maze", "partner", Breaks("refusal")).episode
    assert episode.headline is not None
    assert (episode.headline.code, episode.headline.seats) == ("refused", ("b",))
    assert all("b" not in failure.seats for failure in episode.failures[1:])


def test_a_few_broken_answers_stand_behind_what_the_episode_failed_by() -> None:
    episode = play("handshake", Breaks("length", "hm", every=3), "partner").episode
    codes = [failure.code for failure in episode.failures]
    assert codes[-1] == "cut_off"
    assert codes[0] != "cut_off"


def test_a_success_is_a_success() -> None:
    episode = play("handshake", "partner", "partner").episode
    assert episode.success
    assert all(usage.stops == {} for usage in episode.usage.values())


def test_the_terminal_says_what_became_of_an_answer() -> None:
    played = play("maze", "partner", Breaks("length", "I see a wall"))
    text = tell(played, Path("x"))  # type: ignore[arg-type]
    assert "b's answer was cut off at its length limit (stop: length) after: I see a wall" in text
    assert "cut_off [competence] seat b" in text
