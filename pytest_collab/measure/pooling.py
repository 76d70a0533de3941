"""Differences over many tasks at once: what single tasks are too small to show, their sum may."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from pytest_collab.measure.decision import (
    Evidence,
    GateVerdict,
    PairedEvidence,
    Rule,
    UnpairedEvidence,
    decide,
)
from pytest_collab.measure.interval import Estimate
from pytest_collab.measure.paired import compare_pairs
from pytest_collab.measure.units import Place, labels

LEAST_P: Final = 1e-9
LEAST_CONFIDENCE: Final = 0.01
"""Between these an interval is looked at for the p-value that it comes to."""


class Pooled(BaseModel):
    """All matched units of a family, or of both runs, held against one another.

    Attributes:
        family: None for all families together.
        before, after: mean of the metric over the pairs.
        difference: after minus before.
        low, high: interval of the difference, not corrected for the other comparisons.
        pairs: units that both runs have; `clusters` counts tasks and seeds.
        p_value, p_adjusted, groups, corrected, status: as in `comparison.Change`.
        bound: the worst end of the one-sided interval of the difference.
        rules_out: whether a loss of the margin is ruled out by it.
        at_floor: the earlier figure is within the margin of the worst there is: no run could have lost that much.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    family: str | None
    before: float
    after: float
    difference: float
    low: float | None
    high: float | None
    pairs: int
    clusters: int
    p_value: float
    p_adjusted: float | None = None
    groups: tuple[int, int] | None = None
    corrected: float | None = None
    status: Literal["worse", "better", "unclear", "same"] = "unclear"
    bound: float | None = None
    rules_out: bool = False
    at_floor: bool = False


def pool(
    family: str | None,
    before: Mapping[Place, float],
    after: Mapping[Place, float],
    *,
    bounds: tuple[float, float] | None,
    margin: float,
    lower: bool,
    confidence: float,
) -> Pooled:
    """Hold units against one another, those of one task and seed taken together.

    Args:
        family: of the units; None for those of all.
        before, after: the values of either run, of the same units; at least one.
        bounds: the metric's range; None when it has none.
        margin: the loss that has to be ruled out.
        lower: whether less is better.
        confidence: two-sided for interval and test, one-sided for the margin.
    """
    places = list(before)
    old, new = [before[place] for place in places], [after[place] for place in places]
    clusters = labels(places, "task_seed")
    found = compare_pairs(new, old, clusters, confidence, bounds=bounds)
    mean = math.fsum(old) / len(old)
    return Pooled(
        family=family,
        before=mean,
        after=math.fsum(new) / len(new),
        **difference_of(found.difference),
        pairs=len(places),
        clusters=len(set(clusters or places)),
        p_value=found.p_value,
        **_ruled_out(PairedEvidence(new, old, clusters, bounds), margin, lower, confidence),
        at_floor=at_floor(mean, bounds, margin, lower=lower),
    )


def pool_groups(
    family: str | None,
    before: Mapping[Place, float],
    after: Mapping[Place, float],
    *,
    bounds: tuple[float, float] | None,
    margin: float,
    lower: bool,
    confidence: float,
) -> Pooled:
    """As `pool`, of units of other seeds: the two runs as two groups, tested by `groups_differ`."""
    evidence = grouped(before, after, bounds)
    found = evidence.interval(confidence)
    mean = math.fsum(before.values()) / len(before)
    return Pooled(
        family=family,
        before=mean,
        after=math.fsum(after.values()) / len(after),
        **difference_of(found),
        pairs=0,
        clusters=evidence.groups,
        p_value=groups_differ(evidence),
        groups=(len(before), len(after)),
        **_ruled_out(evidence, margin, lower, confidence),
        at_floor=at_floor(mean, bounds, margin, lower=lower),
    )


def difference_of(found: Estimate) -> dict[str, float | None]:
    """A difference with its interval, as `Pooled` and `comparison.Change` name them."""
    return {"difference": found.value, "low": finite_or_none(found.low), "high": finite_or_none(found.high)}


def _ruled_out(evidence: Evidence, margin: float, lower: bool, confidence: float) -> dict[str, Any]:
    """Whether a loss of the margin is, and the bound that says so."""
    decision = decide(Rule("at_most", margin) if lower else Rule("at_least", -margin), evidence, confidence)
    worst = decision.estimate.high if lower else decision.estimate.low
    return {"bound": finite_or_none(worst), "rules_out": decision.verdict is GateVerdict.PASS}


def grouped(
    before: Mapping[Place, float], after: Mapping[Place, float], bounds: tuple[float, float] | None
) -> UnpairedEvidence:
    """Two runs as two groups of seeds, the later one first."""
    old, new = (labels(list(units), "task_seed") for units in (before, after))
    return UnpairedEvidence(list(after.values()), list(before.values()), new, old, bounds)


def groups_differ(evidence: UnpairedEvidence) -> float:
    """The two-sided p-value of two groups: where the interval of their difference just ends at none."""
    if not evidence.excludes(0.0, LEAST_CONFIDENCE, 1.0):
        return 1.0
    low, high = LEAST_P, 1.0 - LEAST_CONFIDENCE
    if evidence.excludes(0.0, 1.0 - low, 1.0):
        return low
    while high / low > 1.0 + 1e-6:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if evidence.excludes(0.0, 1.0 - middle, 1.0) else (middle, high)
    return high


def at_floor(figure: float, bounds: tuple[float, float] | None, margin: float, *, lower: bool) -> bool:
    """Whether a figure is so bad that nothing could be worse by the margin."""
    if bounds is None:
        return False
    return bounds[1] - figure <= margin if lower else figure - bounds[0] <= margin


def seeds_needed(comparisons: int, level: float) -> int:
    """How many seeds a task needs before it could be told from noise beside so many others.

    n pairs that all change the same way have the exact two-sided p-value ``2 ** (1 - n)`` (McNemar, sign flip), and
    Holm's correction holds the smallest of them against ``level / comparisons``.
    """
    return math.ceil(1.0 + math.log2(max(1, comparisons) / level) - 1e-12)


def finite_or_none(value: float) -> float | None:
    """A number as JSON can hold it."""
    return value if math.isfinite(value) else None
