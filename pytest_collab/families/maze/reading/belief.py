"""The path that each seat says was agreed on, in its own coordinates, put into rows and columns from the top left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.maze.rules import Cell

QUESTION: Final = """\
The dialogue is over, and nobody else reads what you answer now. Which path did all of you agree on? Leave out moves \
that were only proposed or that somebody turned down, even if the path then ends before the goal. Use your own \
coordinates. Answer with these three lines and nothing else:
ORIGIN: the corner from which you count, and the number with which you begin, such as top-left 0 or bottom-left 1
ORDER: row,column or column,row
PATH: every cell in order, the start first, such as (0,0) (0,1) (1,1); only the start if nothing was agreed"""

_ORIGIN = re.compile(r"ORIGIN\W*(?P<y>top|bottom|upper|lower)[- ]?(?P<x>left|right)\W*(?P<base>[01])\b", re.I)
_ORDER = re.compile(r"ORDER\W*(?P<first>row|col(?:umn)?|x|y)s?\b", re.I)
_PATH = re.compile(r"PATH\W*?:?(?P<cells>[^\n]*(?:\n[\s\[\](),;\d>-]+)*)", re.I)
_CELL = re.compile(r"[\[(]\s*(-?\d{1,3})\s*,\s*(-?\d{1,3})\s*[\])]")


@dataclass(frozen=True, slots=True)
class Belief:
    """What one seat says was agreed on; `scheme` is how it names cells."""

    seat: str
    path: tuple[Cell, ...]
    scheme: str


def beliefs(maze: MazeRecord, transcript: Transcript) -> tuple[Belief, ...]:
    """The beliefs that can be read; a seat whose answer is not in the form has none."""
    found = (believed(maze, str(event.seat), event.data["text"]) for event in transcript.of("belief"))
    return tuple(belief for belief in found if belief is not None)


def believed(maze: MazeRecord, seat: str, text: str) -> Belief | None:
    """What an answer in the fixed form says; None when it is not in the form, or does not begin at the start."""
    origin, order, said = _ORIGIN.search(text), _ORDER.search(text), list(_PATH.finditer(text))
    if origin is None or order is None or not said:
        return None
    base, last = int(origin["base"]), maze.size - 1
    swapped = order["first"].lower().startswith(("c", "x"))
    below, right = origin["y"].lower() in ("bottom", "lower"), origin["x"].lower() == "right"
    path: list[Cell] = []
    for one, two in _CELL.findall(said[-1]["cells"]):
        row, col = (int(two), int(one)) if swapped else (int(one), int(two))
        cell = (last - (row - base) if below else row - base, last - (col - base) if right else col - base)
        if not path or path[-1] != cell:
            path.append(cell)
    if not path or path[0] != maze.start:
        return None
    first = "column,row" if swapped else "row,column"
    scheme = f"{first} from {base} at the {'bottom' if below else 'top'} {'right' if right else 'left'}"
    return Belief(seat, tuple(path), scheme)


def shared(held: tuple[Belief, ...]) -> tuple[Cell, ...]:
    """The path as far as all beliefs are the same."""
    path: list[Cell] = []
    for cells in zip(*(belief.path for belief in held), strict=False):
        if len(set(cells)) > 1:
            break
        path.append(cells[0])
    return tuple(path)
