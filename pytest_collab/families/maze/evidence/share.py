"""What each seat had said and heard: facts that several findings rest on."""

from __future__ import annotations

from pytest_collab.families.maze.reading.case import Case
from pytest_collab.families.maze.reading.reader import Claim, Proposal
from pytest_collab.families.maze.seats import WALL


def contentful(case: Case, seat: str) -> set[int]:
    """Messages of a seat that name a cell or a move, tell what a cell holds, agree, or say no."""
    found = {*case.assents(seat), *case.objections(seat)}
    for said in case.said(seat):
        message = case.message(said)
        if message.moves or message.stated or message.lines or any(s.accept or s.reject for s in message.stances):
            found.add(said.event)
    return found


def contributed(case: Case, seat: str, upto: int | None = None) -> bool:
    """Whether the seat did more than agree: told, asked about a cell or a move, named ways to choose from, proposed
    or objected (up to that message, if one is given)."""
    events = [claim.event for claim in case.claims(seat)]
    for said in case.said(seat):
        message = case.message(said)
        named = message.atoms.mentions or message.atoms.steps
        if (message.asks_fact and named) or any(block.choice for block in message.moves):
            events.append(said.event)
    events += [*(proposal.event for proposal in case.proposals(seat)), *case.objections(seat)]
    return any(upto is None or event <= upto for event in events)


def told_before(case: Case, seat: str, proposal: Proposal) -> list[Claim]:
    """True claims of walls that the seat had heard when it made the proposal."""
    heard = {said.event for said in case.utterances if seat in said.heard_by and said.event < proposal.event}
    return [c for c in case.reading.claims if c.content == WALL and c.event in heard and case.is_true(c)]
