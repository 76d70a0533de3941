"""One dialogue about one maze, as the engine drives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_collab.core.spec import MazeRecord
from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Game, Move, Note, Prompt, Speech
from pytest_collab.episode.text import MESSAGE_LIMIT, bounded, valid
from pytest_collab.families.maze import seats as words
from pytest_collab.families.maze.reader import Reading, Utterance, read
from pytest_collab.families.maze.rules import solve

PRINTABLE_SHARE = 0.5
"""A reply with a smaller share of printable characters than this is noise, not a message."""


class MazeGame(Game):
    """Seats speak in turn until they agree on a path to the goal, all say that they are done, or time is up.

    What the seats agree on is read by the rules of `reader` after every message; whether the path is legal plays no
    part in when the dialogue ends, because nobody at the table could know.
    """

    def __init__(self, maze: MazeRecord, turns: int, condition: Condition) -> None:
        self.maze = maze
        self.turns = turns
        self.condition = condition
        self.seats = ("a",) if condition.solo else tuple(words.SEAT_NAMES[: len(maze.visible)])
        self.turn = 0
        self.utterances: tuple[Utterance, ...] = ()
        self.reading: Reading = self._read()

    def brief(self, seat: str) -> str:
        return words.brief(self.maze, seat, self.seats, self.turns, self.condition)

    def ask(self) -> Ask | None:
        if self.turn >= self.turns or self.finished_talking():
            return None
        return Ask((self.seats[self.turn % len(self.seats)],), "talk")

    def finished_talking(self) -> bool:
        """The agreed path is at the goal, or everyone has said that they are done."""
        return self.maze.goal in self.reading.path or set(self.seats) <= set(self.reading.done)

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        text = words.prompt(seat, self.seats, inbox, self.turn, self.turns, self.condition)
        return Prompt(text, self.view(seat))

    def view(self, seat: str) -> dict[str, Any]:
        """The seat's own knowledge as data: its copies, what it has said and heard, and whose turn it is."""
        copies = words.copies(self.maze, seat, self.condition)
        known = {cell: what for rows in copies.values() for cell, what in words.cells_of(rows).items()}
        by_symbol = {what: cell for cell, what in known.items() if what in (words.START, words.GOAL)}
        return {
            "seat": seat,
            "seats": self.seats,
            "size": self.maze.size,
            "copies": copies,
            "start": by_symbol.get(words.START),
            "goal": by_symbol.get(words.GOAL),
            "turn": self.turn,
            "turns": self.turns,
            "muted": self.condition.muted,
            "dialogue": tuple(
                (said.seat, said.text) for said in self.utterances if said.seat == seat or seat in said.heard_by
            ),
        }

    def parse(self, seat: str, reply: Reply) -> Move:
        text = reply.text
        if not text.strip():
            return Move(malformed="the reply is empty")
        printable = sum(character.isprintable() or character.isspace() for character in text)
        if printable < PRINTABLE_SHARE * len(text):
            return Move(malformed=f"the reply is noise: {printable} of {len(text)} characters can be printed")
        too_long = (
            f"the message has {len(text)} characters; its middle was left out" if len(text) > MESSAGE_LIMIT else None
        )
        return Move(messages=(Speech(text),), malformed=too_long)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        for seat in self.seats:
            for speech in moves[seat].messages if seat in moves else ():
                self._hear(seat, speech.text)
        self.turn += 1
        return ()

    def _hear(self, seat: str, text: str) -> None:
        heard_by = () if self.condition.muted else tuple(other for other in self.seats if other != seat)
        said = Utterance(seat, bounded(valid(text), MESSAGE_LIMIT), len(self.utterances), heard_by)
        self.utterances = (*self.utterances, said)
        self.reading = self._read()

    def _read(self) -> Reading:
        maze = self.maze
        return read(self.utterances, size=maze.size, start=maze.start, goal=maze.goal, seats=self.seats)

    def solution(self) -> tuple[tuple[int, int], ...]:
        """A shortest path, start and goal included."""
        return solve(self.maze)
