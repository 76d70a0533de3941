"""Coordinates and moves taken out of a message: what they are, and the characters that stand for them.

A message is rewritten so that every coordinate and every move becomes one private-use character (an
atom); what is left is plain words. Later stages match short patterns on that text, so a coordinate
never has to be parsed twice and no pattern needs unbounded backtracking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["pair", "rowcol", "xy", "a1", "ordinal", "start", "goal", "beside"]
Until = Literal["", "goal", "edge", "wall", "row", "col"]

FIRST_CELL: Final = 0xE000
_CELLS: Final = 0x0F00
FIRST_MOVE: Final = 0xF000
_MOVES: Final = 0x08F0
CELL: Final = "[\ue000-\ueeff]"
MOVE: Final = "[\uf000-\uf8ef]"
ATOM: Final = "[\ue000-\ueeff\uf000-\uf8ef]"
SEPARATOR: Final = "→"


@dataclass(frozen=True, slots=True)
class Mention:
    """A coordinate as written.

    `pair` keeps the order on the page; `rowcol` and `ordinal` are (row, col); `xy` is (x, y); `a1` is
    (index of the letter, number). `start` and `goal` are the landmarks, by name. `beside` is the cell
    that lies `delta` from the cell `of`.
    """

    kind: Kind
    first: int = 0
    second: int = 0
    of: Mention | None = None
    delta: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Step:
    """`count` steps in the direction `delta`, or as far as `until` says (`value` is a row or column as written).

    `sign`: written as an arrow, not as a word.
    """

    delta: tuple[int, int]
    count: int = 1
    until: Until = ""
    value: int = 0
    sign: bool = False


@dataclass(frozen=True, slots=True)
class Atoms:
    """A message with its coordinates and moves taken out; `items` looks an atom up."""

    text: str
    mentions: tuple[Mention, ...]
    steps: tuple[Step, ...]

    def item(self, atom: str) -> Mention | Step:
        code = ord(atom)
        return self.mentions[code - FIRST_CELL] if code < FIRST_MOVE else self.steps[code - FIRST_MOVE]


UP, DOWN, LEFT, RIGHT = (-1, 0), (1, 0), (0, -1), (0, 1)


class Atomiser:
    """Collects the atoms of one message while its text is rewritten."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.mentions: list[Mention] = []
        self.steps: list[Step] = []
        self.chess = False

    def cell(self, mention: Mention) -> str:
        if len(self.mentions) >= _CELLS:
            return " "
        self.mentions.append(mention)
        return chr(FIRST_CELL + len(self.mentions) - 1)

    def step(self, step: Step) -> str:
        if len(self.steps) >= _MOVES:
            return " "
        self.steps.append(step)
        return chr(FIRST_MOVE + len(self.steps) - 1)
