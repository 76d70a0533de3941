"""What a gate concludes from its evidence: pass, fail or undecided.

The interval is read on one side at a time. A gate `at_least 0.8` at 95 % passes when the lower end of the
one-sided 95 % interval is at or above 0.8, fails when the upper end of the other one-sided 95 % interval
is below 0.8, and is undecided in between. Hence, whatever the true figure:

- false pass (a miss: the true figure breaks the rule, the gate passes): at most 5 %;
- false fail (a false alarm: the true figure keeps the rule, the gate fails): at most 5 %;
- undecided is neither: too few episodes for either claim. It is told with how many more would settle it.

Bounds are those of `bounded`: a worse episode never turns a verdict towards pass. docs/statistics.md shows by
simulation how often verdicts are wrong.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from pytest_collab.measure.bounded import Clusters, assumed_range, clusters_of, combined, excluded, interval_of
from pytest_collab.measure.cluster import cluster_codes
from pytest_collab.measure.interval import Estimate, finite, two_sided
from pytest_collab.measure.sequential import Kind, confidence_sequence, first_crossing, projected_log_wealth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pytest_collab.measure.cluster import Labels
    from pytest_collab.measure.interval import Values

MOST_MORE = 10_000_000
"""Beyond this many further clusters, no number is promised to settle a gate."""


class GateVerdict(StrEnum):
    """What a gate says."""

    PASS = "pass"
    FAIL = "fail"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the true figure has to be.

    Attributes:
        relation: `at_least` and `at_most` hold at the threshold itself, `above` and `below` do not.
        threshold: in the figure's unit.
    """

    relation: Literal["at_least", "at_most", "above", "below"]
    threshold: float

    def judge(self, low: float, high: float) -> GateVerdict:
        """Pass when all of ``low..high`` keeps the rule, fail when none of it does."""
        limit = self.threshold
        kept, broken = {
            "at_least": (low >= limit, high < limit),
            "at_most": (high <= limit, low > limit),
            "above": (low > limit, high <= limit),
            "below": (high < limit, low >= limit),
        }[self.relation]
        return GateVerdict.PASS if kept else GateVerdict.FAIL if broken else GateVerdict.UNDECIDED


@dataclass(frozen=True, slots=True)
class Open:
    """What a figure could be, while episodes behind it are unsettled.

    Attributes:
        episodes: how many of this run's are.
        baseline: how many of the baseline's are.
        least: the lowest that the figure could be: as if none of this run's counted, and all of the baseline's.
        most: the highest: as if all of this run's counted, and none of the baseline's.
    """

    episodes: int
    baseline: int
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with what it rests on.

    Attributes:
        verdict: pass, fail or undecided.
        rule: the rule judged by.
        estimate: figure and interval; each end is a one-sided bound at the gate's confidence.
        needed: undecided only: about how many *more* clusters (seeds, as a rule) would settle it if the figure
            stayed where it is; None when no number would (the figure lies on the threshold, or there is none).
        open: the two figures behind it where episodes are unsettled; `estimate` then has no value, and its ends are
            the lower one of the one and the upper one of the other.
    """

    verdict: GateVerdict
    rule: Rule
    estimate: Estimate
    needed: int | None = None
    open: Open | None = None


def while_open(least: Decision, most: Decision, episodes: int, baseline: int = 0) -> Decision:
    """What can be decided while episodes are unsettled: what holds whatever they are settled to. Args as `Open`."""
    verdict = least.verdict if least.verdict is most.verdict else GateVerdict.UNDECIDED
    figures = Open(episodes, baseline, least.estimate.value, most.estimate.value)
    estimate = replace(least.estimate, value=math.nan, high=most.estimate.high)
    return Decision(verdict, least.rule, estimate, None, figures)


class Evidence(Protocol):
    """Data that an interval can be drawn from."""

    @property
    def n(self) -> int:
        """Episodes (or pairs) behind it."""

    @property
    def groups(self) -> int:
        """Independent clusters among them."""

    def interval(self, confidence: float, scale: float = 1.0) -> Estimate:
        """The two-sided interval, as `scale` times as many clusters of the same kind would give it."""

    def excludes(self, mean: float, confidence: float, scale: float) -> bool:
        """Whether that interval would leave `mean` outside."""


class _Bounded(abc.ABC):
    """Evidence whose interval is that of a mean of values within a range."""

    __slots__ = ()

    def interval(self, confidence: float, scale: float = 1.0) -> Estimate:
        found, bounds = self._found(scale)
        return interval_of(found, confidence, bounds=bounds, scale=scale)

    def excludes(self, mean: float, confidence: float, scale: float) -> bool:
        found, bounds = self._found(scale)
        return excluded(found, mean, confidence, bounds=bounds, scale=scale)

    @abc.abstractmethod
    def _found(self, scale: float) -> tuple[Clusters, tuple[float, float]]:
        """The means of clusters, and the range of the values."""


@dataclass(frozen=True, slots=True)
class MeanEvidence(_Bounded):
    """Values of any kind: a score, a cost, a rate's 0 and 1. See `bounded.bounded_mean`.

    Attributes:
        values: shape (n,).
        clusters: a label for each value; None when all are independent.
        bounds: the range of the values; an end that is infinite, or None, is taken from the values as
            `bounded.assumed_range` does.
    """

    values: Values
    clusters: Labels | None = None
    bounds: tuple[float, float] | None = None

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def groups(self) -> int:
        return _groups(self.clusters, self.n)

    def _found(self, scale: float) -> tuple[Clusters, tuple[float, float]]:
        found = clusters_of(self.values, self.clusters, self.bounds)
        return found, assumed_range(found, self.bounds, scale)


class RateEvidence(MeanEvidence):
    """0/1 values: a success rate, a failure code's rate."""

    __slots__ = ()

    def __init__(self, values: Values, clusters: Labels | None = None) -> None:
        super().__init__(values, clusters, (0.0, 1.0))


@dataclass(frozen=True, slots=True)
class PairedEvidence(_Bounded):
    """Two values of each task and seed: the mean of their differences (see `bounded.bounded_mean`).

    Attributes:
        first, second: shape (n,) each, in the same order of pairs.
        clusters: a label for each pair; None when all are independent.
        bounds: the range of each value (not of the difference); as in `MeanEvidence`.
    """

    first: Values
    second: Values
    clusters: Labels | None = None
    bounds: tuple[float, float] | None = (0.0, 1.0)

    @property
    def n(self) -> int:
        return len(self.first)

    @property
    def groups(self) -> int:
        return _groups(self.clusters, self.n)

    def _found(self, scale: float) -> tuple[Clusters, tuple[float, float]]:
        a, b = finite(self.first, self.bounds), finite(self.second, self.bounds)
        low_a, high_a = assumed_range(clusters_of(a, self.clusters), self.bounds, scale)
        low_b, high_b = assumed_range(clusters_of(b, self.clusters), self.bounds, scale)
        span = (low_a - high_b, high_a - low_b)
        found = clusters_of(a - b, self.clusters)
        return replace(found, mean=np.clip(found.mean, *span)), span  # rounding must not leave the range


@dataclass(frozen=True, slots=True)
class UnpairedEvidence:
    """Two groups that share no task and seed: the difference of their means (see `bounded.bounded_difference`)."""

    first: Values
    second: Values
    clusters_first: Labels | None = None
    clusters_second: Labels | None = None
    bounds: tuple[float, float] | None = (0.0, 1.0)
    rate: bool = False

    @property
    def n(self) -> int:
        return len(self.first) + len(self.second)

    @property
    def groups(self) -> int:
        return _groups(self.clusters_first, len(self.first)) + _groups(self.clusters_second, len(self.second))

    def interval(self, confidence: float, scale: float = 1.0) -> Estimate:
        a = MeanEvidence(self.first, self.clusters_first, self.bounds).interval(confidence, scale)
        b = MeanEvidence(self.second, self.clusters_second, self.bounds).interval(confidence, scale)
        return combined(a, b, self.bounds)

    def excludes(self, mean: float, confidence: float, scale: float) -> bool:
        found = self.interval(confidence, scale)
        return not found.low <= mean <= found.high


def decide(rule: Rule, evidence: Evidence, confidence: float = 0.95) -> Decision:
    """Judge all the evidence there is, once.

    Not for looking at again and again while episodes come in: see `decide_sequentially`.

    Args:
        rule: what the true figure has to be.
        evidence: episodes, infrastructure errors left out.
        confidence: one-sided; false passes and false fails each happen at most ``1 - confidence`` of the time.

    Raises:
        UsageError: `confidence` is not in (0.5, 1), or a value is not within its range.
    """
    level = two_sided(confidence)
    estimate = evidence.interval(level)
    verdict = rule.judge(estimate.low, estimate.high)
    needed = None
    if verdict is GateVerdict.UNDECIDED and estimate.known and estimate.value != rule.threshold:
        needed = _more(evidence.groups, lambda scale: evidence.excludes(rule.threshold, level, scale))
    return Decision(verdict, rule, estimate, needed)


def decide_sequentially(
    rule: Rule,
    values: Values,
    confidence: float = 0.95,
    *,
    kind: Kind,
    bounds: tuple[float, float] = (0.0, 1.0),
    weights: Values | None = None,
    brief: bool = False,
) -> Decision:
    """Judge the evidence so far, as often as one likes.

    The verdict is that of the confidence sequence, and it stays once reached: optional stopping leaves
    both error rates at ``1 - confidence`` (see `sequential`).

    Args:
        rule: what the true figure has to be.
        values: shape (n,), one independent value a cluster (see `cluster_means`), in planned order, which
            must have been shuffled.
        confidence: one-sided, over all times at once.
        kind: `rate` for 0/1 metrics, `mean` for scores and differences; a matter of the metric.
        bounds: range of the values; metrics without one (cost, time) cannot be decided early.
        weights: shape (n,), each cluster's share of the largest one's size; see `sequential.log_wealth`.
        brief: only the verdict is wanted, at a fraction of the time: no interval, no number that would settle it.

    Raises:
        UsageError: `confidence` is not in (0.5, 1), or a value or the threshold is not within `bounds`.
    """
    if brief:
        estimate = Estimate(math.nan, -math.inf, math.inf, len(values), confidence, "none")
    else:
        estimate = confidence_sequence(values, two_sided(confidence), kind=kind, bounds=bounds, weights=weights)
    crossing = first_crossing(values, rule.threshold, confidence, kind=kind, bounds=bounds, weights=weights)
    if crossing is not None:
        keeps = crossing.side == ("above" if rule.relation in ("at_least", "above") else "below")
        return Decision(GateVerdict.PASS if keeps else GateVerdict.FAIL, rule, estimate)
    needed = None
    if estimate.known and estimate.value != rule.threshold:
        side: Literal["above", "below"] = "above" if estimate.value > rule.threshold else "below"
        target = -math.log(1.0 - confidence)

        def settles(scale: float) -> bool:
            grown = projected_log_wealth(
                values, rule.threshold, side, scale, kind=kind, bounds=bounds, weights=weights
            )
            return grown >= target

        needed = _more(estimate.n, settles)
    return Decision(GateVerdict.UNDECIDED, rule, estimate, needed)


def cluster_means(values: Values, clusters: Labels | None = None) -> NDArray[np.float64]:
    """One value a cluster, their mean, in the order in which clusters first appear: shape (G,)."""
    sample = finite(values)
    if clusters is not None:
        # Codes of an array are sorted by label; a list keeps the order of appearance.
        clusters = list(clusters)
    codes = cluster_codes(clusters, len(sample))
    return np.asarray(np.bincount(codes, weights=sample) / np.bincount(codes)) if len(sample) else sample


def _groups(clusters: Labels | None, n: int) -> int:
    codes = cluster_codes(clusters, n)
    return int(codes.max()) + 1 if len(codes) else 0


def _more(n: int, settles: Callable[[float], bool]) -> int | None:
    """How many clusters beyond `n` make `settles(all / n)` true, by doubling and halving."""
    high = 2 * n
    while not settles(high / n):
        high *= 2
        if high > MOST_MORE:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle / n) else (middle, high)
    return high - n
