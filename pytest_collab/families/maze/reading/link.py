"""Whether what a message puts forward follows the proposal that it answers, or says that proposal again."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_collab.families.maze.reading.atoms import Mention
from pytest_collab.families.maze.reading.dialogue import Cell
from pytest_collab.families.maze.reading.frame import Frame, Grid
from pytest_collab.families.maze.reading.message import Message
from pytest_collab.families.maze.reading.route import meaning


@dataclass(frozen=True, slots=True)
class Link:
    """`onward`: the moves begin where the proposal ends. `open`: the words leave that open."""

    onward: bool
    certainty: float = 1.0
    open: bool = False


def linked(
    message: Message,
    before: tuple[Cell, ...],
    after: tuple[Cell, ...],
    frames: tuple[Frame, Frame],
    grid: Grid,
    *,
    onward: bool = False,
) -> Link:
    """How the moves of a message that accepts relate to what it accepts.

    Places told, numbers of moves and words such as "next" settle it; failing these, a sentence that proposes in so
    many words is a proposal of its own, and moves named in the breath of acceptance are what is accepted.

    Args:
        before, after: the whole way without and with what is accepted, start first.
        onward: what to take it for where the words leave it open.
    """
    said = [block for block in message.moves if block.level > 0] or list(message.moves)
    first = said[0]
    places = [meaning(item, frames, grid) for item in message.places]
    places += [
        meaning(item, frames, grid)
        for index, item in enumerate(first.items)
        if index in first.origins and isinstance(item, Mention)
    ]
    if after[-1] in places and before[-1] not in places:
        return Link(True)
    if places and places[-1] == before[-1] != after[-1]:
        return Link(False)
    if message.numbers:
        if message.numbers[0] == len(after):
            return Link(True)
        if message.numbers[0] == len(before):
            return Link(False)
    if first.onward or first.again:
        return Link(True)
    if any(block.level == 4 and block.own for block in said):
        return Link(True, 1.0 if not first.accepted else 0.9)
    if any(block.asked for block in said):
        return Link(True, 0.97)
    if first.accepted:
        return Link(False)
    return Link(onward, open=True)
