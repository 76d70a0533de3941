"""A normal-form game, repeated: everyone chooses at once, everyone is paid by what all chose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, Protocol

Payoffs = Callable[[tuple[str, ...]], Sequence[float]]
"""From one action per seat to one payoff per seat."""


class Telling(Protocol):
    """What a game's family says of it: the actions by name, the story, and what profiles pay.

    Attributes:
        actions: lower-case names, words joined by `_`.
        cooperate: the action that serves the team.
        idle: what a seat plays whose reply holds no readable action.
    """

    @property
    def actions(self) -> tuple[str, ...]: ...
    @property
    def cooperate(self) -> str: ...
    @property
    def idle(self) -> str: ...

    def story(self, params: Any) -> str:
        """The rules as every seat is told them."""

    def phrases(self) -> Mapping[str, Sequence[str]]:
        """Regular expressions by action, for reading intents in messages."""

    def payoffs_of(self, params: Any) -> Payoffs:
        """The payoff function of given params."""


@dataclass(frozen=True, slots=True)
class State:
    """What has been played: one profile (an action per seat) and one payoff per seat for each round."""

    profiles: tuple[tuple[str, ...], ...] = ()
    paid: tuple[tuple[float, ...], ...] = ()
    talked: bool = False

    def played(self, profile: tuple[str, ...], payoffs: Payoffs) -> State:
        """The state after one more round."""
        return State((*self.profiles, profile), (*self.paid, tuple(map(float, payoffs(profile)))))

    def totals(self, seats: int) -> tuple[float, ...]:
        """What each seat has been paid so far."""
        return tuple(sum(paid[i] for paid in self.paid) for i in range(seats))


@lru_cache(maxsize=64)
def extremes(payoffs: Payoffs, actions: tuple[str, ...], seats: int) -> tuple[float, float]:
    """The least and the greatest total that one round can pay, over all profiles."""
    totals = [sum(payoffs(profile)) for profile in product(actions, repeat=seats)]
    return min(totals), max(totals)
