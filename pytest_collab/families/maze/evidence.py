"""What went wrong between the seats, each finding with the events that show it.

Every function looks for one kind of fault in a `Case` and returns the failures it can prove, or nothing. The order
in which they are asked, and with it which of them becomes the headline, is `verdict`'s affair.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from pytest_collab.episode.outcome import Failure
from pytest_collab.families.maze.case import Case, agrees
from pytest_collab.families.maze.cast.mind import named
from pytest_collab.families.maze.reading.message import read_message
from pytest_collab.families.maze.reading.reader import Claim, Proposal, read
from pytest_collab.families.maze.rules import Cell, adjacent, inside
from pytest_collab.families.maze.seats import OPEN, WALL, content

FALLS_SILENT: Final = 2
"""A seat whose last answers, at least so many, are empty has left the conversation."""

SAME_AGAIN: Final = 3
"""The same words so often in a row, while the others spoke in between, are repetition."""

MOSTLY: Final = 0.6
"""The share of a seat's messages without content from which its talk is vague."""

MIRRORED_FROM: Final = 4
"""Claims about one's own copy needed before they can be called mirrored."""

_PROMISE = re.compile(
    r"\b(?:i\s*['’]ll|i\s+will|i\s+promise|i\s+am\s+going\s+to|i\s*['’]m\s+going\s+to)\b[^.!?\n]*"
    r"\b(?:next\s+(?:message|turn|reply)|in\s+a\s+moment|right\s+after\s+this)\b",
    re.IGNORECASE,
)

MIRRORS: Final[Mapping[str, Callable[[Cell, int], Cell]]] = {
    "rows and columns swapped": lambda cell, size: (cell[1], cell[0]),
    "rows counted from the bottom": lambda cell, size: (size - 1 - cell[0], cell[1]),
    "columns counted from the right": lambda cell, size: (cell[0], size - 1 - cell[1]),
    "rows and columns swapped, counted from the bottom": lambda cell, size: (size - 1 - cell[1], cell[0]),
    "one too many in both numbers": lambda cell, size: (cell[0] - 1, cell[1] - 1),
    "one too few in both numbers": lambda cell, size: (cell[0] + 1, cell[1] + 1),
}
"""Ways in which two players can name cells differently, each with what undoes it."""


def nonsense(case: Case) -> list[Failure]:
    """`malformed_action`: the agent crashed or answered with something that is no text."""
    found = []
    for seat in case.seats:
        events = [
            event for event in case.transcript.of("malformed", seat=seat) if event.data["why"].startswith("the agent")
        ]
        if events:
            found.append(
                Failure.of("malformed_action", seat, events=[e.seq for e in events], note=events[0].data["why"])
            )
    return found


def silence(case: Case) -> list[Failure]:
    """`unresponsive`: the seat never wrote anything, or stopped writing before the end."""
    found = []
    for seat in case.seats:
        replies = case.replies(seat)
        tail = []
        for reply in reversed(replies):
            if reply.data["text"].strip():
                break
            tail.append(reply.seq)
        if tail and (len(tail) == len(replies) or len(tail) >= FALLS_SILENT):
            whole = len(tail) == len(replies)
            note = f"{seat} never wrote anything" if whole else f"{seat} wrote nothing in its last {len(tail)} turns"
            found.append(Failure.of("unresponsive", seat, events=tail, note=note))
    return found


def garbled(case: Case) -> list[Failure]:
    """`malformed_message`: messages too long to arrive whole, or noise."""
    found = []
    for seat in case.seats:
        blank = {reply.data["turn"] for reply in case.replies(seat) if not reply.data["text"].strip()}
        events = [event for event in case.transcript.of("malformed", seat=seat) if event.data["turn"] not in blank]
        if events:
            note = f"{len(events)} of {len(case.replies(seat))} messages of {seat}: {events[0].data['why']}"
            found.append(Failure.of("malformed_message", seat, events=[e.seq for e in events], note=note))
    return found


def repetition(case: Case) -> list[Failure]:
    """`repetition`: the same words again and again while the others went on talking; "agreed" to ever new proposals
    is none."""
    found = []
    for seat in case.seats:
        assents = set(case.assents(seat))
        longest: list[int] = []
        run: list[int] = []
        words, heard = "", False
        for said in case.utterances:
            if said.seat != seat:
                heard = heard or seat in said.heard_by
                continue
            if said.event in assents:
                continue
            now = " ".join(said.text.lower().split())
            run = [*run, said.event] if now == words and heard else [said.event]
            longest = max(longest, run, key=len)
            words, heard = now, False
        if len(longest) >= SAME_AGAIN:
            note = f"{seat} wrote the same {len(longest)} times in a row"
            found.append(Failure.of("repetition", seat, events=longest, note=note))
    return found


def mirrored(case: Case) -> list[Failure]:
    """`ungrounded`: cells named in a frame that the others do not use."""
    found = []
    if case.reading.frame_conflicts:
        seats = sorted({said.seat for said in case.utterances if said.event in case.reading.frame_conflicts})
        found.append(
            Failure.of(
                "ungrounded", *seats, events=case.reading.frame_conflicts, note="cells are named in more than one way"
            )
        )
    for seat in case.seats:
        claims = [claim for claim in case.claims(seat) if claim.content in (WALL, OPEN)]
        if len(claims) < MIRRORED_FROM:
            continue

        def fit(turned: Callable[[Cell, int], Cell], claims: list[Claim] = claims, seat: str = seat) -> float:
            size = case.maze.size
            hits = 0
            for claim in claims:
                cell = turned(claim.cell, size)
                hits += (
                    inside(size, cell) and case.sees(seat, cell) and agrees(claim.content, content(case.maze, cell))
                )
            return hits / len(claims)

        if fit(lambda cell, size: cell) > 0.5:
            continue
        how = max(MIRRORS, key=lambda name: fit(MIRRORS[name]))
        if fit(MIRRORS[how]) >= 0.9:
            note = f"what {seat} says of its copy is true with {how}"
            found.append(Failure.of("ungrounded", seat, events=sorted({c.event for c in claims}), note=note))
    return found


def false_claims(case: Case) -> list[Failure]:
    """`false_claim`: what a seat says about a cell that it sees is not so."""
    found = []
    for seat in case.seats:
        wrong = [c for c in case.claims(seat) if case.sees(seat, c.cell) and not case.is_true(c)]
        if wrong:
            shown = ", ".join(f"{named(claim.cell)} is not {claim.content!r}" for claim in wrong[:3])
            found.append(
                Failure.of(
                    "false_claim", seat, events=sorted({c.event for c in wrong}), note=f"{seat} sees that {shown}"
                )
            )
    return found


def guesses(case: Case) -> list[Failure]:
    """`unverified_claim`: a wrong statement about a cell that the seat cannot see and was not told about."""
    found = []
    for seat in case.seats:
        told = {(claim.cell, claim.content) for other in case.others(seat) for claim in case.claims(other)}
        wrong = [
            c
            for c in case.claims(seat)
            if not case.sees(seat, c.cell) and not case.is_true(c) and (c.cell, c.content) not in told
        ]
        if wrong:
            note = f"{seat} cannot see {named(wrong[0].cell)}, and nobody had said so"
            found.append(Failure.of("unverified_claim", seat, events=sorted({c.event for c in wrong}), note=note))
    return found


def broken_promises(case: Case) -> list[Failure]:
    """`broken_commitment`: an agreement taken back, or an announced message that never came."""
    found = []
    for seat in case.seats:
        events: list[int] = []
        for proposal in case.reading.proposals:
            agreed = [event for who, event in proposal.agreed_by if who == seat]
            turned = [event for who, event in proposal.rejected_by if who == seat]
            if agreed and turned and max(turned) > min(agreed):
                events += [min(agreed), max(turned)]
        said = case.said(seat)
        contentful = _contentful(case, seat)
        for now, then in pairwise(said):
            if _PROMISE.search(now.text) and then.event not in contentful:
                events += [now.event, then.event]
        if events:
            note = f"{seat} did not do what it had said"
            found.append(Failure.of("broken_commitment", seat, events=sorted(set(events)), note=note))
    return found


def unheard(case: Case) -> list[Failure]:
    """`ungrounded`: a proposal through a wall that another seat had told this one of before."""
    found = []
    for seat in case.seats:
        events: set[int] = set()
        through: list[Cell] = []
        for proposal in case.proposals(seat):
            for claim in _told_before(case, seat, proposal):
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


def insistence(case: Case) -> list[Failure]:
    """`disagreement`: the seat turned down other ways, and proposed its own again after it had been turned down."""
    found = []
    for seat in case.seats:
        events: set[int] = set()
        refusals = [event for event in case.objections(seat) if _refuses(case, event)]
        if not refusals:
            continue
        own = case.proposals(seat)
        for first, again in pairwise(own):
            refused = [event for _, event in first.rejected_by if event < again.event]
            if refused and again.path == first.path:
                events |= {first.event, again.event, *refused}
        events |= _kept_up(case, seat, refusals)
        if len(events) > FALLS_SILENT:
            note = f"{seat} turned down other ways, and proposed its own again after that had been turned down"
            found.append(Failure.of("disagreement", seat, events=[*events, *refusals], note=note))
    return found


def vagueness(case: Case) -> list[Failure]:
    """`vague`: messages that name no cell or move, and neither agree nor object."""
    found = []
    for seat in case.seats:
        said = case.said(seat)
        contentful = _contentful(case, seat)
        empty = [one.event for one in said if one.event not in contentful]
        if len(empty) >= 2 and len(empty) >= MOSTLY * len(said):
            note = f"{len(empty)} of {len(said)} messages of {seat} say nothing that can be acted on"
            found.append(Failure.of("vague", seat, events=empty, note=note))
    return found


def free_riding(case: Case) -> list[Failure]:
    """`free_riding`: a seat that only ever agreed, and left telling, proposing and checking to the others."""
    found = []
    for seat in case.seats:
        if case.assents(seat) and not _contributed(case, seat):
            note = f"{seat} only ever agreed: it told nothing, proposed nothing, objected to nothing"
            found.append(Failure.of("free_riding", seat, events=[said.event for said in case.said(seat)], note=note))
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
        return [Failure.of("illegal_move", *case.seats, events=events, note=_breached(case))]
    if broken.why != "wall" or case.sees(proposal.seat, broken.cell):
        return [
            Failure.of(
                "illegal_move", proposal.seat, events=[proposal.event], note=f"{proposal.seat}: {_breached(case)}"
            )
        ]
    found = [lie for lie in false_claims(case) if proposal.seat not in lie.seats]  # it was misled
    told = [c for c in _told_before(case, proposal.seat, proposal) if c.cell == broken.cell]
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
    if not _contributed(case, seat):
        note = f"{seat} agreed to walk into a wall that only it could see, and never did anything but agree"
        return Failure.of(
            "free_riding", seat, events=[proposal.event, *(s.event for s in case.said(seat))], note=note
        )
    note = f"{seat} sees the wall at {named(wall)}, said nothing of it and agreed"
    return Failure.of("withholding", seat, events=[proposal.event, agreed], note=note)


def late(case: Case) -> list[Failure]:
    """`turn_limit`: the dialogue was cut while the agreed legal path was still growing."""
    round_of_two = 2 * len(case.seats)
    maze = case.maze
    if len(case.utterances) <= round_of_two or case.walked.breach is not None:
        return []
    before = read(
        case.utterances[:-round_of_two], size=maze.size, start=maze.start, goal=maze.goal, seats=case.seats
    ).path
    if len(case.path) <= len(before) or case.reading.done:
        return []
    events = [said.event for said in case.utterances[-round_of_two:]]
    note = f"{len(case.path) - len(before)} moves were agreed on in the last two rounds, then the talk was over"
    return [Failure.of("turn_limit", *case.seats, events=events, note=note)]


def no_agreement(case: Case) -> list[Failure]:
    """`disagreement`: nothing else can be shown, and the seats did not agree on a way to the goal."""
    last = [case.proposals(seat)[-1].event for seat in case.seats if case.proposals(seat)]
    events = last or [said.event for said in case.utterances] or [case.transcript[-1].seq]
    reached = named(case.walked.legal[-1]) if case.walked.legal else "the start"
    note = f"agreed as far as {reached}" if len(case.walked.legal) > 1 else "no move was agreed on"
    return [Failure.of("disagreement", *case.seats, events=events, note=note)]


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


def _refuses(case: Case, event: int) -> bool:
    """Whether the message says no in so many words, rather than by proposing something else."""
    text = next(said.text for said in case.utterances if said.event == event)
    return any(found.reject > found.accept for found in read_message(text, case.maze.size).stances)


def _contentful(case: Case, seat: str) -> set[int]:
    """Messages of a seat that name a cell or a move, tell what a cell holds, agree, or say no."""
    found = {*case.assents(seat), *case.objections(seat)}
    for said in case.said(seat):
        message = read_message(said.text, case.maze.size)
        if message.moves or message.stated or message.lines or any(s.accept or s.reject for s in message.stances):
            found.add(said.event)
    return found


def _contributed(case: Case, seat: str) -> bool:
    return bool(case.proposals(seat) or case.claims(seat) or case.objections(seat))


def _told_before(case: Case, seat: str, proposal: Proposal) -> list[Claim]:
    """True claims of walls that the seat had heard when it made the proposal."""
    heard = {said.event for said in case.utterances if seat in said.heard_by and said.event < proposal.event}
    return [c for c in case.reading.claims if c.content == WALL and c.event in heard and case.is_true(c)]


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


def _breached(case: Case) -> str:
    broken = case.walked.breach
    assert broken is not None
    what = {"wall": "is a wall", "outside": "is outside the maze", "jump": "cannot be reached from there in one move"}
    return f"move {broken.index} of the agreed path goes to {named(broken.cell)}, which {what[broken.why]}"
