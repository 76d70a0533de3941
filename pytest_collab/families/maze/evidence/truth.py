"""Faults of telling: cells named in another frame, false claims, guesses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pytest_collab.episode.outcome import Failure
from pytest_collab.families.maze.reading.case import Case, agrees
from pytest_collab.families.maze.reading.reader import Claim
from pytest_collab.families.maze.rules import Cell, inside
from pytest_collab.families.maze.seats import GOAL, OPEN, START, WALL, content
from pytest_collab.families.maze.wording import listed, named

MIRRORED_FROM: Final = 4
"""Claims about one's own copy needed before they can be called mirrored."""

MIRRORS: Final[Mapping[str, Callable[[Cell, int], Cell]]] = {
    "rows and columns swapped": lambda cell, size: (cell[1], cell[0]),
    "rows counted from the bottom": lambda cell, size: (size - 1 - cell[0], cell[1]),
    "columns counted from the right": lambda cell, size: (cell[0], size - 1 - cell[1]),
    "rows and columns swapped, counted from the bottom": lambda cell, size: (size - 1 - cell[1], cell[0]),
    "one too many in both numbers": lambda cell, size: (cell[0] - 1, cell[1] - 1),
    "one too few in both numbers": lambda cell, size: (cell[0] + 1, cell[1] + 1),
}
"""Ways in which two players can name cells differently, each with what undoes it."""

MOST_NAMED: Final = 6
"""So many cells are named in the sentence of a false claim."""

_WORDS: Final = {
    WALL: ("is a wall", "are walls"),
    OPEN: ("is open", "are open"),
    START: ("is the start", "are the start"),
    GOAL: ("is the goal", "are the goal"),
}


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
            note = f"{seat} said that {_what(wrong)}; its own copy shows otherwise"
            found.append(Failure.of("false_claim", seat, events=sorted({c.event for c in wrong}), note=note))
    return found


def _what(claims: Sequence[Claim]) -> str:
    """Claims in words, by what they say: `(0, 1), (3, 1) are walls, (2, 2) is open`."""
    parts = []
    for said in dict.fromkeys(claim.content for claim in claims):
        cells = list(dict.fromkeys(claim.cell for claim in claims if claim.content == said))
        more = f" and {len(cells) - MOST_NAMED} more" if len(cells) > MOST_NAMED else ""
        parts.append(f"{listed(cells[:MOST_NAMED])}{more} {_WORDS[said][len(cells) > 1]}")
    return ", ".join(parts)


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
