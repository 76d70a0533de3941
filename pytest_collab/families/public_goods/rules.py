"""Public goods: everyone has an endowment, what is contributed is multiplied and shared by all.

Two payoffs for seat i of n that contributes c of its endowment e, when C is contributed in all and S by those who
moved before it:

linear      u = e - c + m C / n. With 1 < m < n the group is best served by contributing everything, and each by
            contributing nothing.
redesigned  u = linear - k c c / e + b c S / ((n - 1) e), less a penalty when C falls short of the threshold.
            Sequential only, and everyone contributes `least` units at least. After MAC-SPGG (arXiv 2508.02076), whose
            theorem 1 asks for contributions between bounds above zero, a strictly convex cost (k > 0) with a positive
            marginal cost, a cooperation bonus b that grows with what predecessors have contributed, a good that is
            shared, and a penalty below a threshold. Its bounds on the weights are in an appendix that is not at hand:
            the weights are ours, and what follows from them is solved here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Good:
    """What does not change.

    Attributes:
        endowment: whole units per seat and round.
        bonus, penalty: 0 for the linear payoff.
        threshold: units in all below which the penalty falls due.
        sequential: seats move one after the other, in seat order, and see what was contributed before.
        least: units that each contributes at least.
        convexity: k above; 0 for a cost that grows evenly.
    """

    seats: int
    endowment: int
    multiplier: float
    bonus: float = 0.0
    penalty: float = 0.0
    threshold: int = 0
    sequential: bool = False
    least: int = 0
    convexity: float = 0.0

    def cost(self, contribution: int) -> float:
        """What giving costs: the units, and more with each of them."""
        return contribution + self.convexity * contribution * contribution / self.endowment

    def payoff(self, contribution: int, before: int, total: int) -> float:
        """What a seat is paid. Pure.

        Args:
            before: what its predecessors have contributed in all.
            total: what all have contributed.
        """
        paid = self.endowment - self.cost(contribution) + self.multiplier * total / self.seats
        paid += self.bonus * contribution * before / ((self.seats - 1) * self.endowment)
        return paid - (self.penalty if total < self.threshold else 0.0)


@dataclass(frozen=True, slots=True)
class State:
    """What has been played.

    Attributes:
        rounds: one contribution per seat for each finished round.
        paid: one payoff per seat for each finished round.
        current: contributions of the seats that have moved in the current round (sequential).
    """

    rounds: tuple[tuple[int, ...], ...] = ()
    paid: tuple[tuple[float, ...], ...] = ()
    current: tuple[int, ...] = ()

    def moved(self, contributions: Sequence[int], good: Good) -> State:
        """The state after one or more seats have moved; the round is paid when all have."""
        current = (*self.current, *contributions)
        if len(current) < good.seats:
            return State(self.rounds, self.paid, current)
        return State((*self.rounds, current), (*self.paid, pay(current, good)))

    def given(self, seat: int) -> int:
        """What a seat has contributed in all finished rounds."""
        return sum(contributions[seat] for contributions in self.rounds)


def pay(contributions: Sequence[int], good: Good) -> tuple[float, ...]:
    """One payoff per seat for one round."""
    total = sum(contributions)
    return tuple(good.payoff(own, sum(contributions[:i]), total) for i, own in enumerate(contributions))


@lru_cache(maxsize=64)
def equilibria(good: Good) -> frozenset[int]:
    """The totals that can be contributed in equilibrium, exactly.

    Sequential: the totals of all subgame-perfect equilibria of one round, by backward induction over sets: a
    contribution is played in some equilibrium if, with some continuation, it pays at least what every other one pays
    with its worst continuation. Whoever moves after a total S has been contributed faces the same game whatever the
    path, so states are (position, S). Simultaneous: the linear payoff gives each seat the same best reply whatever
    the others do. A round with one equilibrium is repeated as it is in every subgame-perfect equilibrium of finitely
    many rounds.

    Work grows with seats squared times endowment squared.
    """
    if not good.sequential:
        own = good.multiplier / good.seats
        if abs(own - 1) < 1e-12:
            return frozenset(range(good.seats * good.endowment + 1))
        return frozenset({good.seats * good.endowment if own > 1 else 0})
    after: dict[int, frozenset[int]] = {total: frozenset({total}) for total in range(good.seats * good.endowment + 1)}
    for position in reversed(range(good.seats)):
        before: dict[int, frozenset[int]] = {}
        for given in range(position * good.least, position * good.endowment + 1):
            options = [
                (total, good.payoff(own, given, total), own)
                for own in range(good.least, good.endowment + 1)
                for total in after[given + own]
            ]
            worst: dict[int, float] = {}
            for _, paid, own in options:
                worst[own] = min(paid, worst.get(own, paid))
            least = max(worst.values())
            before[given] = frozenset(total for total, paid, _ in options if paid >= least - 1e-9)
        after = before
    return after[0]
