"""The exponent of sizes that cannot grow for ever: a power law on 1..N.

Maximum likelihood for discrete power laws as in Clauset, Shalizi and Newman 2009 (SIAM Review 51(4), section 3.1),
with the sum up to the greatest size that there can be in the place of the zeta function: a cascade reaches no more
seats than there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_collab.measure.interval import Estimate

STEEPEST: Final = 12.0
"""No exponent beyond this is looked for."""
SAMPLES: Final = 400


class Sizes(NamedTuple):
    """The sizes that came up in one episode.

    Attributes:
        sizes: shape (n,), each from 1 to `most`.
        most: the greatest size that there can be.
    """

    sizes: NDArray[np.int64]
    most: int


def exponent(groups: Sequence[Sizes], least: int = 1, confidence: float = 0.95, seed: int = 0) -> Estimate | None:
    """The alpha of `p(x) ~ x ** -alpha` for x of `least` to each group's greatest size.

    The interval is that of a bootstrap over groups where there are five or more (pieces of one episode are not
    independent), else that of the likelihood ratio, which takes all sizes for independent.

    Returns:
        None where no size says anything: fewer than two, or groups whose sizes can have one value only.
    """
    kept = [Sizes(g.sizes[g.sizes >= least], g.most) for g in groups]
    kept = [g for g in kept if len(g.sizes) and g.most > least]
    count = sum(len(g.sizes) for g in kept)
    if count < 2:
        return None
    best = _fit(kept, least)
    if len(kept) >= 5:
        rng = np.random.default_rng(seed)
        drawn = [_fit([kept[i] for i in rng.integers(0, len(kept), len(kept))], least) for _ in range(SAMPLES)]
        tail = (1 - confidence) / 2
        low, high = (float(np.quantile(drawn, q)) for q in (tail, 1 - tail))
        method = f"bootstrap over {len(kept)} episodes"
    else:
        low, high = _ratio_interval(kept, least, best, confidence)
        method = "likelihood ratio"
    return Estimate(best, min(low, best), max(high, best), count, confidence, method, len(kept))


def _likelihood(groups: Sequence[Sizes], least: int, alpha: float) -> float:
    logs = sum(float(np.log(group.sizes).sum()) for group in groups)
    return _of_counts(logs, _counts(groups), least, alpha)


def _counts(groups: Sequence[Sizes]) -> dict[int, int]:
    """How many sizes there are by the greatest that there can be."""
    counts: dict[int, int] = {}
    for group in groups:
        counts[group.most] = counts.get(group.most, 0) + len(group.sizes)
    return counts


def _of_counts(logs: float, counts: Mapping[int, int], least: int, alpha: float) -> float:
    norms = (n * float(np.log((np.arange(least, most + 1.0) ** -alpha).sum())) for most, n in counts.items())
    return -alpha * logs - sum(norms)


def _fit(groups: Sequence[Sizes], least: int) -> float:
    from scipy.optimize import minimize_scalar

    logs, counts = sum(float(np.log(group.sizes).sum()) for group in groups), _counts(groups)
    found = minimize_scalar(
        lambda alpha: -_of_counts(logs, counts, least, alpha), bounds=(-STEEPEST, STEEPEST), method="bounded"
    )
    return float(found.x)


def _ratio_interval(groups: Sequence[Sizes], least: int, best: float, confidence: float) -> tuple[float, float]:
    from scipy.optimize import brentq
    from scipy.stats import chi2

    floor = _likelihood(groups, least, best) - float(chi2.ppf(confidence, 1)) / 2

    def above(alpha: float) -> float:
        return _likelihood(groups, least, alpha) - floor

    low = -math.inf if above(-STEEPEST) > 0 else float(brentq(above, -STEEPEST, best))
    high = math.inf if above(STEEPEST) > 0 else float(brentq(above, best, STEEPEST))
    return low, high
