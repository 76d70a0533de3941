"""Built-in players of games in rounds: what they say is text; each planted fault is a change to what one says."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Agent, Reply, Request, Seat


@dataclass(frozen=True, slots=True)
class Say:
    """A reply in parts.

    Attributes:
        lines: labelled lines and commands (`ACTION: WAIT`, `SEND p3 to b`).
        messages: (recipient or None for all, text).
    """

    lines: tuple[str, ...] = ()
    messages: tuple[tuple[str | None, str], ...] = ()

    @classmethod
    def action(cls, action: object, *messages: tuple[str | None, str]) -> Say:
        return cls((f"ACTION: {action}",), messages)

    @property
    def text(self) -> str:
        spoken = (f"MESSAGE to {to}: {text}" if to else f"MESSAGE: {text}" for to, text in self.messages)
        return "\n".join([*self.lines, *spoken])


class Player(Agent):
    """A built-in player of one seat, deterministic in (seed, epoch, seat, character)."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.random = random.Random(f"{type(self).__name__}:{seat.seed}:{seat.epoch}:{seat.name}")

    @abstractmethod
    def say(self, request: Request) -> Say:
        """What the player answers. Called once per request, in order."""

    async def reply(self, request: Request) -> Reply:
        return Reply(self.say(request).text)


class Changed(Player):
    """A player whose words are those of another one, changed."""

    def __init__(self, seat: Seat, player: Player) -> None:
        super().__init__(seat)
        self.player = player

    def say(self, request: Request) -> Say:
        return self.change(self.player.say(request), request)

    def change(self, say: Say, request: Request) -> Say:
        """The changed words."""
        return say


class Silent(Changed):
    """Plays, but never says anything."""

    def change(self, say: Say, request: Request) -> Say:
        return replace(say, messages=())


class Deaf(Changed):
    """Takes no notice of what others say."""

    def say(self, request: Request) -> Say:
        return self.player.say(replace(request, inbox=()))


class Babbler(Changed):
    """Plays, and drowns the others in words."""

    def change(self, say: Say, request: Request) -> Say:
        flood = "I was thinking about this and that, and about the weather, as one does. " * 3
        return replace(say, messages=(*say.messages, *((None, f"{flood}({number})") for number in range(12))))


class Repeater(Changed):
    """Says the same thing over and over, and does the same thing too."""

    def __init__(self, seat: Seat, player: Player) -> None:
        super().__init__(seat, player)
        self.first: dict[str, Say] = {}

    def change(self, say: Say, request: Request) -> Say:
        kept = self.first.setdefault(request.phase, say)
        return kept if kept.messages else replace(kept, messages=((None, "As I said, my plan is a good plan."),))


class Quitter(Changed):
    """Leaves early: after a few answers it gives none any more."""

    def __init__(self, seat: Seat, player: Player, answers: int = 2) -> None:
        super().__init__(seat, player)
        self.left = answers

    def say(self, request: Request) -> Say:
        self.left -= 1
        return self.player.say(request) if self.left >= 0 else Say()


Making = Callable[[Seat], Player]
"""Makes a player for a seat."""


def cast_of(partner: Making, **own: Making) -> Mapping[str, Making]:
    """A family's cast: the partner, the faults that are the same in every game, and the family's own players.

    Args:
        partner: makes the competent player, which also plays `oracle`, and what `silent`, `quitter` and `babbler` do
            besides their fault.
        own: players by name; they take the place of those that every game has.
    """
    players: dict[str, Making] = {
        "partner": partner,
        "oracle": partner,
        "silent": lambda seat: Silent(seat, partner(seat)),
        "quitter": lambda seat: Quitter(seat, partner(seat)),
        "babbler": lambda seat: Babbler(seat, partner(seat)),
        **own,
    }
    return {name: players[name] for name in CAST if name in players}


class AllSeats(Agent):
    """One agent that plays every seat of a `Solo` game, by a player for each."""

    def __init__(self, players: Mapping[str, Player]) -> None:
        self.players = players

    async def reply(self, request: Request) -> Reply:
        parts = []
        for seat, view in request.view["seats"].items():
            inbox = request.view["inbox"][seat]
            say = self.players[seat].say(replace(request, seat=seat, view=view, inbox=inbox))
            parts.append(f"SEAT {seat}\n{say.text}")
        return Reply("\n".join(parts))
