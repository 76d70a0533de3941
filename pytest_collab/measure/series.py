"""A series of runs: checkpoints of one agent, releases over time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from pytest_collab.errors import UsageError
from pytest_collab.measure.change import comparable, refuse_changed
from pytest_collab.measure.cluster import cluster_mean
from pytest_collab.measure.comparison import Cell
from pytest_collab.measure.frame import Frame
from pytest_collab.measure.metric import parse_metric
from pytest_collab.measure.multiplicity import holm
from pytest_collab.measure.paired import compare_pairs, match
from pytest_collab.measure.selection import as_read, metric_values

SeedKey = tuple[str, int]
"""Task and seed."""

Place = tuple[str, str | None, str, str]
"""Family, task (None for all of them), condition and team."""


class Point(BaseModel):
    """One run of a series.

    Attributes:
        run: its name.
        value: mean of the metric; None where nothing was played.
        low, high: its interval.
        n: tasks and seeds behind it.
        episodes: how many were played, lost ones among them.
        lost: those that were lost, to the infrastructure or because they could not be read surely.
        ungraded: those of them that could not be read.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    episodes: int = 0
    lost: int = 0
    ungraded: int = 0

    @property
    def void(self) -> bool:
        """Whether all that was played was lost."""
        return 0 < self.episodes == self.lost


class Series(BaseModel):
    """One family (or one task of it, one scale), condition and team over all runs.

    Attributes:
        task: None for the whole family.
        points: in the order of the runs.
        best: the run with the best figure; None when there is none.
        best_low, best_high: its interval at Bonferroni's level for having picked the best of so many.
        ahead_of_last: best minus last over common tasks and seeds, oriented so that positive is better; None
            when the last one is the best.
        p_adjusted: of `ahead_of_last`, Holm-corrected over the comparisons of every run with the last, in all series.
        warning: said when the last run is not the best beyond noise.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    family: str
    task: str | None
    condition: str
    team: str
    points: tuple[Point, ...]
    best: str | None
    best_low: float | None = None
    best_high: float | None = None
    ahead_of_last: float | None = None
    p_adjusted: float | None = None
    warning: str | None = None


class SeriesReport(BaseModel):
    """All series of a metric."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    metric: str
    confidence: float
    series: tuple[Series, ...]


def follow_series(
    runs: Mapping[str, Frame],
    metric: str = "success_rate",
    confidence: float = 0.95,
    *,
    lower_is_better: bool = False,
) -> SeriesReport:
    """Follow a metric over runs, for every family and each of its tasks, condition and team.

    Tasks stand on their own next to their family, for what helps at one scale can hurt at another. Episodes that
    could not be read surely count as lost, as in gates.

    Args:
        runs: by name, oldest first; at least two.
        metric: see `metric.parse_metric`; not a gap.
        confidence: two-sided.
        lower_is_better: for `metrics.NAME`, whose direction only its author knows.

    Raises:
        UsageError: fewer than two runs, a gap, an unknown metric, or tasks that changed.
    """
    measured = parse_metric(metric)
    if len(runs) < 2:
        raise UsageError(f"a series needs at least two runs, not {len(runs)}")
    if measured.kind == "gap":
        raise UsageError(f"{metric} is a gap; follow success_rate or score, whose conditions are listed each")
    refuse_changed(runs.values())
    lower = lower_is_better if measured.better is None else measured.better == "lower"
    read = {name: as_read(frame, metric) for name, frame in runs.items()}
    cells = {name: cell_values(frame, metric) for name, frame in read.items()}
    counts = {name: _counted(frame) for name, frame in read.items()}
    places: dict[Place, None] = {}
    for name, by_cell in cells.items():
        # A family's own figure, or code, is none that all families have: of these, what is lost is no place of it.
        lost = [] if "." in metric else [cell for cell, count in counts[name].items() if count.lost and cell[1]]
        for family, task, condition, team in (*by_cell, *lost):
            places.setdefault((family, None, condition, team))
            places.setdefault((family, task, condition, team))
    followed = [
        _series(
            place,
            {name: _seeds(by_cell, place) for name, by_cell in cells.items()},
            {name: found.get(place, _Count()) for name, found in counts.items()},
            measured.bounds,
            confidence,
            -1.0 if lower else 1.0,
        )
        for place in sorted(places, key=lambda place: (place[0], place[1] is not None, place[1] or "", *place[2:]))
    ]
    return SeriesReport(metric=metric, confidence=confidence, series=tuple(_corrected(followed, 1.0 - confidence)))


def _corrected(followed: Sequence[_Followed], level: float) -> list[Series]:
    """Judge the last run against every earlier one, in all series together.

    The series of a family with one task is that of the task, and is not tested twice.
    """
    tests: dict[tuple[object, ...], float] = {}
    for one in followed:
        for name, (_, p_value) in one.against_last.items():
            tests[(*one.values, name)] = p_value
    adjusted = dict(zip(tests, holm(list(tests.values())), strict=True))
    series = []
    for one in followed:
        found = one.series
        best = found.best
        values = {point.run: point.value for point in found.points}
        if best is not None and best in one.against_last and values[best] != found.points[-1].value:
            ahead, p_adjusted = one.against_last[best][0], adjusted[(*one.values, best)]
            if not math.isnan(p_adjusted):
                last = found.points[-1].run
                where = f"{found.task or found.family} ({found.condition}, {found.team})"
                warning = f"{last} is not the best on {where}: {best} is ahead by {ahead:.3g}"
                beyond = p_adjusted <= level and ahead > 0.0
                told = warning if beyond else None
                found = found.model_copy(update={"ahead_of_last": ahead, "p_adjusted": p_adjusted, "warning": told})
        series.append(found)
    return series


class _Count(NamedTuple):
    """As in `Point`."""

    episodes: int = 0
    lost: int = 0
    ungraded: int = 0


def _counted(frame: Frame) -> dict[Place, _Count]:
    """How many episodes there are of every place, and what of them says nothing."""
    rows = comparable(frame, "success_rate", np.ones(len(frame), dtype=bool))
    found: dict[Place, _Count] = {}
    for row in np.flatnonzero(rows).tolist():
        lost = not frame.evidence[row]
        for task in (None, frame.task[row]):
            place = (frame.family[row], task, frame.condition[row], "+".join(frame.team[row]))
            known = found.get(place, _Count())
            ungraded = lost and bool(frame.unread[row])
            found[place] = _Count(known.episodes + 1, known.lost + lost, known.ungraded + ungraded)
    return found


def _seeds(cells: Mapping[Cell, Mapping[int, float]], place: Place) -> dict[SeedKey, float]:
    family, task, condition, team = place
    return {
        (name, seed): value
        for (kind, name, played, members), by_seed in cells.items()
        if kind == family and task in (None, name) and (played, members) == (condition, team)
        for seed, value in by_seed.items()
    }


@dataclass(frozen=True, slots=True)
class _Followed:
    """A series before it is judged beside the others.

    Attributes:
        values: what identifies it: the same figures are one test.
        against_last: of every run but the last, how far it is ahead of that, and the p-value of this.
    """

    series: Series
    values: tuple[object, ...]
    against_last: Mapping[str, tuple[float, float]]


def _series(
    place: Place,
    runs: Mapping[str, Mapping[SeedKey, float]],
    counts: Mapping[str, _Count],
    bounds: tuple[float, float] | None,
    confidence: float,
    sign: float,
) -> _Followed:
    points = tuple(
        _point(name, values, bounds, confidence).model_copy(update=counts[name]._asdict())
        for name, values in runs.items()
    )
    family, task, condition, team = place
    played = [point for point in points if point.value is not None]
    found = Series(family=family, task=task, condition=condition, team=team, points=points, best=None)
    names = frozenset(name for values in runs.values() for name, _ in values)
    identity = (family, condition, team, names)
    if not played:
        return _Followed(found, identity, {})
    best = max(played, key=lambda point: sign * (point.value or 0.0))
    wide = _point(best.run, runs[best.run], bounds, 1.0 - (1.0 - confidence) / len(played))
    found = found.model_copy(update={"best": best.run, "best_low": wide.low, "best_high": wide.high})
    last = points[-1]
    against = {} if last.value is None else _against_last(runs, last.run, bounds, confidence, sign)
    return _Followed(found, identity, against)


def _against_last(
    runs: Mapping[str, Mapping[SeedKey, float]],
    last: str,
    bounds: tuple[float, float] | None,
    confidence: float,
    sign: float,
) -> dict[str, tuple[float, float]]:
    """How far every other run is ahead of the last on what both have, and the p-value of that."""
    found = {}
    for name in runs:
        pairs = match(runs[name], runs[last])
        if name == last or not pairs.keys:
            continue
        compared = compare_pairs(pairs.first, pairs.second, None, confidence, bounds=bounds)
        found[name] = (sign * compared.difference.value, compared.p_value)
    return found


def _point(run: str, values: Mapping[SeedKey, float], bounds: tuple[float, float] | None, confidence: float) -> Point:
    if not values:
        return Point(run=run, value=None, low=None, high=None, n=0)
    sample: Sequence[float] = list(values.values())
    binary = bounds == (0.0, 1.0) and all(value in (0.0, 1.0) for value in sample)
    if binary:
        from pytest_collab.measure.interval import wilson

        found = wilson(sum(sample), len(sample), confidence)
    else:
        found = cluster_mean(sample, None, confidence, bounds=bounds)
    low, high = (end if math.isfinite(end) else None for end in (found.low, found.high))
    return Point(run=run, value=found.value, low=low, high=high, n=len(sample))


def cell_values(frame: Frame, metric: str) -> dict[Cell, dict[int, float]]:
    """A metric's mean over epochs, by seed, of each family, task, condition and team.

    Raises:
        UsageError: as `metric_values` and `comparable`.
    """
    values, used = metric_values(frame, metric, comparable(frame, metric, np.ones(len(frame), dtype=bool)))
    groups: dict[Cell, dict[int, list[float]]] = {}
    for row in np.flatnonzero(used).tolist():
        cell = (frame.family[row], frame.task[row], frame.condition[row], "+".join(frame.team[row]))
        groups.setdefault(cell, {}).setdefault(int(frame.seed[row]), []).append(float(values[row]))
    return {cell: {seed: sum(v) / len(v) for seed, v in by_seed.items()} for cell, by_seed in groups.items()}
