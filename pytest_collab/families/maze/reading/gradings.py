"""What a grader of a maze dialogue answers: what was moved and considered in each turn, and in which scheme.

The form is that of The Collaboration Gap (arXiv 2511.02687, appendix A.5), as JSON. As there, the path is read in
every scheme there is, and the one that brings the team farthest on the true maze counts; what comes of the scheme
that the grader named is the strict reading, kept beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.families.maze.rules import STEPS, Cell, walk, weighted_outcome

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]
Order = Literal["row,column", "column,row"]

_CORNERS: Final[tuple[Corner, ...]] = ("top-left", "top-right", "bottom-left", "bottom-right")
_ORDERS: Final[tuple[Order, ...]] = ("row,column", "column,row")
_ORIGINS: Final[tuple[Literal[0, 1], ...]] = (0, 1)
_WORDS: Final = {
    word: STEPS[name]
    for name, words in {"up": "u north n", "down": "d south s", "left": "l west w", "right": "r east e"}.items()
    for word in (name, *words.split())
}
_CELL = re.compile(
    r"[\[(]?\s*(-?\d{1,3}|[a-z])\s*[,;:/]\s*(-?\d{1,3}|[a-z])\s*[\])]?|([a-z])-?(\d{1,2})|(\d{1,2})-?([a-z])"
)
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Scheme(_Strict):
    """How the players name cells. `symbols` tells how they write them, and changes nothing."""

    origin: Literal[0, 1]
    corner: Corner
    order: Order
    symbols: Literal["numbers", "letters", "letter,number", "number,letter", "directions"] = "numbers"

    def cell(self, first: str, second: str, size: int) -> Cell:
        """The cell, row and column from 0 at the top left, that two numbers or letters name; it may lie outside."""
        row, column = (self._index(word) for word in (first, second))
        if self.order == "column,row":
            row, column = column, row
        bottom, right = self.corner.startswith("bottom"), self.corner.endswith("right")
        return (size - 1 - row if bottom else row, size - 1 - column if right else column)

    def _index(self, word: str) -> int:
        return ord(word.lower()) - ord("a") if word.isalpha() else int(word) - self.origin


class Turn(_Strict):
    """One message: what was moved in it (agreed on by all), or considered, by whom, and where to."""

    turn: int
    type: Literal["move", "consider", "none"]
    by: tuple[str, ...] = ()
    to: tuple[str | tuple[int | str, int | str], ...] = ()


class Grading(_Strict):
    """What a grader read."""

    scheme: Scheme
    turns: tuple[Turn, ...]

    def path(self, scheme: Scheme, maze: MazeRecord) -> tuple[Cell, ...]:
        """The moves made, start included, in a scheme."""
        found: list[Cell] = [maze.start]
        for place in self._places():
            if isinstance(place, str):
                down, right = _WORDS[place]
                cell = (found[-1][0] + down, found[-1][1] + right)
            else:
                cell = scheme.cell(*place, maze.size)
            if cell != found[-1]:
                found.append(cell)
        return tuple(found)

    def favourable(self, maze: MazeRecord) -> tuple[Scheme, tuple[Cell, ...]]:
        """The scheme in which the moves lead farthest on the true maze, and the path; in a tie the named one."""
        schemes = [self.scheme, *_schemes(self.scheme)]
        paths = [(scheme, self.path(scheme, maze)) for scheme in schemes]
        return max(paths, key=lambda one: _far(maze, one[1]))

    def complaint(self, maze: MazeRecord, seats: Sequence[str], messages: int) -> str:
        """What is wrong with it; empty when nothing is."""
        for turn in self.turns:
            if not 1 <= turn.turn <= messages:
                return f"there is no turn {turn.turn}, the messages are numbered 1 to {messages}"
            if unknown := set(turn.by) - set(seats):
                return f"turn {turn.turn} is by {', '.join(sorted(unknown))}; the players are {', '.join(seats)}"
            if turn.type == "move" and not turn.to:
                return f"turn {turn.turn} is a move that leads nowhere"
        try:
            moves = len(list(self._places()))
        except ValueError as error:
            return str(error)
        longest = 4 * maze.size**2
        return f"there are {moves} moves, more than any dialogue can have ({longest})" if moves > longest else ""

    def _places(self) -> Iterator[str | tuple[str, str]]:
        """Every move as a direction, or as the two parts of a cell's name.

        Raises:
            ValueError: an entry is neither; it is named.
        """
        for turn in self.turns:
            for place in turn.to if turn.type == "move" else ():
                word = place.strip().lower() if isinstance(place, str) else f"({place[0]},{place[1]})"
                match = _CELL.fullmatch(word)
                if word in _WORDS:
                    yield word
                elif match is not None:
                    first, second = (part for part in match.groups() if part is not None)
                    yield first, second
                else:
                    raise ValueError(f"{place!r} in turn {turn.turn} is neither a direction nor a cell")


def grading_in(answer: str) -> Grading | str | None:
    """The grading that an answer ends with; what is wrong with it; None when it holds no JSON object of the kind."""
    for text in [*reversed(_FENCE.findall(answer)), answer[answer.find("{") : answer.rfind("}") + 1]]:
        try:
            data: Any = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict) and "turns" in data:
            try:
                return Grading.model_validate(data)
            except ValidationError as error:
                first = error.errors()[0]
                return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None


def _schemes(like: Scheme) -> Iterator[Scheme]:
    for origin, corner, order in product(_ORIGINS, _CORNERS, _ORDERS):
        yield like.model_copy(update={"origin": origin, "corner": corner, "order": order})


def _far(maze: MazeRecord, path: tuple[Cell, ...]) -> tuple[bool, float]:
    walked = walk(maze, path)
    return walked.reached, weighted_outcome(maze, walked.legal[-1])
