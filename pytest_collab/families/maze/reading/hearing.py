"""Reading a dialogue once, however many ask: the game after each message, and the built-in players before each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from pytest_collab.families.maze.reading.reader import Reading, Utterance, read
from pytest_collab.families.maze.rules import Cell


@lru_cache(maxsize=64)
def heard(utterances: tuple[Utterance, ...], size: int, start: Cell, goal: Cell, seats: tuple[str, ...]) -> Reading:
    """`reader.read`, kept for the dialogues that were read last."""
    return read(utterances, size=size, start=start, goal=goal, seats=seats)


def dialogue(said: tuple[tuple[str, str], ...], hearers: Mapping[str, tuple[str, ...]]) -> tuple[Utterance, ...]:
    """(seat, text) pairs as utterances, numbered from 0, each heard by those who hear the seat."""
    return tuple(Utterance(seat, text, number, hearers[seat]) for number, (seat, text) in enumerate(said))
