"""Many comparisons at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_collab.errors import UsageError


def holm(p_values: Sequence[float], weights: Sequence[float] | None = None) -> list[float]:
    """Adjust p-values so that the chance of even one false finding stays below the level tested at.

    Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6:65-70. Needs no assumption about how the comparisons depend on one another. A NaN (a
    comparison that could not be made) stays NaN and is not counted.

    Args:
        p_values: one a comparison, each in 0..1 or NaN.
        weights: positive, one a comparison: how much of the level each may use up (Holm's section 4); all the same
            when left out.

    Returns:
        Adjusted p-values in the same order; those at most alpha are the findings at level alpha.

    Raises:
        UsageError: a p-value lies outside 0..1.
    """
    for place, p_value in enumerate(p_values):
        if not math.isnan(p_value) and not 0.0 <= p_value <= 1.0:
            raise UsageError(f"p-value {place} is {p_value!r}; a p-value lies within 0..1")
    shares = [1.0] * len(p_values) if weights is None else list(weights)
    order = sorted(
        (p_value / shares[place], place) for place, p_value in enumerate(p_values) if not math.isnan(p_value)
    )
    adjusted = [math.nan] * len(p_values)
    highest = 0.0
    left = [shares[place] for _, place in order]
    for rank, (ratio, place) in enumerate(order):
        highest = max(highest, min(1.0, ratio * math.fsum(left[rank:])))
        adjusted[place] = highest
    return adjusted
