"""What became of failures that their own episode left open between coordination and competence.

The record of such an episode says `unsettled`. A `solo` episode of the same agent, task and seed in the same run
settles it, whichever was played first: an agent that does the job alone has failed at doing it together. Records are
never rewritten; everything that counts outcomes asks here what they come to.

Two conditions settle. `solo` is played on all seeds. `solo:settle` (`--collab-settle`) is played only where a failure
was left open: how often it succeeds says nothing about `solo` in general, and no other figure reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_collab.episode.condition import SETTLING
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.measure.frame import OUTCOMES, Frame, Mask
from pytest_collab.measure.gaps import Unit, unit_values
from pytest_collab.measure.reader import frame_of

COORDINATION: Final = OUTCOMES.index(Outcome.COORDINATION)
COMPETENCE: Final = OUTCOMES.index(Outcome.COMPETENCE)
UNSETTLED: Final = OUTCOMES.index(Outcome.UNSETTLED)


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """A run's outcomes, each shape (n,).

    Attributes:
        outcomes: places in `frame.OUTCOMES`; what is open is `unsettled`.
        by_solo: rows that solo episodes settled.
        open: rows that are unsettled still.
    """

    outcomes: NDArray[np.int8]
    by_solo: Mask
    open: Mask


class Missing(NamedTuple):
    """A solo episode that would help to settle a failure."""

    family: str
    task: str
    task_hash: str
    seed: int
    agent: str


def settle(frame: Frame) -> Settled:
    """Settle by `solo` what episodes left open.

    A failure is one of coordination when every member of its team did the same task and seed alone (in at least half
    of its solo epochs), and one of competence when one did not. Without solo episodes of all members it is unsettled;
    so it is in runs of earlier versions, whose records name one of the two beside `settled: false`. What could not be
    read surely stays open whatever was played beside it: nobody knows what it was that failed.
    """
    found: Settled = frame.once("settled", lambda: _settled(frame))
    return found


def _settled(frame: Frame) -> Settled:
    outcomes = frame.outcome.copy()
    left_open = (frame.outcome == UNSETTLED) | (~frame.settled & np.isin(frame.outcome, (COORDINATION, COMPETENCE)))
    by_solo = np.zeros(len(frame), dtype=bool)
    if not left_open.any():
        return Settled(outcomes, by_solo, left_open)
    outcomes[left_open] = UNSETTLED
    alone = _alone(frame)
    unread = frame.unread
    for row in np.flatnonzero(left_open).tolist():
        if unread[row]:
            continue
        if frame.condition[row].partition(":")[0] == "solo":
            outcomes[row] = COMPETENCE
            by_solo[row] = True
            continue
        values = [alone.get(unit) for unit in _members(frame, row)]
        found = [value for value in values if value is not None]
        if found and len(found) == len(values):
            outcomes[row] = COORDINATION if all(value >= 0.5 for value in found) else COMPETENCE
            by_solo[row] = True
    return Settled(outcomes, by_solo, left_open & ~by_solo)


def shown(frame: Frame, code_or_cause: str) -> Mask:
    """Rows with a failure of that code or cause that counts: what is open counts for nothing until it is settled."""
    return frame.has_fault(code_or_cause) & ~settle(frame).open


def suppose(frame: Frame, outcome: Outcome | None) -> Frame:
    """The run as it would be if everything that is open in it were settled to `outcome`; None leaves it open."""
    if outcome is None:
        return frame
    still_open = settle(frame).open
    outcomes = np.where(still_open, np.int8(OUTCOMES.index(outcome)), frame.outcome)
    found: Frame = frame.once(
        ("supposed", outcome), lambda: replace(frame, outcome=outcomes, settled=frame.settled | still_open)
    )
    return found


def _alone(frame: Frame) -> dict[Unit, float]:
    """Success alone; `solo` where it was played, for it was not played because of a failure."""
    return unit_values(frame, SETTLING) | unit_values(frame, "solo")


def _members(frame: Frame, row: int) -> list[Unit]:
    place = (frame.family[row], frame.task[row], int(frame.seed[row]))
    return [Unit(*place, (member,)) for member in dict.fromkeys(frame.team[row])]


def missing_solos(frame: Frame) -> list[Missing]:
    """The solo episodes that would settle all that is open, each once, in the order in which they are missed."""
    still_open = settle(frame).open & ~frame.unread
    if not still_open.any():
        return []
    alone = _alone(frame)
    found: dict[Missing, None] = {}
    for row in np.flatnonzero(still_open).tolist():
        for unit in _members(frame, row):
            if unit not in alone:
                found[Missing(unit.family, unit.task, frame.task_hash[row], unit.seed, unit.team[0])] = None
    return list(found)


def as_settled(episodes: Sequence[Episode]) -> list[Episode]:
    """Episodes of one run with the outcome that each was settled to; `settled` still tells which were left open."""
    if all(episode.settled and episode.outcome is not Outcome.UNSETTLED for episode in episodes):
        return list(episodes)
    frame = frame_of(episodes)
    known = {frame.id[row]: OUTCOMES[code] for row, code in enumerate(settle(frame).outcomes.tolist())}
    return [
        one if known.get(one.id, one.outcome) is one.outcome else one.model_copy(update={"outcome": known[one.id]})
        for one in episodes
    ]
