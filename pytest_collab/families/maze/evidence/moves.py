"""Faults of moving: ways into walls, off the grid, or by a leap, and who knew better."""

from __future__ import annotations

from pytest_collab.episode.outcome import Failure
from pytest_collab.families.maze.evidence.share import contributed, told_before
from pytest_collab.families.maze.evidence.truth import false_claims
from pytest_collab.families.maze.reading.case import Case
from pytest_collab.families.maze.reading.reader import Proposal
from pytest_collab.families.maze.rules import Cell, adjacent, inside
from pytest_collab.families.maze.seats import WALL
from pytest_collab.families.maze.wording import named


def unheard(case: Case) -> list[Failure]:
    """`ungrounded`: a proposal through a wall that another seat had told this one of before."""
    found = []
    for seat in case.seats:
        events: set[int] = set()
        through: list[Cell] = []
        for proposal in case.proposals(seat):
            for claim in told_before(case, seat, proposal):
                if claim.cell in proposal.path and not case.sees(seat, claim.cell):
                    events |= {claim.event, proposal.event}
                    through.append(claim.cell)
        if events:
            note = f"{seat} had been told that {named(through[0])} is a wall, and proposed to go through it"
            found.append(Failure.of("ungrounded", seat, events=sorted(events), note=note))
    return found


def blind_proposals(case: Case) -> list[Failure]:
    """`illegal_move`: a proposal through a wall that the proposer sees, out of the maze, or by a leap."""
    found = []
    for seat in case.seats:
        bad = [proposal for proposal in case.proposals(seat) if _own_obstacle(case, proposal) is not None]
        if bad:
            note = f"{seat} proposed {_own_obstacle(case, bad[0])}"
            found.append(Failure.of("illegal_move", seat, events=sorted({p.event for p in bad}), note=note))
    return found


def breach(case: Case) -> list[Failure]:
    """Whose fault it is that the agreed path cannot be walked.

    A leap, a step outside, or into a wall that the proposer sees: `illegal_move` of the proposer. Into a wall that
    only others see, one of whom agreed: `false_claim` when it had called the cell open, `free_riding` when it never
    did anything but agree, else `withholding`; the proposer is `ungrounded` when it had been told.
    """
    broken = case.walked.breach
    if broken is None:
        return []
    proposal = case.proposed(broken.cell)
    if proposal is None:
        events = [said.event for said in case.utterances] or [case.transcript[-1].seq]
        return [Failure.of("illegal_move", *case.seats, events=events, note=breached(case))]
    if broken.why != "wall" or case.sees(proposal.seat, broken.cell):
        return [
            Failure.of(
                "illegal_move", proposal.seat, events=[proposal.event], note=f"{proposal.seat}: {breached(case)}"
            )
        ]
    found = [lie for lie in false_claims(case) if proposal.seat not in lie.seats]  # it was misled
    told = [c for c in told_before(case, proposal.seat, proposal) if c.cell == broken.cell]
    if told and not found:
        note = f"{proposal.seat} had been told of the wall at {named(broken.cell)}"
        found.append(
            Failure.of("ungrounded", proposal.seat, events=[proposal.event, *(c.event for c in told)], note=note)
        )
    for witness, event in proposal.agreed_by:
        if case.sees(witness, broken.cell):
            found.append(_witness(case, witness, event, proposal, broken.cell))
    return found


def _witness(case: Case, seat: str, agreed: int, proposal: Proposal, wall: Cell) -> Failure:
    """The fault of a seat that sees a wall and agreed to walk into it."""
    lies = [c.event for c in case.claims(seat) if c.cell == wall and c.content != WALL and c.event <= agreed]
    if lies:
        note = f"{seat} sees the wall at {named(wall)} and called the cell open"
        return Failure.of("false_claim", seat, events=[*lies, proposal.event, agreed], note=note)
    if not contributed(case, seat, agreed):
        note = f"{seat} agreed to walk into a wall that only it could see, and never did anything but agree"
        return Failure.of(
            "free_riding", seat, events=[proposal.event, *(s.event for s in case.said(seat))], note=note
        )
    note = f"{seat} sees the wall at {named(wall)}, said nothing of it and agreed"
    return Failure.of("withholding", seat, events=[proposal.event, agreed], note=note)


def _own_obstacle(case: Case, proposal: Proposal) -> str | None:
    """What the proposer itself could see to be wrong with its proposal."""
    for before, cell in zip((None, *proposal.path), proposal.path, strict=False):
        if not inside(case.maze.size, cell):
            return f"to leave the maze at {named(cell)}"
        if before is not None and before != cell and not adjacent(before, cell):
            return f"to leap from {named(before)} to {named(cell)}"
        if case.sees(proposal.seat, cell) and case.maze.is_wall(*cell):
            return f"to enter {named(cell)}, a wall that it sees"
    return None


def breached(case: Case) -> str:
    broken = case.walked.breach
    assert broken is not None
    what = {"wall": "is a wall", "outside": "is outside the maze", "jump": "cannot be reached from there in one move"}
    return f"move {broken.index} of the agreed path goes to {named(broken.cell)}, which {what[broken.why]}"
