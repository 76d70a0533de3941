"""Gaps between conditions, paired by task and seed.

A unit is one team on one task and seed. Its value under a condition is the mean success over the epochs played
there; of a few gaps (`metric.FIGURE_OF`) the mean of a figure of the family's. `solo` and `with:AGENT` have an item
for each agent rather than for each team; under them a team's value is the mean over its different members, each of
which must have been played on that task and seed. A unit counts where both conditions of a gap have a value for it;
the others are reported as unmatched. Infrastructure errors are left out. Units of one task and seed (different
teams) make one cluster.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_collab.errors import UsageError
from pytest_collab.measure.bounded import bounded_mean
from pytest_collab.measure.frame import Frame, Mask
from pytest_collab.measure.interval import Estimate
from pytest_collab.measure.metric import FIGURE_OF, GAPS
from pytest_collab.measure.paired import Pairs, match

K = TypeVar("K", bound=Hashable)


class Unit(NamedTuple):
    """What is paired: one team on one task and seed."""

    family: str
    task: str
    seed: int
    team: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap with its interval.

    Attributes:
        name: a key of `metric.GAPS`.
        first, second: the conditions; the gap is the first's success (or figure) minus the second's.
        estimate: its `n` is the number of pairs.
        unmatched: units that only one of the two conditions has.
    """

    name: str
    first: str
    second: str
    estimate: Estimate
    unmatched: int


def one_agent(condition: str) -> bool:
    """Whether a condition has an item for each agent instead of each team."""
    return condition == "solo" or condition.startswith("with:")


def unit_values(
    frame: Frame, condition: str, values: NDArray[np.float64] | None = None, rows: Mask | None = None
) -> dict[Unit, float]:
    """Mean value of each unit under a condition.

    Args:
        frame: the run.
        condition: e.g. `team`.
        values: shape (n,), what to average over epochs; success when left out. NaN rows are left out.
        rows: shape (n,), which rows may be used; all when left out.

    Returns:
        By unit; under `solo` and `with:AGENT` the team is the one agent. Not to be changed: it is found once.
    """
    if values is None and rows is None:
        found: dict[Unit, float] = frame.once(
            ("units", condition), lambda: _unit_values(frame, condition, None, None)
        )
        return found
    return _unit_values(frame, condition, values, rows)


def _unit_values(
    frame: Frame, condition: str, values: NDArray[np.float64] | None, rows: Mask | None
) -> dict[Unit, float]:
    measured = frame.success.astype(np.float64) if values is None else values
    mask = frame.condition.among([condition]) & frame.evidence & ~np.isnan(measured)
    if rows is not None:
        mask = mask & rows
    sums: dict[tuple[int, int, int, int], list[float]] = {}
    chosen = np.flatnonzero(mask)
    for family, task, seed, team, value in zip(
        frame.family.codes[chosen].tolist(),
        frame.task.codes[chosen].tolist(),
        frame.seed[chosen].tolist(),
        frame.team.codes[chosen].tolist(),
        measured[chosen].tolist(),
        strict=True,
    ):
        cell = sums.setdefault((family, task, seed, team), [0.0, 0.0])
        cell[0] += value
        cell[1] += 1.0
    return {
        Unit(frame.family.values[family], frame.task.values[task], seed, frame.team.values[team]): total / count
        for (family, task, seed, team), (total, count) in sums.items()
    }


def as_teams(solo: Mapping[Unit, float], teams: Iterable[tuple[str, ...]]) -> dict[Unit, float]:
    """Turn values by agent into values by team: the mean over its different members.

    A unit is left out where any member's value is missing.
    """
    by_place: dict[tuple[str, str, int], dict[str, float]] = {}
    for unit, value in solo.items():
        by_place.setdefault(unit[:3], {})[unit.team[0]] = value
    found = {}
    for team in teams:
        members = dict.fromkeys(team)
        for place, values in by_place.items():
            if all(member in values for member in members):
                found[Unit(*place, team)] = sum(values[member] for member in members) / len(members)
    return found


def gap_values(frame: Frame, name: str, condition: str, rows: Mask | None = None) -> dict[Unit, float]:
    """What a gap compares, under one of its conditions: `unit_values` of success, or of the gap's figure."""
    figure = FIGURE_OF.get(name)
    if figure is None:
        return unit_values(frame, condition, rows=rows)
    values = frame.metrics.get(figure)
    return {} if values is None else unit_values(frame, condition, values, rows)


def gap_pairs(frame: Frame, name: str, teams: Mask | None = None) -> Pairs[Unit]:
    """The two values of every unit that a gap compares.

    Args:
        frame: the run.
        name: a key of `metric.GAPS`.
        teams: shape (n,), which rows of team conditions may be used; rows of `solo` and `with:AGENT` are
            always used for the teams that are left. None takes all.

    Raises:
        UsageError: there is no gap of that name.
    """
    if name not in GAPS:
        raise UsageError(f"unknown gap {name!r}. Gaps are {', '.join(GAPS)}.")
    first, second = GAPS[name]
    sides = {c: gap_values(frame, name, c, None if one_agent(c) else teams) for c in (first, second)}
    wanted = dict.fromkeys(unit.team for c, side in sides.items() if not one_agent(c) for unit in side)
    for condition in (first, second):
        if one_agent(condition):
            sides[condition] = as_teams(sides[condition], wanted)
    return match(sides[first], sides[second])


def gap(frame: Frame, name: str, teams: Mask | None = None, confidence: float = 0.95) -> Gap:
    """Estimate one gap over all units that have both its conditions.

    Args and raises as `gap_pairs`; `confidence` is two-sided.
    """
    pairs = gap_pairs(frame, name, teams)
    clusters = unit_clusters(pairs.keys)
    estimate = bounded_mean(pairs.difference, clusters, confidence, bounds=(-1.0, 1.0))
    return Gap(name, *GAPS[name], estimate, pairs.only_first + pairs.only_second)


def all_gaps(frame: Frame, teams: Mask | None = None, confidence: float = 0.95) -> tuple[Gap, ...]:
    """Every gap that the run has at least one pair for."""
    found = (gap(frame, name, teams, confidence) for name in GAPS)
    return tuple(one for one in found if one.estimate.n)


def unit_clusters(units: Iterable[Unit]) -> list[tuple[str, str, int]]:
    """Cluster label of each unit: its family, task and seed."""
    return [(unit.family, unit.task, unit.seed) for unit in units]
