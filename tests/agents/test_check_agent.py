"""`check_agent` finds what authors of agents get wrong; `recorded_team` plays without keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_collab import Agent, Reply, Request
from pytest_collab.agents.builtin import BuiltinAgent
from pytest_collab.episode.agent import Usage
from pytest_collab.errors import ProviderError, UsageError
from pytest_collab.testing import check_agent, play_episode, recorded_team
from tests.support.handshake import Handshake, HandshakeFamily

FOLDER = Path(__file__).parents[2] / "fixtures" / "recordings" / "maze"


class Plain(Agent):
    name = "plain"

    async def reply(self, request: Request) -> Reply:
        return Reply("I have nothing to say.")


class Raises(Plain):
    async def reply(self, request: Request) -> Reply:
        raise ValueError("oops")


class Down(Plain):
    async def reply(self, request: Request) -> Reply:
        raise ProviderError("down")


class Dumb(Plain):
    async def reply(self, request: Request) -> Any:
        return 7


class Miscounts(Plain):
    async def reply(self, request: Request) -> Reply:
        return Reply("x", usage=Usage(input_tokens=1, cached_tokens=5))


class Tells(Plain):
    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "key": "sk-very-secret-value"}


class LeavesBadly(Plain):
    async def leave(self) -> None:
        raise OSError("no")


def test_an_agent_that_keeps_its_promises_passes() -> None:
    check_agent(Plain, seeds=(0,))
    check_agent(lambda: BuiltinAgent("partner"), seeds=(0, 1))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (Raises, "the agent raised ValueError: oops"),
        (Down, "down"),
        (Dumb, "answered with int"),
        (Miscounts, "cached tokens are part of the input"),
        (Tells, "gives away the value of SOME_API_KEY"),
        (LeavesBadly, "left badly"),
    ],
)
def test_a_broken_promise_is_named(make: type[Agent], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-very-secret-value")
    with pytest.raises(AssertionError, match=told):
        check_agent(make, seeds=(0,))


def test_a_recorded_team_is_made_of_the_agents_recorded() -> None:
    assert [agent.name for agent in recorded_team(FOLDER)] == ["ada", "bob", "mum"]
    team = recorded_team(FOLDER, ["bob", "ada"])
    with pytest.raises(UsageError, match="holds no answer"):
        play_episode(Handshake(), team, family=HandshakeFamily())
    with pytest.raises(UsageError, match="unknown agent 'eve'"):
        recorded_team(FOLDER, ["eve"])
