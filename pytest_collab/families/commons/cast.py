"""The built-in users of a commons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_collab.episode.agent import Request
from pytest_collab.families.rounds import Deaf, Player, Say, cast_of


class Partner(Player):
    """Takes the sustainable share, says so, and says when the pool has shrunk."""

    def say(self, request: Request) -> Say:
        view = request.view
        if view["phase"] == "talk":
            proposal = (f"NORM: {view['share']}",) if view["norms"] else ()
            return Say((*proposal, *self.punishes(view), *self.hands_on(request)), self.words(view))
        return Say.action(self.wish(view))

    def hands_on(self, request: Request) -> tuple[str, ...]:
        """In a conversation, the word to who has not spoken yet; when all have, it is over."""
        view = request.view
        if not view["conversation"]:
            return ()
        spoken = {request.seat, *(who for who, _ in view["said"])}
        return (f"NEXT: {next((seat for seat in view['seats'] if seat not in spoken), 'nobody')}",)

    def punishes(self, view: Mapping[str, Any]) -> tuple[str, ...]:
        """Lines that punish others."""
        return ()

    def keeps(self, view: Mapping[str, Any]) -> dict[str, bool]:
        """Who of the others kept to the norm (without one, to the sustainable share) in the last harvest."""
        bound = view["share_then"] if view["norm"] is None else view["norm"]
        others = {seat: took for seat, (_, took) in view["takes"].items() if seat != self.seat.name}
        return {seat: took >= bound if view["inverse"] else took <= bound for seat, took in others.items()}

    def wish(self, view: Mapping[str, Any]) -> int:
        """Units that it asks for."""
        return min(int(view["share"]), int(view["limit"]))

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        """What it says after a harvest."""
        bound = "at least" if view["inverse"] else "at most"
        fair, act = view["share"], view["act"]
        return ((None, f"There are {view['pool']} left. I will {act} {fair}; please all {act} {bound} {fair}."),)


class Punisher(Partner):
    """Plays as the partner does, and punishes everyone who took more than the norm."""

    def punishes(self, view: Mapping[str, Any]) -> tuple[str, ...]:
        if not view["punishment"]:
            return ()
        return tuple(f"PUNISH {seat}" for seat, kept in self.keeps(view).items() if not kept)


class Spiteful(Partner):
    """Plays as the partner does, and punishes those who keep to the norm."""

    def punishes(self, view: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(f"PUNISH {seat}" for seat, kept in self.keeps(view).items() if kept and view["punishment"])


class Greedy(Partner):
    """Takes several times its share (where a harm is to be removed: removes nothing)."""

    def wish(self, view: Mapping[str, Any]) -> int:
        return 0 if view["inverse"] else min(int(view["limit"]), max(4 * int(view["share"]), int(view["pool"]) // 2))


class Random(Player):
    """Takes any number at random."""

    def say(self, request: Request) -> Say:
        view = request.view
        return Say() if view["phase"] == "talk" else Say.action(self.random.randint(0, view["limit"]))


class Nop(Player):
    """Takes nothing, removes nothing."""

    def say(self, request: Request) -> Say:
        return Say() if request.view["phase"] == "talk" else Say.action(0)


class FreeRider(Greedy):
    """Takes what it can and leaves saving to the others."""

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ((None, self.random.choice(["Good work, all.", "Let us see how it goes.", "A fine month."])),)


class Stubborn(Greedy):
    """Takes what it always took, and insists on its right to it."""

    first: int | None = None

    def wish(self, view: Mapping[str, Any]) -> int:
        self.first = super().wish(view) if self.first is None else self.first
        return min(self.first, int(view["limit"]))

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ((None, f"Month {view['month']}: everyone has a right to what they need, and so have I."),)


class PromiseBreaker(Greedy):
    """Promises to take its share and takes several times as much."""

    def wish(self, view: Mapping[str, Any]) -> int:
        return super().wish(view) if view["month"] else min(int(view["share"]), int(view["limit"]))

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        bound = "at least" if view["inverse"] else "at most"
        return ((None, f"I promise: I will {view['act']} {bound} {max(1, view['share'])} next month."),)


class Confabulator(Greedy):
    """Takes several times its share and says that it was little."""

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ((None, "I removed 30, month after month." if view["inverse"] else "I took 1, and no more."),)


class Repeater(Greedy):
    """Takes somewhat more than its share, with the same words every month."""

    def wish(self, view: Mapping[str, Any]) -> int:
        return 0 if view["inverse"] else min(int(view["limit"]), -(-5 * int(view["share"]) // 2))

    def words(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        return ((None, "We are all in the same boat."),)


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
    punisher=Punisher,
    spiteful=Spiteful,
)
