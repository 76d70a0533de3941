"""Bounds of the mean of values that cannot leave a range, which never tighten on worse data.

`bounded_mean` is what every gate, gap and summary of a bounded metric is judged by (rates, scores, differences),
and `bounded_difference` what two groups are compared by that share no task and seed.

The bound is Gaffke's: with one more, unseen cluster at the worst end of the range, and shares of the clusters that
are uniform over all shares (Dirichlet with parameters 1), the lower bound at 95 % is the 5 % quantile of the mean.
For 0/1 values of independent episodes this is Clopper-Pearson, for values that all agree the "rule of three", and for
many clusters the normal bound with the variance found in them. It rises with every single value, so a worse episode
can only lower it.

That it holds is proved for 0/1 values (Clopper & Pearson 1934) and has been found without exception elsewhere: Gaffke
(2005), "Three test statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative variable",
Mathematical Methods of Statistics 14:451-467; Learned-Miller & Thomas (2020), "A new confidence interval for the mean
of a bounded random variable", arXiv 1905.06208. docs/statistics.md has what simulation from five clusters shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pytest_collab.measure.cluster import cluster_codes
from pytest_collab.measure.interval import Estimate, check_confidence, finite

if TYPE_CHECKING:
    from pytest_collab.measure.cluster import Labels
    from pytest_collab.measure.interval import Values

Floats = NDArray[np.float64]

METHOD: Final = "gaffke"
MOST_DIFFERENT: Final = 256
"""With more different clusters than this, their means are put on a grid of so many steps."""

_NORMAL: Final = NormalDist()
FEWEST: Final = 3
"""With fewer clusters than this, nothing is assumed of how far values without a range may go."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Clusters of bounded values, those that are alike put together.

    Attributes:
        size: shape (m,), values in one such cluster.
        mean: shape (m,), their mean.
        count: shape (m,), how many clusters are so.
    """

    size: Floats
    mean: Floats
    count: Floats

    @property
    def groups(self) -> int:
        """How many clusters there are."""
        return round(float(self.count.sum()))

    @property
    def n(self) -> int:
        """How many values there are."""
        return round(float((self.count * self.size).sum()))

    @property
    def value(self) -> float:
        """The mean of all values; NaN without any."""
        weight = self.count * self.size
        return float((weight * self.mean).sum() / weight.sum()) if len(weight) else math.nan


def clusters_of(
    values: Values, clusters: Labels | None = None, bounds: tuple[float, float] | None = None
) -> Clusters:
    """Put values together by cluster.

    Args:
        values: shape (n,).
        clusters: a label for each value; None when all are independent.
        bounds: the range the values cannot leave; an end may be infinite.

    Raises:
        UsageError: a value is not finite or outside `bounds`, or labels and values differ in number.
    """
    sample = finite(values, bounds)
    if not len(sample):
        return Clusters(sample, sample, sample)
    codes = cluster_codes(clusters, len(sample))
    size = np.bincount(codes).astype(np.float64)
    mean = np.bincount(codes, weights=sample) / size
    if bounds is not None:
        mean = np.clip(mean, *bounds)  # rounding must not leave the range
    return _alike(size, mean, np.ones(len(size)))


def _alike(size: Floats, mean: Floats, count: Floats) -> Clusters:
    order = np.lexsort((mean, size))
    size, mean, count = size[order], mean[order], count[order]
    first = np.ones(len(size), dtype=bool)
    # Sums of the same values in another order differ in their last bits; they are the same.
    first[1:] = (np.diff(size) != 0.0) | (np.diff(mean) > 1e-13 * (1.0 + np.abs(mean[1:])))
    place = np.cumsum(first) - 1
    return Clusters(size[first], mean[first], np.bincount(place, weights=count).astype(np.float64))


def bounded_mean(
    values: Values,
    clusters: Labels | None = None,
    confidence: float = 0.95,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    scale: float = 1.0,
) -> Estimate:
    """The mean of all values, with an interval for values of one cluster that may depend on one another.

    Only clusters are taken as independent: five seeds are five observations, however often each was played. Clusters
    of different sizes weigh by their values, and the unseen one is as large as the largest.

    Args:
        values: shape (n,).
        clusters: a label for each value; None when all are independent.
        confidence: two-sided; each end alone is a one-sided bound at ``(1 + confidence) / 2``.
        bounds: the range the values cannot leave. Where an end is infinite, so is that end of the interval: no
            number of values bounds the mean of what may be arbitrarily large.
        scale: what the interval would be with so many times as many clusters of the same kind.

    Returns:
        The estimate; `n` counts values, `clusters` clusters. Where any value gets smaller, `low` and `high` fall or
        stay.

    Raises:
        UsageError: a value is not finite or outside `bounds`, or labels and values differ in number.
    """
    return interval_of(clusters_of(values, clusters, bounds), confidence, bounds=bounds, scale=scale)


def interval_of(
    found: Clusters, confidence: float = 0.95, *, bounds: tuple[float, float] = (0.0, 1.0), scale: float = 1.0
) -> Estimate:
    """`bounded_mean`, of clusters that were put together before."""
    alpha = (1.0 - check_confidence(confidence)) / 2.0
    low, high = bounds
    if not found.n:
        return Estimate(math.nan, low, high, 0, confidence, METHOD, 0)
    value = found.value
    exact = _binomial(found, alpha, bounds, scale)
    if exact is not None:
        return Estimate(value, *exact, found.n, confidence, METHOD, found.groups)
    if math.isfinite(low):
        low = low + _lower(_moved(found, found.mean - low, high - low), alpha, scale)
    if math.isfinite(high):
        high = high - _lower(_moved(found, high - found.mean, high - bounds[0]), alpha, scale)
    return Estimate(value, min(low, value), max(high, value), found.n, confidence, METHOD, found.groups)


def _binomial(found: Clusters, alpha: float, bounds: tuple[float, float], scale: float) -> tuple[float, float] | None:
    """The two ends in closed form where clusters of one size all came to one or the other end of the range."""
    low, high = bounds
    if found.size.min() != found.size.max() or ((found.mean != low) & (found.mean != high)).any():
        return None
    from scipy.special import betaincinv

    total, reached = float(found.count.sum()) * scale, float(found.count[found.mean == high].sum()) * scale
    missed = total - reached
    least = 0.0 if reached == 0 else float(betaincinv(reached, missed + 1.0, alpha))
    most = 1.0 if missed == 0 else float(betaincinv(reached + 1.0, missed, 1.0 - alpha))
    return low + (high - low) * least, low + (high - low) * most


def excluded(
    found: Clusters,
    mean: float,
    confidence: float = 0.95,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    scale: float = 1.0,
) -> bool:
    """Whether the interval of `interval_of` would leave `mean` outside; much quicker than to find its ends."""
    alpha = (1.0 - check_confidence(confidence)) / 2.0
    low, high = bounds
    if not found.n:
        return False
    if mean < found.value:
        return mean <= low or (
            math.isfinite(low) and tail(_moved(found, found.mean - low, high - low), mean - low, scale) < alpha
        )
    return mean >= high or (
        math.isfinite(high) and tail(_moved(found, high - found.mean, high - low), high - mean, scale) < alpha
    )


def assumed_range(
    found: Clusters, bounds: tuple[float, float] | None = None, scale: float = 1.0
) -> tuple[float, float]:
    """The range to judge values by that have none of their own: costs, times, a family's own figures.

    No number of values bounds a mean that rare and huge ones could move at will. An open end is therefore taken to
    lie ``2 + 18 / G`` times as far from zero as the furthest of G clusters there (at zero itself where none is beyond
    it), which by simulation holds for lognormal values of sigma up to 1.5. Below `FEWEST` clusters it stays open. The
    range widens with worse values, never narrows.

    Args:
        found: the values.
        bounds: the range as far as it is known.
        scale: as in `bounded_mean`.
    """
    low, high = bounds if bounds is not None else (-math.inf, math.inf)
    groups = found.groups * scale
    if groups >= FEWEST:
        beyond = 2.0 + 18.0 / groups
        if low == -math.inf:
            low = beyond * min(0.0, float(found.mean.min()))
        if high == math.inf:
            high = beyond * max(0.0, float(found.mean.max()))
    return low, high


def bounded_difference(
    first: Values,
    second: Values,
    clusters_first: Labels | None = None,
    clusters_second: Labels | None = None,
    confidence: float = 0.95,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    scale: float = 1.0,
) -> Estimate:
    """Mean of the first minus mean of the second, of two groups that share no task and seed.

    The two groups' intervals are combined by their squares, as Newcombe (1998) does with Wilson's: Zou & Donner
    (2008), "Construction of confidence limits about effect measures", Statistics in Medicine 27:1693-1702. It
    stays monotone in every value, since the ends of either interval are.

    Args:
        first, second: shapes (n1,) and (n2,).
        clusters_first, clusters_second: labels; None when all are independent.
        confidence: two-sided.
        bounds: the range of the values (not of the difference); with an infinite end the interval is the whole line.
        scale: as in `bounded_mean`, for both groups.

    Raises:
        UsageError: as `bounded_mean`.
    """
    a = bounded_mean(first, clusters_first, confidence, bounds=bounds, scale=scale)
    b = bounded_mean(second, clusters_second, confidence, bounds=bounds, scale=scale)
    return combined(a, b, bounds)


def combined(first: Estimate, second: Estimate, bounds: tuple[float, float] | None = (0.0, 1.0)) -> Estimate:
    """The difference of two independent estimates of means within `bounds`; see `bounded_difference`."""
    n, groups = first.n + second.n, (first.clusters or 0) + (second.clusters or 0)
    width = math.inf if bounds is None else bounds[1] - bounds[0]
    if not (first.known and second.known):
        return Estimate(math.nan, -width, width, n, first.confidence, METHOD, groups)
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, max(-width, low), min(width, high), n, first.confidence, METHOD, groups)


def tail(found: Clusters, mean: float, scale: float = 1.0) -> float:
    """A one-sided p-value: how likely values as high as these, or higher, are where the true mean is `mean`.

    Args:
        found: clusters of values that are not below 0.
        mean: the hypothesised mean, above 0.
        scale: as in `bounded_mean`.
    """
    largest = float(found.size.max())
    gain = found.size * (found.mean - mean)
    return _negative(np.append(gain, -largest * mean), np.append(found.count * scale, 1.0))


def _moved(found: Clusters, above: Floats, width: float) -> Clusters:
    """The same clusters with means counted from the worse end of the range, on a grid where there are many.

    A value between two points of the grid is shared out to both, so that the mean stays what it is. The grid does
    not depend on the values: else a worse one could move the others.
    """
    if len(above) <= MOST_DIFFERENT:
        return Clusters(found.size, above, found.count)
    if math.isfinite(width):
        under = np.minimum(np.floor(above / width * MOST_DIFFERENT), MOST_DIFFERENT - 1.0)
        below, beyond = under * (width / MOST_DIFFERENT), (under + 1.0) * (width / MOST_DIFFERENT)
    else:
        under = np.floor(np.log2(np.maximum(above, 1e-300)) * 16.0)
        below, beyond = np.exp2(under / 16.0), np.exp2((under + 1.0) / 16.0)
        below = np.where(above < 1e-300, 0.0, np.minimum(below, above))
    share = (above - below) / (beyond - below)
    size, mean = np.tile(found.size, 2), np.concatenate([below, beyond])
    count = np.concatenate([found.count * (1.0 - share), found.count * share])
    return _alike(size, mean, count)


def _lower(found: Clusters, alpha: float, scale: float) -> float:
    """The mean at which `tail` is alpha, for clusters whose means are counted from the worse end."""
    value = found.value
    if value <= 0.0:
        return 0.0
    wanted = _NORMAL.inv_cdf(alpha)

    def over(mean: float) -> float:
        return _NORMAL.inv_cdf(min(max(tail(found, mean, scale), 1e-300), 1.0 - 1e-16)) - wanted

    high, at_high = value, over(value)
    if at_high <= 0.0:
        return value  # one cluster of many values at one end: the mean itself is at the bound
    # The quantile of the tail is nearly straight in the mean, so that secants find the end in a few steps.
    low = 0.0
    weight = found.count * found.size * scale
    with np.errstate(over="ignore"):  # figures beyond counting end at infinity, as their bound does
        spread = (
            float((found.count * (found.size * (found.mean - value)) ** 2).sum()) * scale
            + (found.size.max() * value) ** 2
        )
    mean = max(0.01 * value, value + wanted * math.sqrt(spread) / float(weight.sum()))
    before, at_before = high, at_high
    for step in range(100):
        at = over(mean)
        if at <= 0.0:
            low = mean
        else:
            high = mean
        after = mean - at * (mean - before) / (at - at_before) if at != at_before else math.nan
        before, at_before = mean, at
        if not low < after < high or step % 8 == 7:
            after = (low + high) / 2.0
        if abs(after - mean) <= 1e-11 * value:
            break
        mean = after
    return mean


def _negative(gain: Floats, count: Floats) -> float:
    """The probability that a sum of gamma variables, weighted by gains, is not above 0.

    The inverse Laplace transform of ``prod (1 + s gain) ** -count / s``, along the vertical line through its saddle
    point, where nothing cancels.

    Args:
        gain: shape (m,), at least one below 0.
        count: shape (m,), shape parameters of the gamma variables.
    """
    if gain.max() <= 0.0:
        return 1.0
    worst = float(-gain.min())
    scaled = gain / worst
    saddle = _saddle(scaled, count)
    part = scaled / (1.0 + saddle * scaled)
    curve = float((count * part**2).sum()) + 1.0 / saddle**2
    width = 1.0 / math.sqrt(curve)
    # The path of steepest descent bends with the third derivative: on a hyperbola that does too, nothing oscillates.
    bend = -2.0 / 3.0 * (float((count * part**3).sum()) + 1.0 / saddle**3) * width**3
    reach = _reach(part * width, count, width / saddle)
    x = np.linspace(0.0, reach, 16 + math.ceil(10.0 * reach))
    move = bend * (np.cosh(x) - 1.0) + 1j * np.sinh(x)
    # Sums, not products of matrices: for these sizes the threads of a BLAS cost far more than they save.
    log = -(np.log(1.0 + move[:, None] * (part * width)) * count).sum(axis=1) - np.log(1.0 + move * (width / saddle))
    height = np.imag(np.exp(log) * (bend * np.sinh(x) + 1j * np.cosh(x)))
    peak = -float((count * np.log1p(saddle * scaled)).sum()) - math.log(saddle)
    area = float(height.sum() - (height[0] + height[-1]) / 2.0) * float(x[1]) * width
    return min(1.0, max(0.0, math.exp(peak) * area / math.pi))


def _saddle(gain: Floats, count: Floats) -> float:
    """Where ``-sum(count log(1 + s gain)) - log(s)`` is least, for s in 0..1 (the smallest gain is -1)."""
    low, high = 0.0, 1.0
    s = 0.5
    for _ in range(100):
        part = gain / (1.0 + s * gain)
        slope = -float((count * part).sum()) - 1.0 / s
        if slope > 0.0:
            high = s
        else:
            low = s
        after = s - slope / (float((count * part**2).sum()) + 1.0 / s**2)
        if not low < after < high:
            after = (low + high) / 2.0
        if abs(after - s) <= 1e-7 * min(s, 1.0 - s):
            return after
        s = after
    return s


def _reach(part: Floats, count: Floats, first: float) -> float:
    """Beyond which x the integrand over ``y = sinh(x)`` is nothing."""
    x = np.array([2.0, 2.5, 3.0, 4.0, 6.0, 9.0, 14.0, 20.0, 30.0, 40.0])
    y = np.sinh(x)
    size = 0.5 * ((np.log1p((y[:, None] * part) ** 2) * count).sum(axis=1) + np.log1p((y * first) ** 2))
    over = np.flatnonzero(size - x > 34.0)
    return float(x[over[0]]) if len(over) else float(x[-1])
