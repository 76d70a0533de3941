"""A common pool that grows back: GovSim's game (arXiv 2404.16698), and its mirror image.

Everyone says at once how many units they wish to take. When the wishes exceed the pool, units are dealt out one by
one at random among those who still want one. What is left doubles, up to the capacity; a pool that the harvest has
brought below the threshold has collapsed, and the game is over. Whole units throughout, as in the reference.

The mirror image: the pool holds a harm that doubles. Everyone has the same effort each round, says how much of it to
spend on removing units, and keeps the rest. The harm never falls below its floor (as a good never grows beyond its
capacity), and has won when it has grown to the capacity.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

DRAWS = 1 << 16
"""Draws that deal out contested units are whole numbers below this."""


@dataclass(frozen=True, slots=True)
class Nature:
    """What does not change.

    Attributes:
        growth: what is left is multiplied by it.
        threshold: a pool below it has collapsed (unused where the pool is a harm).
        effort: units that each seat can spend a round, where the pool is a harm; 0 where it is a good.
        floor: what is there again at least, where the pool is a harm.
    """

    capacity: int
    growth: int
    threshold: int
    effort: int = 0
    floor: int = 0

    @property
    def harmful(self) -> bool:
        return self.effort > 0


@dataclass(frozen=True, slots=True)
class State:
    """The pool before a harvest. Tuples have one entry per seat.

    Attributes:
        gains: what each seat has got so far, fines and costs of punishment taken off.
        wishes, takes: of the last harvest; empty before the first.
    """

    pool: int
    round: int
    gains: tuple[int, ...]
    wishes: tuple[int, ...] = ()
    takes: tuple[int, ...] = ()
    collapsed: bool = False


def share(pool: int, seats: int, nature: Nature) -> int:
    """The sustainable share: the most that each may take so that the pool does not shrink.

    Where the pool is a harm, the least that each must remove so that it does not grow.
    """
    excess = pool - pool / nature.growth
    return -int(-excess // seats) if nature.harmful else int(excess // seats)


def deal_out(pool: int, wishes: Sequence[int], draws: Sequence[int]) -> tuple[int, ...]:
    """Who gets how many units.

    Args:
        draws: whole numbers, one per unit of the pool; unit k goes to the `draws[k] % m`-th of the m seats that
            still want one.
    """
    if sum(wishes) <= pool:
        return tuple(wishes)
    takes = [0] * len(wishes)
    for k in range(pool):
        wanting = [i for i, wish in enumerate(wishes) if takes[i] < wish]
        takes[wanting[draws[k] % len(wanting)]] += 1
    return tuple(takes)


def draws_of(seed: int, number: int, pool: int) -> list[int]:
    """The draws of one round of a seed."""
    chance = random.Random(f"commons:{seed}:{number}")
    return [chance.randrange(DRAWS) for _ in range(pool)]


def harvest(state: State, wishes: Sequence[int], draws: Sequence[int], nature: Nature) -> State:
    """One round: units dealt out, gains, growth, collapse."""
    takes = deal_out(state.pool, wishes, draws)
    left = state.pool - sum(takes)
    grown = min(nature.capacity, max(nature.floor, left * nature.growth))
    if nature.harmful:
        gains = tuple(gain + nature.effort - take for gain, take in zip(state.gains, takes, strict=True))
        collapsed = grown >= nature.capacity
    else:
        gains = tuple(gain + take for gain, take in zip(state.gains, takes, strict=True))
        collapsed = left < nature.threshold
    return State(grown, state.round + 1, gains, tuple(wishes), takes, collapsed)


def punish(state: State, fines: Sequence[tuple[int, int]], fine: int, cost: int) -> State:
    """Let seats punish others: (punisher, punished) pairs, each pair once. Gains may become negative."""
    gains = list(state.gains)
    for punisher, punished in dict.fromkeys(fines):
        gains[punisher] -= cost
        gains[punished] -= fine
    return replace(state, gains=tuple(gains))


def sustainable(start: int, seats: int, nature: Nature) -> int:
    """What the group gains in a round in which everyone takes the share of the starting pool."""
    fair = share(start, seats, nature)
    return seats * (nature.effort - fair if nature.harmful else fair)
