"""An estimate and its interval.

Only `wilson` is needed to print a summary at the end of a session, so this module imports nothing
heavy: numpy and scipy are loaded by the functions that use them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from pytest_collab.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = Sequence[float] | NDArray[np.floating] | NDArray[np.integer] | NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the interval that belongs to it.

    Attributes:
        value: the point estimate; NaN when there was nothing to estimate it from.
        low: lower end; the lower end of the possible range (or -inf) when nothing is known.
        high: upper end; the upper end of the possible range (or inf) when nothing is known.
        n: observations behind it (episodes, pairs).
        confidence: two-sided coverage of `low..high`, in (0, 1). Each end alone is a one-sided bound
            at ``(1 + confidence) / 2``.
        method: name of the interval, as the field knows it.
        clusters: independent groups behind it, where the method counts them.
    """

    value: float
    low: float
    high: float
    n: int
    confidence: float
    method: str
    clusters: int | None = None

    @property
    def known(self) -> bool:
        """Whether there was anything to estimate from."""
        return not math.isnan(self.value)


def check_confidence(confidence: float) -> float:
    """Return `confidence`, or raise UsageError when it is not strictly between 0 and 1."""
    if not 0.0 < confidence < 1.0:
        raise UsageError(f"confidence {confidence!r} is not between 0 and 1: 95 % is written 0.95")
    return confidence


def two_sided(one_sided: float) -> float:
    """The two-sided level whose interval ends are one-sided bounds at level `one_sided`.

    A gate asks on one side only: a rate shown to be at least 0.8 with 95 % confidence has its lower
    end of the *90 %* interval above 0.8.

    Raises:
        UsageError: `one_sided` is not in (0.5, 1).
    """
    if not 0.5 < one_sided < 1.0:
        raise UsageError(f"one-sided confidence {one_sided!r} is not between 0.5 and 1")
    return 2.0 * one_sided - 1.0


def normal_quantile(confidence: float) -> float:
    """z with ``P(|Z| <= z) = confidence`` for a standard normal Z."""
    return NormalDist().inv_cdf(0.5 + check_confidence(confidence) / 2.0)


def wilson(successes: float, n: float, confidence: float = 0.95) -> Estimate:
    """The score interval of a proportion, in pure Python.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    JASA 22:209-212; recommended for general use by Brown, Cai & DasGupta (2001). Trials are taken to
    be independent; see `cluster.cluster_rate` for those that are not.

    Args:
        successes: number of successes, 0..n; may be fractional, for an effective sample size.
        n: number of trials; 0 gives NaN with the interval 0..1.
        confidence: two-sided coverage.

    Raises:
        UsageError: `successes` is not in 0..n, or `confidence` not in (0, 1).
    """
    z = normal_quantile(confidence)
    _check_count(successes, n)
    if n == 0:
        return Estimate(math.nan, 0.0, 1.0, 0, confidence, "wilson")
    rate = successes / n
    shrink = 1.0 + z * z / n
    centre = (rate + z * z / (2.0 * n)) / shrink
    half = z / shrink * math.sqrt(rate * (1.0 - rate) / n + z * z / (4.0 * n * n))
    # At 0 and n successes the end is exactly 0 or 1; rounding must not say otherwise.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Estimate(rate, low, high, round(n), confidence, "wilson")


def clopper_pearson(successes: float, n: float, confidence: float = 0.95) -> Estimate:
    """The exact interval of a proportion: each end errs with at most ``(1 - confidence) / 2``.

    Clopper & Pearson (1934), Biometrika 26:404-413, through quantiles of the beta distribution. It is
    wider than `wilson`, and never errs more than it says: gates use it.

    Args:
        successes: number of successes, 0..n; may be fractional, for an effective sample size.
        n: number of trials; 0 gives NaN with the interval 0..1.
        confidence: two-sided coverage.

    Raises:
        UsageError: `successes` is not in 0..n, or `confidence` not in (0, 1).
    """
    from scipy.special import betaincinv

    tail = (1.0 - check_confidence(confidence)) / 2.0
    _check_count(successes, n)
    if n == 0:
        return Estimate(math.nan, 0.0, 1.0, 0, confidence, "clopper-pearson")
    failures = n - successes
    low = 0.0 if successes == 0 else float(betaincinv(successes, failures + 1.0, tail))
    high = 1.0 if failures == 0 else float(betaincinv(successes + 1.0, failures, 1.0 - tail))
    return Estimate(successes / n, low, high, round(n), confidence, "clopper-pearson")


def mean_interval(values: Values, confidence: float = 0.95, *, bounds: tuple[float, float] | None = None) -> Estimate:
    """Student's t interval of the mean of independent values.

    "Student" (1908), Biometrika 6:1-25. With `bounds`, the interval is cut to them, and values that are
    all equal do not make an interval of width zero: see `unanimous`.

    Args:
        values: shape (n,), any unit. None gives NaN and the whole range, one gives the whole range.
        confidence: two-sided coverage.
        bounds: the range the values cannot leave, where there is one.

    Raises:
        UsageError: a value is not finite, or lies outside `bounds`.
    """
    import numpy as np
    from scipy.special import stdtrit

    check_confidence(confidence)
    sample = finite(values, bounds)
    n = len(sample)
    floor, ceiling = bounds if bounds is not None else (-math.inf, math.inf)
    if n == 0:
        return Estimate(math.nan, floor, ceiling, 0, confidence, "t")
    value = float(sample.mean())
    if n == 1:
        return Estimate(value, floor, ceiling, 1, confidence, "t")
    if bounds is not None and sample.min() == sample.max():
        return unanimous(value, n, n, confidence, bounds)
    half = float(stdtrit(n - 1, 0.5 + confidence / 2.0) * np.std(sample, ddof=1) / math.sqrt(n))
    return Estimate(value, max(floor, value - half), min(ceiling, value + half), n, confidence, "t")


def unanimous(value: float, n: int, independent: int, confidence: float, bounds: tuple[float, float]) -> Estimate:
    """The interval of a bounded mean when every observation came out the same.

    A spread of zero says nothing about what has not been seen yet. Had other values a probability of
    more than ``q = 1 - alpha ** (1 / G)``, G independent observations would all agree with a probability
    below alpha; so the mean lies within q of the way to either bound. For 0/1 values this is the exact
    binomial bound ("rule of three": Hanley & Lippman-Hand 1983, JAMA 249:1743-1745).

    Args:
        value: the common value.
        n: observations.
        independent: independent observations among them (clusters), G.
        confidence: two-sided coverage.
        bounds: the range the values cannot leave.
    """
    alpha = (1.0 - confidence) / 2.0
    unseen = 1.0 - alpha ** (1.0 / independent)
    low = value - unseen * (value - bounds[0])
    high = value + unseen * (bounds[1] - value)
    return Estimate(value, low, high, n, confidence, "unanimous", independent)


def finite(values: Values, bounds: tuple[float, float] | None = None) -> NDArray[np.float64]:
    """`values` as a flat array of floats.

    Raises:
        UsageError: a value is not finite or lies outside `bounds`; the message gives the first.
    """
    import numpy as np

    sample = np.asarray(values, dtype=np.float64).ravel()
    wrong = ~np.isfinite(sample)
    if bounds is not None:
        wrong |= (sample < bounds[0]) | (sample > bounds[1])
    if wrong.any():
        place = int(np.argmax(wrong))
        allowed = "finite" if bounds is None else f"finite and within {bounds[0]:g}..{bounds[1]:g}"
        raise UsageError(f"value {place} is {float(sample[place])!r}; every value must be {allowed}")
    return sample


def _check_count(successes: float, n: float) -> None:
    if n < 0 or not 0 <= successes <= n:
        raise UsageError(f"{successes!r} successes in {n!r} trials is impossible: give 0 <= successes <= n")
