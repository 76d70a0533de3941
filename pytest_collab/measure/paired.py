"""Differences between pairs: the same task and seed, played twice.

Pairing takes the difficulty of the task and seed out of the comparison, so far fewer episodes show the
same difference.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_collab.errors import UsageError
from pytest_collab.measure.cluster import cluster_codes, cluster_mean, robust_variance
from pytest_collab.measure.interval import Estimate, check_confidence, finite, normal_quantile

if TYPE_CHECKING:
    from pytest_collab.measure.cluster import Labels
    from pytest_collab.measure.interval import Values

K = TypeVar("K", bound=Hashable)

EXACT_CLUSTERS = 16
"""Up to this many clusters the sign-flip test enumerates all 2**16 sign patterns."""


@dataclass(frozen=True, slots=True)
class Pairs(Generic[K]):
    """Values of two groups, matched by key.

    Attributes:
        keys: the keys that both groups have, in the first group's order.
        first: shape (n,), the first group's values at `keys`.
        second: shape (n,), the second group's.
        only_first: how many keys the second group lacks.
        only_second: how many keys the first group lacks.
    """

    keys: tuple[K, ...]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    only_first: int
    only_second: int

    @property
    def difference(self) -> NDArray[np.float64]:
        """First minus second, shape (n,)."""
        return self.first - self.second


def match(first: Mapping[K, float], second: Mapping[K, float]) -> Pairs[K]:
    """Match two groups by key; what has no partner is counted and left out."""
    keys = tuple(key for key in first if key in second)
    return Pairs(
        keys,
        np.array([first[key] for key in keys], dtype=np.float64),
        np.array([second[key] for key in keys], dtype=np.float64),
        len(first) - len(keys),
        len(second) - len(keys),
    )


def paired_difference(
    first: Values,
    second: Values,
    clusters: Labels | None = None,
    confidence: float = 0.95,
    *,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> Estimate:
    """Mean of first minus second over pairs, with an interval.

    When all values are 0 or 1 it is Tango's score interval (see `tango`) at the effective number of
    pairs; else the cluster-robust t interval of the differences (see `cluster.cluster_mean`).

    Args:
        first: shape (n,).
        second: shape (n,), in the same order of pairs.
        clusters: a label for each pair, typically (task, seed); None when all are independent.
        confidence: two-sided coverage.
        bounds: the range of each value (not of the difference); None when it has none.

    Raises:
        UsageError: the lengths differ, or a value is not finite or outside `bounds`.
    """
    a, b = finite(first, bounds), finite(second, bounds)
    if len(a) != len(b):
        raise UsageError(f"{len(a)} values cannot be paired with {len(b)}: match them by key first")
    difference = a - b
    if bounds == (0.0, 1.0) and len(a) and bool(np.isin(a, (0.0, 1.0)).all() and np.isin(b, (0.0, 1.0)).all()):
        codes = cluster_codes(clusters, len(a))
        groups = int(codes.max()) + 1
        effective = effective_pairs(difference, codes, confidence)
        scale = effective / len(a)
        wins, losses = float((difference > 0).sum()), float((difference < 0).sum())
        found = tango(wins * scale, losses * scale, effective, confidence)
        method = "tango" if groups == len(a) else f"tango, effective size {effective:.1f}"
        return Estimate(found.value, found.low, found.high, len(a), confidence, method, groups)
    span = None if bounds is None else bounds[1] - bounds[0]
    limits = None if span is None else (-span, span)
    return cluster_mean(difference, clusters, confidence, bounds=limits)


def effective_pairs(difference: NDArray[np.float64], codes: NDArray[np.intp], confidence: float) -> float:
    """How many independent pairs clustered pairs of 0/1 values are worth, at most n.

    The device of Korn & Graubard (1998), as in `cluster.effective_size`: the variance that independent
    pairs would have, over the cluster-robust one. Pairs that all agree count as one a cluster.
    """
    from scipy.special import stdtrit

    n = len(difference)
    groups = int(codes.max()) + 1
    if groups == n:
        return float(n)
    independent = float(np.mean(difference**2) - np.mean(difference) ** 2) / n
    if groups < 2 or independent == 0.0:
        return float(groups)
    variance, freedom = robust_variance(difference, codes)
    if variance == 0.0:
        return float(n)
    level = 0.5 + confidence / 2.0
    penalty = float(stdtrit(n - 1, level) / stdtrit(freedom, level)) ** 2
    return max(1.0, min(float(n), n * independent / variance * penalty))


def tango(wins: float, losses: float, pairs: float, confidence: float = 0.95) -> Estimate:
    """Score interval of the difference of two paired proportions.

    Tango (1998), "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17:891-908. It is to pairs what Wilson's interval is
    to one proportion, and stays honest when no pair disagrees.

    Args:
        wins: pairs where only the first succeeded; may be fractional, for an effective size.
        losses: pairs where only the second did.
        pairs: all pairs.
        confidence: two-sided coverage.

    Raises:
        UsageError: the counts are impossible.
    """
    z = normal_quantile(confidence)
    if wins < 0 or losses < 0 or wins + losses > pairs * (1 + 1e-12):
        raise UsageError(f"{wins:g} wins and {losses:g} losses in {pairs:g} pairs is impossible")
    if pairs == 0:
        return Estimate(math.nan, -1.0, 1.0, 0, confidence, "tango")
    value = (wins - losses) / pairs
    low = _tango_end(wins, losses, pairs, -1.0, value, z)
    # The mirror image: swapping the two groups turns the upper end into a lower one.
    high = -_tango_end(losses, wins, pairs, -1.0, -value, z)
    return Estimate(value, low, high, round(pairs), confidence, "tango")


def _tango_score(wins: float, losses: float, pairs: float, delta: float) -> float:
    """Score statistic of the hypothesis that the difference is `delta`; falls as `delta` rises."""
    linear = (2.0 * pairs - wins + losses) * delta - wins - losses
    constant = -losses * delta * (1.0 - delta)
    root = math.sqrt(max(0.0, linear * linear - 8.0 * pairs * constant))
    losing = (root - linear) / (4.0 * pairs)
    spread = pairs * (2.0 * losing + delta * (1.0 - delta))
    gap = wins - losses - pairs * delta
    if spread <= 0.0:
        return 0.0 if gap == 0.0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(spread)


def _tango_end(wins: float, losses: float, pairs: float, floor: float, value: float, z: float) -> float:
    low, high = floor, value
    for _ in range(60):
        middle = (low + high) / 2.0
        if _tango_score(wins, losses, pairs, middle) > z:
            low = middle
        else:
            high = middle
    return low if low > floor else floor


def mcnemar(wins: int, losses: int) -> float:
    """Exact two-sided p-value that wins and losses are equally likely.

    McNemar (1947), Psychometrika 12:153-157, in its exact binomial form. Pairs that agree carry no
    information here and are not asked for.

    Args:
        wins: pairs where only the first succeeded.
        losses: pairs where only the second did.

    Raises:
        UsageError: a count is negative.
    """
    from scipy.special import bdtr

    if wins < 0 or losses < 0:
        raise UsageError(f"{wins} wins and {losses} losses: counts cannot be negative")
    if wins == losses:
        return 1.0
    return min(1.0, 2.0 * float(bdtr(min(wins, losses), wins + losses, 0.5)))


def sign_flip(difference: Values, clusters: Labels | None = None, *, resamples: int = 10_000, seed: int = 0) -> float:
    """Two-sided p-value that the differences are symmetric about zero, without further assumptions.

    Fisher (1935), "The design of experiments", section 21. The sign of each cluster's sum is flipped as
    a whole, so pairs of one cluster may depend on one another. All patterns are enumerated up to
    `EXACT_CLUSTERS` clusters; beyond, `resamples` seeded random patterns are drawn, and the observed one is
    counted among them (Phipson & Smyth 2010), so that p is never zero.

    Args:
        difference: shape (n,), first minus second.
        clusters: a label for each pair; None when all are independent.
        resamples: random patterns, when there are too many to enumerate.
        seed: of the random patterns.

    Raises:
        UsageError: a difference is not finite, or `resamples` is below 1.
    """
    sample = finite(difference)
    if resamples < 1:
        raise UsageError(f"resamples = {resamples}: at least one is needed")
    if len(sample) == 0:
        return 1.0
    sums = np.bincount(cluster_codes(clusters, len(sample)), weights=sample)
    sums = sums[sums != 0.0]
    if len(sums) == 0:
        return 1.0
    # Sums of the same numbers in another order differ in the last bits; they are the same pattern.
    observed = abs(float(sums.sum())) * (1.0 - 1e-12)
    if len(sums) <= EXACT_CLUSTERS:
        totals = np.zeros(1)
        for size in sums:
            totals = np.concatenate((totals + size, totals - size))
        return float(np.mean(np.abs(totals) >= observed))
    rng = np.random.default_rng(seed)
    extreme = 0
    done = 0
    while done < resamples:
        rows = min(resamples - done, max(1, 2_000_000 // len(sums)))
        signs = rng.integers(0, 2, size=(rows, len(sums)), dtype=np.int8)
        totals = (2.0 * signs - 1.0) @ sums
        extreme += int((np.abs(totals) >= observed).sum())
        done += rows
    return (1 + extreme) / (1 + resamples)


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """A paired difference with the tests that go with it.

    Attributes:
        difference: first minus second.
        wins: pairs where the first is higher.
        losses: pairs where the second is higher.
        ties: pairs that agree.
        p_value: two-sided; McNemar's exact test for 0/1 values of independent pairs, else the sign flip.
        test: `mcnemar` or `sign-flip`.
    """

    difference: Estimate
    wins: int
    losses: int
    ties: int
    p_value: float
    test: str


def compare_pairs(
    first: Values,
    second: Values,
    clusters: Labels | None = None,
    confidence: float = 0.95,
    *,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    seed: int = 0,
) -> PairedComparison:
    """Estimate a paired difference and test it against none.

    Args and raises as `paired_difference`; `seed` is that of `sign_flip`.
    """
    check_confidence(confidence)
    estimate = paired_difference(first, second, clusters, confidence, bounds=bounds)
    difference = finite(first, bounds) - finite(second, bounds)
    wins, losses = int((difference > 0).sum()), int((difference < 0).sum())
    binary = bool(np.isin(difference, (-1.0, 0.0, 1.0)).all())
    if binary and (clusters is None or estimate.clusters == estimate.n):
        p_value, test = mcnemar(wins, losses), "mcnemar"
    else:
        p_value, test = sign_flip(difference, clusters, seed=seed), "sign-flip"
    return PairedComparison(estimate, wins, losses, len(difference) - wins - losses, p_value, test)
