"""Success over difficulty, and how much of it working together keeps."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_collab.errors import UsageError
from pytest_collab.measure.cluster import cluster_codes
from pytest_collab.measure.interval import Estimate, check_confidence, finite, wilson

if TYPE_CHECKING:
    from pytest_collab.measure.cluster import Labels
    from pytest_collab.measure.interval import Values

BUCKETS = 10

T = TypeVar("T", bound=Hashable)


def difficulty(solo: Mapping[T, Mapping[str, float]]) -> dict[T, float]:
    """How hard each task is: one minus its solo success, averaged over agents.

    CooperBench (arXiv 2601.13295): ``d(t) = 1 - 1/|M| * sum over m of Solo_m(t)``. Each agent weighs the
    same, however many episodes it played. With a single agent the difficulty is that agent's own, and
    curves of different agents cannot be laid over one another.

    Args:
        solo: for each task, the mean solo success (0..1) of each agent.

    Raises:
        UsageError: a task has no agent, or a rate lies outside 0..1.
    """
    found = {}
    for task, rates in solo.items():
        if not rates:
            raise UsageError(f"task {task!r} has no solo episode: difficulty needs the solo condition")
        found[task] = 1.0 - float(finite(list(rates.values()), (0.0, 1.0)).mean())
    return found


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One bucket of a difficulty curve: `low <= difficulty < high` (the last one includes 1)."""

    low: float
    high: float
    success: Estimate

    @property
    def middle(self) -> float:
        """Where the point stands on the difficulty axis."""
        return (self.low + self.high) / 2.0


def difficulty_curve(
    difficulties: Values, successes: Values, confidence: float = 0.95, *, buckets: int = BUCKETS
) -> tuple[CurvePoint, ...]:
    """Success rate in each bucket of difficulty, with Wilson intervals; empty buckets are left out.

    CooperBench, figure 4: equal-width buckets over 0..1.

    Args:
        difficulties: shape (n,), the difficulty in 0..1 of each episode's task.
        successes: shape (n,), 0..1 each (a task's mean success, or an episode's 0 or 1).
        confidence: two-sided coverage of each bucket's interval.
        buckets: how many.

    Raises:
        UsageError: the lengths differ, or a value lies outside 0..1.
    """
    hard, won = finite(difficulties, (0.0, 1.0)), finite(successes, (0.0, 1.0))
    if len(hard) != len(won):
        raise UsageError(f"{len(hard)} difficulties for {len(won)} successes: give one for each")
    place = bucket_of(hard, buckets)
    count = np.bincount(place, minlength=buckets)
    total = np.bincount(place, weights=won, minlength=buckets)
    return tuple(
        CurvePoint(b / buckets, (b + 1) / buckets, wilson(min(total[b], count[b]), int(count[b]), confidence))
        for b in range(buckets)
        if count[b]
    )


def bucket_of(difficulties: NDArray[np.float64], buckets: int = BUCKETS) -> NDArray[np.intp]:
    """Bucket number of each difficulty; `1 - 0.9` falls into the second of ten, as it should."""
    return np.minimum(np.floor(np.round(difficulties * buckets, 9)), buckets - 1).astype(np.intp)


def area(curve: Sequence[CurvePoint]) -> float:
    """Area under a difficulty curve: the trapezoidal rule over the middles of the buckets that have data.

    NaN with fewer than two points: a single point has no area.
    """
    if len(curve) < 2:
        return math.nan
    x, y = (np.array(values) for values in zip(*((p.middle, p.success.value) for p in curve), strict=True))
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2.0))


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of the solo curve's area the team keeps.

    Attributes:
        solo: area under the solo curve.
        team: area under the team curve.
        retention: team / solo, with a bootstrap interval; NaN where the solo area is zero or undefined.
        tasks: tasks that have both.
    """

    solo: float
    team: float
    retention: Estimate
    tasks: int


def retention(
    difficulties: Mapping[T, float],
    solo: Mapping[T, float],
    team: Mapping[T, float],
    confidence: float = 0.95,
    *,
    clusters: Mapping[T, Hashable] | None = None,
    buckets: int = BUCKETS,
    resamples: int = 2000,
    seed: int = 0,
) -> Retention:
    """AUC retention: area under the team's difficulty curve over that of the solo curve.

    CooperBench (arXiv 2601.13295). Only tasks that have both conditions count, so both curves stand on
    the same buckets. The interval is a percentile bootstrap that resamples whole clusters of tasks
    (Efron & Tibshirani 1993, chapters 8 and 13). When difficulty comes from the very solo episodes that the
    solo curve is made of, chance makes solo look good exactly where difficulty looks low, and retention comes
    out somewhat too small; more solo epochs shrink that.

    Args:
        difficulties: of each task, from `difficulty`.
        solo: mean solo success of each task, 0..1.
        team: mean team success of each task, 0..1.
        confidence: two-sided coverage.
        clusters: what each task belongs to (its pool, its code base); None when tasks are independent.
        buckets: how many.
        resamples: bootstrap samples.
        seed: of the bootstrap.

    Raises:
        UsageError: no task has both conditions, or a value lies outside 0..1.
    """
    check_confidence(confidence)
    tasks = [task for task in difficulties if task in solo and task in team]
    if not tasks:
        raise UsageError("no task has both solo and team episodes: retention compares the two on the same tasks")
    place = bucket_of(finite([difficulties[task] for task in tasks], (0.0, 1.0)), buckets)
    won = np.stack([finite([group[task] for task in tasks], (0.0, 1.0)) for group in (solo, team)], axis=1)
    labels: Labels | None = None if clusters is None else [clusters.get(task) for task in tasks]
    codes = cluster_codes(labels, len(tasks))
    groups = int(codes.max()) + 1

    # Sums for each (cluster, bucket): a bootstrap sample is then one matrix product.
    cell = codes * buckets + place
    sums = [
        np.bincount(cell, weights=weights, minlength=groups * buckets).reshape(groups, buckets)
        for weights in (np.ones(len(tasks)), won[:, 0], won[:, 1])
    ]
    area_solo, area_team = (float(area[0]) for area in _areas(*(part.sum(axis=0, keepdims=True) for part in sums)))
    value = area_team / area_solo if area_solo > 0.0 else math.nan
    low, high = 0.0, math.inf
    if groups > 1 and not math.isnan(value):
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(groups, np.full(groups, 1.0 / groups), size=resamples).astype(np.float64)
        one, other = _areas(*(drawn @ part for part in sums))
        ratios = other[one > 0.0] / one[one > 0.0]
        if len(ratios):
            tail = (1.0 - confidence) / 2.0
            low, high = (float(end) for end in np.quantile(ratios, (tail, 1.0 - tail)))
    estimate = Estimate(value, low, high, len(tasks), confidence, "bootstrap", groups)
    return Retention(area_solo, area_team, estimate, len(tasks))


def _areas(*sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Areas under both curves, shape (samples,), by the trapezoids between buckets that have tasks; NaN without two.

    Args:
        sums: how many tasks, what they won solo, what they won in teams; each shape (samples, buckets).
    """
    count, *won = sums
    areas = np.full((2, len(count)), math.nan)
    patterns, number = np.unique(count > 0, axis=0, return_inverse=True)
    for place, used in enumerate(patterns):
        if used.sum() < 2:
            continue
        rows = np.ix_(np.flatnonzero(number.reshape(-1) == place), np.flatnonzero(used))
        width = np.diff(rows[1][0] / count.shape[1])
        for area, part in zip(areas, won, strict=True):
            mean = part[rows] / count[rows]
            area[rows[0][:, 0]] = (width * (mean[:, 1:] + mean[:, :-1]) / 2.0).sum(axis=1)
    return areas[0], areas[1]
