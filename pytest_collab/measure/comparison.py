"""What two runs come to, held against one another."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from pytest_collab.measure.matching import Matching
from pytest_collab.measure.pooling import Pooled

Status = Literal["worse", "better", "unclear", "same", "gone", "new"]

Conclusion = Literal["worse", "not worse", "cannot tell"]

MARGIN: Final = 0.1
"""How big a loss has to be noticed where nobody says: ten points; a tenth of the earlier figure of an open range."""

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
        groups: seeds of the earlier and of the later run, where these are held against each other as two groups.
        corrected: the difference without the luck that a run was stopped on; None where neither was, or unknown.
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
    groups: tuple[int, int] | None = None
    corrected: float | None = None
    status: Status


class RunComparison(BaseModel):
    """Two runs compared; regressions first.

    Attributes:
        metric: what was compared.
        confidence: of intervals; ``1 - confidence`` is the level that Holm's correction keeps over everything tested.
        margin: the loss that had to be noticed, in the metric's unit.
        conclusion: `worse` when anything is beyond noise; `not worse` when everything was compared, and the whole and
            every family rule a loss of the margin out; else `cannot tell`.
        reasons: why it cannot be told, one line each.
        unpaired: the runs were held against each other as two groups, since they played other seeds on purpose.
        stopped: which run was stopped when decided, a sentence each.
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
    unpaired: bool = False
    stopped: tuple[str, ...] = ()
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
