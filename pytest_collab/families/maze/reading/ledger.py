"""What stands proposed and agreed: the only place where that changes."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_collab.families.maze.reading.dialogue import Cell, Proposal, Utterance
from pytest_collab.families.maze.reading.draft import Chunk, Draft
from pytest_collab.families.maze.reading.plan import Plan

IMPLIED = 0.6
"""How sure an acceptance is that is not put into words."""

RESTATED = 0.93
"""How sure an acceptance is that says the same moves again."""


class Ledger:
    """The agreed path, the agreements it is made of, and all proposals, alive or not.

    Attributes:
        path: the agreed cells, start first.
        disagreements: (seat, event) of every objection.
        withdrawn: cells that were agreed before the agreement that was cut last.
        doubts: factors below 1, one for each thing that was left unclear.
        unread: messages with moves of which nothing could be made, or in a script that is not read.
    """

    def __init__(self, start: Cell, seats: Sequence[str]) -> None:
        self.seats = tuple(seats)
        self.path: list[Cell] = [start]
        self.disagreements: list[tuple[str, int]] = []
        self.drafts: list[Draft] = []
        self.chunks: list[Chunk] = []
        self.withdrawn = 0
        self.doubts: list[float] = []
        self.unread = 0

    def all_proposals(self) -> tuple[Proposal, ...]:
        return tuple(draft.proposal() for draft in self.drafts)

    def confidence(self) -> float:
        """The least certain agreement that still stands, lowered for what was left unclear."""
        value = min((chunk.certainty for chunk in self.chunks), default=0.95)
        if any(draft.alive and draft.unclear for draft in self.drafts):
            value *= 0.65
        value *= 0.7 ** min(self.unread, 4)
        for doubt in self.doubts[:12]:
            value *= doubt
        return round(max(0.02, min(1.0, value)), 4)

    def give_way(self, seat: str, cells: tuple[Cell, ...] | None, *, insists: bool) -> None:
        """Drop what `seat` proposed and had turned down, unless it speaks up for it or says it again."""
        if insists or len(self.seats) > 2:
            return
        for draft in self.drafts:
            if draft.alive and draft.seat == seat and draft.rejected and draft.cells != cells:
                draft.alive = False

    def target(self, seat: str) -> Draft | None:
        """The latest live proposal that `seat` can be answering."""
        for draft in reversed(self.drafts):
            if draft.alive and draft.seat != seat and seat in draft.heard_by and seat not in draft.supporters:
                return draft
        return None

    def revive(self, seat: str, which: str) -> None:
        """Put the other's earlier proposal on the table again: its `first`, or the one before its `last`."""
        told = [
            draft
            for draft in self.drafts
            if draft.seat != seat and seat in draft.heard_by and draft.cells[: len(self.path)] == tuple(self.path)
        ]
        told = [draft for draft in told if len(draft.cells) > len(self.path)]
        if not told:
            return
        chosen = told[0] if which == "first" else told[max(0, len(told) - 2)]
        if len(told) > 1:
            self.doubts.append(0.9)
        chosen.alive, chosen.retracted, chosen.rejected_since = True, False, len(chosen.rejected)
        chosen.supporters |= {chosen.seat}
        self.drafts.remove(chosen)
        self.drafts.append(chosen)

    def propose(self, utterance: Utterance, plan: Plan) -> None:
        seat = utterance.seat
        if plan.astray:
            return
        if plan.cells == tuple(self.path) or (
            len(plan.cells) <= len(self.path) and tuple(self.path[: len(plan.cells)]) == plan.cells
        ):
            return  # says again what is agreed
        for draft in self.drafts:
            if draft.alive and draft.seat == seat:
                if draft.cells == plan.cells:
                    draft.rejected_since = len(draft.rejected)
                    return
                draft.alive = False
                if draft.unclear and not draft.refused:
                    self.doubts.append(0.75)  # nobody took up what was answered, so it may have been agreed
        draft = Draft(
            seat,
            utterance.event,
            plan.cells,
            plan.base,
            frozenset(utterance.heard_by),
            plan.certainty,
            plan.absolute,
            {seat},
        )
        self.drafts.append(draft)
        for other in self.drafts:
            if other is not draft and other.alive and other.cells == draft.cells:
                draft.supporters |= other.supporters
                other.agreed.append((seat, utterance.event))
        self.settle(draft, RESTATED)

    def support(self, draft: Draft, seat: str, event: int, certainty: float, count: int | None) -> None:
        """`seat` accepts `draft`, or only its first `count` cells (with the start)."""
        draft.agreed.append((seat, event))
        if count is not None and count < len(draft.cells):
            shorter = Draft(
                draft.seat,
                draft.event,
                draft.cells[:count],
                draft.base,
                draft.heard_by,
                draft.certainty,
                draft.absolute,
                draft.supporters | {seat},
            )
            draft.alive = False
            self.settle(shorter, certainty)
            return
        draft.supporters.add(seat)
        self.settle(draft, certainty)

    def settle(self, draft: Draft, certainty: float) -> None:
        """Make `draft` the agreed path if every seat stands behind it."""
        draft.certainty = min(draft.certainty, certainty)
        if not draft.supporters.issuperset(self.seats):
            return
        before = len(self.path)
        if draft.cells[:before] != tuple(self.path):
            before = next(
                (index for index, pair in enumerate(zip(self.path, draft.cells, strict=False)) if pair[0] != pair[1]),
                min(before, len(draft.cells)),
            )
            self.chunks = [chunk for chunk in self.chunks if chunk.before < before]
        self.path = list(draft.cells)
        self.chunks.append(Chunk(before, draft.certainty, draft.seat))
        draft.alive = False
        for other in self.drafts:
            if other.alive and other.cells[: len(self.path)] != tuple(self.path):
                other.alive = False

    def reject(self, draft: Draft, seat: str, event: int) -> None:
        draft.rejected.append((seat, event))
        self.disagreements.append((seat, event))
        if len(self.seats) <= 2:
            draft.supporters.discard(seat)

    def retract(self, seat: str, event: int, walls: set[Cell]) -> None:
        """`seat` takes back what it put forward, or else what was agreed last; a wall that it names says why."""
        for draft in reversed(self.drafts):
            if draft.alive and draft.seat == seat:
                draft.alive = False
                draft.retracted = True
                return
        target = self.target(seat)
        if target is None and self.chunks:
            settled = [draft for draft in self.drafts if draft.supporters.issuperset(self.seats)]
            if settled and not walls:
                settled[-1].rejected.append((seat, event))
            cut = next((index for index, cell in enumerate(self.path) if index and cell in walls), None)
            self.cut(self.chunks[-1].before if cut is None else cut)
            self._mark_retracted(seat)

    def _mark_retracted(self, seat: str) -> None:
        for draft in reversed(self.drafts):
            if not draft.alive and draft.seat == seat:
                draft.retracted = True
                return

    def cut(self, length: int) -> None:
        """Keep the first `length` cells of the agreed path."""
        length = max(1, length)
        self.withdrawn = next((chunk.before for chunk in reversed(self.chunks) if chunk.before <= length), 1)
        del self.path[length:]
        self.chunks = [chunk for chunk in self.chunks if chunk.before < length]
        self.doubts.append(0.85)
        for draft in self.drafts:
            if draft.alive and draft.cells[:length] != tuple(self.path):
                draft.alive = False
