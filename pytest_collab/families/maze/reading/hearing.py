"""Reading a dialogue once, however many ask: the game after each message, and the built-in players before each."""

from __future__ import annotations

from functools import lru_cache

from pytest_collab.families.maze.reading.reader import Reading, Utterance, read
from pytest_collab.families.maze.rules import Cell


@lru_cache(maxsize=64)
def heard(utterances: tuple[Utterance, ...], size: int, start: Cell, goal: Cell, seats: tuple[str, ...]) -> Reading:
    """`reader.read`, kept for the dialogues that were read last."""
    return read(utterances, size=size, start=start, goal=goal, seats=seats)


def dialogue(said: tuple[tuple[str, str], ...], seats: tuple[str, ...], *, muted: bool) -> tuple[Utterance, ...]:
    """(seat, text) pairs as utterances, numbered from 0, each heard by all others unless nobody hears anything."""
    return tuple(
        Utterance(seat, text, number, () if muted else tuple(other for other in seats if other != seat))
        for number, (seat, text) in enumerate(said)
    )
