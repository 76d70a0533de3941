"""Episodes that say nothing, as a gate sees them: those of its own selection.

An episode is lost to the infrastructure, or because what was said in it could not be read surely. Neither happens
at random: what talks longest, or fails, is what breaks, and only what failed is left unread. So a gate is void where
more of its own episodes were lost than the file allows, whatever the rest of the run looks like; and a verdict has to
hold whatever the lost ones would have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from pytest_collab.episode.text import counted, plural
from pytest_collab.measure.decision import Decision, GateVerdict
from pytest_collab.measure.frame import Column, Frame, Mask
from pytest_collab.measure.gate import Gate, GateFile
from pytest_collab.measure.pooling import finite_or_none

BY_CHANCE: Final = 0.05
"""A share of losses is held to be above the limit where chance explains it less often than this."""


class Bounds(BaseModel):
    """A figure with its one-sided bounds; None where there is none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    value: float | None
    low: float | None
    high: float | None


class Losses(BaseModel):
    """What of a gate's episodes was lost.

    Attributes:
        lost: episodes of its selection that were lost, of `episodes`.
        ungraded: those of them that could not be read; the others were lost to the infrastructure.
        at_most: the share that the file allows.
        cells: tasks, by condition, and teams that lost more than chance explains under that share, with their counts.
        lowest, highest: what the gate's figure would be if the lost ones had all been as low, or as high, as can be;
            None where nothing was lost, or the metric has no range.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    lost: int
    episodes: int
    at_most: float
    ungraded: int = 0
    cells: tuple[str, ...] = ()
    lowest: Bounds | None = None
    highest: Bounds | None = None

    @property
    def void(self) -> bool:
        """Whether too much is missing for the gate to say anything."""
        return bool(self.cells) or self.lost > self.at_most * self.episodes


def losses_of(frame: Frame, rows: Mask, at_most: float, *, teams: bool = False) -> Losses:
    """Count what was lost among `rows`: as a whole, by task and condition, and by team where `teams` says so."""
    lost = rows & ~frame.evidence
    total, gone = int(rows.sum()), int(lost.sum())
    cells = _cells(frame, rows, lost, at_most, teams=teams) if gone else ()
    return Losses(lost=gone, episodes=total, at_most=at_most, ungraded=int((lost & frame.unread).sum()), cells=cells)


def lost_at_random(file: GateFile, gate: Gate) -> bool:
    """Whether a gate leaves out what was lost to the infrastructure as if chance had picked it."""
    return (gate.lost or file.counts_lost) == "at_random"


def lost_there(losses: Losses, baseline: str) -> tuple[str, ...]:
    """What a baseline lost, for people: as little as the run's own is it lost at random; empty where nothing was."""
    if not losses.lost:
        return ()
    what = f"{losses.lost} of the {counted(losses.episodes, 'episode')} of {baseline}"
    return (lost_text(what, losses.lost, losses.ungraded, losses.episodes),)


def depends(losses: Losses, decision: Decision, ends: Sequence[Decision]) -> tuple[str, ...]:
    """Why a verdict does not stand that the lost episodes could have turned.

    Args:
        losses: what was lost, of the run and of its baseline together.
        decision: without it.
        ends: as if it had been as low, and as high, as can be.
    """
    if decision.verdict is GateVerdict.UNDECIDED or all(one.verdict is decision.verdict for one in ends):
        return ()
    remedy = "play them again with --collab-resume" if losses.ungraded < losses.lost else ""
    if losses.ungraded:
        remedy += " and " * bool(remedy) + "let another reader read them (--collab-grader)"
    return (f"what the lost episodes would have been decides it: {remedy}",)


def lost_text(what: str, lost: int, ungraded: int, episodes: int) -> str:
    """`what` with what became of it, and the share: a part of a sentence."""
    share, were = f"{lost / max(1, episodes):.1%}", plural(lost, "was", "were")
    if not ungraded:
        return f"{what} {were} lost to the infrastructure ({share})"
    if ungraded == lost:
        return f"{what} could not be read surely ({share})"
    return (
        f"{what} {were} lost ({share}: {lost - ungraded} to the infrastructure, {ungraded} could not be read surely)"
    )


def bounds_of(decision: Decision) -> Bounds:
    """A decision's figure and bounds, as JSON can hold them."""
    found = decision.estimate
    return Bounds(value=finite_or_none(found.value), low=finite_or_none(found.low), high=finite_or_none(found.high))


def _cells(frame: Frame, rows: Mask, lost: Mask, at_most: float, *, teams: bool) -> tuple[str, ...]:
    from scipy.special import bdtrc

    def tallied(*columns: Column[Any]) -> list[tuple[list[Any], int, int]]:
        codes = np.stack([column.codes for column in columns], axis=1)[rows]
        cells, places = np.unique(codes, axis=0, return_inverse=True)
        places = places.reshape(-1)
        sizes = np.bincount(places, minlength=len(cells)).tolist()
        gone = np.bincount(places, weights=lost[rows], minlength=len(cells)).astype(int).tolist()
        named = [[column.values[code] for column, code in zip(columns, cell, strict=True)] for cell in cells.tolist()]
        return list(zip(named, sizes, gone, strict=True))

    cells = tallied(frame.family, frame.task, frame.condition)
    played = tallied(frame.team) if teams else []
    if len(played) > 1:
        cells += [([f"team {'+'.join(team)}"], size, gone) for (team,), size, gone in played]
    # Bonferroni's correction over the cells: with many, some lose more than their share by chance.
    return tuple(
        f"{' '.join(names)} ({count} of {size})"
        for names, size, count in cells
        if count > at_most * size and float(bdtrc(count - 1, size, at_most)) * len(cells) <= BY_CHANCE
    )
