"""A game: one episode's state, as the engine drives it. Pure rules live behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pytest_collab.episode.agent import Desk, Reply, Seat, Tool, ToolCall, ToolResult, Turn
from pytest_collab.episode.transcript import Transcript

if TYPE_CHECKING:
    from pytest_collab.episode.channel import Channel, Message


@dataclass(frozen=True, slots=True)
class Ask:
    """Who acts next: the seats are asked together and their moves applied together."""

    seats: tuple[str, ...]
    phase: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a seat is told when it is asked.

    Attributes:
        text: everything a model reads this turn (the engine does not add the inbox; the family words it).
        view: the same facts as data, for programs.
        keep: False to keep the text out of the transcript (long games whose prompts can be derived again).
        may_be_silent: the rules allow an empty answer here.
    """

    text: str
    view: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()
    keep: bool = True
    may_be_silent: bool = False


@dataclass(frozen=True, slots=True)
class Recall:
    """What a seat remembers when it is asked, where the game's protocol fixes that.

    Attributes:
        turns: the conversation before the newest prompt, oldest first, in place of all that was said.
        system: the standing instructions from now on; None leaves them as they are.
        settled: so many of the turns are likely to stand at the head of the next request too, word for word; a prompt
            cache keeps them.
    """

    turns: tuple[Turn, ...] = ()
    system: str | None = None
    settled: int = 0


@dataclass(frozen=True, slots=True)
class Speech:
    """Text for other seats; `to` None means all of them."""

    text: str
    to: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """What the rules read in a reply.

    Attributes:
        action: JSON-ready; None when the reply holds none.
        messages: what is sent to other seats.
        malformed: why the reply (or a part of it) cannot be read; None when all is well.
    """

    action: Any = None
    messages: tuple[Speech, ...] = ()
    malformed: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something the game wants in the transcript."""

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    seat: str | None = None


class Game(ABC):
    """One episode's state. Deterministic: the same seed and the same replies give the same game.

    `prompt`, `recall` and `parse` change nothing; `apply` is the only place where state changes.

    Attributes:
        seats: seats that agents sit on, in order (a solo game has one).
        pace: `turns` (the game says who acts) or `own` (every seat works by itself, with tools).
    """

    seats: tuple[str, ...]
    pace: Literal["turns", "own"] = "turns"

    @abstractmethod
    def brief(self, seat: str) -> str:
        """The seat's standing instructions: rules, role, what it may see and do."""

    def brief_at_desk(self, seat: str) -> str:
        """The same for an agent that works on its own, with tools that are not the game's (pace `own`)."""
        return self.brief(seat)

    @abstractmethod
    def ask(self) -> Ask | None:
        """Who acts next; None when the game is over."""

    @abstractmethod
    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        """What the seat is told now, messages in `inbox` included."""

    def recall(self, seat: str) -> Recall | None:
        """What the seat remembers of the turns before this one; None for all of its conversation.

        For protocols with a window of memory. Asked before every `prompt`; what does not fit the agent's context is
        left out all the same.
        """
        return None

    @abstractmethod
    def parse(self, seat: str, reply: Reply) -> Move:
        """Read a reply. Never raises on what an agent wrote."""

    @abstractmethod
    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        """Let the asked seats' moves happen, in seat order."""

    def solution(self) -> Any:
        """The hidden solution, for `oracle`."""
        return None

    # Games at their own pace, and games that need the world outside.

    def connect(self, channel: Channel) -> None:
        """Pace `own`: what seats' tools send and receive goes through `channel`. Called once, before `open`."""

    async def open(self, transcript: Transcript) -> None:
        """Set up what the game needs. Raises `InfrastructureError` when it cannot."""

    async def begin(self, seat: str) -> None:
        """Pace `own`: returns when the seat may begin to work (at once, unless seats work one after the other)."""

    async def call(self, seat: str, call: ToolCall) -> ToolResult:
        """Carry out a tool call of a seat (pace `own`)."""
        return ToolResult(call.id, f"there is no tool called {call.name!r}", is_error=True)

    async def desk(self, seat: Seat) -> Desk | None:
        """Where an autonomous agent works (pace `own`); None when the game has no place for one."""
        return None

    def finished(self, seat: str) -> bool:
        """Has the seat finished its work (pace `own`)?"""
        return self.ask() is None

    async def leave(self, seat: str) -> None:
        """Pace `own`: the seat works no more, whether it said so or not. Not called when the episode is cut short."""

    async def close(self, transcript: Transcript) -> None:
        """Grade what must be graded from outside, writing `grade` events, and release what `open` took.

        Called once, also after limits and errors (then without grading if the transcript ends in `error`).
        """


def replay(game: Game, transcript: Transcript) -> Game:
    """Bring a freshly dealt turn-based game to the state in which the transcript left it.

    Only the `reply` events are read; everything else follows from the rules.
    """
    by_turn: dict[int, dict[str, Reply]] = {}
    for event in transcript.of("reply"):
        calls = tuple(ToolCall(c["id"], c["name"], c["arguments"]) for c in event.data.get("tool_calls", ()))
        reply = Reply(event.data["text"], calls, event.data.get("stop", "end"))
        by_turn.setdefault(event.data["turn"], {})[str(event.seat)] = reply
    for turn in sorted(by_turn):
        asked = game.ask()
        if asked is None or set(asked.seats) != set(by_turn[turn]):
            break  # the episode was cut in mid-turn (a limit, an error)
        game.apply({seat: game.parse(seat, by_turn[turn][seat]) for seat in asked.seats})
    return game
