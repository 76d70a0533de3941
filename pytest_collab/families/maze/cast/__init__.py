"""The built-in players by name."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from pytest_collab.episode.agent import Seat
from pytest_collab.families.maze.cast import faulty
from pytest_collab.families.maze.cast.mind import Mind
from pytest_collab.families.maze.cast.partner import Oracle, Partner, Player
from pytest_collab.families.maze.rules import neighbours
from pytest_collab.families.maze.wording import route


class Nop(Player):
    """Does nothing."""

    def speak(self, mind: Mind) -> str:
        return ""


class Random(Player):
    """Agrees, refuses or proposes a random walk, as the dice fall; the same dice for the same seat and seed."""

    def speak(self, mind: Mind) -> str:
        place = self.place
        dice = random.Random(f"{place.seed}/{place.epoch}/{mind.seat}/{mind.turn}")
        what = dice.choice(("agree", "refuse", "walk", "walk"))
        if what == "agree" and mind.pending():
            return "Agreed, let us take that path."
        if what == "refuse" and mind.pending():
            return "No, I do not agree."
        path = [mind.reading.path[-1]]
        for _ in range(dice.randint(1, 2 * mind.size)):
            path.append(dice.choice(list(neighbours(mind.size, path[-1]))))
        return f"I propose this path: {route(path)}. Do you agree?"


CAST: Final[Mapping[str, tuple[type[Player], str]]] = {
    "partner": (Partner, "tells its walls, checks what it hears, proposes and agrees in plain sentences"),
    "oracle": (Oracle, "is told a shortest path and proposes it"),
    "random": (Random, "agrees, refuses or proposes a random walk"),
    "nop": (Nop, "never writes anything"),
    "silent": (faulty.Silent, "plays, but never says anything"),
    "deaf": (faulty.Deaf, "talks, but what it is told changes nothing"),
    "stubborn": (faulty.Stubborn, "refuses every way but its own first one"),
    "vague": (faulty.Vague, "talks without naming a cell, a move or a decision"),
    "repeater": (faulty.Repeater, "says its first message over and over"),
    "confabulator": (faulty.Confabulator, "tells of walls and open cells that its copy does not show"),
    "promise_breaker": (faulty.PromiseBreaker, "announces what it will say next, and never says it"),
    "quitter": (faulty.Quitter, "says what it sees, and leaves"),
    "free_rider": (faulty.FreeRider, "agrees to everything and does nothing else"),
    "babbler": (faulty.Babbler, "buries what it has to say under more words than a message holds"),
}


def seated(name: str, seat: Seat) -> Player:
    """The player called `name`, on its seat. Raises KeyError when there is none."""
    return CAST[name][0](seat)
