"""Units: one team on one task and seed under one condition, as one value of a metric."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_collab.episode.outcome import Outcome
from pytest_collab.measure.frame import OUTCOMES, Frame, Mask
from pytest_collab.measure.gaps import gap_pairs
from pytest_collab.measure.gate import ClusterBy
from pytest_collab.measure.metric import FIGURE_OF, GAPS, parse_metric
from pytest_collab.measure.selection import Supposed, read_metric
from pytest_collab.measure.standin import StandIns


class Place(NamedTuple):
    """Where a unit was played; the team as the earlier run names it."""

    family: str
    task: str
    condition: str
    seed: int
    team: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Units:
    """What a run has of a metric.

    Attributes:
        values: the mean over the epochs that are evidence.
        played: also units of which every epoch was lost.
        absent: episodes that are evidence and have no value.
        lost: episodes that were lost.
        episodes: all of them.
        ungraded: of the lost ones, those that could not be read surely.
    """

    values: dict[Place, float]
    played: frozenset[Place]
    absent: int = 0
    lost: int = 0
    episodes: int = 0
    ungraded: int = 0


def units_of(
    frame: Frame,
    metric: str,
    rows: Mask,
    who: StandIns | None = None,
    *,
    absent: float | None = None,
    lost: Supposed | None = None,
) -> Units:
    """A metric's mean on each unit, over epochs.

    Args:
        frame: the run.
        metric: see `metric.parse_metric`.
        rows: shape (n,), the rows that are wanted; of a gap, those of its conditions with teams.
        who: which agents stand in for which, in the later of two runs.
        absent: see `selection.read_metric`.
        lost: what lost episodes count as; None to leave them out.

    Raises:
        UsageError: see `selection.read_metric`.
    """
    known = who or StandIns()
    measured = parse_metric(metric)
    if measured.kind == "gap":
        return _gaps(frame, metric, rows, known, lost)
    reading = read_metric(frame, metric, rows, absent=absent, lost=lost)
    read = np.flatnonzero(reading.used | reading.lost | reading.absent)
    places, of_row = _places(frame, read, known)
    used = reading.used[read]
    counts = np.bincount(of_row[used], minlength=len(places))
    sums = np.bincount(of_row[used], weights=reading.values[read][used], minlength=len(places))
    return Units(
        {
            place: total / count
            for place, total, count in zip(places, sums.tolist(), counts.tolist(), strict=True)
            if count
        },
        frozenset(places),
        int(reading.absent.sum()),
        int(reading.lost.sum()),
        len(read),
        int((reading.lost & frame.unread).sum()),
    )


def without_seeds(units: Units) -> Units:
    """What was played, whatever the seeds: of two runs that played other ones on purpose."""
    return replace(
        units,
        values={place._replace(seed=0): value for place, value in units.values.items()},
        played=frozenset(place._replace(seed=0) for place in units.played),
    )


def labels(places: Sequence[Place], cluster: ClusterBy) -> list[Hashable] | None:
    """The cluster of each unit; None where each stands for itself."""
    if cluster == "episode":
        return None
    return [place[:2] if cluster == "task" else (*place[:2], place.seed) for place in places]


def supposing(frame: Frame, gap: str, lost: Supposed | None) -> Frame:
    """A run whose lost episodes are successes or failures (or have the figure), as makes a gap lowest or highest."""
    if lost is None:
        return frame
    first, second = GAPS[gap]
    succeeds = frame.condition.among([first if lost.end == "high" else second])
    rows = lost.rows(frame)
    outcome = frame.outcome.copy()
    outcome[rows] = OUTCOMES.index(Outcome.COORDINATION)
    outcome[rows & succeeds] = OUTCOMES.index(Outcome.SUCCESS)
    figure = FIGURE_OF.get(gap)
    if figure is None or figure not in frame.metrics:
        return replace(frame, outcome=outcome)
    supposed = np.where(rows, succeeds.astype(np.float64), frame.metrics[figure])
    return replace(frame, outcome=outcome, metrics={**frame.metrics, figure: supposed})


def _gaps(frame: Frame, metric: str, rows: Mask, who: StandIns, lost: Supposed | None) -> Units:
    concerned = frame.condition.among(GAPS[metric])
    played = gap_pairs(supposing(frame, metric, Supposed("low")), metric, rows)
    pairs = gap_pairs(supposing(frame, metric, lost), metric, rows)
    found = {
        Place(unit.family, unit.task, metric, unit.seed, who.old(unit.team)): value
        for unit, value in zip(pairs.keys, pairs.difference.tolist(), strict=True)
    }
    return Units(
        found,
        frozenset(Place(u.family, u.task, metric, u.seed, who.old(u.team)) for u in played.keys),
        lost=int((concerned & ~frame.evidence).sum()),
        episodes=int(concerned.sum()),
        ungraded=int((concerned & ~frame.evidence & frame.unread).sum()),
    )


def _places(frame: Frame, rows: NDArray[np.intp], who: StandIns) -> tuple[list[Place], NDArray[np.intp]]:
    """The different places of rows, in the order in which they first appear, and the place of each row."""
    seed = np.unique(frame.seed[rows], return_inverse=True)[1]
    codes = seed.reshape(-1).astype(np.int64)
    for column in (frame.team, frame.condition, frame.task, frame.family):
        codes = codes + column.codes[rows].astype(np.int64) * (int(codes.max(initial=0)) + 1)
    _, first, of_row = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    teams = [who.old(team) for team in frame.team.values]
    places = [
        Place(
            frame.family[row],
            frame.task[row],
            frame.condition[row],
            int(frame.seed[row]),
            teams[int(frame.team.codes[row])],
        )
        for row in rows[first[order]].tolist()
    ]
    return places, rank[of_row.reshape(-1)]
