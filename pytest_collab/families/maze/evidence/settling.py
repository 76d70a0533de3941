"""Faults of settling: promises broken, ways insisted on, no agreement, no time left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.text import counted, plural
from pytest_collab.families.maze.evidence import talk
from pytest_collab.families.maze.evidence.share import contentful, told_before
from pytest_collab.families.maze.reading.case import Case
from pytest_collab.families.maze.reading.reader import read
from pytest_collab.families.maze.rules import Cell, inside
from pytest_collab.families.maze.seats import WALL
from pytest_collab.families.maze.wording import named

STANDS_AGAINST_ALL: Final = 2
"""More events than these show that a seat kept to its own way."""

NOBODY_PROPOSED: Final = "nobody ever proposed a move"

LOOP_FROM: Final = 2
"""Messages of each seat at the end that only agree, from which on they go round in circles."""

_PROMISE = re.compile(
    r"\b(?:i\s*['’]ll|i\s+will|i\s+promise|i\s+am\s+going\s+to|i\s*['’]m\s+going\s+to)\b[^.!?\n]*"
    r"\b(?:next\s+(?:message|turn|reply)|in\s+a\s+moment|right\s+after\s+this)\b",
    re.IGNORECASE,
)


def broken_promises(case: Case) -> list[Failure]:
    """`broken_commitment`: an agreement taken back, or an announced message that never came."""
    found = []
    for seat in case.seats:
        events: list[int] = []
        for proposal in case.reading.proposals:
            agreed = [event for who, event in proposal.agreed_by if seat in (who, proposal.seat)]
            turned = [event for who, event in proposal.rejected_by if who == seat]
            if agreed and turned and max(turned) > min(agreed):
                events += [min(agreed), max(turned)]
        said = case.said(seat)
        acted_on = contentful(case, seat)
        for now, then in pairwise(said):
            if _PROMISE.search(now.text) and then.event not in acted_on:
                events += [now.event, then.event]
        if events:
            note = f"{seat} did not do what it had said"
            found.append(Failure.of("broken_commitment", seat, events=sorted(set(events)), note=note))
    return found


def insistence(case: Case) -> list[Failure]:
    """`disagreement`: the seat turned down other ways, and proposed its own again after it had been turned down.

    Never of a seat whose every refusal was founded: of a way that cannot be walked, because of a wall that the seat
    had named, or while its own way ran into no wall that it had been told of.
    """
    found = []
    for seat in case.seats:
        events: set[int] = set()
        refusals = [event for event in case.objections(seat) if _refuses(case, event)]
        if not refusals or all(_founded(case, seat, event) for event in refusals):
            continue
        own = case.proposals(seat)
        for first, again in pairwise(own):
            refused = [event for _, event in first.rejected_by if event < again.event]
            if refused and again.path == first.path:
                events |= {first.event, again.event, *refused}
        events |= _kept_up(case, seat, refusals)
        if len(events) > STANDS_AGAINST_ALL:
            note = f"{seat} turned down other ways, and proposed its own again after that had been turned down"
            found.append(Failure.of("disagreement", seat, events=[*events, *refusals], note=note))
    return found


def premature(case: Case) -> list[Failure]:
    """`premature`: the seat called it done, and everyone left it at that, before the agreed path was at the goal."""
    if set(case.reading.done) < set(case.seats) or case.walked.breach is not None:
        return []
    found = []
    for seat in case.reading.done:
        events = [said.event for said in case.said(seat) if case.message(said).done]
        if events:
            note = f"{seat} said that it was done; the agreed path ends at {named(case.path[-1])}"
            found.append(Failure.of("premature", seat, events=events[-1:], note=note))
    return found[:1]


def no_proposal(case: Case) -> list[Failure]:
    """`vague`: they talked, and nobody ever proposed a move.

    At fault are those whose messages say nothing that can be acted on. Where there are none, all told or asked
    something; whose turn it was to propose cannot be told then.
    """
    if case.reading.proposals or any(not case.said(seat) for seat in case.seats):
        return []
    empty = talk.vagueness(case)
    seats = [seat for failure in empty for seat in failure.seats]
    events = [event for failure in empty for event in failure.events] or [said.event for said in case.utterances]
    if not seats:
        return [_of_nobody("vague", events, NOBODY_PROPOSED)]
    return [Failure.of("vague", *seats, events=events, note=NOBODY_PROPOSED)]


def agreement_loop(case: Case) -> list[Failure]:
    """`agreement_loop`: to the end the seats told each other that they agree, and nobody proposed anything more."""
    tail: list[int] = []
    for said in reversed(case.utterances):
        message = case.message(said)
        if message.moves or message.stated or message.lines or not any(s.accept > s.reject for s in message.stances):
            break
        tail.append(said.event)
    if len(tail) < LOOP_FROM * len(case.seats):
        return []
    note = f"the last {counted(len(tail), 'message')} agree with one another and propose nothing"
    return [Failure.of("agreement_loop", *case.seats, events=tail, note=note)]


def split_up(case: Case) -> list[Failure]:
    """`split_up`: a seat sends the two of them different ways, though the team is in one place."""
    found = []
    for seat in case.seats:
        events = [said.event for said in case.said(seat) if case.message(said).apart]
        if events:
            found.append(Failure.of("split_up", seat, events=events, note=f"{seat} would have the seats go apart"))
    return found


def late(case: Case) -> list[Failure]:
    """`turn_limit`, and nobody's fault: the dialogue was cut while the agreed legal path was still growing."""
    round_of_two = 2 * len(case.seats)
    maze = case.maze
    if len(case.utterances) <= round_of_two or case.walked.breach is not None or case.path != case.ruled:
        return []
    before = read(
        case.utterances[:-round_of_two], size=maze.size, start=maze.start, goal=maze.goal, seats=case.seats
    ).path
    if len(case.path) <= len(before) or case.reading.done:
        return []
    events = [said.event for said in case.utterances[-round_of_two:]]
    late = len(case.path) - len(before)
    were = plural(late, "was", "were")
    note = f"{counted(late, 'move')} {were} agreed on in the last two rounds, then the talk was over"
    return [_of_nobody("turn_limit", events, note)]


def no_agreement(case: Case) -> list[Failure]:
    """`disagreement`, and nobody's fault: nothing can be shown, and the seats did not agree on a way to the goal."""
    last = [case.proposals(seat)[-1].event for seat in case.seats if case.proposals(seat)]
    events = last or [said.event for said in case.utterances] or [case.transcript[-1].seq]
    reached = named(case.walked.legal[-1]) if case.walked.legal else "the start"
    note = f"agreed as far as {reached}" if len(case.walked.legal) > 1 else "no move was agreed on"
    if not case.reading.proposals:
        note = "nobody proposed a move"
    return [_of_nobody("disagreement", events, note)]


def _of_nobody(code: str, events: list[int], note: str) -> Failure:
    """A failure of which nothing shows whose fault it is."""
    return Failure.of(code, events=events, note=note).model_copy(update={"ungraded": True})


def _kept_up(case: Case, seat: str, refusals: Sequence[int]) -> set[int]:
    """Events that show a seat keep up a proposal that was turned down more than once, while it turned down others'
    without naming a wall."""
    told = {claim.event for claim in case.claims(seat) if claim.content == WALL and case.is_true(claim)}
    groundless = [event for event in refusals if event not in told]
    for proposal in case.proposals(seat):
        turned_down = sorted(event for _, event in proposal.rejected_by)
        meanwhile = [event for event in groundless if turned_down and turned_down[0] < event < turned_down[-1]]
        if meanwhile:
            return {proposal.event, turned_down[0], *meanwhile, turned_down[-1]}
    return set()


def _founded(case: Case, seat: str, event: int) -> bool:
    """Whether what a message turned down could not be walked, and the seat had told why or had a better way."""
    turned = [proposal for proposal in case.reading.proposals if (seat, event) in proposal.rejected_by]
    named_so_far = {claim.cell for claim in case.claims(seat) if claim.content == WALL and claim.event <= event}
    return bool(turned) and all(
        (blocked := [cell for cell in proposal.path if _no_way(case, cell)])
        and (not named_so_far.isdisjoint(blocked) or not _refuted(case, seat))
        for proposal in turned
    )


def _no_way(case: Case, cell: Cell) -> bool:
    return not inside(case.maze.size, cell) or case.maze.is_wall(*cell)


def _refuted(case: Case, seat: str) -> bool:
    """Whether the seat proposed a way through a wall that it had been told of."""
    return any(
        claim.cell in proposal.path
        for proposal in case.proposals(seat)
        for claim in told_before(case, seat, proposal)
    )


def _refuses(case: Case, event: int) -> bool:
    """Whether the message says no in so many words, rather than by proposing something else."""
    said = next(said for said in case.utterances if said.event == event)
    return any(found.reject > found.accept for found in case.message(said).stances)
