"""Success over several tries of the same thing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_collab.errors import UsageError
from pytest_collab.measure.interval import mean_interval

if TYPE_CHECKING:
    from pytest_collab.measure.interval import Estimate


def pass_at_k(n: int, successes: int, k: int) -> float:
    """Chance that at least one of k tries succeeds, without bias, from n tries.

    Chen et al. (2021), "Evaluating large language models trained on code", arXiv 2107.03374:
    ``1 - C(n - c, k) / C(n, k)``.

    Args:
        n: tries made, n >= k.
        successes: how many of them succeeded, c.
        k: tries to choose, k >= 1.

    Raises:
        UsageError: k is not in 1..n, or successes not in 0..n.
    """
    _check(n, successes, k)
    return 1.0 - math.comb(n - successes, k) / math.comb(n, k)


def pass_hat_k(n: int, successes: int, k: int) -> float:
    """Chance that all of k tries succeed, without bias, from n tries ("pass^k").

    Yao et al. (2024), "tau-bench", arXiv 2406.12045: ``C(c, k) / C(n, k)``.

    Args:
        n: tries made, n >= k.
        successes: how many of them succeeded, c.
        k: tries to choose, k >= 1.

    Raises:
        UsageError: k is not in 1..n, or successes not in 0..n.
    """
    _check(n, successes, k)
    return math.comb(successes, k) / math.comb(n, k)


def pass_at_k_mean(counts: Sequence[tuple[int, int]], k: int, confidence: float = 0.95) -> Estimate:
    """pass@k averaged over tasks: `counts` is (tries, successes) for each; t interval over tasks.

    Raises:
        UsageError: a task has fewer than k tries.
    """
    return mean_interval([pass_at_k(n, c, k) for n, c in counts], confidence, bounds=(0.0, 1.0))


def pass_hat_k_mean(counts: Sequence[tuple[int, int]], k: int, confidence: float = 0.95) -> Estimate:
    """pass^k averaged over tasks: `counts` is (tries, successes) for each; t interval over tasks.

    Raises:
        UsageError: a task has fewer than k tries.
    """
    return mean_interval([pass_hat_k(n, c, k) for n, c in counts], confidence, bounds=(0.0, 1.0))


def _check(n: int, successes: int, k: int) -> None:
    if not 1 <= k <= n:
        raise UsageError(f"k = {k} tries cannot be chosen from {n}: play at least k epochs of each episode")
    if not 0 <= successes <= n:
        raise UsageError(f"{successes} successes in {n} tries is impossible")
