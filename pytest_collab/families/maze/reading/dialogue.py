"""What a reader of maze dialogues takes in and gives out: frozen data, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Cell = tuple[int, int]
"""(row, col), 0-based, row 0 on top."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One message as it was said.

    Attributes:
        seat: who said it.
        text: what was said, whole.
        event: the number of the transcript's event.
        heard_by: the seats that the message reached; without the speaker.
    """

    seat: str
    text: str
    event: int
    heard_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Moves that a seat put forward.

    Attributes:
        path: the cells to visit in order, beginning after where the team stood by the agreement so far.
            With `absolute`, when it contradicts that agreement, beginning after the start cell.
            Cells may lie outside the grid, and neighbours in it may be no neighbours in the maze: the
            reader says what was proposed, not whether it is legal.
        absolute: the seat gave the way from the start.
        agreed_by, rejected_by: (seat, event) pairs, in the order in which they were said.
        retracted: the seat took it back.
    """

    seat: str
    event: int
    path: tuple[Cell, ...]
    absolute: bool
    agreed_by: tuple[tuple[str, int], ...] = ()
    rejected_by: tuple[tuple[str, int], ...] = ()
    retracted: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A seat said that `cell` holds `content` (`.` free, `#` wall, `@` start, `*` goal)."""

    seat: str
    event: int
    cell: Cell
    content: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a dialogue settled.

    Attributes:
        path: the agreed path with the start cell first; only the start cell if nothing was agreed.
        disagreements: (seat, event) of every objection to what another seat had put forward.
        done: seats that said the goal is reached, in the order in which they first did.
        confidence: 0..1, how sure the reader is of `path`.
        frame: seat -> the convention that its coordinates follow, for seats that used any.
        frame_conflicts: events whose coordinates only make sense transposed, mirrored or shifted
            against the convention of the other seat.
    """

    path: tuple[Cell, ...]
    proposals: tuple[Proposal, ...]
    claims: tuple[Claim, ...]
    disagreements: tuple[tuple[str, int], ...]
    done: tuple[str, ...]
    confidence: float
    frame: Mapping[str, str]
    frame_conflicts: tuple[int, ...]
