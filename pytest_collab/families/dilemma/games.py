"""Five social dilemmas with the payoffs of CoopEval (arXiv 2604.15267), and a market in which firms set prices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_collab.families.dilemma.prices import HIGHEST, MARKET

Profile = tuple[str, ...]
"""One action for each place of a group."""


@dataclass(frozen=True, slots=True)
class Payoffs:
    """A game in normal form for one group.

    Attributes:
        places: how many play it together.
        actions: lower-case words.
        cooperate, tempt: the action that is best for all, and the one that is safe or best for oneself.
        story: the rules, as everyone is told them.
        pay: from a profile to one payoff a place.
        highest: where actions are numbers, from 0 to this; None where they are the words of `actions`.
    """

    places: int
    actions: tuple[str, ...]
    cooperate: str
    tempt: str
    story: str
    pay: Callable[[Profile], Sequence[float]]
    highest: float | None = None

    def cooperates(self, action: str) -> bool:
        """Whether an action is the cooperative one; of numbers, one nearer to that than to the tempting one."""
        if self.highest is None or not action:
            return action == self.cooperate
        return float(action) >= (float(self.cooperate) + float(self.tempt)) / 2

    @property
    def together(self) -> tuple[float, ...]:
        """What each is paid when all cooperate."""
        return tuple(map(float, self.pay((self.cooperate,) * self.places)))

    @property
    def apart(self) -> tuple[float, ...]:
        """What each is paid when all take the tempting action."""
        return tuple(map(float, self.pay((self.tempt,) * self.places)))


def _table(rows: Mapping[Profile, tuple[float, float]]) -> Callable[[Profile], Sequence[float]]:
    return lambda profile: rows[profile]


def _shared(profile: Profile) -> Sequence[float]:
    pot = 1.5 * profile.count("contribute") / len(profile)
    return [pot + (action == "keep") for action in profile]


def _claims(profile: Profile) -> Sequence[float]:
    mine, other = map(int, profile)
    low = min(mine, other)
    return [low + 2 * (own < rest) - 2 * (own > rest) for own, rest in ((mine, other), (other, mine))]


GAMES: Final[Mapping[str, Payoffs]] = {
    "prisoners": Payoffs(
        2,
        ("cooperate", "defect"),
        "cooperate",
        "defect",
        "Both COOPERATE: 2 points each. Both DEFECT: 1 each. One of each: 3 for who defects, 0 for the other.",
        _table(
            {
                ("cooperate", "cooperate"): (2, 2),
                ("cooperate", "defect"): (0, 3),
                ("defect", "cooperate"): (3, 0),
                ("defect", "defect"): (1, 1),
            }
        ),
    ),
    "stag_hunt": Payoffs(
        2,
        ("stag", "hare"),
        "stag",
        "hare",
        "A HARE is 3 points, whatever the other does. A STAG is 5 points for each if both hunt it, 0 for one alone.",
        _table(
            {
                ("stag", "stag"): (5, 5),
                ("stag", "hare"): (0, 3),
                ("hare", "stag"): (3, 0),
                ("hare", "hare"): (3, 3),
            }
        ),
    ),
    "trust": Payoffs(
        2,
        ("give", "keep"),
        "give",
        "keep",
        "One of two is the investor, the other the trustee; each chooses GIVE or KEEP. Points of investor and "
        "trustee: both give 10 and 10; investor gives, trustee keeps 0 and 20; investor keeps, trustee gives 6 and "
        "2; both keep 4 and 4.",
        _table(
            {
                ("give", "give"): (10, 10),
                ("give", "keep"): (0, 20),
                ("keep", "give"): (6, 2),
                ("keep", "keep"): (4, 4),
            }
        ),
    ),
    "public_goods": Payoffs(
        3,
        ("contribute", "keep"),
        "contribute",
        "keep",
        "Each of the three has 1 point. KEEP leaves it to you. CONTRIBUTE puts it into a pot that grows by half "
        "and is shared equally by all three, whoever contributed.",
        _shared,
    ),
    "travellers": Payoffs(
        2,
        ("2", "3", "4", "5"),
        "5",
        "2",
        "Each claims 2, 3, 4 or 5 points. Equal claims are paid. Otherwise both are paid the lower claim, and 2 "
        "points go from the one who claimed more to the one who claimed less.",
        _claims,
    ),
    "bertrand": Payoffs(
        MARKET.firms,
        (f"{MARKET.nash:.3f}", f"{MARKET.monopoly:.3f}"),
        f"{MARKET.monopoly:.3f}",
        f"{MARKET.nash:.3f}",
        f"Each runs a firm that sells a product at a price that it sets; making one costs {MARKET.cost:g}. Buyers "
        "like both products alike and a lower price better: the share of them who buy yours is E(your price) / "
        f"(E(your price) + E(the other's price) + 1), with E(p) = exp(({MARKET.quality:g} - p) / "
        f"{MARKET.spread:g}); the rest buy nothing. Your points are (your price - {MARKET.cost:g}) x your share.",
        lambda profile: MARKET.profits([float(price) for price in profile]),
        HIGHEST,
    ),
}
