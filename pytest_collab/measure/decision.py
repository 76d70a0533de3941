"""What a gate concludes from its evidence: pass, fail or undecided.

The interval is read on one side at a time. A gate `at_least 0.8` at 95 % passes when the lower end of the
one-sided 95 % interval is at or above 0.8, fails when the upper end of the other one-sided 95 % interval
is below 0.8, and is undecided in between. Hence, whatever the true figure:

- false pass (a miss: the true figure breaks the rule, the gate passes): at most 5 %;
- false fail (a false alarm: the true figure keeps the rule, the gate fails): at most 5 %;
- undecided is neither: too few episodes for either claim. It is told with how many more would settle it.

For success rates of independent episodes both limits are exact (Clopper-Pearson); for means and clusters
they hold as well as the interval's coverage does, and docs/statistics.md shows how well that is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from pytest_collab.measure.cluster import cluster_codes, cluster_mean, effective_size, no_spread, robust_variance
from pytest_collab.measure.interval import Estimate, clopper_pearson, finite, two_sided, unanimous
from pytest_collab.measure.paired import effective_pairs, paired_difference, tango
from pytest_collab.measure.sequential import Kind, confidence_sequence, first_crossing, projected_log_wealth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pytest_collab.measure.cluster import Labels
    from pytest_collab.measure.interval import Values

MOST_MORE = 10_000_000
"""Beyond this many further episodes, no number is promised to settle a gate."""


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
        needed: undecided only: about how many *more* episodes would settle it if the figure stayed
            where it is; None when no number would (the figure lies on the threshold, or there is none).
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

    def interval(self, confidence: float, scale: float = 1.0) -> Estimate:
        """The two-sided interval, as `scale` times as many observations of the same kind would give it."""


@dataclass(frozen=True, slots=True)
class RateEvidence:
    """0/1 values: a success rate, a failure code's rate. Clopper-Pearson at the effective size."""

    values: Values
    clusters: Labels | None = None

    @property
    def n(self) -> int:
        return len(self.values)

    def interval(self, confidence: float, scale: float = 1.0) -> Estimate:
        sample = finite(self.values, (0.0, 1.0))
        codes = cluster_codes(self.clusters, len(sample))
        size = effective_size(sample, codes, confidence) * scale
        rate = float(sample.mean()) if len(sample) else 0.0
        found = clopper_pearson(rate * size, size, confidence)
        groups = int(codes.max()) + 1 if len(codes) else 0
        method = "exact" if groups == len(sample) else f"exact, effective size {size:.1f}"
        return Estimate(found.value, found.low, found.high, len(sample), confidence, method, groups)


@dataclass(frozen=True, slots=True)
class MeanEvidence:
    """Values of any kind: a score, a cost. Cluster-robust t interval (see `cluster.cluster_mean`)."""

    values: Values
    clusters: Labels | None = None
    bounds: tuple[float, float] | None = None

    @property
    def n(self) -> int:
        return len(self.values)

    def interval(self, confidence: float, scale: float = 1.0) -> Estimate:
        found = cluster_mean(self.values, self.clusters, confidence, bounds=self.bounds)
        return found if scale == 1.0 else _grown(self.values, self.clusters, found, self.bounds, scale)


@dataclass(frozen=True, slots=True)
class PairedEvidence:
    """Two values of each task and seed: their difference (see `paired.paired_difference`)."""

    first: Values
    second: Values
    clusters: Labels | None = None
    bounds: tuple[float, float] | None = (0.0, 1.0)

    @property
    def n(self) -> int:
        return len(self.first)

    def interval(self, confidence: float, scale: float = 1.0) -> Estimate:
        found = paired_difference(self.first, self.second, self.clusters, confidence, bounds=self.bounds)
        if scale == 1.0 or found.n == 0:
            return found
        difference = finite(self.first) - finite(self.second)
        if found.method.startswith("tango"):
            codes = cluster_codes(self.clusters, found.n)
            size = effective_pairs(difference, codes, confidence) * scale
            wins, losses = float((difference > 0).mean()), float((difference < 0).mean())
            return tango(wins * size, losses * size, size, confidence)
        limits = None if self.bounds is None else _span(self.bounds)
        return _grown(difference, self.clusters, found, limits, scale)


@dataclass(frozen=True, slots=True)
class UnpairedEvidence:
    """Two groups that share no task and seed: the difference of their means or rates.

    The two groups' variances (cluster-robust) add up, with the Welch-Satterthwaite degrees of freedom;
    for rates without clusters it is Newcombe's interval.
    """

    first: Values
    second: Values
    clusters_first: Labels | None = None
    clusters_second: Labels | None = None
    bounds: tuple[float, float] | None = (0.0, 1.0)
    rate: bool = False

    @property
    def n(self) -> int:
        return len(self.first) + len(self.second)

    def interval(self, confidence: float, scale: float = 1.0) -> Estimate:
        from scipy.special import stdtrit

        from pytest_collab.measure.difference import newcombe

        a, b = finite(self.first, self.bounds), finite(self.second, self.bounds)
        low, high = (-math.inf, math.inf) if self.bounds is None else _span(self.bounds)
        if not len(a) or not len(b):
            return Estimate(math.nan, low, high, self.n, confidence, "unpaired")
        codes_a, codes_b = cluster_codes(self.clusters_first, len(a)), cluster_codes(self.clusters_second, len(b))
        if self.rate:
            size_a = effective_size(a, codes_a, confidence) * scale
            size_b = effective_size(b, codes_b, confidence) * scale
            found = newcombe(float(a.mean()) * size_a, size_a, float(b.mean()) * size_b, size_b, confidence)
            return Estimate(found.value, found.low, found.high, self.n, confidence, "newcombe")
        value = float(a.mean() - b.mean())
        if codes_a.max() == 0 or codes_b.max() == 0:
            return Estimate(value, low, high, self.n, confidence, "welch")
        (var_a, free_a), (var_b, free_b) = robust_variance(a, codes_a), robust_variance(b, codes_b)
        variance = (var_a + var_b) / scale
        if variance == 0.0:
            return Estimate(value, value, value, self.n, confidence, "welch")
        freedom = (var_a + var_b) ** 2 / (var_a**2 / free_a + var_b**2 / free_b) * scale
        half = float(stdtrit(freedom, 0.5 + confidence / 2.0)) * math.sqrt(variance)
        return Estimate(value, max(low, value - half), min(high, value + half), self.n, confidence, "welch")


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

        def settles(scale: float) -> bool:
            grown = evidence.interval(level, scale)
            return rule.judge(grown.low, grown.high) is not GateVerdict.UNDECIDED

        needed = _more(evidence.n, settles)
    return Decision(verdict, rule, estimate, needed)


def decide_sequentially(
    rule: Rule,
    values: Values,
    confidence: float = 0.95,
    *,
    kind: Kind,
    bounds: tuple[float, float] = (0.0, 1.0),
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
        brief: only the verdict is wanted, at a fraction of the time: no interval, no number that would settle it.

    Raises:
        UsageError: `confidence` is not in (0.5, 1), or a value or the threshold is not within `bounds`.
    """
    if brief:
        estimate = Estimate(math.nan, -math.inf, math.inf, len(values), confidence, "none")
    else:
        estimate = confidence_sequence(values, two_sided(confidence), kind=kind, bounds=bounds)
    crossing = first_crossing(values, rule.threshold, confidence, kind=kind, bounds=bounds)
    if crossing is not None:
        keeps = crossing.side == ("above" if rule.relation in ("at_least", "above") else "below")
        return Decision(GateVerdict.PASS if keeps else GateVerdict.FAIL, rule, estimate)
    needed = None
    if estimate.known and estimate.value != rule.threshold:
        side: Literal["above", "below"] = "above" if estimate.value > rule.threshold else "below"
        target = -math.log(1.0 - confidence)

        def settles(scale: float) -> bool:
            grown = projected_log_wealth(values, rule.threshold, side, scale, kind=kind, bounds=bounds)
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


def _span(bounds: tuple[float, float]) -> tuple[float, float]:
    width = bounds[1] - bounds[0]
    return (-width, width)


def _grown(
    values: Values,
    clusters: Labels | None,
    found: Estimate,
    bounds: tuple[float, float] | None,
    scale: float,
) -> Estimate:
    """The t interval that `scale` times as many clusters of the same kind would give."""
    from scipy.special import stdtrit

    sample = finite(values)
    groups = found.clusters or 0
    if groups < 2:
        # Nothing is known of the spread; a bounded mean spreads by at most half the range.
        if bounds is None or not groups:
            return found
        spread = (found.value - bounds[0]) * (bounds[1] - found.value)
        half = 1.96 * math.sqrt(max(spread, 0.0) / (groups * scale))
        return Estimate(found.value, found.value - half, found.value + half, found.n, found.confidence, "t")
    variance, freedom = robust_variance(sample, cluster_codes(clusters, len(sample)))
    if bounds is not None and no_spread(variance, bounds):
        return unanimous(found.value, found.n, max(1, int(groups * scale)), found.confidence, bounds)
    half = float(stdtrit(freedom * scale, 0.5 + found.confidence / 2.0)) * math.sqrt(variance / scale)
    return Estimate(found.value, found.value - half, found.value + half, found.n, found.confidence, "t")


def _more(n: int, settles: Callable[[float], bool]) -> int | None:
    """How many observations beyond `n` make `settles(all / n)` true, by doubling and halving."""
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
