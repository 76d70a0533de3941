"""The built-in philosophers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pytest_collab.episode.agent import Request, Seat
from pytest_collab.families.philosophers import rules
from pytest_collab.families.rounds import Babbler, Player, Say, Silent

WORDS: Final = {
    "grab_left": "I grab left now.",
    "grab_right": "I grab right now.",
    "release": "I release now.",
}


class Partner(Player):
    """Takes turns by the table manner of `rules.slots`, tells it once, and says what it does when it acts."""

    told = False

    def say(self, request: Request) -> Say:
        view = request.view
        told, self.told = self.told, True
        messages = () if told else self._manner(request)
        if request.phase == "talk":
            return Say((), messages)
        action = self.action(request)
        if action in WORDS:
            messages = (*messages, (None, WORDS[action]))
        return Say.action(action.upper(), *(messages if view["talk"] else ()))

    def action(self, request: Request) -> str:
        view = request.view
        period, starts = rules.slots(len(view["seats"]))
        phase = (view["moment"] - starts[view["number"]]) % period
        return rules.manner(phase, view["left"], view["right"], view["eating"])

    def _manner(self, request: Request) -> tuple[tuple[str | None, str], ...]:
        period, starts = rules.slots(len(request.view["seats"]))
        unit = "steps" if request.view["protocol"] == "simultaneous" else "rounds"
        plan = f"Slots of {period} {unit}, left fork first. Mine starts at {starts[request.view['number']] + 1}"
        return tuple(
            (name, f"{plan}, yours at {starts[request.view['seats'].index(name)] + 1}. An unused fork goes back at once.")
            for name in dict.fromkeys(request.view["neighbours"])
        )


class Random(Player):
    """Acts at random, all four actions alike (the study's baseline)."""

    def say(self, request: Request) -> Say:
        return Say() if request.phase == "talk" else Say.action(self.random.choice(rules.ACTIONS).upper())


class Nop(Player):
    """Does nothing."""

    def say(self, request: Request) -> Say:
        return Say() if request.phase == "talk" else Say.action("WAIT")


class Stubborn(Player):
    """Insists on its left fork: grabs it and never lets go before it has eaten."""

    def say(self, request: Request) -> Say:
        return Say() if request.phase == "talk" else Say.action("GRAB_LEFT")


class PromiseBreaker(Player):
    """Says that it releases its fork, or waits, and grabs its left fork all the same."""

    def say(self, request: Request) -> Say:
        promise = "I will release my fork." if request.view["left"] else "I wait this step, go ahead."
        if request.phase == "talk":
            return Say((), ((None, promise),))
        return Say.action("GRAB_LEFT", (None, promise))


class Confabulator(Player):
    """Claims to hold nothing while it clings to a fork."""

    def say(self, request: Request) -> Say:
        holding = request.view["left"] or request.view["right"]
        claim = "I hold no forks at all." if holding else "I hold both forks."
        messages = ((None, claim),)
        return Say((), messages) if request.phase == "talk" else Say.action("GRAB_LEFT", *messages)


class Repeater(Player):
    """Grabs left with the same words, always."""

    def say(self, request: Request) -> Say:
        messages = ((None, "It is my turn, let me eat first."),)
        return Say((), messages) if request.phase == "talk" else Say.action("GRAB_LEFT", *messages)


class Quitter(Player):
    """Takes its left fork and leaves with it."""

    gone = False

    def say(self, request: Request) -> Say:
        if self.gone or request.phase == "talk":
            return Say()
        self.gone = bool(request.view["left"])
        return Say() if self.gone else Say.action("GRAB_LEFT")


PLAYERS: Final[Mapping[str, Callable[[Seat], Player]]] = {
    "partner": Partner,
    "oracle": Partner,
    "random": Random,
    "nop": Nop,
    "silent": lambda seat: Silent(seat, Partner(seat)),
    "stubborn": Stubborn,
    "promise_breaker": PromiseBreaker,
    "confabulator": Confabulator,
    "repeater": Repeater,
    "quitter": Quitter,
    "babbler": lambda seat: Babbler(seat, Partner(seat)),
}
