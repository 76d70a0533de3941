"""How many episodes are needed to see a difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from pytest_collab.errors import UsageError
from pytest_collab.measure.interval import check_confidence

LARGEST = 1_000_000
"""No answer above this many episodes is given."""

EVERY = 4_096
"""Up to this many episodes every number is tried; above, the smallest is found by halving."""


@dataclass(frozen=True, slots=True)
class GatePower:
    """What a gate `success_rate at_least threshold` does at a given size and true rate.

    Attributes:
        passes: probability of the verdict pass.
        fails: probability of the verdict fail.
        undecided: probability of neither.
    """

    passes: float
    fails: float
    undecided: float


def gate_limits(n: int, threshold: float, confidence: float) -> tuple[int, int]:
    """The counts that decide a gate of `n` independent episodes on a success rate.

    Args:
        n: episodes.
        threshold: required rate, in (0, 1).
        confidence: one-sided.

    Returns:
        (fewest successes that pass, most successes that fail); n + 1 and -1 where no count does. They
        are the critical values of the two exact binomial tests, so they agree with Clopper-Pearson.
    """
    from scipy.special import bdtr, bdtrc

    alpha = 1.0 - check_confidence(confidence)
    counts = np.arange(n + 1, dtype=np.float64)
    at_most = bdtr(counts, n, threshold)
    at_least = np.where(counts > 0, bdtrc(counts - 1.0, n, threshold), 1.0)
    passing, failing = np.flatnonzero(at_least <= alpha), np.flatnonzero(at_most < alpha)
    return (int(passing[0]) if len(passing) else n + 1, int(failing[-1]) if len(failing) else -1)


def gate_power(n: int, true_rate: float, threshold: float, confidence: float = 0.95) -> GatePower:
    """What the gate says, how often, when the true rate is `true_rate`; exact, by the binomial.

    Args:
        n: independent episodes.
        true_rate: in 0..1.
        threshold: required rate, in (0, 1).
        confidence: one-sided.
    """
    from scipy.special import bdtr, bdtrc

    _probability("true_rate", true_rate)
    least, most = gate_limits(n, threshold, confidence)
    passes = float(bdtrc(least - 1.0, n, true_rate)) if 0 < least <= n else 0.0
    fails = float(bdtr(most, n, true_rate)) if most >= 0 else 0.0
    return GatePower(passes, fails, max(0.0, 1.0 - passes - fails))


def episodes_for_rate(
    true_rate: float, threshold: float, *, confidence: float = 0.95, power: float = 0.8
) -> int | None:
    """How many independent episodes a gate on a success rate needs to be decided, the right way.

    The smallest n at which, and at every larger n up to a tenth more, the gate passes (true rate above
    the threshold) or fails (below) with probability `power`. Exact; the tenth is there because binomial power
    saws up and down (Chernick & Liu 2002, The American Statistician 56:149-155).

    Args:
        true_rate: in 0..1, not the threshold.
        threshold: required rate, in (0, 1).
        confidence: one-sided, of the gate.
        power: probability of the right verdict, in (0, 1).

    Returns:
        None when it takes more than `LARGEST`, or the two rates are equal.

    Raises:
        UsageError: a probability lies outside its range.
    """
    _probability("true_rate", true_rate)
    _probability("power", power)
    if not 0.0 < threshold < 1.0:
        raise UsageError(f"threshold {threshold!r} is not between 0 and 1")
    if true_rate == threshold:
        return None

    @cache
    def reached(n: int) -> bool:
        found = gate_power(n, true_rate, threshold, confidence)
        return (found.passes if true_rate > threshold else found.fails) >= power

    def settled(n: int) -> bool:
        step = max(1, n // EVERY)
        return all(reached(m) for m in range(n, n + max(1, n // 10) + 1, step))

    high = 1
    while not settled(high):
        high *= 2
        if high > LARGEST:
            return None
    if high <= EVERY:
        return next(n for n in range(1, high + 1) if settled(n))
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high


def pairs_for_difference(
    difference: float, disagreement: float, *, confidence: float = 0.95, power: float = 0.8
) -> int:
    """How many pairs of 0/1 episodes show a difference of two paired success rates (two-sided test).

    Connor (1987), "Sample size for testing differences in proportions for the paired-sample design",
    Biometrics 43:207-211 (after Miettinen 1968).

    Args:
        difference: of the two rates, not 0.
        disagreement: share of pairs where exactly one of the two succeeds, in ``|difference|..1``.
        confidence: two-sided.
        power: in (0, 1).

    Raises:
        UsageError: the disagreement is smaller than the difference, or a probability is out of range.
    """
    size = abs(difference)
    if not 0.0 < size <= disagreement <= 1.0:
        raise UsageError(
            f"a difference of {difference!r} with {disagreement!r} of the pairs disagreeing is impossible: "
            "0 < |difference| <= disagreement <= 1"
        )
    z_error, z_power = _normal(0.5 + confidence / 2.0), _normal(power)
    root = z_error * math.sqrt(disagreement) + z_power * math.sqrt(disagreement - size * size)
    return math.ceil((root / size) ** 2)


def mcnemar_power(pairs: int, difference: float, disagreement: float, confidence: float = 0.95) -> float:
    """How often McNemar's exact two-sided test finds a difference, the right way round.

    Args:
        pairs: independent pairs of 0/1 episodes.
        difference: of the two rates.
        disagreement: share of pairs where exactly one of the two succeeds, in ``|difference|..1``.
        confidence: of the test.
    """
    from scipy.stats import binom

    disagree = np.arange(pairs + 1)
    chance = binom.pmf(disagree, pairs, disagreement)
    half = (1.0 - confidence) / 2.0
    # The most losses among so many disagreements that are still too few for chance.
    losses = binom.ppf(half, disagree, 0.5)
    losses = np.where(binom.cdf(losses, disagree, 0.5) > half, losses - 1.0, losses)
    losing = (1.0 - abs(difference) / disagreement) / 2.0
    found = binom.cdf(losses, disagree, losing)
    return float((chance * found).sum())


def pairs_for_mcnemar(difference: float, disagreement: float, *, confidence: float = 0.95, power: float = 0.8) -> int:
    """How many pairs McNemar's exact test needs; as `pairs_for_difference`, by its exact power.

    The smallest number from which on, up to a tenth more, the power is reached.

    Raises:
        UsageError: as `pairs_for_difference`.
    """
    start = pairs_for_difference(difference, disagreement, confidence=confidence, power=power)
    low = max(1, start - start // 5)

    @cache
    def reached(n: int) -> bool:
        return mcnemar_power(n, difference, disagreement, confidence) >= power

    n = low
    while not all(reached(m) for m in range(n, n + max(1, n // 10) + 1, max(1, n // 200))):
        n += max(1, n // 200)
    return n


def episodes_for_difference(
    rate_first: float, rate_second: float, *, confidence: float = 0.95, power: float = 0.8
) -> int:
    """How many episodes *each* of two unpaired groups needs to show that their success rates differ.

    Fleiss, Levin & Paik (2003), "Statistical methods for rates and proportions", equation 4.14, two-sided
    and without continuity correction.

    Raises:
        UsageError: the rates are equal, or a probability is out of range.
    """
    _probability("rate_first", rate_first)
    _probability("rate_second", rate_second)
    if rate_first == rate_second:
        raise UsageError(f"both rates are {rate_first!r}: no number of episodes shows a difference of zero")
    z_error, z_power = _normal(0.5 + confidence / 2.0), _normal(power)
    mean = (rate_first + rate_second) / 2.0
    apart = rate_first * (1.0 - rate_first) + rate_second * (1.0 - rate_second)
    root = z_error * math.sqrt(2.0 * mean * (1.0 - mean)) + z_power * math.sqrt(apart)
    return math.ceil((root / (rate_first - rate_second)) ** 2)


def _normal(probability: float) -> float:
    from statistics import NormalDist

    if not 0.0 < probability < 1.0:
        raise UsageError(f"probability {probability!r} is not between 0 and 1")
    return NormalDist().inv_cdf(probability)


def _probability(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise UsageError(f"{name} = {value!r} is no probability: it lies within 0..1")
