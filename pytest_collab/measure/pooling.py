"""Differences over many tasks at once: what single tasks are too small to show, their sum may."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pytest_collab.measure.decision import GateVerdict, PairedEvidence, Rule, decide
from pytest_collab.measure.paired import compare_pairs
from pytest_collab.measure.units import Place, labels


class Pooled(BaseModel):
    """All matched units of a family, or of both runs, held against one another.

    Attributes:
        family: None for all families together.
        before, after: mean of the metric over the pairs.
        difference: after minus before.
        low, high: interval of the difference, not corrected for the other comparisons.
        pairs: units that both runs have; `clusters` counts tasks and seeds.
        p_value, p_adjusted, status: as in `change.Change`.
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
    status: Literal["worse", "better", "unclear", "same"] = "unclear"
    bound: float | None = None
    rules_out: bool = False
    at_floor: bool = False


def pool(
    family: str | None,
    places: Sequence[Place],
    before: Mapping[Place, float],
    after: Mapping[Place, float],
    *,
    bounds: tuple[float, float] | None,
    margin: float,
    lower: bool,
    confidence: float,
) -> Pooled:
    """Hold the units at `places` against one another, those of one task and seed taken together.

    Args:
        family: of the units; None for those of all.
        places: at least one; both runs have a value there.
        before, after: the runs.
        bounds: the metric's range; None when it has none.
        margin: the loss that has to be ruled out.
        lower: whether less is better.
        confidence: two-sided for interval and test, one-sided for the margin.
    """
    old, new = [before[place] for place in places], [after[place] for place in places]
    clusters = labels(places, "task_seed")
    found = compare_pairs(new, old, clusters, confidence, bounds=bounds)
    rule = Rule("at_most", margin) if lower else Rule("at_least", -margin)
    decision = decide(rule, PairedEvidence(new, old, clusters, bounds), confidence)
    mean = math.fsum(old) / len(old)
    return Pooled(
        family=family,
        before=mean,
        after=math.fsum(new) / len(new),
        difference=found.difference.value,
        low=finite_or_none(found.difference.low),
        high=finite_or_none(found.difference.high),
        pairs=len(places),
        clusters=len(set(clusters or places)),
        p_value=found.p_value,
        bound=finite_or_none(decision.estimate.high if lower else decision.estimate.low),
        rules_out=decision.verdict is GateVerdict.PASS,
        at_floor=at_floor(mean, bounds, margin, lower=lower),
    )


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
