"""How evenly a total is shared."""

from __future__ import annotations

from collections.abc import Sequence


def gini(amounts: Sequence[float]) -> float:
    """The Gini coefficient of non-negative amounts, 0 (all equal) to 1 - 1/n; 0 when there is nothing to share."""
    total, n = sum(amounts), len(amounts)
    if n == 0 or total <= 0:
        return 0.0
    ranked = sum(rank * amount for rank, amount in enumerate(sorted(amounts), 1))
    return 2 * ranked / (n * total) - (n + 1) / n


def fairness(amounts: Sequence[float]) -> float:
    """1 minus the Gini coefficient scaled to reach 1 when one has everything (DPBench's fairness), 0..1."""
    n = len(amounts)
    return 1.0 if n < 2 else max(0.0, min(1.0, 1.0 - gini(amounts) * n / (n - 1)))
