"""What a seat remembers, where the game fixes it."""

from __future__ import annotations

from pytest_collab.agents.registry import Registry
from pytest_collab.episode.agent import Agent, Reply, Request, Turn
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Game, Recall
from pytest_collab.testing import Played, play_episode
from tests.support.handshake import Handshake, HandshakeFamily, HandshakeGame


class ForgetfulGame(HandshakeGame):
    """Each seat remembers the number of turns played, and nothing that was said."""

    def recall(self, seat: str) -> Recall:
        return Recall((Turn("user", f"{self.turn} turns ago"), Turn("assistant", "...")), f"Turn {self.turn // 2}.")


class ForgetfulFamily(HandshakeFamily):
    name = "forgetful"

    def deal(self, params: Handshake, seed: int, condition: Condition) -> Game:
        return ForgetfulGame(params, seed, condition)


class Watching(Agent):
    """Never says the number, and keeps what it was asked."""

    def __init__(self) -> None:
        self.name = "watching"
        self.requests: list[Request] = []

    async def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        return Reply("0")


def played(agent: Watching, **params: int) -> Played:
    family = ForgetfulFamily()
    return play_episode(
        Handshake(**params), (agent, agent), seed=1, family=family, registry=Registry(cast=family.cast)
    )


def test_a_game_that_fixes_what_is_remembered_replaces_the_conversation() -> None:
    agent = Watching()
    played(agent, turns=6)
    assert len(agent.requests) == 6
    for turn, request in enumerate(agent.requests):
        assert [one.text for one in request.conversation[:-1]] == [f"{turn} turns ago", "..."]
        assert request.conversation[-1].role == "user"
        assert request.system == f"Turn {turn // 2}."


def test_new_standing_instructions_are_written_down_once() -> None:
    transcript = played(Watching(), turns=6).transcript
    briefs = [event.data["text"] for event in transcript.of("brief", seat="a")]
    assert briefs[0].startswith("Both of you")
    assert briefs[1:] == ["Turn 0.", "Turn 1.", "Turn 2."]


def test_what_is_remembered_is_still_cut_to_the_agents_context() -> None:
    class Narrow(Watching):
        context_tokens = 10

    class Long(ForgetfulGame):
        def recall(self, seat: str) -> Recall:
            return Recall(tuple(Turn("user" if i % 2 == 0 else "assistant", "x" * 40) for i in range(8)))

    class LongFamily(ForgetfulFamily):
        def deal(self, params: Handshake, seed: int, condition: Condition) -> Game:
            return Long(params, seed, condition)

    agent, family = Narrow(), LongFamily()
    transcript = play_episode(
        Handshake(turns=2), (agent, agent), seed=1, family=family, registry=Registry(cast=family.cast)
    ).transcript
    assert transcript.of("trim")
    assert all(len(request.conversation) < 9 for request in agent.requests)
