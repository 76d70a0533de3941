"""What failures of a team are due to, and to whom.

With `solo`, `shared` and `team` played on the same tasks and seeds, the failure rate of a team takes itself apart:

    1 - team  =  (1 - solo)       competence:    it cannot be done alone, with everything known and every job held
              +  (solo - shared)  cooperation:   it can, but not by several, even when all see the same
              +  (shared - team)  communication: it can by several who see the same, not by those who must tell

With `with:partner` and `solo`, what one agent adds is taken apart the same way:

    1 - team  =  (1 - solo)       competence of this agent
              +  (solo - with)    its own cooperation: lost even next to a flawless partner
              +  (with - team)    its partner's, or between the two

Each part is the mean of paired differences, and their sum is the failure rate exactly. A part can be negative: a
team may do better than its members alone. A share cannot: no cause brings about less than none of the failures, or
more than all. Shares are those of the rates made monotone (`1 >= solo >= between >= team`): where a harder condition
came out better than an easier one, by chance or not, the two count as equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_collab.measure.cluster import Labels, cluster_codes, cluster_mean, cluster_rate
from pytest_collab.measure.frame import Frame, Mask
from pytest_collab.measure.gaps import Unit, as_teams, unit_clusters, unit_values
from pytest_collab.measure.interval import Estimate, normal_quantile, wilson
from pytest_collab.measure.paired import match, paired_difference
from pytest_collab.measure.settling import settle

WITH_PARTNER: Final = "with:partner"


@dataclass(frozen=True, slots=True)
class Part:
    """One cause's part of the failure rate.

    Attributes:
        cause: `competence`, `cooperation`, `communication`, `own_cooperation` or `partner`.
        rate: percentage points of failure it stands for, 0..1 (negative where it helps).
        share: the share of failures due to it, 0..1; the shares of all causes add up to 1. NaN when nothing failed.
    """

    cause: str
    rate: Estimate
    share: Estimate


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A failure rate taken apart.

    Attributes:
        agent: whose; None for all teams together.
        failure_rate: 1 - success under `team`, on the units that have all three conditions.
        parts: they add up to the failure rate.
    """

    agent: str | None
    failure_rate: Estimate
    parts: tuple[Part, ...]


def decompose(
    frame: Frame, agent: str | None = None, teams: Mask | None = None, confidence: float = 0.95
) -> Decomposition | None:
    """Take the teams' failure rate apart into competence, cooperation and communication.

    Args:
        frame: the run.
        agent: only teams with this agent, and its own `solo` in the place of the members' mean.
        teams: shape (n,), which rows of `team` and `shared` may be used.
        confidence: two-sided.

    Returns:
        None when no team has all of `solo`, `shared` and `team` on a common task and seed.
    """
    return _decompose(frame, agent, teams, confidence, "shared", ("competence", "cooperation", "communication"))


def decompose_by_partner(
    frame: Frame, agent: str, teams: Mask | None = None, confidence: float = 0.95
) -> Decomposition | None:
    """Take the failure rate of one agent's teams apart into its competence, its cooperation, and its partners'.

    Returns:
        None when none of its teams has all of `solo`, `with:partner` and `team` on a common task and seed.
    """
    return _decompose(frame, agent, teams, confidence, WITH_PARTNER, ("competence", "own_cooperation", "partner"))


def _decompose(
    frame: Frame, agent: str | None, teams: Mask | None, confidence: float, between: str, causes: tuple[str, str, str]
) -> Decomposition | None:
    team = unit_values(frame, "team", rows=teams)
    if agent is not None:
        team = {unit: value for unit, value in team.items() if agent in unit.team}
    solo = _members(frame, "solo", team, agent)
    middle = (
        _members(frame, between, team, agent) if between == WITH_PARTNER else unit_values(frame, between, rows=teams)
    )
    units = [unit for unit in team if unit in solo and unit in middle]
    if not units:
        return None
    clusters = unit_clusters(units)
    alone, mid, together = (np.array([side[unit] for unit in units]) for side in (solo, middle, team))
    levels = (np.ones(len(units)), alone, mid, together)
    parts = tuple(
        Part(cause, paired_difference(easier, harder, clusters, confidence), share)
        for cause, (easier, harder), share in zip(
            causes, pairwise(levels), shares(levels, clusters, confidence), strict=True
        )
    )
    whole = cluster_mean(1.0 - together, clusters, confidence, bounds=(0.0, 1.0))
    return Decomposition(agent, whole, parts)


def _members(frame: Frame, condition: str, teams: dict[Unit, float], agent: str | None) -> dict[Unit, float]:
    values = unit_values(frame, condition)
    if agent is None:
        return as_teams(values, dict.fromkeys(unit.team for unit in teams))
    own = {unit[:3]: value for unit, value in values.items() if unit.team == (agent,)}
    return {unit: own[unit[:3]] for unit in teams if unit[:3] in own}


def shares(
    levels: Sequence[NDArray[np.float64]], clusters: Labels | None = None, confidence: float = 0.95
) -> tuple[Estimate, ...]:
    """The shares of failures that arise from one condition to the next harder one.

    The share is taken from the means made monotone by pooling adjacent violators (Barlow, Bartholomew, Bremner &
    Brunk 1972, "Statistical inference under order restrictions"). Its interval is Wilson's at the effective sample
    size, as for every rate here (`cluster.cluster_rate`): what the variance of the linearised ratio
    (Cochran 1977, "Sampling techniques", section 6.4; cluster-robust) says the failures are worth. Where all
    failures have the same cause there is no spread to judge by, and every cluster's failures count as one. Where some
    units did better under the harder condition, the ratio's own interval, which knows of their sign, may widen it.

    Args:
        levels: success of each unit, 0..1, from the easiest condition to the hardest; each of shape (n,). The first
            is what would be if nothing failed: ones.
        clusters: a label for each unit; None when all are independent.
        confidence: two-sided coverage.

    Returns:
        One for each step between two levels; NaN with the interval 0..1 when nothing failed.
    """
    n = len(levels[0])
    failed = levels[0] - levels[-1]
    total = float(failed.sum())
    steps = [easier - harder for easier, harder in pairwise(levels)]
    if total <= 0.0:
        return tuple(Estimate(math.nan, 0.0, 1.0, n, confidence, "Wilson") for _ in steps)
    means = _monotone([float(level.mean()) for level in levels])
    codes = cluster_codes(clusters, n)
    failures = float((np.bincount(codes, weights=failed) / np.bincount(codes)).sum())
    found = []
    for step, (before, after) in zip(steps, pairwise(means), strict=True):
        value = min(1.0, max(0.0, (before - after) / (means[0] - means[-1])))
        raw = float(step.sum()) / total
        spread = cluster_mean(step - raw * failed, clusters, confidence)
        half = (spread.high - spread.low) / 2.0 / (total / n)
        deviation = half / normal_quantile(confidence)
        size = _effective_failures(value, deviation, failures, total)
        end = wilson(value * size, size, confidence)
        low, high = end.low, end.high
        if ((step < 0.0) | (step > failed)).any():
            low, high = min(low, max(0.0, raw - half)), max(high, min(1.0, raw + half))
        method = f"Wilson, effective size {size:.1f}"
        found.append(Estimate(value, low, high, n, confidence, method, int(codes.max()) + 1))
    return tuple(found)


def _effective_failures(share: float, deviation: float, clustered: float, total: float) -> float:
    """How many independent failures a share of them rests on.

    Args:
        deviation: standard error of the share, with what few clusters cost in it; infinite when unknown.
        clustered: failures when those of a cluster count as one.
        total: failures.
    """
    if math.isinf(deviation):
        return min(1.0, clustered)
    if deviation < 1e-9:
        return clustered
    if share in (0.0, 1.0):  # at an end by pooling: the spread is that of both signs
        return min(clustered, 0.25 / deviation**2)
    return max(min(1.0, clustered), min(total, share * (1.0 - share) / deviation**2))


def _monotone(means: Sequence[float]) -> list[float]:
    """The nearest values (least squares) that do not rise: pool adjacent violators."""
    pools: list[tuple[float, int]] = []
    for mean in means:
        value, size = mean, 1
        while pools and pools[-1][0] < value:
            before, many = pools.pop()
            value, size = (before * many + value * size) / (many + size), many + size
        pools.append((value, size))
    return [value for value, size in pools for _ in range(size)]


@dataclass(frozen=True, slots=True)
class FaultRate:
    """How often a seat, or an agent, is at fault.

    Attributes:
        name: seat or agent.
        rate: share of its episodes in which a failure names it, unsettled ones aside; clusters are tasks and seeds.
        codes: how many episodes each failure code was found in, most frequent first.
    """

    name: str
    rate: Estimate
    codes: tuple[tuple[str, int], ...]


def seat_faults(frame: Frame, rows: Mask | None = None, confidence: float = 0.95) -> tuple[FaultRate, ...]:
    """How often each seat is at fault, over the episodes of the given rows (all `team` ones when left out)."""
    return _faults(frame, rows, confidence, by_agent=False)


def agent_faults(frame: Frame, rows: Mask | None = None, confidence: float = 0.95) -> tuple[FaultRate, ...]:
    """How often each agent is at fault, on whichever seat it sat."""
    return _faults(frame, rows, confidence, by_agent=True)


def _faults(frame: Frame, rows: Mask | None, confidence: float, *, by_agent: bool) -> tuple[FaultRate, ...]:
    chosen = (frame.condition.among(["team"]) if rows is None else rows) & frame.evidence
    still_open = settle(frame).open
    places = np.flatnonzero(chosen)
    clusters = frame.clusters(places)
    hits: dict[str, list[float]] = {}
    labels: dict[str, list[int]] = {}
    codes: dict[str, dict[str, int]] = {}
    for row, cluster in zip(places.tolist(), clusters.tolist(), strict=True):
        seating = frame.seating[row]
        named: dict[str, set[str]] = {}
        agents = dict(seating)
        for fault in () if still_open[row] else frame.faults.get(row, ()):
            for seat in fault.seats:
                name = agents.get(seat, "") if by_agent else seat
                if name:
                    named.setdefault(name, set()).add(fault.code)
        for name in dict.fromkeys(agent if by_agent else seat for seat, agent in seating):
            if name:
                hits.setdefault(name, []).append(float(name in named))
                labels.setdefault(name, []).append(cluster)
        for name, found in named.items():
            for code in found:
                counts = codes.setdefault(name, {})
                counts[code] = counts.get(code, 0) + 1
    return tuple(
        FaultRate(
            name,
            cluster_rate(hits[name], labels[name], confidence),
            tuple(sorted(codes.get(name, {}).items(), key=lambda item: (-item[1], item[0]))),
        )
        for name in sorted(hits)
    )


@dataclass(frozen=True, slots=True)
class WeakerPartner:
    """Which of two agents holds their team back.

    Attributes:
        agents: the two, alphabetically.
        condition: what they were compared under: `with:partner`, or `solo` where that was not played.
        difference: success of the first minus that of the second, paired by task and seed.
        weaker: the one with less success; None when the interval leaves it open.
    """

    agents: tuple[str, str]
    condition: str
    difference: Estimate
    weaker: str | None


def weaker_partners(frame: Frame, confidence: float = 0.95) -> tuple[WeakerPartner, ...]:
    """For every two different agents that play in one team: who does worse in the other's place?

    Both are compared next to the same flawless partner (`with:partner`), on the same tasks and seeds; where that
    was not played, alone.
    """
    pairs = sorted(
        {tuple(sorted(set(team))) for team in frame.team.values if len(set(team)) == 2},
    )
    values = {condition: unit_values(frame, condition) for condition in (WITH_PARTNER, "solo")}
    found = []
    for first, second in pairs:
        for condition, units in values.items():
            sides = [{u[:3]: v for u, v in units.items() if u.team == (agent,)} for agent in (first, second)]
            matched = match(*sides)
            if not matched.keys:
                continue
            estimate = paired_difference(matched.first, matched.second, None, confidence)
            weaker = second if estimate.low > 0.0 else first if estimate.high < 0.0 else None
            found.append(WeakerPartner((first, second), condition, estimate, weaker))
            break
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Success of every agent next to every other.

    Attributes:
        agents: rows (who speaks first) and columns (the second), alphabetically.
        cells: success rate of each team of two, by (first, second); missing where none was played.
    """

    agents: tuple[str, ...]
    cells: dict[tuple[str, str], Estimate]


def agent_matrix(frame: Frame, condition: str = "team", rows: Mask | None = None, confidence: float = 0.95) -> Matrix:
    """The heat map agent x agent: success rate of each team of two under a condition."""
    mask = frame.condition.among([condition]) & frame.evidence
    if rows is not None:
        mask = mask & rows
    cells = {}
    for team in sorted(team for team in frame.team.values if len(team) == 2):
        places = np.flatnonzero(mask & frame.team.among([team]))
        if len(places):
            rate = cluster_rate(frame.success[places], frame.clusters(places), confidence)
            cells[team[0], team[1]] = rate
    return Matrix(tuple(sorted({agent for pair in cells for agent in pair})), cells)
