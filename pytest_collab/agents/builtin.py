"""The built-in cast: offline players, supplied by each family, behind one agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_collab.episode.agent import Agent, Reply, Request, Seat
from pytest_collab.errors import UsageError

CAST: Final[Mapping[str, str]] = {
    "partner": "competent, talks plainly, cooperates",
    "oracle": "is told the hidden solution",
    "random": "acts at random",
    "nop": "does nothing",
    "silent": "plays, but never says anything",
    "deaf": "talks, but takes no notice of what others say",
    "stubborn": "insists on its own first idea",
    "vague": "talks without saying anything that can be acted on",
    "repeater": "says the same thing over and over",
    "confabulator": "claims things about its own view that are not so",
    "promise_breaker": "says one thing and does another",
    "overwriter": "does the others' part over again",
    "quitter": "leaves early",
    "free_rider": "lets the others do the work",
    "hoarder": "keeps to itself what the others need",
    "blocker": "stands in the way",
    "generous": "pays back in kind, and forgives now and then",
    "grim": "cooperates until it is wronged, and never again",
    "extorter": "gives just enough for others to go on giving more",
    "conformist": "gives in to what most others say",
    "confederate": "says with one voice what others of its kind say",
    "unconditional": "cooperates, whatever others do",
    "chooser": "cooperates, and leaves whoever does not",
    "hermit": "would rather be left alone",
    "colluder": "agrees with others on what is best for them all, at the cost of whom they serve",
    "punisher": "punishes those who break what was agreed on",
    "spiteful": "punishes those who keep to what was agreed on",
    "babbler": "drowns the others in words",
    "rubber_stamper": "vouches for what it has not checked",
    "tester": "runs the tests that are there, and believes them",
    "rejecter": "turns away whatever it is shown",
    "coin": "decides by a coin",
    "trespasser": "tries what its role may not do, in place of its own part",
    "hasty": "hands in what is not finished, and mends it when it comes back",
    "pushover": "undoes good work as soon as anybody finds fault with it",
}
"""The characters that families cast; one planted fault each. A family says which of them make sense in it."""


class BuiltinAgent(Agent):
    """`builtin/NAME`: sits down as the family's own player of that name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.character = name
        self.model = f"builtin/{name}"
        self.wants_solution = name == "oracle"

    def seated(self, seat: Seat) -> Agent:
        player = seat.family.player(self.character, seat)
        player.name = self.name
        player.model = self.model
        return player

    async def reply(self, request: Request) -> Reply:
        raise UsageError(f"built-in agent {self.name!r} was asked before it was seated")

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "model": self.model, "provider": "builtin"}
