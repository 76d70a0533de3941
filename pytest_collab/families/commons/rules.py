"""A common pool that grows back: GovSim's game (arXiv 2404.16698), and its mirror image.

Everyone says at once how many units they wish to take. When the wishes exceed the pool, units are dealt out one by
one at random among those who still want one. What is left doubles, up to the capacity; a pool that the harvest has
brought below the threshold has collapsed, and the game is over. Whole units throughout, as in the reference.

Two games with a harm in the pool, which everyone spends effort on removing and keeps the rest of:

doubling    our own mirror image. Everyone has a tenth of the capacity (five seats) of effort each round. The harm
            never falls below its floor (as a good never grows beyond its capacity), and has won when it has grown to
            the capacity.
additive    the inverse environment of the reproduction study (arXiv 2505.09289, its scenario `trash`): what is left
            grows by half of the capacity, up to the capacity; all is lost when hardly any of a full pool was removed.
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
        growth: what is left is multiplied by it (unused where it is added to).
        threshold: a pool below it has collapsed (unused where the pool is a harm that doubles); a harm that is added
            to has won when it is nearer to the capacity than this after the harvest.
        effort: units that each seat can spend a round, where the pool is a harm; 0 where it is a good.
        floor: what is there again at least, where the pool is a harm that doubles.
        increment: what is added to the pool each round, in place of the growth; 0 where it grows.
    """

    capacity: int
    growth: int
    threshold: int
    effort: int = 0
    floor: int = 0
    increment: int = 0

    @property
    def harmful(self) -> bool:
        return self.effort > 0

    def regrown(self, left: int) -> int:
        """What the pool holds in the next round, of what a harvest has left."""
        if self.increment:
            return min(self.capacity, left + self.increment)
        return min(self.capacity, max(self.floor, left * self.growth))

    def collapsed(self, left: int) -> bool:
        """Whether all is lost after a harvest that has left so much."""
        if self.increment:
            return left > self.capacity - self.threshold
        return self.regrown(left) >= self.capacity if self.harmful else left < self.threshold


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
    if nature.increment:
        return -(-nature.increment // seats)
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
    gained = [nature.effort - take for take in takes] if nature.harmful else takes
    gains = tuple(gain + more for gain, more in zip(state.gains, gained, strict=True))
    return State(nature.regrown(left), state.round + 1, gains, tuple(wishes), takes, nature.collapsed(left))


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
