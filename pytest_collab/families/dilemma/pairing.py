"""Who plays with whom where everyone chooses: pairs of those who have named each other.

After partner selection as in Anastassacos, Hailes and Musolesi (arXiv 1902.03185): what all did last is shown, and
each chooses whom it meets. There the chosen one cannot refuse; here it can, so that one can also leave.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from pytest_collab.families.dilemma.games import Payoffs
from pytest_collab.families.dilemma.rules import Round

GAMES = ("prisoners", "stag_hunt", "travellers")
"""Games of two whose places are alike."""


def pairs(named: Sequence[Sequence[int]], seed: int, number: int) -> tuple[tuple[int, ...], ...]:
    """The pairs of a round.

    Only two who have named each other can meet. Those whom both would rather have come first: pairs are taken in
    the order of the sum of both ranks, by chance where that is equal, as long as both are free.

    Args:
        named: by seat, the seats that it would play with, the dearest first.
        number: of the round; with the seed it decides what chance does.
    """
    wanted = [
        (named[a].index(b) + named[b].index(a), (a, b))
        for a, b in combinations(range(len(named)), 2)
        if b in named[a] and a in named[b]
    ]
    random.Random(f"dilemma:pairs:{seed}:{number}").shuffle(wanted)
    taken: set[int] = set()
    found = []
    for _, pair in sorted(wanted, key=lambda one: one[0]):
        if not taken & set(pair):
            taken |= set(pair)
            found.append(pair)
    return tuple(found)


def score(payoffs: Payoffs, round_: Round, seats: int) -> float:
    """How much of what cooperation is worth each seat has had in a round, 0..1; who was alone has had nothing."""
    low, high = payoffs.apart[0], payoffs.together[0]
    shares = [min(1.0, max(0.0, (round_.paid[i] - low) / (high - low))) for group in round_.groups for i in group]
    return sum(shares) / seats


@dataclass(frozen=True, slots=True)
class Naming:
    """What a seat knew and did when it named others.

    Attributes:
        seat, named: who named whom, the dearest first.
        kind: by other seat that has played, whether it cooperated when it last did.
        last: whom it played with in the round before, and None where it was alone.
        own: whether it cooperated itself when it last played.
    """

    seat: int
    named: tuple[int, ...]
    kind: Mapping[int, bool]
    last: int | None
    own: bool


def namings(payoffs: Payoffs, past: Sequence[Round]) -> Iterator[Naming]:
    """All namings from the second round on: in the first nothing is known of anybody."""
    kind: dict[int, bool] = {}
    for before, round_ in pairwise(past):
        partner = {i: j for group in before.groups for i, j in (group, group[::-1])}
        kind |= {i: payoffs.cooperates(before.actions[i]) for i in partner}
        for seat, named in enumerate(round_.named):
            others = {other: kind[other] for other in kind if other != seat}
            yield Naming(seat, named, others, partner.get(seat), kind.get(seat, False))


def figures(payoffs: Payoffs, past: Sequence[Round], seats: int) -> dict[str, float]:
    """How partners were chosen.

    `alone`: share of (seat, round) without a partner. `assortment`: share of those who had cooperated among the named
    less their share among all others, mean over namings where there were both kinds. `stayed`: after both had
    cooperated, share of namings that put the partner first; `left`: after the partner had not, share without it.
    """
    every = list(namings(payoffs, past))
    found = {"alone": 1 - sum(len(group) for round_ in past for group in round_.groups) / (seats * max(1, len(past)))}
    sorted_ = [
        sum(one.kind.get(other, False) for other in one.named) / len(one.named)
        - sum(one.kind.values()) / len(one.kind)
        for one in every
        if one.named and len(set(one.kind.values())) == 2
    ]
    after = [(one, one.kind[one.last]) for one in every if one.last is not None]
    stays = [one.named[:1] == (one.last,) for one, fair in after if fair and one.own]
    leaves = [one.last not in one.named for one, fair in after if not fair]
    for name, values in (("assortment", sorted_), ("stayed", stays), ("left", leaves)):
        if values:
            found[name] = sum(values) / len(values)
    return found
