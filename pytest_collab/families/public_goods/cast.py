"""The built-in contributors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_collab.episode.agent import Request
from pytest_collab.families.rounds import Deaf, Player, Say, cast_of


class Partner(Player):
    """Contributes everything, and says so."""

    def say(self, request: Request) -> Say:
        view = request.view
        return Say((), self.words(view)) if view["phase"] == "talk" else Say.action(self.gives(view))

    def gives(self, view: Mapping[str, Any]) -> int:
        """Units that it contributes."""
        return int(view["endowment"])

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        """What it says before a round."""
        return (
            (None, f"Round {view['round'] + 1}: I will give {view['endowment']}. Please give all you have, too."),
        )


class Tight(Partner):
    """Contributes nothing, or as little as can be."""

    def gives(self, view: Mapping[str, Any]) -> int:
        return int(view["least"])


class Random(Player):
    """Contributes any number at random."""

    def say(self, request: Request) -> Say:
        view = request.view
        return Say() if view["phase"] == "talk" else Say.action(self.random.randint(view["least"], view["endowment"]))


class Nop(Player):
    """Contributes nothing, or as little as can be, and says nothing."""

    def say(self, request: Request) -> Say:
        return Say() if request.view["phase"] == "talk" else Say.action(request.view["least"])


class FreeRider(Tight):
    """Contributes nothing and talks of other things."""

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ((None, f"Round {view['round'] + 1}: good luck to all of us."),)


class Stubborn(Tight):
    """Contributes nothing and says that this is its right."""

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ((None, f"Round {view['round'] + 1}: I will give 0, as I always do. What is mine is mine."),)


class PromiseBreaker(Tight):
    """Promises to contribute everything and contributes nothing."""

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ((None, f"Round {view['round'] + 1}: I will give {view['endowment']} this round, I promise."),)


class Confabulator(Tight):
    """Contributes nothing and says afterwards that it was everything."""

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ((None, f"I gave {view['endowment']}, like everybody ({view['round']})."),) if view["round"] else ()


class Repeater(Tight):
    """Contributes nothing, with the same words in every round."""

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ((None, "Together we are strong."),)


PLAYERS: Final = cast_of(
    Partner,
    random=Random,
    nop=Nop,
    deaf=lambda seat: Deaf(seat, Partner(seat)),
    stubborn=Stubborn,
    repeater=Repeater,
    confabulator=Confabulator,
    promise_breaker=PromiseBreaker,
    free_rider=FreeRider,
)
