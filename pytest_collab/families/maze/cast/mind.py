"""What a built-in player knows when it is its turn: its own copy, and what it read in the others' words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_collab.families.maze.reading.hearing import dialogue, heard
from pytest_collab.families.maze.reading.reader import Proposal, Reading
from pytest_collab.families.maze.rules import Cell, adjacent, cheapest_path, inside
from pytest_collab.families.maze.seats import GOAL, START, WALL, cells_of
from pytest_collab.families.maze.wording import named

TRUSTED = 0.05
"""What a cell costs beyond a move when its owner listed walls and did not list it."""

UNTOLD = 0.6
"""What a cell costs beyond a move when nobody has said anything about it."""

DISPUTED = 4.0
"""What a cell costs beyond a move when a path through it was turned down, or its wall leaves no way at all."""


@dataclass(frozen=True, slots=True)
class Mind:
    """A player's knowledge, made anew each turn from `Request.view`; nothing else is remembered.

    Attributes:
        seen: content by cell, from the player's own copy or copies.
        told: content of cells that it does not see itself, as the others claimed it; the latest claim counts.
        start, goal: None while the player neither sees nor was told them.
        phrase: what ends the dialogue, in a game that has such a phrase and asks for one move a turn.
        reading: what the dialogue, as far as the player said or heard it, comes to; `event` counts utterances.
    """

    seat: str
    others: tuple[str, ...]
    size: int
    seen: Mapping[Cell, str]
    told: Mapping[Cell, str]
    start: Cell | None
    goal: Cell | None
    turn: int
    muted: bool
    dialogue: tuple[tuple[str, str], ...]
    reading: Reading
    phrase: str = ""

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> Mind:
        seat, seats = view["seat"], tuple(view["seats"])
        others = tuple(other for other in seats if other != seat)
        seen = {cell: what for rows in view["copies"].values() for cell, what in cells_of(rows).items()}
        said = tuple((speaker, text) for speaker, text in view["dialogue"])
        hearers: Mapping[str, tuple[str, ...]] = view["hearers"]
        utterances = dialogue(said, hearers)
        size, start, goal = view["size"], view["start"], view["goal"]

        def understood() -> Reading:
            return heard(utterances, size, start or (0, 0), goal or (size - 1, size - 1), seats)

        reading = understood()
        if start is None or goal is None:
            for claim in reading.claims:
                if claim.seat != seat and claim.content == START:
                    start = view["start"] or claim.cell
                if claim.seat != seat and claim.content == GOAL:
                    goal = view["goal"] or claim.cell
            reading = understood()
        told = {
            claim.cell: claim.content for claim in reading.claims if claim.seat != seat and claim.cell not in seen
        }
        return cls(
            seat,
            others,
            size,
            seen,
            told,
            start,
            goal,
            view["turn"],
            view["muted"],
            said,
            reading,
            view.get("phrase", ""),
        )

    @property
    def alone(self) -> bool:
        """Nobody else has to agree."""
        return not self.others

    @property
    def knows_all(self) -> bool:
        """No cell is hidden from the player."""
        return len(self.seen) == self.size * self.size

    @property
    def said(self) -> tuple[str, ...]:
        """The player's own messages so far."""
        return tuple(text for speaker, text in self.dialogue if speaker == self.seat)

    @property
    def own_walls(self) -> tuple[Cell, ...]:
        """Walls in the player's own copy, row by row."""
        return tuple(sorted(cell for cell, what in self.seen.items() if what == WALL))

    def has_told_walls(self) -> bool:
        """The player has already said where its walls are."""
        claimed = {claim.cell for claim in self.reading.claims if claim.seat == self.seat and claim.content == WALL}
        return claimed >= set(self.own_walls) and bool(self.said)

    def has_heard_walls(self) -> bool:
        """Every other player has said something about what its cells hold."""
        return set(self.others) <= {claim.seat for claim in self.reading.claims}

    def pending(self) -> Proposal | None:
        """The newest proposal, when another player made it and this one has not answered it yet."""
        spoke_last = max((e for e, (speaker, _) in enumerate(self.dialogue) if speaker == self.seat), default=-1)
        for proposal in reversed(self.reading.proposals):
            answered = {seat for seat, _ in (*proposal.agreed_by, *proposal.rejected_by)}
            if proposal.seat == self.seat or proposal.retracted or self.seat in answered:
                return None
            return proposal if proposal.event > spoke_last else None
        return None

    def own_last(self) -> Proposal | None:
        """The player's own newest proposal."""
        return next((p for p in reversed(self.reading.proposals) if p.seat == self.seat), None)

    def whole(self, proposal: Proposal) -> tuple[Cell, ...]:
        """A proposed path from the start on, joined to what has been agreed on before."""
        agreed = self.reading.path
        return (*(agreed[:1] if proposal.absolute else agreed), *proposal.path)

    def obstacle(self, path: Sequence[Cell]) -> tuple[Cell, str] | None:
        """The first cell of a whole path that cannot be, and why; None when nothing is known against it."""
        if path and self.start is not None and path[0] != self.start:
            return path[0], "is not where we start"
        for before, cell in zip([None, *path], path, strict=False):
            if not inside(self.size, cell):
                return cell, "is outside the maze"
            if before is not None and before != cell and not adjacent(before, cell):
                return cell, f"is not next to {named(before)}"
            if self.seen.get(cell) == WALL:
                return cell, "is a wall in my copy"
            if self.told.get(cell) == WALL:
                return cell, "is a wall, as you told me"
        return None

    def best_path(self, stands: Cell | None = None) -> tuple[Cell, ...]:
        """The path to the goal that speaks most for itself, from `stands` (the start when None)."""
        begin = stands or self.start or (0, 0)
        end = self.goal or (self.size - 1, self.size - 1)
        if self.muted:  # what the others do not see either must not tip the scales: they are to find the same way
            return cheapest_path(self.size, begin, end, self.own_walls) or (begin,)
        default = TRUSTED if self.has_heard_walls() else UNTOLD
        doubts = {
            (row, column): default
            for row in range(self.size)
            for column in range(self.size)
            if (row, column) not in self.seen and (row, column) not in self.told
        }
        for proposal in self.reading.proposals:
            if proposal.rejected_by:
                for cell in proposal.path:
                    if cell not in self.seen and self.told.get(cell) != ".":
                        doubts[cell] = doubts.get(cell, 0.0) + DISPUTED
        seen_walls = set(self.own_walls)
        told_walls = {cell for cell, what in self.told.items() if what == WALL}
        path = cheapest_path(self.size, begin, end, seen_walls | told_walls, doubts)
        if path is None:  # somebody is wrong about a wall: trust one's own eyes, go through the fewest of the others'
            doubts |= dict.fromkeys(told_walls, DISPUTED * self.size)
            path = cheapest_path(self.size, begin, end, seen_walls, doubts)
        if path is None:
            path = cheapest_path(self.size, begin, end, ()) or (begin,)
        return path
