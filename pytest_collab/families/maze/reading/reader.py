"""Reading free-form maze dialogues: what path did the team agree on, and how sure is that?

`read` is a pure function of the messages. It needs no model and imposes no format: each message is
read clause by clause (`message`), its coordinates are put into one frame (`frame`), and a small state
machine (`agreement`) keeps what stands proposed, accepted and withdrawn.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from pytest_collab.episode.text import without_omissions
from pytest_collab.families.maze.reading.agreement import Agreement
from pytest_collab.families.maze.reading.dialogue import Cell, Claim, Proposal, Reading, Utterance
from pytest_collab.families.maze.reading.frame import Evidence, Frame, Grid, best, conflicts, observe, observe_walk
from pytest_collab.families.maze.reading.message import read_message

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
    messages = [read_message(without_omissions(utterance.text), size) for utterance in spoken]
    evidence = {seat: Evidence() for seat in members}
    setter: str | None = None
    for utterance, message in zip(spoken, messages, strict=True):
        observe(evidence[utterance.seat], message.atoms, message.plain, grid)
        if setter is None and (evidence[utterance.seat].mentions or evidence[utterance.seat].explicit()):
            setter = utterance.seat
    for utterance, message in zip(spoken, messages, strict=True):
        for moves in message.moves:
            observe_walk(evidence[utterance.seat], moves.items, grid)
    frames: dict[str, tuple[Frame, Frame]] = {}
    prior: tuple[Frame, Frame] | None = None
    order = [seat for seat in (setter, *members) if seat is not None]
    for seat in dict.fromkeys(order):
        pair = best(evidence[seat], grid, letters=False, prior=prior[0] if prior else None)
        letter = best(evidence[seat], grid, letters=True, prior=prior[1] if prior else None)
        frames[seat] = (pair[0], letter[0])
        prior = prior or frames[seat]
    agreement = _taken(grid, frames, spoken)
    heard = 0 if agreement is None else len(spoken) - 1
    agreement = agreement or Agreement(grid, members, frames)
    for utterance, message in zip(spoken[heard:], messages[heard:], strict=True):
        agreement.hear(utterance, message)
    named = {}
    for seat in members:
        kinds = {mention.kind for mention in evidence[seat].mentions}
        if kinds:
            named[seat] = frames[seat]["a1" in kinds].name("a1" in kinds)
    reading = Reading(
        path=tuple(agreement.ledger.path),
        proposals=agreement.ledger.all_proposals(),
        claims=tuple(agreement.claims),
        disagreements=tuple(agreement.ledger.disagreements),
        done=tuple(agreement.done),
        confidence=agreement.ledger.confidence(),
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
    _keep(grid, frames, spoken, agreement)
    return reading


_Key = tuple[Grid, tuple[tuple[str, tuple[Frame, Frame]], ...], tuple[Utterance, ...]]

_kept: OrderedDict[_Key, Agreement] = OrderedDict()
"""Agreements of the dialogues read last: a dialogue is read again after every message, and mostly goes on."""

KEPT: Final = 64


def _taken(grid: Grid, frames: Mapping[str, tuple[Frame, Frame]], spoken: Sequence[Utterance]) -> Agreement | None:
    """The agreement before the last message, out of the store: who takes it may change it, nobody else has it.

    None when it is not there, or when the last message changed what the cells in earlier ones mean.
    """
    return _kept.pop((grid, tuple(frames.items()), tuple(spoken[:-1])), None) if spoken else None


def _keep(
    grid: Grid, frames: Mapping[str, tuple[Frame, Frame]], spoken: Sequence[Utterance], agreement: Agreement
) -> None:
    _kept[grid, tuple(frames.items()), tuple(spoken)] = agreement
    if len(_kept) > KEPT:
        with suppress(KeyError):  # another thread was faster
            _kept.popitem(last=False)
