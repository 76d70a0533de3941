"""What changed from one run to another, beyond noise."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from pytest_collab.errors import UsageError
from pytest_collab.measure.frame import Frame, changed_tasks
from pytest_collab.measure.metric import parse_metric
from pytest_collab.measure.multiplicity import holm
from pytest_collab.measure.paired import compare_pairs, match
from pytest_collab.measure.selection import metric_values

Status = Literal["worse", "better", "unclear", "same", "gone", "new"]
_ORDER: Final[tuple[Status, ...]] = ("worse", "gone", "better", "new", "unclear", "same")

Cell = tuple[str, str, str, str]
"""Family, task, condition, team."""


class Change(BaseModel):
    """One task under one condition, played by one team, before and after.

    Attributes:
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
    before: float | None
    after: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    p_value: float | None = None
    p_adjusted: float | None = None
    status: Status


class RunComparison(BaseModel):
    """Two runs compared; regressions first.

    Attributes:
        metric: what was compared.
        confidence: of intervals; ``1 - confidence`` is the level that Holm's correction keeps.
        changes: worse, gone, better, new, unclear, same; inside each the largest difference first.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    metric: str
    confidence: float
    changes: tuple[Change, ...]

    @property
    def regressions(self) -> tuple[Change, ...]:
        """What got worse, beyond noise."""
        return tuple(change for change in self.changes if change.status == "worse")


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
) -> RunComparison:
    """Compare two runs task by task, condition by condition and team by team, paired by seed.

    Args:
        before: the earlier run.
        after: the later run.
        metric: see `metric.parse_metric`; not a gap.
        confidence: two-sided.
        lower_is_better: for `metrics.NAME`, whose direction only its author knows.

    Raises:
        UsageError: tasks have changed between the runs (they are named), or there is no such metric.
    """
    measured = parse_metric(metric)
    if measured.kind == "gap":
        raise UsageError(f"{metric} is a gap; compare success_rate or score, whose conditions are listed each")
    refuse_changed([before, after])
    lower = lower_is_better if measured.better is None else measured.better == "lower"
    cells = [cell_values(frame, metric) for frame in (before, after)]
    changes = []
    for cell in dict.fromkeys([*cells[0], *cells[1]]):
        old, new = (side.get(cell, {}) for side in cells)
        pairs = match(new, old)
        family, task, condition, team = cell
        figures = {"before": _mean(old.values()), "after": _mean(new.values()), "pairs": len(pairs.keys)}
        if pairs.keys:
            found = compare_pairs(pairs.first, pairs.second, None, confidence, bounds=measured.bounds)
            figures |= {
                "difference": found.difference.value,
                "low": _finite(found.difference.low),
                "high": _finite(found.difference.high),
                "p_value": found.p_value,
            }
        status: Status = "unclear" if old and new else "gone" if old else "new"
        changes.append(Change(family=family, task=task, condition=condition, team=team, status=status, **figures))
    adjusted = holm([math.nan if change.p_value is None else change.p_value for change in changes])
    judged = [
        _judged(change, p_value, 1.0 - confidence, lower) for change, p_value in zip(changes, adjusted, strict=True)
    ]
    judged.sort(key=lambda change: (_ORDER.index(change.status), -abs(change.difference or 0.0)))
    return RunComparison(metric=metric, confidence=confidence, changes=tuple(judged))


def _judged(change: Change, p_adjusted: float, level: float, lower: bool) -> Change:
    if math.isnan(p_adjusted) or change.difference is None:
        return change
    status: Status = "unclear"
    if change.difference == 0.0:
        status = "same"
    elif p_adjusted <= level:
        status = "better" if (change.difference > 0.0) != lower else "worse"
    return change.model_copy(update={"p_adjusted": p_adjusted, "status": status})


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
    """A metric's mean over epochs, by seed, of each family, task, condition and team."""
    values, used = metric_values(frame, metric, np.ones(len(frame), dtype=bool))
    groups: dict[Cell, dict[int, list[float]]] = {}
    for row in np.flatnonzero(used).tolist():
        cell = (frame.family[row], frame.task[row], frame.condition[row], "+".join(frame.team[row]))
        groups.setdefault(cell, {}).setdefault(int(frame.seed[row]), []).append(float(values[row]))
    return {cell: {seed: sum(v) / len(v) for seed, v in by_seed.items()} for cell, by_seed in groups.items()}


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
