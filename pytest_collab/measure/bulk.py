"""summary.json from a run's columns: a hundred thousand episodes in seconds, and no model of each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from pytest_collab import families
from pytest_collab.episode.record import Episode
from pytest_collab.measure.agreement import gradings_of
from pytest_collab.measure.bounded import bounded_mean
from pytest_collab.measure.detection import Detected, detections
from pytest_collab.measure.frame import OUTCOMES, Frame, Mask
from pytest_collab.measure.gaps import Unit, as_teams, gap_values, one_agent, unit_values
from pytest_collab.measure.metric import FIGURE_OF
from pytest_collab.measure.paired import match
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.settling import settle
from pytest_collab.measure.summary import (
    GAPS,
    Cell,
    CodeCount,
    FamilySummary,
    Gap,
    Summary,
    Usage,
    condition_rank,
)

Rows = NDArray[np.intp]


def summarise_frame(frame: Frame) -> Summary:
    """Sum up a run, per family for people and per task for programs."""
    summaries = []
    tasks: list[Cell] = []
    task_gaps: dict[str, tuple[Gap, ...]] = {}
    pairs = _gap_units(frame)
    everything = np.arange(len(frame))
    settled = settle(frame)
    for family, rows in _groups(frame.family.codes, everything):
        name = frame.family.values[family]
        summaries.append(
            FamilySummary(
                family=name,
                cells=_cells(frame, settled.outcomes, rows, None),
                gaps=_gaps(pairs, name, None),
                codes=_codes(frame, rows[~settled.open[rows]]),
                gradings=gradings_of(frame, rows[frame.evidence[rows]]),
                detections=_detections(frame, name, rows),
            )
        )
    both = frame.family.codes.astype(np.int64) * max(1, len(frame.task.values)) + frame.task.codes
    for _, rows in _groups(both, everything):
        name, task = frame.family[int(rows[0])], frame.task[int(rows[0])]
        tasks += _cells(frame, settled.outcomes, rows, task)
        task_gaps[f"{name}/{task}"] = _gaps(pairs, name, task)
    total = usage_of(frame, everything)
    return Summary(
        episodes=len(frame),
        cost_usd=total.cost_usd,
        known_cost_usd=math.fsum(frame.known_cost_usd),
        plays=len(frame) + frame.spare.plays,
        paid_usd=None
        if total.cost_usd is None or frame.spare.unpriced
        else total.cost_usd + frame.spare.known_cost_usd,
        known_paid_usd=math.fsum(frame.known_cost_usd) + frame.spare.known_cost_usd,
        families=tuple(summaries),
        tasks=tuple(tasks),
        task_gaps=task_gaps,
        settled_by_solo=int(settled.by_solo.sum()),
        unsettled=int(settled.open.sum()),
        unread=int(frame.unread.sum()),
    )


def summarise(episodes: Iterable[Episode]) -> Summary:
    """Sum up episodes in memory (one play each, see `Record.episodes`)."""
    return summarise_frame(frame_of(episodes))


def _detections(frame: Frame, family: str, rows: Rows) -> tuple[Detected, ...]:
    known = families.known(family)
    return () if known is None or known.detection is None else detections(frame, rows, known.detection)


def _groups(codes: NDArray[np.int64] | NDArray[np.int32], rows: Rows) -> Iterator[tuple[int, Rows]]:
    """Rows by code, in the order in which codes first appear."""
    if not len(rows):
        return
    order = np.argsort(codes[rows], kind="stable")
    sorted_rows = rows[order]
    starts = np.flatnonzero(np.diff(codes[sorted_rows], prepend=codes[sorted_rows[0]] - 1))
    parts = np.split(sorted_rows, starts[1:])
    for part in sorted(parts, key=lambda part: int(part[0])):
        yield int(codes[part[0]]), part


def _cells(frame: Frame, outcomes: NDArray[np.int8], rows: Rows, task: str | None) -> tuple[Cell, ...]:
    width = max(1, len(frame.team.values))
    both = frame.condition.codes.astype(np.int64) * width + frame.team.codes
    cells = [_cell(frame, outcomes, part, task) for _, part in _groups(both, rows)]
    return tuple(sorted(cells, key=lambda cell: (condition_rank(cell.condition), cell.team)))


def _cell(frame: Frame, outcomes: NDArray[np.int8], rows: Rows, task: str | None) -> Cell:
    used = rows[frame.evidence[rows]]
    successes = int(frame.success[used].sum())
    interval = bounded_mean(frame.success[used], frame.clusters(used))
    counts = np.bincount(outcomes[rows], minlength=len(OUTCOMES)).tolist()
    metrics = {}
    for name, column in frame.metrics.items():
        values = column[used]
        values = values[~np.isnan(values)]
        if len(values):
            metrics[name] = float(values.mean())
    first = int(rows[0])
    return Cell(
        family=frame.family[first],
        task=task,
        condition=frame.condition[first],
        team="+".join(frame.team[first]),
        n=len(used),
        successes=successes,
        rate=successes / len(used) if len(used) else 0.0,
        low=interval.low,
        high=interval.high,
        score=float(frame.score[used].mean()) if len(used) else 0.0,
        infrastructure=len(rows) - len(used),
        outcomes={str(outcome): n for outcome, n in zip(OUTCOMES, counts, strict=True) if n},
        metrics=metrics,
        usage=usage_of(frame, rows),
    )


def usage_of(frame: Frame, rows: Rows) -> Usage:
    """Consumption of all seats of the episodes of these rows."""
    cost = float(frame.cost_usd[rows].sum())
    return Usage(
        calls=int(frame.calls[rows].sum()),
        retries=int(frame.retries[rows].sum()),
        input_tokens=int(frame.input_tokens[rows].sum()),
        output_tokens=int(frame.output_tokens[rows].sum()),
        cached_tokens=int(frame.cached_tokens[rows].sum()),
        cost_usd=None if math.isnan(cost) else cost,
    )


def _codes(frame: Frame, rows: Rows) -> tuple[CodeCount, ...]:
    inside: Mask = np.zeros(len(frame), dtype=bool)
    inside[rows] = True
    counts: Counter[tuple[str, str]] = Counter()
    for row, faults in frame.faults.items():
        if inside[row]:
            counts.update({(fault.code, fault.cause) for fault in faults})
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(CodeCount(code=code, cause=cause, episodes=n) for (code, cause), n in order)


_Pair = tuple[float, float]
_ByTeam = dict[str, dict[tuple[str, ...], dict[tuple[str, str], list[_Pair]]]]


def _gap_units(frame: Frame) -> _ByTeam:
    """Both values of every gap's units, by gap, team, and family with task: read once for all summaries."""
    of_teams = unit_values(frame, "team")
    teams = dict.fromkeys(unit.team for unit in of_teams)
    sides: dict[tuple[str, str | None], dict[Unit, float]] = {("team", None): of_teams}
    found: _ByTeam = {}
    for name, conditions in GAPS.items():
        keys = [(condition, FIGURE_OF.get(name)) for condition in conditions]
        for condition, figure in keys:
            if (condition, figure) not in sides:
                units = gap_values(frame, name, condition)
                sides[condition, figure] = as_teams(units, teams) if one_agent(condition) else units
        pairs = match(*(sides[key] for key in keys))
        by_team = found.setdefault(name, {})
        for unit, one, other in zip(pairs.keys, pairs.first.tolist(), pairs.second.tolist(), strict=True):
            by_team.setdefault(unit.team, {}).setdefault((unit.family, unit.task), []).append((one, other))
    return found


def _gaps(pairs: _ByTeam, family: str, task: str | None) -> tuple[Gap, ...]:
    found = []
    for name, by_team in pairs.items():
        for team in sorted(by_team, key="+".join):
            places = [place for place in by_team[team] if place[0] == family and task in (None, place[1])]
            chosen = [values for place in places for values in by_team[team][place]]
            if not chosen:
                continue
            first, second = zip(*chosen, strict=True)
            estimate = bounded_mean(np.subtract(first, second), bounds=(-1.0, 1.0))
            known = len(chosen) > 1
            found.append(
                Gap(
                    name=name,
                    team="+".join(team),
                    value=estimate.value,
                    low=estimate.low if known else None,
                    high=estimate.high if known else None,
                    pairs=len(chosen),
                )
            )
    return tuple(found)
