"""Whole dialogues in one drawn maze, with what a careful reader makes of them: what was agreed, whose fault it is.

`maze_wordings.jsonl` holds one dialogue a line: `said` by a and b in turn, the moves `agreed` (compass letters), the
seat at `fault` with the `codes` that say so, if any, and seats that `may_be_named` besides: they did wrong too.

@ . # . . .      a sees the three columns on the left, b the three on the right; both see start and goal.
# . . . # .
. # # . # .
. . . . . .
# . # # # .
. . . . . *
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.maze.reading.reader import Cell, Reading, Utterance, read
from pytest_collab.families.maze.verdict import judged

WORDINGS: Final = Path(__file__).parent / "maze_wordings.jsonl"
ROWS: Final = ("@.#...", "#...#.", ".##.#.", "......", "#.###.", ".....*")
LEFT: Final = 0b000111
DRAWN: Final = MazeRecord(
    seed=0,
    size=6,
    walls=tuple(sum(1 << column for column, sign in enumerate(row) if sign == "#") for row in ROWS),
    start=(0, 0),
    goal=(5, 5),
    path_length=10,
    shortest_paths=1,
    visible=(
        (LEFT, LEFT, LEFT, LEFT, LEFT, LEFT | 0b100000),
        (0b111001, 0b111000, 0b111000, 0b111000, 0b111000, 0b111000),
    ),
    crossing=0.5,
    dead_ends=0,
)
LETTERS: Final = {(-1, 0): "N", (1, 0): "S", (0, -1): "W", (0, 1): "E"}


@dataclass(frozen=True)
class Wording:
    """One labelled dialogue."""

    kind: str
    said: tuple[str, ...]
    agreed: str
    fault: str = ""
    codes: frozenset[str] = frozenset()
    may_be_named: frozenset[str] = frozenset()

    @property
    def turns(self) -> list[tuple[str, str]]:
        """(seat, text) of every message."""
        return [("ab"[number % 2], text) for number, text in enumerate(self.said)]

    def reading(self) -> Reading:
        said = [Utterance("ab"[n % 2], text, n, ("ba"[n % 2],)) for n, text in enumerate(self.said)]
        return read(said, size=DRAWN.size, start=DRAWN.start, goal=DRAWN.goal, seats=("a", "b"))

    def failures(self) -> tuple[Failure, ...]:
        """What the verdict says went wrong, headline first."""
        transcript = Transcript()
        transcript.add("start", seats=["a", "b"])
        for number, text in enumerate(self.said):
            seat, other = "ab"[number % 2], "ba"[number % 2]
            transcript.add("reply", seat, turn=number, text=text)
            transcript.add("message", seat, text=text, to=[other], delivered=[other], dropped={})
        return judged(DRAWN, Condition.parse("team"), transcript).failures

    def at_fault(self, headline: Failure | None) -> bool:
        """Whether the headline names the seat at fault, by one of the codes that say so."""
        named = headline is not None and self.fault in headline.seats
        return named and (not self.codes or (headline is not None and headline.code in self.codes))

    def innocents(self, failures: Sequence[Failure]) -> set[str]:
        """Seats that the failures name though they did nothing wrong."""
        return {seat for failure in failures for seat in failure.seats} - {self.fault} - self.may_be_named


@cache
def wordings() -> tuple[Wording, ...]:
    return tuple(_wording(json.loads(line)) for line in WORDINGS.read_text("utf-8").splitlines())


def _wording(line: Mapping[str, Any]) -> Wording:
    return Wording(
        line["kind"],
        tuple(line["said"]),
        line["agreed"],
        line.get("fault", ""),
        frozenset(line.get("codes", ())),
        frozenset(line.get("may_be_named", ())),
    )


def moves(path: Sequence[Cell]) -> str:
    """A path in compass letters; X for what is no step."""
    return "".join(LETTERS.get((two[0] - one[0], two[1] - one[1]), "X") for one, two in pairwise(path))
