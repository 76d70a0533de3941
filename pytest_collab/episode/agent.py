"""What sits on a seat: the interface that models, programs, recordings and people share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

if TYPE_CHECKING:
    from pytest_collab.episode.channel import Message
    from pytest_collab.episode.condition import Condition


UNREADABLE: Final = "_unreadable_arguments"
"""The argument under which a tool gets text that the model wrote where a JSON object was due."""


SPEECHLESS: Final = "(no answer)"
"""Stands for an empty assistant turn, which providers refuse to be sent."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that an agent may call.

    Attributes:
        parameters: JSON Schema of the arguments object.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """An agent's wish to use a tool. `id` ties the result to it."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back, as text for the agent."""

    id: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One entry of a seat's conversation, in the shape that every provider can be fed from.

    Attributes:
        role: `user` (the game speaks, or tools answer) or `assistant` (the agent speaks).
        opaque: the provider's own blocks of an assistant turn (reasoning, signatures), passed back as they came
            to the same provider and ignored by others.
    """

    role: Literal["user", "assistant"]
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()
    opaque: Any = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What one answer consumed, retries included.

    Attributes:
        input_tokens: all input, cached included.
        cached_tokens: the part of the input that was read from the provider's cache.
        cost_usd: None when it is not known in full: the price is not known, or what an attempt consumed is not.
        known_usd: the part of the cost that is known, where `cost_usd` is None.
        guessed_usd: an estimate of the part that is not; for budgets, never for reports.
    """

    calls: int = 1
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = 0.0
    retries: int = 0
    known_usd: float = 0.0
    guessed_usd: float = 0.0

    @property
    def at_least_usd(self) -> float:
        """What is known to have been paid."""
        return self.known_usd if self.cost_usd is None else self.cost_usd

    def __add__(self, other: Usage) -> Usage:
        unknown = self.cost_usd is None or other.cost_usd is None
        known = self.at_least_usd + other.at_least_usd
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            None if unknown else known,
            self.retries + other.retries,
            known if unknown else 0.0,
            self.guessed_usd + other.guessed_usd,
        )


@dataclass(frozen=True, slots=True)
class Request:
    """What the engine asks of an agent.

    Attributes:
        seat: the seat that is to answer.
        turn: the engine's turn number, from 0.
        system: standing instructions: rules, role, what the seat may see and do.
        conversation: the seat's history, the newest user turn last.
        tools: tools on offer; empty for families that are played in plain text.
        view: the seat's own knowledge as data: the same facts as the text, never more. For programs.
        inbox: messages of other seats delivered with this request (the text contains them too).
        phase: the family's name for what is asked (`talk`, `act`, ...).
        may_be_silent: an empty answer is a full answer here; nobody asks again for a better one.
        passing: so many of the newest turns will not stand in a later request as they stand here: they are not worth
            their place in a prompt cache.
    """

    seat: str
    turn: int
    system: str
    conversation: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    view: Mapping[str, Any] = field(default_factory=dict)
    inbox: tuple[Message, ...] = ()
    phase: str = ""
    may_be_silent: bool = False
    passing: int = 0

    @property
    def text(self) -> str:
        """The newest user turn's text."""
        return self.conversation[-1].text if self.conversation else ""

    def opening(self) -> str:
        """All of it as one text, to begin a conversation elsewhere: instructions, the past, and what is asked now."""
        parts = [self.system] if self.system else []
        who = {"user": "You were told", "assistant": "You answered"}
        past = [f"{who[turn.role]}:\n{turn.text}" for turn in self.conversation[:-1] if turn.text]
        if past:
            parts.append("What has been said so far:\n\n" + "\n\n".join(past) + "\n\nNow:")
        return "\n\n".join([*parts, self.text])


@dataclass(frozen=True, slots=True)
class Reply:
    """What an agent answered.

    Attributes:
        text: plain text; what of it is a message to others and what an action is for the family to read.
        stop: `end`, `tool` (wants tools), `length` (cut at its output limit), `refusal`, `filter`.
        model: the model that really answered, as the provider reports it.
        opaque: see `Turn.opaque`; JSON-ready.
        reasoning: reasoning text or summary, if the provider gives one; never shown to other seats.
        replayed: comes from a recording; what it cost was paid then, and is not taken from the budget.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    stop: Literal["end", "tool", "length", "refusal", "filter"] = "end"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    opaque: Any = None
    reasoning: str = ""
    replayed: bool = False

    def with_text(self, text: str) -> Reply:
        """The same reply with other text."""
        return replace(self, text=text)


class Casting(Protocol):
    """What a seat is told of the kind of problem: its name, and the built-in players that it casts."""

    @property
    def name(self) -> str:
        """As in YAML's `family:`."""

    @property
    def desks(self) -> bool:
        """Whether each seat has a place where an agent can do a whole job on its own (`Game.desk`)."""

    def player(self, name: str, seat: Seat) -> Agent:
        """The built-in player `name` for a seat. Raises TaskError when there is no such player."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A place at the table, as told to the agent that takes it.

    Attributes:
        name: `a`, `b`, ...
        seats: all seats of the episode, in order.
        agents: who sits where at the start.
        episode: the episode's id.
        own_pace: each seat works by itself: what it is told depends on the clock.
        solution: the hidden solution, given only to agents with `wants_solution`.
        note: writes down what the agent is doing of its own accord, as an `activity` event: a word for what it is,
            then details as keyword arguments, JSON-ready.
        overheard: writes down a message to teammates (text, and to whom: all when None) that went by a channel of the
            agents' own.
    """

    name: str
    seats: tuple[str, ...]
    agents: Mapping[str, str]
    family: Casting
    params: Any
    condition: Condition
    seed: int
    epoch: int
    episode: str
    solution: Any = None
    own_pace: bool = False
    note: Callable[..., None] = field(default=lambda what, **data: None, compare=False, repr=False)
    overheard: Callable[..., None] = field(default=lambda text, to=None: None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an autonomous agent works at its own pace: a folder, a way to run commands, a telephone.

    Attributes:
        prompt: the task as text.
        folder: the seat's working tree on the host.
        run: run a command in the seat's sandbox: argv or a line for the shell, `timeout` in seconds, `stdin` (bytes),
            `cwd` (relative to the tree) and `env` -> (exit code, or None when it was killed; output).
        send: send `text` to the seats named (all others when None); returns what became of it, as text.
        receive: messages since the last call.
        env: environment for programs of the agent.
        tools: what else the seat can do here beside files, commands and talk (hand in, integrate, ...).
        call: does one of `tools`.
        inside: where commands in the sandbox find `folder`.
    """

    seat: Seat
    prompt: str
    folder: Path
    run: Callable[..., Awaitable[Any]]
    send: Callable[[str | None, str], Awaitable[str]]
    receive: Callable[[], Awaitable[tuple[Message, ...]]]
    env: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()
    call: Callable[[ToolCall], Awaitable[ToolResult]] | None = None
    inside: str = ""


class Agent(ABC):
    """Anything that can answer.

    Raising `ProviderError` (or another `InfrastructureError`) says that the infrastructure failed and the
    episode is no evidence; raising anything else counts as the agent's own nonsense (`malformed_action`).
    What a failed answer consumed all the same goes with the exception, as its attribute `usage` (a `Usage`).

    Attributes:
        name: as the user wrote it; shown everywhere.
        model: the model behind it, if any.
        context_tokens: how much conversation fits; None for no limit.
        wants_solution: is told the hidden solution (`oracle` only).
        autonomous: works at its own pace by `work` in families that allow it.
    """

    name: str = "agent"
    model: str = ""
    context_tokens: int | None = None
    wants_solution: bool = False
    autonomous: bool = False

    @abstractmethod
    async def reply(self, request: Request) -> Reply:
        """Answer one request. Called from one task at a time per seat, from many episodes at once."""

    def refuses(self, family: Casting) -> str | None:
        """Why the agent cannot take a seat in a family, as a sentence with the remedy; None where it can."""
        return None

    def seated(self, seat: Seat) -> Agent:
        """The object that answers for this seat in this episode; called once, before the first request."""
        return self

    def instructions(self, desk: Desk) -> str:
        """All that the agent is told of its job: the desk's own text, and what an autonomous agent adds to it."""
        return desk.prompt

    async def work(self, desk: Desk) -> Reply:
        """Do a whole job at one's own pace. Only for `autonomous` agents."""
        raise NotImplementedError(f"agent {self.name!r} cannot work on its own")

    async def leave(self) -> None:
        """The episode is over for this seat: release what `seated` took."""

    async def aclose(self) -> None:
        """The session is over: close clients and connections."""

    def describe(self) -> dict[str, Any]:
        """What run.json stores about the agent. No secrets."""
        return {"name": self.name, "model": self.model}
