"""Games with a guide: one more seat, which sees everything and can only tell.

The idea is HAMMER's central agent that only sends messages (arXiv 2102.00824): what is it worth to a team that
somebody sees it all?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import GUIDE
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Recall, Speech
from pytest_collab.families.rounds.game import RoundGame, Wrapped
from pytest_collab.families.rounds.reply import read, speeches

TOLD_OF: Final = (
    "There is also a guide. It sees everything that any of you is given, answers nothing and does nothing: all it "
    "can do is write to you. Nobody can write to it."
)
"""What the other seats are told."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a family gives its guide.

    Attributes:
        brief: its standing instructions: all that any seat is told, and how to write to whom.
        names: the seats that it can write to, by what it may call them (lower-case).
        phases: in which it is asked, together with the others.
        limit: where its messages are cut off, in characters.
        view: what it sees now, as data; `prompt`: the same in words.
    """

    brief: str
    names: Mapping[str, str]
    phases: frozenset[str]
    limit: int
    view: Callable[[], Mapping[str, Any]]
    prompt: Callable[[], str]


class Guided(Wrapped):
    """A game with a guide on the seat after its last."""

    def __init__(self, game: RoundGame, sight: Sight) -> None:
        super().__init__(game, (*game.seats, GUIDE))
        self.sight = sight

    def brief(self, seat: str) -> str:
        return self.sight.brief if seat == GUIDE else f"{self.game.brief(seat)}\n{TOLD_OF}"

    def ask(self) -> Ask | None:
        asked = self.game.ask()
        if asked is None or asked.phase not in self.sight.phases:
            return asked
        return Ask((*asked.seats, GUIDE), asked.phase)

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        if seat != GUIDE:
            return self.game.prompt(seat, inbox)
        return Prompt(self.sight.prompt(), self.sight.view(), may_be_silent=True)

    def recall(self, seat: str) -> Recall | None:
        return None if seat == GUIDE else super().recall(seat)

    def parse(self, seat: str, reply: Reply) -> Move:
        if seat != GUIDE:
            return self.game.parse(seat, reply)
        found = speeches(read(reply.text, ("message",)), dict(self.sight.names))
        return Move(None, tuple(Speech(one.text[: self.sight.limit], one.to) for one in found))

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        return self.game.apply({seat: move for seat, move in moves.items() if seat != GUIDE})

    def by_seat(self, moves: Mapping[str, Move]) -> Mapping[str, Move]:
        return self.game.by_seat({seat: move for seat, move in moves.items() if seat != GUIDE})
