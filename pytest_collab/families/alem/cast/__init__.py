"""The built-in players of the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_collab.episode.agent import Request, Seat
from pytest_collab.families.alem.cast.mind import SIZE, place
from pytest_collab.families.alem.cast.partner import Partner
from pytest_collab.families.alem.cast.plans import xy
from pytest_collab.families.alem.memory import BLOCKS
from pytest_collab.families.rounds import Player, Say


class Random(Player):
    """Any action that is available, all alike."""

    def say(self, request: Request) -> Say:
        return Say((f"<action>{self.random.choice(list(request.view['legal']))}</action>",))


class Nop(Player):
    """Does nothing."""

    def say(self, request: Request) -> Say:
        return Say(("<action>Noop</action>",))


class Silent(Partner):
    """Plays as `partner` does, and never says a word."""

    def say(self, request: Request) -> Say:
        say = super().say(request)
        return replace(say, lines=tuple(line for line in say.lines if not line.startswith("<communication>")))


class PromiseBreaker(Partner):
    """Calls for plans, says that it is ready, confirms the step, and then does something else."""

    def act(self, view: Mapping[str, Any]) -> str:
        action = super().act(view)
        plan = self.plan
        promised = plan is not None and plan.due.get(self.me) == self.t
        return "Noop" if promised else action


class Confabulator(Partner):
    """Keeps to itself, and writes into the memory that there are things where nobody has seen any."""

    def say(self, request: Request) -> Say:
        say = super().say(request)
        return replace(say, lines=tuple(line for line in say.lines if not line.startswith("<communication>")))

    def write(self, view: Mapping[str, Any]) -> list[str]:
        mates = [place(mate["at"]) for mate in self.mind.mates.values()]
        if not mates or self.t % 10:
            return []
        row, column = mates[(self.t // 10) % len(mates)]
        shift = 6 if row < SIZE // 2 else -6
        kinds = ("table", "water", "tree")
        kind = kinds[(self.t // 10) % len(kinds)]
        at = (row + shift, column)
        real = self.mind.blocks.get(at) in BLOCKS[kind]
        return [] if real else [f"<memory>fact/{kind} = {xy(at)}</memory>"]


PLAYERS: Final[Mapping[str, Callable[[Seat], Player]]] = {
    "partner": Partner,
    "random": Random,
    "nop": Nop,
    "silent": Silent,
    "promise_breaker": PromiseBreaker,
    "confabulator": Confabulator,
}
