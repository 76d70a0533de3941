"""The donor game over generations (Vallinder and Hughes, arXiv 2412.10270).

In each round everyone is paired; the donor gives up some of what it has, the recipient gets a multiple. Or, where
there is punishment, the donor spends some to take a multiple away from the recipient. After a generation the better
half lives on; everyone begins anew with the endowment.

Pairs follow the study's program: two halves, one rotated past the other, donors alternating between the halves, then
all rounds once more with the roles exchanged, so that in n rounds n agents give as often as they receive.

Who receives in the last round has far more than who gives in it, so one game would select by the draw of the pairs.
A generation therefore plays its game twice (the study's footnote 3): the second time everyone begins anew, nobody's
deeds are known, and the roles of every pair are exchanged. The better half is that of both games together.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

Pair = tuple[int, int]
"""(donor, recipient), as seat indices."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What one donor did.

    Attributes:
        share: of what the donor had, 0..1; of nothing it is 1, as in the study's program.
    """

    round: int
    donor: int
    recipient: int
    amount: float
    share: float
    punished: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """One moment. Tuples have one entry per seat.

    Attributes:
        round: of the game, from 0.
        deeds: of this game, in order.
        born: in which generation the agent now on the seat was born.
        finals: what each seat had at the end of each finished generation: the mean of its games.
        ended: what each seat had at the end of each finished game of this generation.
    """

    generation: int
    round: int
    resources: tuple[float, ...]
    deeds: tuple[Deed, ...]
    born: tuple[int, ...]
    finals: tuple[tuple[float, ...], ...] = ()
    ended: tuple[tuple[float, ...], ...] = ()

    @property
    def game(self) -> int:
        """The game of the generation, from 0."""
        return len(self.ended)


def begin(seats: int, endowment: float) -> State:
    """Generation 0, round 0."""
    return State(0, 0, (endowment,) * seats, (), (0,) * seats)


@lru_cache(maxsize=512)
def schedule(seats: int, seed: int, generation: int, game: int = 0) -> tuple[tuple[Pair, ...], ...]:
    """The pairs of the `seats` rounds of a game; in every other game of a generation the roles are exchanged."""
    if game % 2:
        return tuple(tuple((b, a) for a, b in pairs) for pairs in schedule(seats, seed, generation))
    order = list(range(seats))
    random.Random(f"donor:{seed}:{generation}").shuffle(order)
    half = seats // 2
    first, second = order[:half], order[half:]
    rounds = []
    for i in range(half):
        pairs = zip(first, second[half - i :] + second[: half - i], strict=True)
        rounds.append(tuple((b, a) if i % 2 else (a, b) for a, b in pairs))
    return (*rounds, *(tuple((b, a) for a, b in pairs) for pairs in rounds))


def play(
    state: State, pairs: Sequence[Pair], acts: Mapping[int, tuple[str, float]], gain: float, loss: float
) -> State:
    """One round, all donors at once.

    Args:
        acts: by donor, (`give` or `punish`, units); who is missing gives nothing. Units beyond what the donor has are
            not allowed.
        gain, loss: what a recipient gets, or loses, per unit.
    """
    resources = list(state.resources)
    deeds = []
    for donor, recipient in pairs:
        kind, amount = acts.get(donor, ("give", 0.0))
        held = state.resources[donor]
        share = amount / held if held > 0 else 1.0
        deeds.append(Deed(state.round, donor, recipient, amount, share, kind == "punish"))
        resources[donor] -= amount
        if kind == "punish":
            resources[recipient] = max(0.0, resources[recipient] - loss * amount)
        else:
            resources[recipient] += gain * amount
    return replace(state, round=state.round + 1, resources=tuple(resources), deeds=(*state.deeds, *deeds))


def survivors(resources: Sequence[float]) -> tuple[int, ...]:
    """The better half, best first; of equals the earlier seat."""
    ranked = sorted(range(len(resources)), key=lambda i: (-resources[i], i))
    return tuple(ranked[: len(resources) // 2])


def next_game(state: State, games: int, endowment: float) -> State:
    """After the last round of a game: everyone begins anew, after the last game with the next generation."""
    ended = (*state.ended, state.resources)
    fresh = (endowment,) * len(state.resources)
    if len(ended) < games:
        return replace(state, round=0, resources=fresh, deeds=(), ended=ended)
    finals = tuple(sum(had) / games for had in zip(*ended, strict=True))
    alive = set(survivors(finals))
    now = state.generation + 1
    born = tuple(before if i in alive else now for i, before in enumerate(state.born))
    return State(now, 0, fresh, (), born, (*state.finals, finals))


def trace(state: State, seat: int, depth: int, before: int | None = None) -> tuple[Deed, ...]:
    """What a donor is shown: the recipient's last deed as a donor, then what that one's recipient did before, ..."""
    found: list[Deed] = []
    limit = state.round if before is None else before
    while len(found) < depth:
        deed = next((d for d in reversed(state.deeds) if d.donor == seat and d.round < limit), None)
        if deed is None:
            break
        found.append(deed)
        seat, limit = deed.recipient, deed.round
    return tuple(found)


@lru_cache(maxsize=64)
def optimum(seats: int, rounds: int, endowment: float, gain: float) -> float:
    """The most that all can have together after a generation, exactly.

    A unit is worth the same at every member of a half, since a half gives and receives as one. Backwards from the
    end, a unit with the giving half is worth the more of itself and `gain` units with the other half.
    """
    first = second = 1.0
    half = seats // 2
    for number in reversed(range(rounds)):
        turned = number >= half
        gives_first = ((number % half) % 2 == 0) != turned
        if gives_first:
            first = max(first, gain * second)
        else:
            second = max(second, gain * first)
    return half * endowment * (first + second)
