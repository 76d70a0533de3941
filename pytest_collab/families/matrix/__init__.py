"""The base of repeated matrix games: give it the actions and the payoffs and it is a family.

A subclass names its actions, which of them cooperates and which tempts, tells the story and pays. Everything else
(conditions, replies, cast, verdict, pictures) is here. docs/writing-tasks.md builds a stag hunt on it.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Picture, worded
from pytest_collab.episode.game import replay
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.matrix.cast import PLAYERS
from pytest_collab.families.matrix.params import MatrixParams
from pytest_collab.families.matrix.rules import Payoffs
from pytest_collab.families.matrix.seats import MatrixGame
from pytest_collab.families.matrix.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["MatrixFamily", "MatrixParams"]


P = TypeVar("P", bound=MatrixParams)


class MatrixFamily(RoundFamily[P]):
    """A repeated normal-form game.

    Attributes:
        actions: lower-case names, words joined by `_`.
        cooperate: the action that serves the team.
        tempt: the action of one who looks after itself.
        idle: what a seat plays whose reply holds no readable action; the tempting one unless given.
    """

    actions: ClassVar[tuple[str, ...]]
    cooperate: ClassVar[str]
    tempt: ClassVar[str]
    idle: ClassVar[str] = ""
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.idle = cls.idle or getattr(cls, "tempt", "")

    @abstractmethod
    def story(self, params: P) -> str:
        """The rules as every seat is told them: what the actions are and what they pay."""

    @abstractmethod
    def pay(self, params: P, profile: tuple[str, ...]) -> Sequence[float]:
        """One payoff per seat for one action per seat. Pure."""

    def phrases(self) -> Mapping[str, Sequence[str]]:
        """Regular expressions by action for reading intents in messages; the action's own words unless overridden."""
        return {action: (rf"\b{re.escape(action).replace('_', '[ _-]')}\b",) for action in self.actions}

    def payoffs_of(self, params: P) -> Payoffs:
        """The payoff function of given params."""
        return _payoffs(self, params)

    def seats(self, params: P) -> tuple[str, ...]:
        return seat_names(params.seats)

    def table(self, params: P, seed: int, condition: Condition) -> RoundGame:
        return MatrixGame(self, params)

    def assess(self, params: P, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(self, params, self.replayed(params, seed, condition), transcript)

    def told(self, action: Any) -> str:
        return f"plays {worded(action)}"

    def draw(
        self, params: P, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.matrix.draw import picture

        events: Sequence[Event] = transcript if upto is None else transcript[: upto + 1]
        game = self.replayed(params, seed, condition)
        replay(game, Transcript(events))
        return picture(game.state, self.seats(params), self.cooperate)


@lru_cache(maxsize=64)
def _payoffs(family: MatrixFamily[Any], params: MatrixParams) -> Payoffs:
    return lambda profile: family.pay(params, profile)
