"""Who meets whom, for how long, and what mediators and contracts make of what is chosen."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pytest_collab.families.dilemma.games import Payoffs, Profile

Mediator = tuple[str, ...]
"""The action that is played for those who delegate, by how many do: the first entry for one."""

Contract = Mapping[str, float]
"""By action, what the one who plays it is paid by the others of its group in equal parts; negative: what it pays."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round that was played.

    Attributes:
        groups: seats by number, in the places of the game.
        actions: by seat, what was played in the end; a mediator's choice where it was delegated.
        paid: by seat, punishment and contract included.
        delegated: seats that left it to the mediator.
        punished: (punisher, punished).
        named: where partners are chosen, by seat those that it named, the dearest first; a seat that is in no group
            played with nobody, and its action is empty.
    """

    groups: tuple[tuple[int, ...], ...]
    actions: tuple[str, ...]
    paid: tuple[float, ...]
    delegated: frozenset[int] = frozenset()
    punished: tuple[tuple[int, int], ...] = ()
    named: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """Where the episode stands.

    Attributes:
        phase: `design`, `vote`, `sign`, `choose`, `talk`, `act`, `punish` or `over`.
        designs: by seat, its mediator or contract; those that could not be read are None.
        chosen: the seat whose design was chosen; None before, or where there is none.
        signed: by seat.
        named, groups: where partners are chosen, who named whom for this round, and the pairs that came of it.
    """

    phase: str
    past: tuple[Round, ...] = ()
    designs: tuple[Mediator | Contract | None, ...] = ()
    chosen: int | None = None
    signed: tuple[bool, ...] = field(default=())
    named: tuple[tuple[int, ...], ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()

    @property
    def bound(self) -> bool:
        """Whether everyone signed."""
        return bool(self.signed) and all(self.signed)


@lru_cache(maxsize=256)
def length(seed: int, continuation: float, most: int) -> int:
    """Rounds of a repeated game: after each, another follows with the probability `continuation`."""
    rng, rounds = random.Random(f"dilemma:length:{seed}"), 1
    while rounds < most and rng.random() < continuation:
        rounds += 1
    return rounds


@lru_cache(maxsize=512)
def groups_of(seed: int, seats: int, places: int, number: int, *, mixed: bool) -> tuple[tuple[int, ...], ...]:
    """The groups of a round: by the order of the seats, or drawn anew for every round."""
    order = list(range(seats))
    if mixed:
        random.Random(f"dilemma:groups:{seed}:{number}").shuffle(order)
    return tuple(tuple(order[at : at + places]) for at in range(0, seats, places))


def elect(approvals: Sequence[Sequence[bool]], seed: int) -> int | None:
    """The design with the most approvals, by chance where several have; None when nobody approves of any.

    Args:
        approvals: by voter, by design.
    """
    counts = [sum(votes) for votes in zip(*approvals, strict=True)]
    if not counts or not max(counts):
        return None
    return random.Random(f"dilemma:elect:{seed}").choice([at for at, n in enumerate(counts) if n == max(counts)])


def mediated(profile: Sequence[str | None], mediator: Mediator) -> Profile:
    """What is played in a group: None stands for those who delegate."""
    delegating = sum(action is None for action in profile)
    return tuple(action if action is not None else mediator[delegating - 1] for action in profile)


def transfers(profile: Profile, contract: Contract) -> list[float]:
    """By place, what a contract adds to the payoffs of a group; it adds up to nothing."""
    added = [0.0] * len(profile)
    for place, action in enumerate(profile):
        amount = float(contract.get(action, 0))
        for other in range(len(profile)):
            added[other] += amount if other == place else -amount / (len(profile) - 1)
    return added


def shared_score(payoffs: Payoffs, groups: Sequence[Sequence[int]], paid: Sequence[float]) -> float:
    """How much of what cooperation is worth each seat has had, on average, 0..1.

    Each seat counts for at most 1 and at least 0: what is taken from one is no gain of the team.
    """
    shares = []
    for group in groups:
        for place, seat in enumerate(group):
            low, high = payoffs.apart[place], payoffs.together[place]
            shares.append(min(1.0, max(0.0, (paid[seat] - low) / (high - low))))
    return sum(shares) / len(shares)
