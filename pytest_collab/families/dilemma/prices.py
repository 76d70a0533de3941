"""Firms that set prices (Bertrand) for buyers who choose by a logit: what competition and what a cartel would charge.

A firm's share of buyers is `exp((quality - price) / spread)` over the sum of the same of all firms and
`exp(outside / spread)`; its profit is `(price - cost) * share` (Calvano, Calzolari, Denicolo and Pastorello 2020,
American Economic Review 110(10), section II).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final


@dataclass(frozen=True)
class Market:
    """A market of equal firms.

    Attributes:
        firms: how many.
        quality, cost: of every product, a unit.
        spread: how little buyers mind a price (the logit's mu).
        outside: what not buying is worth.
    """

    firms: int = 2
    quality: float = 2.0
    cost: float = 1.0
    spread: float = 0.25
    outside: float = 0.0

    def shares(self, prices: Sequence[float]) -> list[float]:
        """What part of the buyers each firm has, 0..1."""
        values = [(self.quality - price) / self.spread for price in prices] + [self.outside / self.spread]
        most = max(values)
        weights = [math.exp(value - most) for value in values]
        return [weight / sum(weights) for weight in weights[:-1]]

    def profits(self, prices: Sequence[float]) -> list[float]:
        """Profit of each firm in one period."""
        return [(price - self.cost) * share for price, share in zip(prices, self.shares(prices), strict=True)]

    @cached_property
    def nash(self) -> float:
        """The price that is each firm's best answer to itself: `cost + spread / (1 - share)`."""
        return self._root(lambda price: self.spread / (1 - self._share(price)))

    @cached_property
    def monopoly(self) -> float:
        """The price that is best for all firms together: `cost + spread / (1 - firms * share)`."""
        return self._root(lambda price: self.spread / (1 - self.firms * self._share(price)))

    def answer(self, others: Sequence[float]) -> float:
        """The price that is best for one firm when the others charge `others`."""
        return self._root(lambda price: self.spread / (1 - self.shares([price, *others])[0]))

    def profit(self, price: float) -> float:
        """What each firm makes when all charge the same."""
        return (price - self.cost) * self._share(price)

    def collusion(self, profit: float) -> float:
        """Where a mean profit lies between that of competition (0) and that of a cartel (1)."""
        low, high = self.profit(self.nash), self.profit(self.monopoly)
        return (profit - low) / (high - low)

    def _share(self, price: float) -> float:
        return self.shares([price] * self.firms)[0]

    def _root(self, markup: Callable[[float], float]) -> float:
        """The price at which it is the cost and its markup; markups fall as the price rises."""
        low, high = self.cost, self.cost + self.quality + 10 * self.spread
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if self.cost + markup(middle) > middle else (low, middle)
        return low


MARKET: Final = Market()
"""The market of the sources: two firms, quality 2, cost 1, spread 0.25, nothing outside."""
HIGHEST: Final = 4.0
"""No price above this is taken: nobody buys there."""
