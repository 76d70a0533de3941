"""Games in which nothing that a seat writes reaches another one, and every seat knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Recall
from pytest_collab.families.rounds.game import RoundGame

UNHEARD: Final = "In this episode nothing that you write reaches the others, and nothing of theirs reaches you."
"""What a seat is told where messages are not delivered: without it mates that never answer look like bad mates."""


class Muted(RoundGame):
    """A game under `mute`: the same game, whose seats are told that nobody hears them.

    The inner game is one without talk (see `RoundFamily.quiet`), so nothing in its instructions offers any.
    """

    def __init__(self, game: RoundGame) -> None:
        self.game = game
        self.seats = game.seats
        self.labels, self.commands = game.labels, game.commands

    @property
    def inner(self) -> RoundGame:
        return self.game.inner

    @property
    def state(self) -> Any:
        return self.game.state

    def brief(self, seat: str) -> str:
        return f"{self.game.brief(seat)}\n{UNHEARD}"

    def ask(self) -> Ask | None:
        return self.game.ask()

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        return self.game.prompt(seat, inbox)

    def recall(self, seat: str) -> Recall | None:
        recall = self.game.recall(seat)
        return recall if recall is None or recall.system is None else replace(recall, system=self.brief(seat))

    def parse(self, seat: str, reply: Reply) -> Move:
        return self.game.parse(seat, reply)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        return self.game.apply(moves)

    def solution(self) -> Any:
        return self.game.solution()

    def by_seat(self, moves: Mapping[str, Move]) -> Mapping[str, Move]:
        return self.game.by_seat(moves)
