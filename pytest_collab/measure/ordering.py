"""Does it matter who speaks first?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_collab.measure.paired import PairedComparison, compare_pairs, match

if TYPE_CHECKING:
    from collections.abc import Hashable


@dataclass(frozen=True, slots=True)
class OrderingEffect:
    """What changes when two agents swap places.

    Attributes:
        team: the order taken as the first, alphabetically: (a, b).
        comparison: a+b minus b+a; positive when the pair does better with `a` speaking first.
        unmatched: episodes of either order that the other has no counterpart of.
    """

    team: tuple[str, str]
    comparison: PairedComparison
    unmatched: int


def ordering_effects(
    scores: Mapping[tuple[str, ...], Mapping[tuple[Any, ...], float]],
    confidence: float = 0.95,
    *,
    seed: int = 0,
) -> tuple[OrderingEffect, ...]:
    """Compare every team of two different agents with its mirror image, pair by pair.

    The Collaboration Gap (arXiv 2511.02687) finds that pairs of unequal agents do better when the
    stronger one starts.

    Args:
        scores: for each team (agents in seat order), the success or score in 0..1 of each episode, by a
            key whose first two parts are task and seed; these two make the cluster.
        confidence: two-sided coverage.
        seed: of the sign-flip test, when it has to draw.

    Returns:
        One effect for each two different agents that have played in both orders on the same keys, in
        alphabetical order.
    """
    found = []
    for team in sorted(scores):
        mirror = team[::-1]
        if len(team) != 2 or team >= mirror or mirror not in scores:
            continue
        pairs = match(scores[team], scores[mirror])
        if not pairs.keys:
            continue
        clusters: list[Hashable] = [key[:2] for key in pairs.keys]
        comparison = compare_pairs(pairs.first, pairs.second, clusters, confidence, seed=seed)
        unmatched = pairs.only_first + pairs.only_second
        found.append(OrderingEffect((team[0], team[1]), comparison, unmatched))
    return tuple(found)
