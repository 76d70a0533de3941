"""The moves made in the paper's game, where what is agreed is made at once."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_collab.families.maze.reading.hearing import heard
from pytest_collab.families.maze.reading.reader import Utterance
from pytest_collab.families.maze.rules import Cell


def executed(
    utterances: Sequence[Utterance], size: int, start: Cell, goal: Cell, seats: tuple[str, ...]
) -> tuple[Cell, ...]:
    """The moves made, start included: what was agreed when it was agreed, whatever was said of it afterwards.

    Alone there is nothing to agree on: it is the reviewed way, or the first one where the review names none.
    """
    if len(seats) == 1:
        ways = (heard((said,), size, start, goal, seats).path for said in reversed(utterances))
        return next((way for way in ways if len(way) > 1), (start,))
    made: tuple[Cell, ...] = (start,)
    for number in range(1, len(utterances) + 1):
        made = extended(made, heard(tuple(utterances[:number]), size, start, goal, seats).path)
    return made


def extended(made: tuple[Cell, ...], agreed: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """The moves made after one more message: those agreed on now, if they go on from those made before."""
    return agreed if agreed[: len(made)] == made else made
