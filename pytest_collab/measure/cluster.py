"""Estimates from observations that come in groups.

Two pairs of features of one code base, or two epochs of one task and seed, share what made them easy or
hard. Treating them as independent makes intervals too narrow; here only the groups are independent.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_collab.errors import UsageError
from pytest_collab.measure.interval import (
    Estimate,
    check_confidence,
    clopper_pearson,
    finite,
    mean_interval,
    unanimous,
    wilson,
)

if TYPE_CHECKING:
    from pytest_collab.measure.interval import Values

Labels = Sequence[Hashable] | NDArray[Any]


def cluster_codes(clusters: Labels | None, n: int) -> NDArray[np.intp]:
    """Number the clusters 0..G-1: shape (n,), one code an observation.

    Args:
        clusters: a label for each observation (any hashable, or an array of codes); None when each
            observation is its own cluster.
        n: number of observations.

    Raises:
        UsageError: there are not `n` labels.
    """
    if clusters is None:
        return np.arange(n)
    if len(clusters) != n:
        raise UsageError(f"{n} values have {len(clusters)} cluster labels: give one label a value")
    if isinstance(clusters, np.ndarray) and clusters.ndim == 1 and clusters.dtype != object:
        return np.unique(clusters, return_inverse=True)[1]
    # A dict, not np.unique: labels are tuples as often as not, and tuples of mixed types do not sort.
    numbers: dict[Hashable, int] = {}
    return np.fromiter((numbers.setdefault(label, len(numbers)) for label in clusters), np.intp, count=n)


def cluster_mean(
    values: Values,
    clusters: Labels | None = None,
    confidence: float = 0.95,
    *,
    bounds: tuple[float, float] | None = None,
) -> Estimate:
    """The mean of all values, with an interval that is right when values of one cluster are alike.

    The variance is CR2, which removes the small-sample bias of the sandwich, and the degrees of freedom
    are Satterthwaite's: Bell & McCaffrey (2002), Survey Methodology 28:169-181; Pustejovsky & Tipton
    (2018), JBES 36:672-683. For a mean both have a closed form in the clusters' shares of the
    observations. With clusters of equal size it is CR1 with G - 1 degrees of freedom, and with
    clusters of one it is Student's t.

    Args:
        values: shape (n,).
        clusters: a label for each value; None when all are independent.
        confidence: two-sided coverage.
        bounds: the range the values cannot leave, where there is one; the interval is cut to it, and
            clusters that all have the same mean do not make an interval of width zero.

    Returns:
        The estimate. With fewer than two clusters the interval is the whole range: nothing in the
        data tells how far clusters differ.

    Raises:
        UsageError: a value is not finite or outside `bounds`, or labels and values differ in number.
    """
    from scipy.special import stdtrit

    check_confidence(confidence)
    sample = finite(values, bounds)
    n = len(sample)
    codes = cluster_codes(clusters, n)
    groups = int(codes.max()) + 1 if n else 0
    if groups == n:
        return replace(mean_interval(sample, confidence, bounds=bounds), clusters=groups)
    floor, ceiling = bounds if bounds is not None else (-math.inf, math.inf)
    value = float(sample.mean())
    if groups == 1:
        return Estimate(value, floor, ceiling, n, confidence, "CR2", 1)
    variance, freedom = robust_variance(sample, codes)
    if bounds is not None and no_spread(variance, bounds):
        return unanimous(value, n, groups, confidence, bounds)
    half = float(stdtrit(freedom, 0.5 + confidence / 2.0)) * math.sqrt(variance)
    return Estimate(value, max(floor, value - half), min(ceiling, value + half), n, confidence, "CR2", groups)


def no_spread(variance: float, bounds: tuple[float, float]) -> bool:
    """Whether all clusters have the same mean, but for rounding."""
    return variance <= (1e-12 * (bounds[1] - bounds[0])) ** 2


def robust_variance(sample: NDArray[np.float64], codes: NDArray[np.intp]) -> tuple[float, float]:
    """CR2 variance of the mean and its Bell-McCaffrey degrees of freedom.

    For a mean, the adjustment ``(I - H_gg) ** -1/2`` multiplies the residual sum of a cluster with
    share p of the observations by ``(1 - p) ** -1/2``; the degrees of freedom are
    ``trace(M)**2 / |M|**2`` of the Gram matrix M of the adjusted contrasts.

    Args:
        sample: shape (n,), at least two clusters.
        codes: shape (n,), cluster numbers 0..G-1, each present.

    Returns:
        (variance of the mean, degrees of freedom in (0, G - 1]).
    """
    n = len(sample)
    share = np.bincount(codes) / n
    residual = np.bincount(codes, weights=sample - sample.mean())
    variance = float(np.sum(residual**2 / (1.0 - share))) / n**2
    leverage = share**2 / (1.0 - share)
    freedom = 1.0 / float(np.sum(share**2) + np.sum(leverage) ** 2 - np.sum(leverage**2))
    return variance, freedom


def cluster_rate(
    successes: Values,
    clusters: Labels | None = None,
    confidence: float = 0.95,
    *,
    method: Literal["wilson", "exact"] = "wilson",
) -> Estimate:
    """A proportion whose trials come in clusters.

    The binomial interval is taken at the effective sample size: Korn & Graubard (1998), Survey
    Methodology 24:193-201, with `clopper_pearson` ("exact", theirs) or `wilson` (as Franco et al. 2019,
    JSSAM 7:334-364, recommend for general use). Clusters of one give the plain interval back. The
    effective size is never taken above n. When all trials agree, the data cannot show how alike
    clusters are, and every cluster counts as one trial.

    Args:
        successes: shape (n,), each 0 or 1 (or bool).
        clusters: a label for each; None when all are independent.
        confidence: two-sided coverage.
        method: which binomial interval.

    Raises:
        UsageError: a value is neither 0 nor 1, or labels and values differ in number.
    """
    interval = wilson if method == "wilson" else clopper_pearson
    sample = finite(successes, (0.0, 1.0))
    if ((sample != 0.0) & (sample != 1.0)).any():
        raise UsageError("a success rate is made of values 0 and 1; for scores in between use cluster_mean")
    n = len(sample)
    codes = cluster_codes(clusters, n)
    groups = int(codes.max()) + 1 if n else 0
    effective = effective_size(sample, codes, confidence)
    rate = float(sample.mean()) if n else 0.0
    found = interval(rate * effective, effective, confidence)
    name = found.method if groups == n else f"{found.method}, effective size {effective:.1f}"
    return Estimate(found.value, found.low, found.high, n, confidence, name, groups)


def effective_size(sample: NDArray[np.float64], codes: NDArray[np.intp], confidence: float) -> float:
    """How many independent trials the clustered 0/1 trials are worth, at most n.

    ``p (1 - p) / Var_CR2(p)``, times ``(t(n - 1) / t(df)) ** 2`` for having estimated the variance from
    few clusters (Korn & Graubard 1998, equation 2 and following).
    """
    from scipy.special import stdtrit

    n = len(sample)
    groups = int(codes.max()) + 1 if n else 0
    rate = float(sample.mean()) if n else 0.0
    if groups == n:
        return float(n)
    if groups < 2 or rate in (0.0, 1.0):
        return float(groups)
    variance, freedom = robust_variance(sample, codes)
    if variance == 0.0:
        return float(n)
    level = 0.5 + confidence / 2.0
    penalty = float(stdtrit(n - 1, level) / stdtrit(freedom, level)) ** 2
    return max(1.0, min(float(n), rate * (1.0 - rate) / variance * penalty))
