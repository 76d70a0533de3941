"""The built-in agents of the market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_collab.episode.agent import Request, Seat
from pytest_collab.families.market.seats import PIECE
from pytest_collab.families.rounds import Changed, Player, Say, cast_of

PATIENCE: Final = 2
"""Turns that the partner waits before it asks again."""


class Partner(Player):
    """Submits what is ready, sends what was asked for, asks for what it lacks."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self.asked: dict[tuple[str, str | None], int] = {}

    def say(self, request: Request) -> Say:
        view = request.view
        submits = [f"SUBMIT {name}" for name in self.ready(view)]
        values = view["values"]
        sends = [
            f"SEND {piece}={values[piece]} to {to}" if values else f"SEND {piece} to {to}"
            for piece, to in self.answers(request)
        ]
        if not view["talk"]:
            return Say((*submits, *sends) or ("There is nothing that I can do in this turn.",))
        return Say((*submits, *sends), self.questions(view))

    def ready(self, view: Mapping[str, Any]) -> list[str]:
        """Tasks whose pieces are all at hand."""
        return [name for name, needs in view["tasks"].items() if set(needs) <= set(view["held"])]

    def answers(self, request: Request) -> list[tuple[str, str]]:
        """What others asked for or are known to need, as far as it is at hand."""
        held = set(request.view["held"])
        wanted = [(piece, other) for other, pieces in request.view["wanted"].items() for piece in pieces]
        wanted += [(p.lower(), message.sender) for message in request.inbox for p in PIECE.findall(message.text)]
        return list(dict.fromkeys((piece, to) for piece, to in wanted if piece in held))

    def questions(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        """Requests for what it lacks, one message per holder."""
        now = int(view["round"])
        due: list[tuple[str, str | None]] = [
            (piece, holder)
            for piece in view["lacks"]
            for holder in view["holders"].get(piece, (None,))
            if now - self.asked.get((piece, holder), -PATIENCE) >= PATIENCE
        ]
        again = {one for one in due if one in self.asked}
        self.asked.update(dict.fromkeys(due, now))
        by_holder: dict[str | None, list[str]] = {}
        for piece, holder in due:
            by_holder.setdefault(holder, []).append(piece)
        return tuple((holder, self._question(now, pieces, holder, again)) for holder, pieces in by_holder.items())

    def _question(self, now: int, pieces: list[str], holder: str | None, again: set[tuple[str, str | None]]) -> str:
        first = (
            "Please send me"
            if not again & {(piece, holder) for piece in pieces}
            else f"Round {now + 1}: still needed"
        )
        return f"{first} {' and '.join(pieces)}."


class Random(Partner):
    """Submits, sends and asks at random."""

    def say(self, request: Request) -> Say:
        view = request.view
        pieces = self.random.sample(view["held"], k=min(2, len(view["held"])))
        to = self.random.choice(view["seats"])
        task = self.random.choice(list(view["tasks"]))
        asked = self.random.choice(view["lacks"]) if view["lacks"] else "p1"
        lines = (f"SEND {pieces[0]} to {to}", f"SUBMIT {task}")
        return Say(lines[self.random.randrange(3) :], ((self.random.choice(view["seats"]), f"Give me {asked}."),))


class Nop(Player):
    """Does nothing."""

    def say(self, request: Request) -> Say:
        return Say((), ())


class Deaf(Changed):
    """Asks and submits, and takes no notice of what others ask."""

    def say(self, request: Request) -> Say:
        view = dict(request.view) | {"wanted": {}}
        return self.player.say(replace(request, inbox=(), view=view))


class Stubborn(Partner):
    """Holds back what it has, as if it could be sold."""

    def say(self, request: Request) -> Say:
        say = super().say(request)
        kept = tuple(line for line in say.lines if line.startswith("SUBMIT"))
        askers = dict.fromkeys(message.sender for message in request.inbox)
        haggle = tuple((name, f"Round {request.view['round'] + 1}: what do you offer for it?") for name in askers)
        return Say(kept, (*say.messages, *haggle))


class PromiseBreaker(Partner):
    """Promises what it was asked for, and does not send it."""

    def say(self, request: Request) -> Say:
        say = super().say(request)
        kept = tuple(line for line in say.lines if line.startswith("SUBMIT"))
        promises = tuple((to, f"I will send you {piece} now.") for piece, to in self.answers(request))
        return Say(kept, (*say.messages, *promises))


class Confabulator(Partner):
    """Says that it does not have what it has."""

    def say(self, request: Request) -> Say:
        say = super().say(request)
        kept = tuple(line for line in say.lines if line.startswith("SUBMIT"))
        denials = tuple((to, f"Sorry, I don't have {piece}.") for piece, to in self.answers(request))
        return Say(kept, (*say.messages, *denials))


class Vague(Partner):
    """Asks without saying for what."""

    def questions(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        words = ("Could someone help me out?", "I still need a few things.", "Anything useful for me?")
        return ((None, self.random.choice(words)),) if view["lacks"] else ()


class Repeater(Partner):
    """Asks its first question over and over."""

    first: tuple[tuple[str | None, str], ...] = ()

    def questions(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        self.first = self.first or super().questions(view)[:1]
        return self.first


class FreeRider(Partner):
    """Asks and submits, sends nothing and does not even answer."""

    def answers(self, request: Request) -> list[tuple[str, str]]:
        return []


PLAYERS: Final = cast_of(
    Partner,
    random=Random,
    nop=Nop,
    deaf=lambda seat: Deaf(seat, Partner(seat)),
    stubborn=Stubborn,
    vague=Vague,
    repeater=Repeater,
    confabulator=Confabulator,
    promise_breaker=PromiseBreaker,
    free_rider=FreeRider,
)
