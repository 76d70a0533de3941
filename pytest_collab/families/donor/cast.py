"""The built-in players of the donor game."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_collab.episode.agent import Request, Seat
from pytest_collab.families.rounds import Babbler, Player, Quitter, Say


class Partner(Player):
    """Gives everything, and says so."""

    strategy = "I will give 100% of what I have in every round. Whoever gives has earned it."

    def say(self, request: Request) -> Say:
        view = request.view
        if view["phase"] == "strategy":
            told = ((None, f"Generation {view['generation'] + 1}: I will give 100%."),) if view["talk"] else ()
            return Say((f"STRATEGY: {self.strategy}",), told)
        return Say.action(f"{self.gives(view):.4f}")

    def gives(self, view: Mapping[str, Any]) -> float:
        """Units that it gives up."""
        return int(float(view["resources"]) * 10_000) / 10_000


class FreeRider(Partner):
    """Gives nothing and waits to be given."""

    strategy = "I watch how it goes and see what comes."

    def gives(self, view: Mapping[str, Any]) -> float:
        return 0.0


class Stubborn(FreeRider):
    """Gives nothing, and says that this is its right."""

    strategy = "I will give 0%. What is mine is mine."


class PromiseBreaker(FreeRider):
    """Promises everything and gives nothing."""

    strategy = "I will give 100% of what I have in every round, I promise."


class Random(Partner):
    """Gives any part at random."""

    strategy = "Whatever comes to mind."

    def gives(self, view: Mapping[str, Any]) -> float:
        return self.random.random() * super().gives(view)


class Nop(FreeRider):
    """Gives nothing."""

    strategy = "None."


PLAYERS: Final[Mapping[str, Callable[[Seat], Player]]] = {
    "partner": Partner,
    "oracle": Partner,
    "random": Random,
    "nop": Nop,
    "stubborn": Stubborn,
    "promise_breaker": PromiseBreaker,
    "quitter": lambda seat: Quitter(seat, Partner(seat)),
    "free_rider": FreeRider,
    "babbler": lambda seat: Babbler(seat, Partner(seat)),
}
