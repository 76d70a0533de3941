"""Differences between two groups that are not paired."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_collab.errors import UsageError
from pytest_collab.measure.interval import Estimate, check_confidence, finite, wilson

if TYPE_CHECKING:
    from pytest_collab.measure.interval import Values


@dataclass(frozen=True, slots=True)
class WelchResult:
    """Welch's test of two means.

    Attributes:
        difference: mean of the first minus mean of the second, with its interval.
        statistic: t.
        freedom: degrees of freedom (Welch-Satterthwaite).
        p_value: two-sided.
    """

    difference: Estimate
    statistic: float
    freedom: float
    p_value: float


def welch(first: Values, second: Values, confidence: float = 0.95) -> WelchResult:
    """Welch's t-test: do two means differ, when the spreads may differ too?

    Welch (1947), "The generalization of Student's problem when several different population variances
    are involved", Biometrika 34:28-35.

    Args:
        first: shape (n1,), n1 >= 2.
        second: shape (n2,), n2 >= 2.
        confidence: two-sided coverage of the difference's interval.

    Raises:
        UsageError: a group has fewer than two values, or a value is not finite.
    """
    from scipy.special import stdtr, stdtrit

    check_confidence(confidence)
    a, b = finite(first), finite(second)
    _need(2, len(a), len(b))
    part_a, part_b = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    error = math.sqrt(part_a + part_b)
    value = float(a.mean() - b.mean())
    n = len(a) + len(b)
    if error == 0.0:
        # Both groups are constant: no spread to judge the difference by.
        statistic = 0.0 if value == 0.0 else math.copysign(math.inf, value)
        p_value = 1.0 if value == 0.0 else 0.0
        return WelchResult(Estimate(value, value, value, n, confidence, "welch"), statistic, n - 2.0, p_value)
    freedom = (part_a + part_b) ** 2 / (part_a**2 / (len(a) - 1) + part_b**2 / (len(b) - 1))
    statistic = value / error
    half = float(stdtrit(freedom, 0.5 + confidence / 2.0)) * error
    return WelchResult(
        Estimate(value, value - half, value + half, n, confidence, "welch"),
        statistic,
        freedom,
        float(2.0 * stdtr(freedom, -abs(statistic))),
    )


def hedges_g(first: Values, second: Values, confidence: float = 0.95) -> Estimate:
    """Standardised mean difference, without the upward bias of Cohen's d.

    Hedges (1981), "Distribution theory for Glass's estimator of effect size", Journal of Educational
    Statistics 6:107-128: exact correction factor ``J(m) = Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2))``.
    The interval is the usual normal one (Hedges & Olkin 1985, p. 86).

    Args:
        first: shape (n1,), n1 >= 2.
        second: shape (n2,), n2 >= 2.
        confidence: two-sided coverage.

    Returns:
        g, in pooled standard deviations. Groups without any spread give 0 (equal means) or NaN.

    Raises:
        UsageError: a group has fewer than two values, or a value is not finite.
    """
    from pytest_collab.measure.interval import normal_quantile

    a, b = finite(first), finite(second)
    _need(2, len(a), len(b))
    freedom = len(a) + len(b) - 2
    pooled = ((len(a) - 1) * float(a.var(ddof=1)) + (len(b) - 1) * float(b.var(ddof=1))) / freedom
    gap = float(a.mean() - b.mean())
    n = len(a) + len(b)
    if pooled == 0.0:
        return Estimate(0.0 if gap == 0.0 else math.nan, -math.inf, math.inf, n, confidence, "hedges g")
    correction = math.exp(math.lgamma(freedom / 2) - math.lgamma((freedom - 1) / 2)) / math.sqrt(freedom / 2)
    value = correction * gap / math.sqrt(pooled)
    error = math.sqrt(n / (len(a) * len(b)) + value**2 / (2.0 * n))
    half = normal_quantile(confidence) * error
    return Estimate(value, value - half, value + half, n, confidence, "hedges g")


def newcombe(
    successes_first: float, n_first: float, successes_second: float, n_second: float, confidence: float = 0.95
) -> Estimate:
    """Difference of two independent proportions, first minus second.

    Newcombe (1998), "Interval estimation for the difference between independent proportions: comparison
    of eleven methods", Statistics in Medicine 17:873-890, method 10: the two Wilson intervals, combined
    by their squares.

    Args:
        successes_first: 0..n_first.
        n_first: trials of the first group.
        successes_second: 0..n_second.
        n_second: trials of the second group.
        confidence: two-sided coverage.

    Raises:
        UsageError: counts are impossible, or a group has no trial.
    """
    _need(1, n_first, n_second)
    a = wilson(successes_first, n_first, confidence)
    b = wilson(successes_second, n_second, confidence)
    value = a.value - b.value
    low = value - math.hypot(a.value - a.low, b.high - b.value)
    high = value + math.hypot(a.high - a.value, b.value - b.low)
    return Estimate(value, max(-1.0, low), min(1.0, high), round(n_first + n_second), confidence, "newcombe")


def _need(least: int, first: float, second: float) -> None:
    for name, n in (("first", first), ("second", second)):
        if n < least:
            raise UsageError(f"the {name} group has {n:g} values, and {least} are needed: play more episodes")
