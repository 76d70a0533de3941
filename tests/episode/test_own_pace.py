"""Games at their own pace: every seat works by itself, with tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import anyio
import pytest

from pytest_collab.episode.agent import Agent, Desk, Reply, Request, Seat, Tool, ToolCall, ToolResult
from pytest_collab.episode.channel import Channel, Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Family, Params
from pytest_collab.episode.game import Ask, Game, Move, Note, Prompt
from pytest_collab.episode.limits import Limits, SeatLimits
from pytest_collab.episode.outcome import Outcome, Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import AgentFault, UsageError
from pytest_collab.testing import Played, play_episode


class Chores(Params):
    family: ClassVar[str] = "chores"

    one_by_one: bool = False
    desks: bool = True


class ChoresGame(Game):
    """Each seat ticks its chore off. `pass_on` sends a message; `slow` waits for one."""

    pace = "own"

    def __init__(self, params: Chores) -> None:
        self.seats = ("a", "b")
        self.params = params
        self.done: list[str] = []
        self.left = {seat: anyio.Event() for seat in self.seats}

    def brief(self, seat: str) -> str:
        return "tick it off"

    def ask(self) -> Ask | None:
        return None if len(self.done) == 2 else Ask(self.seats)

    def finished(self, seat: str) -> bool:
        return seat in self.done

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        return Prompt(" ".join(message.text for message in inbox), tools=(Tool("tick", "tick it off", {}),))

    def parse(self, seat: str, reply: Reply) -> Move:
        return Move(action=[call.name for call in reply.tool_calls] or None)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        return []

    def connect(self, channel: Channel) -> None:
        self.channel = channel

    async def begin(self, seat: str) -> None:
        if self.params.one_by_one and seat == "b":
            await self.left["a"].wait()

    async def leave(self, seat: str) -> None:
        self.left[seat].set()

    async def call(self, seat: str, call: ToolCall) -> ToolResult:
        if call.name == "tick":
            self.done.append(seat)
        elif call.name == "pass_on":
            return ToolResult(call.id, str(self.channel.send(seat, "passed on")))
        elif call.name == "wait":
            await self.channel.wait(seat)
            return ToolResult(call.id, str(len(self.channel.collect(seat))))
        else:
            return await super().call(seat, call)
        return ToolResult(call.id, "ticked")

    async def desk(self, seat: Seat) -> Desk | None:
        if not self.params.desks:
            return None

        async def nothing(*_: Any) -> Any:
            self.done.append(seat.name)

        return Desk(seat, "tick it off", None, nothing, nothing, nothing)  # type: ignore[arg-type]


class ChoresFamily(Family[Chores]):
    name = "chores"
    params_type = Chores
    cast: ClassVar[Mapping[str, str]] = {}

    def seats(self, params: Chores) -> tuple[str, ...]:
        return ("a", "b")

    def deal(self, params: Chores, seed: int, condition: Condition) -> Game:
        return ChoresGame(params)

    def verdict(self, params: Chores, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return Verdict(Outcome.SUCCESS, 1.0)


class Does(Agent):
    """Answers with these tool calls, one list after the other."""

    def __init__(self, *answers: Sequence[str], name: str = "does") -> None:
        self.name = name
        self.answers = list(answers)
        self.requests: list[Request] = []

    async def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        names = self.answers.pop(0) if self.answers else ["tick"]
        return Reply(f"{self.name}", tuple(ToolCall(str(i), name, {}) for i, name in enumerate(names)), "tool")


def play(*team: Agent, condition: str = "team", limits: Limits | None = None, **params: Any) -> Played:
    return play_episode(Chores(**params), team, condition, family=ChoresFamily(), limits=limits)


def test_each_answer_is_a_turn_of_its_own_and_all_its_events_carry_that_number() -> None:
    played = play(Does(["x"], ["x"]), Does(["x"]))
    by_turn: dict[int, set[str]] = {}
    for event in played.transcript.of("prompt", "reply", "action", "tool_call"):
        by_turn.setdefault(event.data["turn"], set()).add(str(event.seat))
    assert sorted(by_turn) == list(range(5))
    assert all(len(seats) == 1 for seats in by_turn.values())
    assert played.episode.turns == 5


def test_results_come_with_the_next_request_and_unknown_tools_are_errors() -> None:
    agent = Does(["x", "tick", "tick"])
    played = play(agent, Does())
    said = [(event.data["text"], event.data["is_error"]) for event in played.transcript.of("tool_result", seat="a")]
    assert said[0] == ("there is no tool called 'x'", True)
    assert said[1:] == [("ticked", False), ("not done: you have finished", True)]
    calls = played.transcript.of("tool_call", seat="a")
    results = played.transcript.of("tool_result", seat="a")
    assert [event.data["call"] for event in results] == [event.seq for event in calls]


def test_waiting_ends_with_a_message_or_when_nobody_is_left_to_send_one() -> None:
    waiting = Does(["wait"], ["wait"])
    play(waiting, Does(["pass_on"]))
    heard = [request.conversation[-1].tool_results[0].text for request in waiting.requests[1:]]
    assert heard == ["1", "0"] or heard == ["0", "0"]  # the message may also have come with the first question
    if heard[0] == "0":
        assert waiting.requests[0].text == "passed on"


def test_a_game_may_let_seats_work_one_after_the_other() -> None:
    played = play(Does(["x"], ["x"]), Does(), one_by_one=True)
    assert [event.seat for event in played.transcript.of("prompt")] == ["a", "a", "a", "b"]


def test_a_relay_hands_over_in_the_middle_of_the_work() -> None:
    first, second = Does(["pass_on"], ["pass_on"], name="first"), Does(name="second")
    played = play(first, second, condition="relay:1")
    seated = [(event.seat, event.data["agent"]) for event in played.transcript.of("seated")]
    assert seated == [("a", "first"), ("b", "second"), ("a", "second")]
    assert len(first.requests) == 1
    assert any(turn.text == "first" for turn in second.requests[-1].conversation)


def test_a_limit_of_one_seat_ends_the_episode() -> None:
    played = play(Does(*[["x"]] * 9), Does(), limits=Limits(seat=SeatLimits(turns=3)))
    (brief, _) = played.transcript.of("brief")
    assert brief.data["text"].startswith(
        "tick it off\n\nLimits: 3 answers of yours, 10 min for one answer. Where one"
    )
    assert played.transcript.of("limit")[0].data["code"] == "turn_limit"
    assert played.transcript.of("limit")[0].seat == "a"


class Works(Agent):
    name = "works"
    autonomous = True

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def reply(self, request: Request) -> Reply:
        raise AssertionError

    async def work(self, desk: Desk) -> Reply:
        await desk.run("tick")
        if self.error is not None:
            raise self.error
        return Reply("did it")


def test_an_autonomous_agent_does_its_job_in_one_turn() -> None:
    played = play(Works(), Does())
    assert [event.data["text"] for event in played.transcript.of("reply", seat="a")] == ["did it"]
    assert played.transcript.of("prompt", seat="a")[0].data["text"] == "tick it off"


@pytest.mark.parametrize("error", [AgentFault("it ended with status 3"), ValueError("nonsense")])
def test_an_autonomous_agent_that_fails_has_itself_to_blame(error: Exception) -> None:
    played = play(Works(error), Does())
    assert played.episode.outcome is not Outcome.INFRASTRUCTURE
    assert str(error) in played.transcript.of("malformed", seat="a")[0].data["why"]


def test_an_autonomous_agent_needs_a_desk() -> None:
    with pytest.raises(UsageError, match="does not allow"):
        play(Works(), Does(), desks=False)


@pytest.mark.parametrize(("stop", "why"), [("length", "cut off"), ("filter", "refused or filtered")])
def test_no_tool_of_an_answer_that_broke_off_is_used(stop: Any, why: str) -> None:
    class Cut(Does):
        async def reply(self, request: Request) -> Reply:
            answer = await super().reply(request)
            return answer if len(self.requests) > 1 else replace(answer, stop=stop)

    agent = Cut(["tick"], ["tick"])
    played = play(agent, Does())
    first, second = played.transcript.of("tool_result", seat="a")
    assert first.data["is_error"]
    assert why in first.data["text"]
    assert agent.requests[1].conversation[-1].tool_results[0].text == first.data["text"]
    assert second.data["text"] == "ticked"
