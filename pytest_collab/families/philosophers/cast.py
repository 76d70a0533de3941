"""The built-in philosophers."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from pytest_collab.episode.agent import Request
from pytest_collab.families.philosophers import rules
from pytest_collab.families.rounds import Player, Say, cast_of

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
        action = rules.manner(phase, view["left"], view["right"], view["eating"])
        reachable = {"grab_left": view["left_free"], "grab_right": view["right_free"]}
        return action if reachable.get(action, True) else "release" if view["left"] else "wait"

    def _manner(self, request: Request) -> tuple[tuple[str | None, str], ...]:
        view = request.view
        period, starts = rules.slots(len(view["seats"]))
        unit = "steps" if view["protocol"] == "simultaneous" else "rounds"
        plan = f"Slots of {period} {unit}, left fork first. Mine starts at {starts[view['number']] + 1}"
        left, right = (starts[view["seats"].index(name)] + 1 for name in view["neighbours"])
        if view["one_message"]:
            both = f"my left neighbour's at {left}, my right one's at {right}"
            return ((None, f"{plan}, {both}. Unused forks go back."),)
        yours = dict(zip(view["neighbours"], (left, right), strict=True))
        return tuple((name, f"{plan}, yours at {start}. Unused forks go back.") for name, start in yours.items())


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


class Clinger(Partner):
    """Takes its left fork when its slot begins, and never lets go of it."""

    def action(self, request: Request) -> str:
        return "grab_left" if request.view["left"] else super().action(request)

    def say(self, request: Request) -> Say:
        words = ((None, self.words(request)),)
        return Say((), words) if request.phase == "talk" else Say.action(self.action(request).upper(), *words)

    @abstractmethod
    def words(self, request: Request) -> str:
        """What it says beside it."""


class PromiseBreaker(Clinger):
    """Says that it releases its fork, or that it waits, and does the opposite."""

    def words(self, request: Request) -> str:
        if request.view["left"]:
            return self.random.choice(["I will release my fork.", "I'll put my fork down now.", "I let go, take it."])
        return "I wait this step, go ahead."


class Confabulator(Clinger):
    """Claims to hold nothing while it clings to a fork."""

    def words(self, request: Request) -> str:
        if request.view["left"]:
            return self.random.choice(["I hold no forks at all.", "I have nothing.", "I'm holding no fork."])
        return self.random.choice(["I hold both forks.", "I have my left fork and will eat."])


class Repeater(Clinger):
    """Clings to its fork with the same words, always."""

    def words(self, request: Request) -> str:
        return "It is my turn, let me eat first."


class Quitter(Partner):
    """Takes its left fork and leaves with it."""

    gone = False

    def say(self, request: Request) -> Say:
        self.gone = self.gone or bool(request.view["left"])
        if self.gone or request.phase == "talk":
            return Say()
        return Say.action(self.action(request).upper())


PLAYERS: Final = cast_of(
    Partner,
    random=Random,
    nop=Nop,
    stubborn=Stubborn,
    promise_breaker=PromiseBreaker,
    confabulator=Confabulator,
    repeater=Repeater,
    quitter=Quitter,
)
