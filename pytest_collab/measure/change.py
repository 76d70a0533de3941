"""What changed from one run to another, beyond noise, and whether a loss could have been seen at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from pytest_collab.episode.condition import SETTLING
from pytest_collab.errors import UsageError
from pytest_collab.measure.frame import Frame, Mask, changed_tasks
from pytest_collab.measure.losses import lost_text
from pytest_collab.measure.matching import Matching, matched
from pytest_collab.measure.metric import Metric, parse_metric
from pytest_collab.measure.multiplicity import holm
from pytest_collab.measure.paired import compare_pairs, match
from pytest_collab.measure.pooling import Pooled, finite_or_none, pool, seeds_needed
from pytest_collab.measure.selection import as_read, metric_values, open_rows
from pytest_collab.measure.standin import stand_ins
from pytest_collab.measure.units import Place, Units, units_of

Status = Literal["worse", "better", "unclear", "same", "gone", "new"]
_ORDER: Final[tuple[Status, ...]] = ("worse", "gone", "better", "new", "unclear", "same")

Conclusion = Literal["worse", "not worse", "cannot tell"]

MARGIN: Final = 0.1
"""How big a loss has to be noticed where nobody says: ten points; a tenth of the earlier figure of an open range."""

MOST_LOST: Final = 0.05
"""Above this share of episodes lost, to the infrastructure or unread, either run says too little."""

_POOLED_SHARE: Final = 0.2
"""Of the level, what the pooled tests may use up; the rest is for single tasks."""

Cell = tuple[str, str, str, str]
"""Family, task, condition, team."""


class Change(BaseModel):
    """One task under one condition, played by one team, before and after.

    Attributes:
        team: as the later run names it; `against` is the team that it was held against, where that has another name.
        before, after: mean of the metric over all of each run's episodes; None where it was not played.
        difference: after minus before, over the seeds that both have; None where they share none.
        low, high: interval of the difference, not corrected for the other comparisons.
        pairs: seeds that both have.
        p_value: two-sided, as tested (see `paired.compare_pairs`).
        p_adjusted: after Holm's correction over all comparisons.
        status: `worse` and `better` are beyond noise after the correction; `unclear` is a difference that is not;
            `gone` and `new` were played in one of the runs only.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    family: str
    task: str
    condition: str
    team: str
    against: str | None = None
    before: float | None
    after: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    p_value: float | None = None
    p_adjusted: float | None = None
    status: Status


T = TypeVar("T", Change, Pooled)


class RunComparison(BaseModel):
    """Two runs compared; regressions first.

    Attributes:
        metric: what was compared.
        confidence: of intervals; ``1 - confidence`` is the level that Holm's correction keeps over everything tested.
        margin: the loss that had to be noticed, in the metric's unit.
        conclusion: `worse` when anything is beyond noise; `not worse` when everything was compared, and the whole and
            every family rule a loss of the margin out; else `cannot tell`.
        reasons: why it cannot be told, one line each.
        seeds_needed: how many seeds a single task has to have before it could be told worse, whatever happens.
        matching: which units of the two runs were held against one another, and which were not.
        pooled: all tasks together (family None), then every family.
        changes: worse, gone, better, new, unclear, same; inside each the largest difference first.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    metric: str
    confidence: float
    margin: float = MARGIN
    conclusion: Conclusion = "cannot tell"
    reasons: tuple[str, ...] = ()
    seeds_needed: int | None = None
    matching: Matching = Matching(pairs=0, teams=(), tasks=(), seeds=0)
    pooled: tuple[Pooled, ...] = ()
    changes: tuple[Change, ...]

    @property
    def regressions(self) -> tuple[Change, ...]:
        """Which single tasks got worse, beyond noise."""
        return tuple(change for change in self.changes if change.status == "worse")

    @property
    def whole(self) -> Pooled | None:
        """All tasks together; None where nothing could be paired."""
        return next((pooled for pooled in self.pooled if pooled.family is None), None)


class NamedComparison(RunComparison):
    """Two runs compared, with their names.

    Attributes:
        before, after: the runs.
        circumstances: what else was not the same, one line each; see `circumstances.circumstances_changed`.
    """

    before: str
    after: str
    circumstances: tuple[str, ...] = ()


class Comparisons(BaseModel):
    """What `collab compare --json` prints: every later run against the first."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    comparisons: tuple[NamedComparison, ...]


def compare_runs(
    before: Frame,
    after: Frame,
    metric: str = "success_rate",
    confidence: float = 0.95,
    *,
    lower_is_better: bool = False,
    margin: float | None = None,
    given: Mapping[str, str] | None = None,
    rows: tuple[Mask, Mask] | None = None,
) -> RunComparison:
    """Compare two runs, as a whole, by family, and task by task, condition by condition and team by team.

    Args:
        before: the earlier run.
        after: the later run.
        metric: see `metric.parse_metric`; not a gap.
        confidence: two-sided for intervals and tests, one-sided for whether a loss of the margin is ruled out.
        lower_is_better: for `metrics.NAME`, whose direction only its author knows.
        margin: the loss that has to be noticed; `MARGIN` when left out.
        given: which agents stand in for which, old name by new name (see `standin.stand_ins`).
        rows: which rows of either run are to be compared; all when left out.

    Raises:
        UsageError: tasks have changed between the runs (they are named), or there is no such metric or agent.
    """
    measured = parse_metric(metric)
    if measured.kind == "gap":
        raise UsageError(f"{metric} is a gap; compare success_rate or score, whose conditions are listed each")
    before, after = as_read(before, metric), as_read(after, metric)
    old_rows, new_rows = rows or (np.ones(len(before), dtype=bool), np.ones(len(after), dtype=bool))
    old_rows, new_rows = comparable(before, metric, old_rows), comparable(after, metric, new_rows)
    refuse_changed([before, after])
    lower = lower_is_better if measured.better is None else measured.better == "lower"
    who = stand_ins(before, after, given)
    old, new = units_of(before, metric, old_rows), units_of(after, metric, new_rows, who)
    matching = matched(old, new, who)
    limit = _margin(measured, old) if margin is None else margin
    changes = _changes(old, new, {stands_for: name for name, stands_for in who.of.items()}, measured, confidence)
    pooled = _pooled(old, new, measured, limit, lower, confidence)
    judged, whole, needed = _adjusted(changes, pooled, 1.0 - confidence, lower)
    reasons = _reasons(matching, old, new, whole, limit, measured)
    worse = "worse" in {change.status for change in judged} | {one.status for one in whole}
    return RunComparison(
        metric=metric,
        confidence=confidence,
        margin=limit,
        conclusion="worse" if worse else "cannot tell" if reasons else "not worse",
        reasons=tuple(reasons),
        seeds_needed=needed,
        matching=matching,
        pooled=whole,
        changes=tuple(judged),
    )


def _margin(metric: Metric, before: Units) -> float:
    if metric.bounds is not None:
        return MARGIN * (metric.high - metric.low)
    return MARGIN * abs(_mean(before.values.values()) or 0.0)


def _changes(
    before: Units, after: Units, names: Mapping[str, str], metric: Metric, confidence: float
) -> list[Change]:
    """Every cell, not yet judged; `names` tells how the later run calls an agent."""
    olds, news = _by_cell(before), _by_cell(after)
    changes = []
    for cell in dict.fromkeys([*olds, *news]):
        old, new = olds.get(cell, {}), news.get(cell, {})
        pairs = match(new, old)
        family, task, condition, team = cell
        figures = {"before": _mean(old.values()), "after": _mean(new.values()), "pairs": len(pairs.keys)}
        if pairs.keys:
            found = compare_pairs(pairs.first, pairs.second, None, confidence, bounds=metric.bounds)
            figures |= {
                "difference": found.difference.value,
                "low": finite_or_none(found.difference.low),
                "high": finite_or_none(found.difference.high),
                "p_value": found.p_value,
            }
        status: Status = "unclear" if old and new else "gone" if old else "new"
        named = "+".join(names.get(agent, agent) for agent in team.split("+")) if new else team
        against = team if new and named != team else None
        changes.append(
            Change(
                family=family, task=task, condition=condition, team=named, against=against, status=status, **figures
            )
        )
    return changes


def _by_cell(units: Units) -> dict[Cell, dict[int, float]]:
    found: dict[Cell, dict[int, float]] = {}
    for place, value in units.values.items():
        cell = (place.family, place.task, place.condition, "+".join(place.team))
        found.setdefault(cell, {})[place.seed] = value
    return found


def _pooled(
    before: Units, after: Units, metric: Metric, margin: float, lower: bool, confidence: float
) -> list[Pooled]:
    places = [place for place in before.values if place in after.values]
    scopes: list[tuple[str | None, list[Place]]] = [(None, places)]
    families = dict.fromkeys(place.family for place in places)
    scopes += [(family, [place for place in places if place.family == family]) for family in families]
    return [
        pool(
            family,
            chosen,
            before.values,
            after.values,
            bounds=metric.bounds,
            margin=margin,
            lower=lower,
            confidence=confidence,
        )
        for family, chosen in scopes
        if chosen
    ]


def _adjusted(
    changes: list[Change], pooled: list[Pooled], level: float, lower: bool
) -> tuple[list[Change], list[Pooled], int]:
    """Judge all together: a pool of a single cell is that cell, and is not tested twice.

    Returns:
        (cells, pools, seeds that a cell needs before it could be told from noise).
    """
    cells = {(c.family, c.task, c.condition, c.team): c.p_value for c in changes if c.p_value is not None}
    tests: dict[frozenset[Cell], float] = {frozenset([cell]): p_value for cell, p_value in cells.items()}
    of_pool = [frozenset(cell for cell in cells if one.family in (None, cell[0])) for one in pooled]
    for key, one in zip(of_pool, pooled, strict=True):
        tests.setdefault(key, one.p_value)
    many = sum(len(key) > 1 for key in tests)
    share = 1.0 - _POOLED_SHARE if many else 1.0
    weights = [_POOLED_SHARE / many if len(key) > 1 else share / len(cells) for key in tests]
    adjusted = dict(zip(tests, holm(list(tests.values()), weights), strict=True))
    judged = [
        _judged(
            change, adjusted[frozenset([(change.family, change.task, change.condition, change.team)])], level, lower
        )
        if change.p_value is not None
        else change
        for change in changes
    ]
    judged.sort(key=lambda change: (_ORDER.index(change.status), -abs(change.difference or 0.0)))
    whole = [_judged(one, adjusted[key], level, lower) for key, one in zip(of_pool, pooled, strict=True)]
    return judged, whole, seeds_needed(len(cells), level * share)


def _judged(found: T, p_adjusted: float, level: float, lower: bool) -> T:
    difference = found.difference or 0.0
    status = "unclear"
    if difference == 0.0 and found.p_value == 1.0:
        status = "same"
    elif p_adjusted <= level and difference != 0.0:
        status = "better" if (difference > 0.0) != lower else "worse"
    return found.model_copy(update={"p_adjusted": p_adjusted, "status": status})


def _reasons(
    matching: Matching, before: Units, after: Units, pooled: list[Pooled], margin: float, metric: Metric
) -> list[str]:
    """Why it could not be told whether anything got worse by the margin."""
    reasons = []
    if not matching.pairs:
        reasons.append("nothing could be compared: the runs have no unit (task, condition, team and seed) in common")
    elif not matching.complete:
        alone = matching.only_before.units + matching.only_after.units
        reasons.append(f"{alone} units were played in one of the runs only")
    for which, units in (("earlier", before), ("later", after)):
        if units.episodes and units.lost / units.episodes > MOST_LOST:
            what = f"{units.lost} of {units.episodes} episodes of the {which} run"
            reasons.append(f"{lost_text(what, units.lost, units.ungraded, units.episodes)}, above {MOST_LOST:.0%}")
        if units.absent:
            reasons.append(f"{units.absent} episodes of the {which} run have no value of {metric.name}")
    for one in pooled:
        what = "all tasks together" if one.family is None else one.family
        if one.family is not None and len(pooled) == 2:  # which is all there is
            continue
        if one.at_floor:
            reasons.append(f"{what}: no run could have lost {margin:.3g} against {one.before:.3g} before")
        elif not one.rules_out:
            bound = "open" if one.bound is None else f"{one.bound:+.3g}"
            reasons.append(
                f"{what}: a loss of {margin:.3g} is not ruled out ({one.difference:+.3g}, bound {bound}, "
                f"{one.clusters} seeds)"
            )
    return reasons


def refuse_changed(frames: Iterable[Frame]) -> None:
    """Refuse runs whose tasks are not the same.

    Raises:
        UsageError: names the tasks.
    """
    first, *others = frames
    changed = sorted({task for other in others for task in changed_tasks(first, other)})
    if changed:
        raise UsageError(
            f"the runs cannot be compared: {', '.join(changed)} changed between them (content hashes differ). "
            "Play both runs with the same tasks."
        )


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


def comparable(frame: Frame, metric: str, rows: Mask) -> Mask:
    """Of the given rows, those that can be held against another run's; shape (n,).

    What was played only to settle failures is left out: which seeds these are depends on how the teams fared.

    Raises:
        UsageError: the metric's value depends on what unsettled failures will be settled to.
    """
    chosen = rows & ~frame.condition.among([SETTLING])
    still_open = int(open_rows(frame, metric, chosen).sum())
    if still_open:
        raise UsageError(
            f"{metric} cannot be compared while {still_open} failures of a run are unsettled. Settle them with "
            "--collab-resume --collab-settle, or compare success_rate; a gate on it reports bounds."
        )
    return np.asarray(chosen)


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None
