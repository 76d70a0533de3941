"""Reading free-form maze dialogues: what path did the team agree on, and how sure is that?

`read` is a pure function of the messages. It needs no model and imposes no format: each message is
read clause by clause (`message`), its coordinates are put into one frame (`frame`), and a small state
machine (`agreement`) keeps what stands proposed, accepted and withdrawn.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Final

from pytest_collab.episode.text import without_omissions
from pytest_collab.families.maze.reading.agreement import Agreement
from pytest_collab.families.maze.reading.coordinates import writes_chess
from pytest_collab.families.maze.reading.dialogue import Cell, Claim, Proposal, Reading, Utterance
from pytest_collab.families.maze.reading.frame import (
    Evidence,
    Frame,
    Grid,
    best,
    conflicts,
    guessed,
    observe,
    observe_walk,
)
from pytest_collab.families.maze.reading.message import Message, read_message
from pytest_collab.families.maze.reading.route import adjacent

__all__ = ["Cell", "Claim", "Proposal", "Reading", "Utterance", "read"]


def read(utterances: Sequence[Utterance], *, size: int, start: Cell, goal: Cell, seats: Sequence[str]) -> Reading:
    """What `seats` agreed on, claimed and disputed in `utterances`.

    A path is agreed once every seat has committed itself to the same moves: one put it forward and the
    others, having heard it, accepted; or each said the same on its own. With one seat, what it said last
    counts.

    Args:
        size: rows and columns of the maze.
        start, goal: known to every seat, so they also tell what a seat's coordinates mean.
        seats: all who must agree. Utterances of others are left out.

    Returns:
        The reading. Never raises, whatever the texts are; texts longer than `plaintext.TEXT_LIMIT` are
        read at their beginning and end only.
    """
    grid = Grid(size, start, goal)
    members = tuple(dict.fromkeys(seats))
    spoken = [utterance for utterance in utterances if utterance.seat in members]
    chess = writes_chess(utterance.text for utterance in spoken)
    messages = [read_message(without_omissions(utterance.text), size, chess=chess) for utterance in spoken]
    evidence = {seat: Evidence() for seat in members}
    user: str | None = None
    declarer: str | None = None
    for utterance, message in zip(spoken, messages, strict=True):
        shown = evidence[utterance.seat]
        observe(shown, message.atoms, message.plain, grid)
        if user is None and shown.mentions:
            user = utterance.seat
        if declarer is None and shown.explicit():
            declarer = utterance.seat
    setter = declarer or user
    first = True
    for utterance, message in zip(spoken, messages, strict=True):
        for moves in message.moves:
            observe_walk(evidence[utterance.seat], moves.items, moves.notes, first=first)
        first = first and not message.moves
    frames: dict[str, tuple[Frame, Frame]] = {}
    prior: tuple[Frame, Frame] | None = None
    order = [seat for seat in (setter, *members) if seat is not None]
    for seat in dict.fromkeys(order):
        pair = best(evidence[seat], grid, letters=False, prior=prior[0] if prior else None)
        letter = best(evidence[seat], grid, letters=True, prior=prior[1] if prior else None)
        frames[seat] = (pair[0], letter[0])
        prior = prior or frames[seat]
    said = list(zip(spoken, messages, strict=True))
    agreement = _told(grid, frames, members, said, chess=chess, onward=False)
    certainty = 1.0
    if agreement.open:
        other = _told(grid, frames, members, said, chess=chess, onward=True)
        agreement, certainty = _likelier(agreement, other, grid)
    certainty *= _coherence(agreement.ledger.path, grid)
    own = [seat for seat in members if seat == setter or setter is None or frames[seat] != frames[setter]]
    if any(guessed(evidence[seat], frames[seat][0], grid) for seat in own):
        certainty *= GUESSED
    named = {}
    for seat in members:
        kinds = {mention.kind for mention in evidence[seat].mentions}
        if kinds:
            named[seat] = frames[seat]["a1" in kinds].name("a1" in kinds)
    return Reading(
        path=tuple(agreement.ledger.path),
        proposals=agreement.ledger.all_proposals(),
        claims=tuple(agreement.claims),
        disagreements=tuple(agreement.ledger.disagreements),
        done=tuple(agreement.done),
        confidence=round(agreement.ledger.confidence() * certainty, 4),
        frame=named,
        frame_conflicts=conflicts(
            [
                (utterance.event, utterance.seat, message.atoms.mentions)
                for utterance, message in zip(spoken, messages, strict=True)
            ],
            evidence,
            frames,
            grid,
            setter,
        ),
    )


def _likelier(one: Agreement, other: Agreement, grid: Grid) -> tuple[Agreement, float]:
    """The one of two readings that makes the better way, and how sure that is: what people agree on mostly hangs
    together, stays in the maze, leaves walls alone that they were told of, and ends at the goal."""
    if one.ledger.path == other.ledger.path:
        return one, 1.0
    first, second = _sense(one, grid), _sense(other, grid)
    if first == second:
        return one, 0.7
    return (one if first > second else other), 0.9 if abs(first - second) >= 2 else 0.75


def _coherence(path: Sequence[Cell], grid: Grid) -> float:
    """How far the shape of a path bears out that it was read right: only one that ends at the goal does so wholly."""
    if any(not grid.holds(cell) for cell in path) or any(not adjacent(*pair) for pair in pairwise(path)):
        return 0.6
    return (1.0 if path[-1] == grid.goal else 0.93) * (0.9 if len(set(path)) < len(path) else 1.0)


def _sense(agreement: Agreement, grid: Grid) -> int:
    path = agreement.ledger.path
    walls = {claim.cell for claim in agreement.claims if claim.content == "#"}
    broken = any(not grid.holds(cell) for cell in path) or any(not adjacent(*pair) for pair in pairwise(path))
    return 2 * (path[-1] == grid.goal) - 2 * broken - (not walls.isdisjoint(path)) - (len(set(path)) < len(path))


GUESSED: Final = 0.85
"""What is left of the confidence where a seat's convention is an unusual one that hardly anything speaks for."""

_Key = tuple[Grid, tuple[tuple[str, tuple[Frame, Frame]], ...], bool, bool, tuple[Utterance, ...]]

_kept: OrderedDict[_Key, Agreement] = OrderedDict()
"""Agreements of the dialogues read last: a dialogue is read again after every message, and mostly goes on."""

KEPT: Final = 64


def _told(
    grid: Grid,
    frames: Mapping[str, tuple[Frame, Frame]],
    members: Sequence[str],
    said: Sequence[tuple[Utterance, Message]],
    *,
    chess: bool,
    onward: bool,
) -> Agreement:
    """The agreement after the last message; the store gives the one before it, if it is there.

    Who takes one out of the store may change it: nobody else has it. It is not there when the last message changed
    what the cells in earlier ones mean.
    """
    spoken = tuple(utterance for utterance, _ in said)
    agreement = _kept.pop((grid, tuple(frames.items()), chess, onward, spoken[:-1]), None) if spoken else None
    for utterance, message in said if agreement is None else said[-1:]:
        agreement = agreement or Agreement(grid, members, frames, onward=onward)
        agreement.hear(utterance, message)
    agreement = agreement or Agreement(grid, members, frames, onward=onward)
    _kept[grid, tuple(frames.items()), chess, onward, spoken] = agreement
    if len(_kept) > KEPT:
        with suppress(KeyError):  # another thread was faster
            _kept.popitem(last=False)
    return agreement
