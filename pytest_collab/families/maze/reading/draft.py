"""A proposal while it is alive, and the agreements made so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_collab.families.maze.reading.dialogue import Cell, Proposal


@dataclass(slots=True)
class Draft:
    """A proposal while it is alive. `cells` is the whole way, with the start cell first."""

    seat: str
    event: int
    cells: tuple[Cell, ...]
    base: int
    heard_by: frozenset[str]
    certainty: float
    absolute: bool
    supporters: set[str]
    agreed: list[tuple[str, int]] = field(default_factory=list)
    rejected: list[tuple[str, int]] = field(default_factory=list)
    retracted: bool = False
    alive: bool = True
    asks_fact: bool = False
    asks_objection: bool = False
    unclear: bool = False
    rejected_since: int = 0

    @property
    def refused(self) -> bool:
        """Turned down, and not put forward again since."""
        return len(self.rejected) > self.rejected_since

    def proposal(self) -> Proposal:
        path = self.cells[self.base :]
        return Proposal(
            self.seat, self.event, path, self.absolute, tuple(self.agreed), tuple(self.rejected), self.retracted
        )


@dataclass(frozen=True, slots=True)
class Chunk:
    """One agreement: how many cells were agreed before it, how sure it is, who had proposed it."""

    before: int
    certainty: float
    seat: str
