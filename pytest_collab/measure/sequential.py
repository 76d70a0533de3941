"""Looking at the evidence after every episode without paying for it in errors.

A fixed-size interval looked at again and again will, sooner or later, exclude anything. A confidence
sequence holds at all times at once: whoever stops whenever they like errs no more often than promised.

Each bound is the set of means that a gambler has not yet been made rich by betting against. Under the
hypothesis the gambler's wealth is a non-negative supermartingale that starts at 1, so by Ville's
inequality it ever reaches 1/alpha with probability at most alpha.

What must hold: given the past, each value's expectation is the mean asked about. Episodes therefore have
to come in random order (not the easy task first), and dependent episodes of one cluster have to be
averaged into one value before they are given to these functions. Clusters of different sizes weigh by their episodes:
of the largest the whole stake is bet, of one half as large half of it, so that the mean is that of all episodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_collab.errors import UsageError
from pytest_collab.measure.interval import Estimate, check_confidence, finite

if TYPE_CHECKING:
    from pytest_collab.measure.interval import Values

Kind = Literal["rate", "mean"]
Side = Literal["above", "below"]

PRIOR = 0.5
"""Both parameters of the beta prior that the mixture bets with (Jeffreys')."""

BETS = 40
"""How many sizes of bet the stake is spread over for values other than 0 and 1."""

# Dense near zero, where the right bets for a mean close to the hypothesis are.
_SHARES = ((np.arange(BETS) + 0.5) / BETS) ** 2


def log_wealth(
    values: Values,
    mean: float,
    side: Side,
    *,
    kind: Kind,
    bounds: tuple[float, float] = (0.0, 1.0),
    weights: Values | None = None,
) -> NDArray[np.float64]:
    """Log wealth, after each value, of betting that the true mean lies on `side` of `mean`.

    It is a supermartingale for every true mean that is *not* on that side: the whole composite
    hypothesis, and not its edge alone. How much to bet is not known beforehand, so the stake is spread
    over bets of every size, each of which is kept up to the end; the order in which results arrive
    therefore does not change the wealth they end at.

    - ``kind="rate"``: the beta-binomial mixture (Robbins 1970, Annals of Mathematical Statistics
      41:1397-1409), its prior cut off at `mean` to make it one-sided. It has a closed form in the number of
      values and their sum. For values between the bounds it stays valid (the likelihood ratio is convex
      in the value) but does not profit from a small spread.
    - ``kind="mean"``: the diversified Kelly bettor of Waudby-Smith & Ramdas (2024), "Estimating means of
      bounded random variables by betting", JRSS-B 86:1-27, section 5; a universal portfolio on a grid of
      `BETS` fixed bets. It profits from a small spread.

    The kind belongs to the metric and is chosen beforehand, never by looking at the values.

    Args:
        values: shape (n,), within `bounds`, in the order they were planned.
        mean: the hypothesised mean, within `bounds`.
        side: where the gambler bets that the true mean is.
        kind: `rate` for values at the bounds only, `mean` for any.
        bounds: range of the values.
        weights: shape (n,), above 0 and at most 1, the share of the largest cluster that each value stands for; with
            `mean` only. All 1 when left out.

    Returns:
        Shape (n,).

    Raises:
        UsageError: a value or `mean` lies outside `bounds`.
    """
    width = bounds[1] - bounds[0]
    sample = (finite(values, bounds) - bounds[0]) / width
    centre = (mean - bounds[0]) / width
    if not 0.0 <= centre <= 1.0:
        raise UsageError(f"mean {mean:g} lies outside the values' range {bounds[0]:g}..{bounds[1]:g}")
    if side == "below":
        sample, centre = 1.0 - sample, 1.0 - centre
    if kind == "rate":
        total = np.cumsum(sample)
        return mixture_log_wealth(total, np.arange(1, len(sample) + 1, dtype=np.float64), centre)
    return betting_log_wealth(sample, centre, None if weights is None else np.asarray(weights, dtype=np.float64))


def mixture_log_wealth(total: NDArray[np.float64], n: NDArray[np.float64], mean: float) -> NDArray[np.float64]:
    """Log wealth of the beta mixture over rates above `mean`, from sums and counts of values in 0..1.

    Args:
        total: sum of the first n values; any shape.
        n: number of values; broadcast against `total`.
        mean: the hypothesised rate; at 0 no value can speak against it being exceeded less.

    Returns:
        Shape of `total` and `n` broadcast.
    """
    from scipy.special import betaincc, betaln

    if mean >= 1.0:
        return np.full(np.broadcast(total, n).shape, -math.inf)
    if mean <= 0.0:
        # Any success at all refutes a rate of zero; none says nothing yet.
        return np.where(np.asarray(total) > 0.0, math.inf, 0.0) + np.zeros(np.broadcast(total, n).shape)
    a, b = total + PRIOR, n - total + PRIOR
    with np.errstate(divide="ignore"):
        log_above = np.log(betaincc(a, b, mean)) - math.log(float(betaincc(PRIOR, PRIOR, mean)))
    mixture = betaln(a, b) - float(betaln(PRIOR, PRIOR)) + log_above
    return np.asarray(mixture - total * math.log(mean) - (n - total) * math.log1p(-mean))


def betting_log_wealth(
    sample: NDArray[np.float64], mean: float, weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Log wealth of fixed bets on values in 0..1 exceeding `mean`, the stake spread over all of them.

    Args:
        sample: shape (..., n); time is the last axis.
        mean: the hypothesised mean.
        weights: as in `log_wealth`; broadcast against `sample`.

    Returns:
        Shape of `sample`.
    """
    if mean >= 1.0:
        return np.full(sample.shape, -math.inf)
    if mean <= 0.0:
        return np.where(np.cumsum(sample, axis=-1) > 0.0, math.inf, 0.0)
    wealth = np.full(sample.shape, -math.inf)
    gain = (sample - mean) / mean if weights is None else weights * (sample - mean) / mean
    for share in _SHARES:
        wealth = np.logaddexp(wealth, np.cumsum(np.log1p(share * gain), axis=-1))
    return wealth - math.log(BETS)


def projected_log_wealth(
    values: Values,
    mean: float,
    side: Side,
    copies: float,
    *,
    kind: Kind,
    bounds: tuple[float, float] = (0.0, 1.0),
    weights: Values | None = None,
) -> float:
    """The log wealth that `copies` times the same values would end at; for saying how many more are needed.

    Args and raises as `log_wealth`; at least one value, and `mean` strictly inside `bounds`.
    """
    width = bounds[1] - bounds[0]
    sample = (finite(values, bounds) - bounds[0]) / width
    centre = (mean - bounds[0]) / width
    if side == "below":
        sample, centre = 1.0 - sample, 1.0 - centre
    if kind == "rate":
        total, n = np.array([sample.sum() * copies]), np.array([len(sample) * copies])
        return float(mixture_log_wealth(total, n, centre)[0])
    gain = (sample - centre) / centre * (1.0 if weights is None else np.asarray(weights, dtype=np.float64))
    grown = copies * np.log1p(_SHARES[:, None] * gain).sum(axis=1)
    return float(np.logaddexp.reduce(grown)) - math.log(BETS)


@dataclass(frozen=True, slots=True)
class Crossing:
    """When the evidence first left a threshold behind.

    Attributes:
        side: `above` or `below`: where the true mean lies.
        n: after how many values.
    """

    side: Side
    n: int


def first_crossing(
    values: Values,
    threshold: float,
    confidence: float,
    *,
    kind: Kind,
    bounds: tuple[float, float] = (0.0, 1.0),
    weights: Values | None = None,
) -> Crossing | None:
    """When, if ever, the confidence sequence first excludes `threshold`.

    Args:
        values: shape (n,), one independent value a cluster, in planned order.
        threshold: within `bounds`.
        confidence: one-sided: crossing to either side, at any time, happens by error with probability at
            most ``1 - confidence``.
        kind, weights: see `log_wealth`.
        bounds: range of the values.

    Raises:
        UsageError: a value or the threshold lies outside `bounds`.
    """
    alpha = 1.0 - check_confidence(confidence)
    found: Crossing | None = None
    sides: tuple[Side, Side] = ("above", "below")
    for side in sides:
        wealth = log_wealth(values, threshold, side, kind=kind, bounds=bounds, weights=weights)
        rich = np.flatnonzero(wealth >= math.log(1.0 / alpha))
        if len(rich) and (found is None or rich[0] + 1 < found.n):
            found = Crossing(side, int(rich[0]) + 1)
    return found


def confidence_sequence(
    values: Values,
    confidence: float = 0.95,
    *,
    kind: Kind,
    bounds: tuple[float, float] = (0.0, 1.0),
    weights: Values | None = None,
) -> Estimate:
    """The running intersection of the confidence sequence, as it stands after the last value.

    Once more values arrive it can only shrink. The ends are found by bisection on the mean, since
    wealth falls as the hypothesised mean moves towards the data.

    Args:
        values: shape (n,), one independent value a cluster, in planned order.
        confidence: two-sided, over all times at once.
        kind, weights: see `log_wealth`.
        bounds: range of the values.

    Raises:
        UsageError: a value lies outside `bounds`.
    """
    alpha = (1.0 - check_confidence(confidence)) / 2.0
    sample = finite(values, bounds)
    method = "beta-binomial sequence" if kind == "rate" else "betting sequence"
    if len(sample) == 0:
        return Estimate(math.nan, bounds[0], bounds[1], 0, confidence, method)

    def excluded(mean: float, side: Side) -> bool:
        wealth = log_wealth(sample, mean, side, kind=kind, bounds=bounds, weights=weights)
        return bool(wealth.max() >= math.log(1.0 / alpha))

    low = _last_excluded(bounds[0], bounds[1], lambda mean: excluded(mean, "above"))
    high = _last_excluded(bounds[1], bounds[0], lambda mean: excluded(mean, "below"))
    return Estimate(float(np.average(sample, weights=weights)), low, high, len(sample), confidence, method)


def _last_excluded(start: float, stop: float, excluded: Callable[[float], bool]) -> float:
    """Walk from `start` towards `stop` by bisection to the last mean that is excluded."""
    if not excluded(start):
        return start
    for _ in range(30):
        middle = (start + stop) / 2.0
        if excluded(middle):
            start = middle
        else:
            stop = middle
    return start
