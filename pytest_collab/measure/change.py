"""What changed from one run to another, beyond noise, and whether a loss could have been seen at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

import numpy as np

from pytest_collab.episode.condition import SETTLING
from pytest_collab.episode.text import counted
from pytest_collab.errors import UsageError
from pytest_collab.measure.baseline import other_mix
from pytest_collab.measure.comparison import MARGIN, Cell, Change, RunComparison, Status
from pytest_collab.measure.frame import Frame, Mask, changed_tasks
from pytest_collab.measure.gate import Where
from pytest_collab.measure.losses import lost_text
from pytest_collab.measure.matching import Matching, matched
from pytest_collab.measure.metric import Metric, parse_metric
from pytest_collab.measure.multiplicity import holm
from pytest_collab.measure.paired import compare_pairs, match
from pytest_collab.measure.pooling import (
    Pooled,
    difference_of,
    grouped,
    groups_differ,
    pool,
    pool_groups,
    seeds_needed,
)
from pytest_collab.measure.selection import as_read, open_rows
from pytest_collab.measure.selection import matching as matching_rows
from pytest_collab.measure.standin import StandIns, stand_ins
from pytest_collab.measure.stopped import Luck, Weights, corrected_difference, luck_of
from pytest_collab.measure.units import Place, Units, units_of, without_seeds

Figures = dict[str, Any]

_ORDER: Final[tuple[Status, ...]] = ("worse", "gone", "better", "new", "unclear", "same")

MOST_LOST: Final = 0.05
"""Above this share of episodes lost, to the infrastructure or unread, either run says too little."""

_POOLED_SHARE: Final = 0.2
"""Of the level, what the pooled tests may use up; the rest is for single tasks."""

T = TypeVar("T", Change, Pooled)


def compare_runs(
    before: Frame,
    after: Frame,
    metric: str = "success_rate",
    confidence: float = 0.95,
    *,
    lower_is_better: bool = False,
    margin: float | None = None,
    given: Mapping[str, str] | None = None,
    where: Where | None = None,
    unpaired: bool = False,
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
        where: which episodes are to be compared, agents and teams as the later run names them; all when left out.
        unpaired: the runs played other seeds on purpose, and are held against each other as two groups.

    Raises:
        UsageError: tasks have changed between the runs (they are named), there is no such metric or agent, or `where`
            matches nothing in one of the runs.
    """
    measured = parse_metric(metric)
    if measured.kind == "gap":
        raise UsageError(f"{metric} is a gap; compare success_rate or score, whose conditions are listed each")
    before, after = as_read(before, metric), as_read(after, metric)
    lower = lower_is_better if measured.better is None else measured.better == "lower"
    who = stand_ins(before, after, given)
    chosen = where or Where()
    old_rows = comparable(before, metric, _rows(before, _as_named_there(chosen, who), "earlier"))
    new_rows = comparable(after, metric, _rows(after, chosen, "later"))
    refuse_changed([before, after])
    old, new = units_of(before, metric, old_rows), units_of(after, metric, new_rows, who)
    matching = matched(without_seeds(old), without_seeds(new), who) if unpaired else matched(old, new, who)
    limit = _margin(measured, old) if margin is None else margin
    names = {stands_for: name for name, stands_for in who.of.items()}
    lucks = luck_of(before), luck_of(after)
    there, here = (
        None if luck is None else luck.by_place(run) for luck, run in zip(lucks, (before, after), strict=True)
    )
    weights = here, there
    changes = _changes(old, new, names, measured, confidence, weights, unpaired=unpaired)
    mix = other_mix(new, old) if unpaired else ()
    scopes = [] if mix else _scopes(old, new, unpaired=unpaired)
    make = pool_groups if unpaired else pool
    pooled = [
        make(
            family, earlier, later, bounds=measured.bounds, margin=limit, lower=lower, confidence=confidence
        ).model_copy(update={"corrected": corrected_difference(later, earlier, weights)})
        for family, earlier, later in scopes
    ]
    judged, whole, needed = _adjusted(changes, pooled, 1.0 - confidence, lower)
    stopped = _stopped(*lucks)
    reasons = [*mix, *_reasons(matching, old, new, whole, limit, measured)]
    reasons += [f"{one}: play the rest of it with --collab-resume" for one in stopped]
    worse = "worse" in {change.status for change in judged} | {one.status for one in whole}
    return RunComparison(
        metric=metric,
        confidence=confidence,
        margin=limit,
        conclusion="worse" if worse else "cannot tell" if reasons else "not worse",
        reasons=tuple(reasons),
        unpaired=unpaired,
        stopped=stopped,
        seeds_needed=None if unpaired else needed,
        matching=matching,
        pooled=whole,
        changes=tuple(judged),
    )


def _rows(frame: Frame, where: Where, which: str) -> Mask:
    """The rows of a run that are to be compared. Raises UsageError where there are none."""
    rows = matching_rows(frame, where)
    if where.condition:
        rows = rows & frame.condition.among(where.condition)
    if str(where) and not rows.any():
        raise UsageError(f"--where {where} matches no episode of the {which} run")
    return rows


def _as_named_there(where: Where, who: StandIns) -> Where:
    """A selection in the names of the earlier run."""
    teams = tuple("+".join(who.old(tuple(team.split("+")))) for team in where.team)
    return where.model_copy(update={"team": teams, "agent": tuple(who.old(where.agent))})


def _stopped(before: Luck | None, after: Luck | None) -> tuple[str, ...]:
    return tuple(
        f"the {which} run was stopped when decided, after {luck.played} of {counted(luck.planned, 'episode')}"
        for which, luck in (("earlier", before), ("later", after))
        if luck is not None
    )


def _margin(metric: Metric, before: Units) -> float:
    if metric.bounds is not None:
        return MARGIN * (metric.high - metric.low)
    return MARGIN * abs(_mean(before.values.values()) or 0.0)


def _changes(
    before: Units,
    after: Units,
    names: Mapping[str, str],
    metric: Metric,
    confidence: float,
    weights: tuple[Weights | None, Weights | None],
    *,
    unpaired: bool,
) -> list[Change]:
    """Every cell, not yet judged; `names` tells how the later run calls an agent."""
    olds, news = _by_cell(before), _by_cell(after)
    changes = []
    for cell in dict.fromkeys([*olds, *news]):
        old, new = olds.get(cell, {}), news.get(cell, {})
        family, task, condition, team = cell
        figures = {"before": _mean(old.values()), "after": _mean(new.values())}
        figures |= _grouped(old, new, metric, confidence) if unpaired else _paired(old, new, metric, confidence)
        status: Status = "unclear" if old and new else "gone" if old else "new"
        named = "+".join(names.get(agent, agent) for agent in team.split("+")) if new else team
        changes.append(
            Change(
                family=family,
                task=task,
                condition=condition,
                team=named,
                against=team if new and named != team else None,
                corrected=corrected_difference(new, old, weights),
                status=status,
                **figures,
            )
        )
    return changes


def _paired(old: Mapping[Place, float], new: Mapping[Place, float], metric: Metric, confidence: float) -> Figures:
    pairs = match(new, old)
    if not pairs.keys:
        return {"pairs": 0}
    found = compare_pairs(pairs.first, pairs.second, None, confidence, bounds=metric.bounds)
    return {"pairs": len(pairs.keys), "p_value": found.p_value, **difference_of(found.difference)}


def _grouped(old: Mapping[Place, float], new: Mapping[Place, float], metric: Metric, confidence: float) -> Figures:
    if not old or not new:
        return {}
    evidence = grouped(old, new, metric.bounds)
    found = difference_of(evidence.interval(confidence))
    return {"groups": (len(old), len(new)), "p_value": groups_differ(evidence), **found}


def _by_cell(units: Units) -> dict[Cell, dict[Place, float]]:
    found: dict[Cell, dict[Place, float]] = {}
    for place, value in units.values.items():
        cell = (place.family, place.task, place.condition, "+".join(place.team))
        found.setdefault(cell, {})[place] = value
    return found


def _scopes(
    before: Units, after: Units, *, unpaired: bool
) -> list[tuple[str | None, dict[Place, float], dict[Place, float]]]:
    """What is tested together, of all families (None) and of each: the values of either run."""
    if unpaired:
        old, new = before.values, after.values
    else:
        old = {place: value for place, value in before.values.items() if place in after.values}
        new = {place: after.values[place] for place in old}
    both = {place.family for place in old} & {place.family for place in new}
    scopes: list[str | None] = [None, *dict.fromkeys(place.family for place in old if place.family in both)]
    parts = []
    for scope in scopes:
        earlier, later = (
            {place: value for place, value in values.items() if scope in (None, place.family)}
            for values in (old, new)
        )
        if earlier and later:
            parts.append((scope, earlier, later))
    return parts


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
            what = f"{units.lost} of {counted(units.episodes, 'episode')} of the {which} run"
            reasons.append(f"{lost_text(what, units.lost, units.ungraded, units.episodes)}, above {MOST_LOST:.0%}")
        if units.absent:
            reasons.append(f"no value of {metric.name} in {counted(units.absent, 'episode')} of the {which} run")
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
                f"{counted(one.clusters, 'seed')})"
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
            f"{metric} cannot be compared while a run has {counted(still_open, 'unsettled failure')}. "
            "Settle them with "
            "--collab-resume --collab-settle, or compare success_rate; a gate on it reports bounds."
        )
    return np.asarray(chosen)


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None
