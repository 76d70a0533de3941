"""Games played in rounds, and the adapter by which one agent plays all seats of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_collab.episode.agent import Reply, ToolCall
from pytest_collab.episode.channel import Message
from pytest_collab.episode.game import Ask, Game, Move, Note, Prompt, Recall
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.rounds.reply import sections


class RoundGame(Game):
    """A game whose whole state is one frozen value, replaced in `apply` and nowhere else.

    Attributes:
        state: the frozen state; verdicts and pictures read it.
        labels: labels of the family's replies beside `message`, for `Solo`.
        commands: labels that stand without a colon.
    """

    state: Any
    labels: Sequence[str] = ("action", "message")
    commands: Sequence[str] = ()

    @property
    def inner(self) -> RoundGame:
        """The game of the rules: itself, or the one that it wraps (`Solo`, `Muted`)."""
        return self

    def by_seat(self, moves: Mapping[str, Move]) -> Mapping[str, Move]:
        """The moves of the seats of the rules (for `Solo`, what its one agent commanded for each)."""
        return moves


class Wrapped(RoundGame):
    """A game around another one: everything is handed on to that, but for what a subclass changes.

    Attributes:
        game: the one inside.
        seats: those that agents take; the game's own by default.
    """

    def __init__(self, game: RoundGame, seats: tuple[str, ...] | None = None) -> None:
        self.game = game
        self.seats = game.seats if seats is None else seats
        self.labels, self.commands = game.labels, game.commands

    @property
    def inner(self) -> RoundGame:
        return self.game.inner

    @property
    def state(self) -> Any:
        return self.game.state

    def brief(self, seat: str) -> str:
        return self.game.brief(seat)

    def ask(self) -> Ask | None:
        return self.game.ask()

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        return self.game.prompt(seat, inbox)

    def recall(self, seat: str) -> Recall | None:
        """As the game has it, with what this one tells a seat first."""
        recall = self.game.recall(seat)
        return recall if recall is None or recall.system is None else replace(recall, system=self.brief(seat))

    def parse(self, seat: str, reply: Reply) -> Move:
        return self.game.parse(seat, reply)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        return self.game.apply(moves)

    async def open(self, transcript: Transcript) -> None:
        await self.game.open(transcript)

    async def close(self, transcript: Transcript) -> None:
        await self.game.close(transcript)

    def solution(self) -> Any:
        return self.game.solution()

    def by_seat(self, moves: Mapping[str, Move]) -> Mapping[str, Move]:
        return self.game.by_seat(moves)


@dataclass(frozen=True, slots=True)
class Commands(Move):
    """What one agent commanded for several seats."""

    inner: Mapping[str, Move] = field(default_factory=dict)


class Solo(Wrapped):
    """All seats of a game under one agent: one prompt with a section per seat, one reply with a section per seat.

    The rules stay the same. What a seat "says" to another is carried over in the adapter: no channel is needed to
    talk to oneself, and nothing is gained or lost by it.
    """

    def __init__(self, game: RoundGame) -> None:
        super().__init__(game, game.seats[:1])
        self._inbox: dict[str, list[Message]] = {seat: [] for seat in game.seats}

    def brief(self, seat: str) -> str:
        seats = ", ".join(self.game.seats)
        example = self.game.seats[-1]
        return (
            f"You play ALL seats of this game alone: {seats}. Each turn you are told what each seat knows, and you "
            f"answer for every seat that is asked, in one reply with one section per seat, begun by a line such as "
            f"`SEAT {example}`. These are the rules, as seat {self.game.seats[0]} is told them; the other seats' are "
            f"the same but for the names:\n\n{self.game.brief(self.game.seats[0])}"
        )

    def ask(self) -> Ask | None:
        asked = self.game.ask()
        return None if asked is None else Ask(self.seats, asked.phase)

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        asked = self._asked()
        parts = {one: self.game.prompt(one, tuple(self._inbox[one])) for one in asked}
        text = "\n\n".join(f"SEAT {one}\n{part.text}" for one, part in parts.items())
        messages = {one: tuple(self._inbox[one]) for one in asked}
        view = {"seats": {one: dict(part.view) for one, part in parts.items()}, "inbox": messages}
        kept = all(part.keep for part in parts.values())
        silence = all(part.may_be_silent for part in parts.values())
        return Prompt(text, view, keep=kept, may_be_silent=silence)

    def recall(self, seat: str) -> Recall | None:
        """Nothing where the game gives its seats a memory of its own: what they remember is in their prompts."""
        return None if all(self.game.recall(one) is None for one in self.game.seats) else Recall()

    def parse(self, seat: str, reply: Reply) -> Move:
        asked = self._asked()
        texts = sections(reply.text, asked, self.labels, self.commands)
        inner = {one: self.game.parse(one, reply.with_text(texts.get(one, ""))) for one in asked}
        action = {one: move.action for one, move in inner.items() if move.action is not None}
        why = "; ".join(f"seat {one}: {move.malformed}" for one, move in inner.items() if move.malformed)
        return Commands(action or None, (), why or None, inner)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        inner = self.by_seat(moves)
        for one in inner:
            self._inbox[one] = []
        for one, move in inner.items():
            for speech in move.messages:
                for to in speech.to if speech.to is not None else [s for s in self.game.seats if s != one]:
                    if to in self._inbox and to != one:
                        self._inbox[to].append(Message(-1, one, (to,), speech.text))
        return self.game.apply(inner)

    def by_seat(self, moves: Mapping[str, Move]) -> Mapping[str, Move]:
        commands = next(iter(moves.values()))
        return commands.inner if isinstance(commands, Commands) else {}

    def _asked(self) -> tuple[str, ...]:
        asked = self.game.ask()
        return () if asked is None else asked.seats


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of a finished episode, replayed.

    Attributes:
        before, after: the game's state around it.
        moves: by seat of the rules.
        replies: the `reply` event in which each of these seats (or the agent that plays it) answered.
    """

    turn: int
    phase: str
    before: Any
    after: Any
    moves: Mapping[str, Move]
    replies: Mapping[str, Event]


def walk(game: RoundGame, transcript: Transcript) -> Iterator[Step]:
    """Play a transcript's replies again on a freshly dealt game, turn by turn.

    Stops where the episode was cut in mid-turn, as `episode.game.replay` does.
    """
    by_turn: dict[int, dict[str, Event]] = {}
    for event in transcript.of("reply"):
        by_turn.setdefault(event.data["turn"], {})[str(event.seat)] = event
    for turn in sorted(by_turn):
        asked = game.ask()
        if asked is None or set(asked.seats) != set(by_turn[turn]):
            return
        moves = {seat: game.parse(seat, _reply(by_turn[turn][seat])) for seat in asked.seats}
        before = game.state
        game.apply(moves)
        inner = game.by_seat(moves)
        replies = {seat: by_turn[turn].get(seat, by_turn[turn][asked.seats[0]]) for seat in inner}
        yield Step(turn, asked.phase, before, game.state, inner, replies)


def _reply(event: Event) -> Reply:
    calls = tuple(ToolCall(c["id"], c["name"], c["arguments"]) for c in event.data.get("tool_calls", ()))
    return Reply(event.data["text"], calls, event.data.get("stop", "end"))
