"""The built-in players of matrix games, made from the family's cooperative and its tempting action."""

from __future__ import annotations

from typing import Any, Final

from pytest_collab.episode.agent import Request
from pytest_collab.families.rounds import Player, Say, cast_of


class Partner(Player):
    """Says that it cooperates, once, and does."""

    told = False

    def say(self, request: Request) -> Say:
        cooperate = self.seat.family.cooperate  # type: ignore[attr-defined]
        if request.phase == "talk":
            told, self.told = self.told, True
            return Say() if told else Say((), ((None, f"I will choose {cooperate} every round. Please do too."),))
        return Say.action(cooperate)


class FreeRider(Player):
    """Takes the tempting action, and says nothing of it."""

    def say(self, request: Request) -> Say:
        if request.phase == "talk":
            return Say((), ((None, "Good luck to all of us."),)) if request.turn == 0 else Say()
        return Say.action(self.seat.family.tempt)  # type: ignore[attr-defined]


class PromiseBreaker(Player):
    """Promises to cooperate and takes the tempting action."""

    def say(self, request: Request) -> Say:
        family: Any = self.seat.family
        if request.phase == "talk":
            return Say((), ((None, f"I will choose {family.cooperate} this round."),))
        return Say.action(family.tempt, (None, f"I will choose {family.cooperate} now."))


class Random(Player):
    """Chooses at random."""

    def say(self, request: Request) -> Say:
        actions = self.seat.family.actions  # type: ignore[attr-defined]
        return Say() if request.phase == "talk" else Say.action(self.random.choice(actions))


class Nop(Player):
    """Does nothing."""

    def say(self, request: Request) -> Say:
        return Say()


PLAYERS: Final = cast_of(
    Partner,
    random=Random,
    nop=Nop,
    promise_breaker=PromiseBreaker,
    free_rider=FreeRider,
)
