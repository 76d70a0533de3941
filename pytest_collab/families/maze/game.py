"""One dialogue about one maze, as the engine drives it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Game, Move, Note, Prompt, Speech
from pytest_collab.episode.text import MESSAGE_LIMIT, bounded, valid
from pytest_collab.families.maze import paper
from pytest_collab.families.maze import seats as words
from pytest_collab.families.maze.hearers import hearers
from pytest_collab.families.maze.reading.case import SURE_ENOUGH
from pytest_collab.families.maze.reading.executed import extended
from pytest_collab.families.maze.reading.hearing import dialogue, heard
from pytest_collab.families.maze.reading.reader import Reading
from pytest_collab.families.maze.rules import Cell, solve, walk

PRINTABLE_SHARE: Final = 0.5
"""A reply with a smaller share of printable characters than this is noise, not a message."""

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")


class MazeGame(Game):
    """Seats speak in turn until they agree on a path to the goal, all say that they are done, or time is up.

    What the seats agree on is read by the rules of `reader` after every message; whether the path is legal plays no
    part in when the dialogue ends, because nobody at the table could know.
    """

    def __init__(
        self,
        maze: MazeRecord,
        turns: int,
        condition: Condition,
        *,
        as_paper: bool = False,
        layout: str = "ascii",
        talk: str = "all",
    ) -> None:
        self.maze = maze
        self.turns = turns
        self.condition = condition
        self.paper = as_paper
        self.layout = layout
        self.seats = ("a",) if condition.solo else tuple(words.SEAT_NAMES[: len(maze.visible)])
        self.hearers = hearers(self.seats, talk, muted=condition.muted)
        self.turn = 0
        self.said: tuple[tuple[str, str], ...] = ()
        self.reading: Reading = self._read()
        self.made: tuple[Cell, ...] = (maze.start,)

    def brief(self, seat: str) -> str:
        if self.paper:
            return paper.brief(self.circle(seat))
        return words.brief(self.maze, seat, self.seats, self.turns, self.condition, self.layout, self.circle(seat))

    def circle(self, seat: str) -> tuple[str, ...]:
        """The seat and whom it talks to; all seats where nobody hears anything."""
        heard_by = self.hearers[seat] or tuple(other for other in self.seats if other != seat)
        return tuple(other for other in self.seats if other == seat or other in heard_by)

    def ask(self) -> Ask | None:
        if self.turn >= self.turns or self.finished_talking():
            return None
        return Ask((self.seats[self.turn % len(self.seats)],), "talk")

    def finished_talking(self) -> bool:
        """The agreed path is surely at the goal, or everyone has said that they are done; in the paper's game,
        somebody has said the completion phrase, or a move surely went into a wall (alone, its two turns are always
        played)."""
        if self.paper:
            said = any(paper.says_phrase(text) for _, text in self.said[-1:])
            return len(self.seats) > 1 and (said or self._in_a_wall())
        there = self.maze.goal in self.reading.path and self.reading.confidence >= SURE_ENOUGH
        return there or set(self.seats) <= set(self.reading.done)

    def _in_a_wall(self) -> bool:
        breach = walk(self.maze, self.made).breach
        return breach is not None and breach.why == "wall" and self.reading.confidence >= SURE_ENOUGH

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        if self.paper:
            shown = words.copies(self.maze, seat, self.condition)
            task = paper.task(self.seats, shown, self.condition, self.layout)
            text = paper.prompt(self.circle(seat), inbox, sum(speaker == seat for speaker, _ in self.said), task)
        else:
            text = words.prompt(seat, self.circle(seat), inbox, self.turn, self.turns, self.condition)
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
            "hearers": dict(self.hearers),
            "phrase": paper.PHRASE if self.paper and len(self.seats) > 1 else "",
            "dialogue": tuple(
                (speaker, text) for speaker, text in self.said if speaker == seat or seat in self.hearers[speaker]
            ),
        }

    def parse(self, seat: str, reply: Reply) -> Move:
        text = reply.text
        if not text.strip():
            return Move(malformed="the reply is empty")
        printable = len(text) - len(_UNPRINTABLE.findall(text))
        if printable < PRINTABLE_SHARE * len(text):
            return Move(malformed=f"the reply is noise: {printable} of {len(text)} characters can be printed")
        too_long = (
            f"the message has {len(text)} characters; its middle was left out" if len(text) > MESSAGE_LIMIT else None
        )
        to = None if self.condition.muted or len(self.circle(seat)) == len(self.seats) else self.hearers[seat]
        return Move(messages=(Speech(text, to),), malformed=too_long)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        for seat in self.seats:
            for speech in moves[seat].messages if seat in moves else ():
                self.said = (*self.said, (seat, bounded(valid(speech.text), MESSAGE_LIMIT)))
                self.reading = self._read()
                self.made = extended(self.made, self.reading.path)
        self.turn += 1
        return ()

    def _read(self) -> Reading:
        maze = self.maze
        utterances = dialogue(self.said, self.hearers)
        return heard(utterances, maze.size, maze.start, maze.goal, self.seats)

    def solution(self) -> tuple[tuple[int, int], ...]:
        """A shortest path, start and goal included."""
        return solve(self.maze)
