"""Cooks with one planted fault each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_collab.core.kitchen.plan import DISH, FLOOR, ONION, around
from pytest_collab.episode.agent import Request, Seat
from pytest_collab.families.kitchen import talk
from pytest_collab.families.kitchen.cast.cooks import Cook, deliveries
from pytest_collab.families.kitchen.cast.soup_cooks import SoupCook
from pytest_collab.families.rounds import Player, Say

_PHRASES: Final = (
    "Let us cook something wonderful.",
    "We are such a good team.",
    "Keep up the spirit, it will be great.",
)


def _orders(seat: Seat) -> bool:
    return bool(seat.params.kind == "orders")


class Random(Player):
    """Does anything that there is to do."""

    def say(self, request: Request) -> Say:
        view = request.view
        if view["phase"] == "plan":
            return Say()
        kitchen, seat = view["kitchen"], view["seat"]
        reach = [name for name, cells in kitchen.places.items() if any(cell in kitchen.reach[seat] for cell in cells)]
        place = self.random.choice(reach)
        utensil = self.random.choice([*dict.fromkeys(kitchen.kind(cell) for cell in kitchen.utensils)])
        item = self.random.choice(kitchen.items[1:])
        action = self.random.choice(
            (
                f"pickup({item}, {place})",
                f"put({place})",
                f"start({utensil})",
                f"fill({utensil})",
                "serve()",
                "wait(1)",
            )
        )
        return Say((f"ACTION: {action}",))


class Nop(Player):
    """Does nothing."""

    def say(self, request: Request) -> Say:
        return Say()


class FreeRider(Player):
    """Waits for the others to do the work."""

    def say(self, request: Request) -> Say:
        return Say(("ACTION: wait(3)",)) if request.view["phase"] == "act" else Say()


class Vague(Cook):
    """Talks without saying what is needed."""

    def request(self, view: Mapping[str, Any]) -> str:
        return _PHRASES[self.times % len(_PHRASES)]

    def report(self, view: Mapping[str, Any], action: str) -> tuple[tuple[str | None, str], ...]:
        self.times += 1
        return ((None, _PHRASES[self.times % len(_PHRASES)]),) if self.times <= len(_PHRASES) else ()


class Stubborn(Cook):
    """As assistant it brings what it thinks of itself; as chef it cooks where it thinks best."""

    def say(self, request: Request) -> Say:
        view = request.view
        if view["seat"] == 1 and view["order"] is None and not self.asked:
            self.asked = self._idea(request)
        asked = list(self.asked)
        said = super().say(request)
        if view["seat"] == 1:
            self.asked = asked
        return said

    def _idea(self, request: Request) -> list[str]:
        """Things that nobody has asked for so far: its mind is made up before it has read a word."""
        kitchen = request.view["kitchen"]
        heard = {talk.raw_of(item) for one in request.inbox for item in talk.named(kitchen, one.text)}
        return [
            f"{item} slices" for item in self.random.sample([one for one in kitchen.shelf if one not in heard], 3)
        ]

    def with_hand(self, view: Mapping[str, Any], hand: str, stages: Any) -> str:
        action = super().with_hand(view, hand, stages)
        swapped = {"put(pot)": "put(oven)", "put(oven)": "put(pot)"}
        return swapped.get(action, action) if view["seat"] == 0 else action

    def act(self, view: Mapping[str, Any]) -> str:
        if view["seat"] == 0 and not view["scene"].state.held[0]:
            for cell, load in zip(view["kitchen"].utensils, view["scene"].state.loads, strict=True):
                if cell in view["kitchen"].reach[0] and load.idle and load.items:
                    return f"start({view['kitchen'].names[cell]})"
        return super().act(view)


class Confabulator(Cook):
    """As assistant it says that it has brought what it has not; as chef it tells another recipe."""

    def act(self, view: Mapping[str, Any]) -> str:
        return super().act(view) if view["seat"] == 0 else "wait(3)"

    def report(self, view: Mapping[str, Any], action: str) -> tuple[tuple[str | None, str], ...]:
        still = [item for item in self.asked if item not in view["scene"].state.lying]
        if not still or self.times >= len(still):
            return ()
        self.times += 1
        return ((None, f"The {still[self.times - 1]} is on the counter."),)

    def request(self, view: Mapping[str, Any]) -> str:
        text, kitchen = super().request(view), view["kitchen"]
        others = [item for item in kitchen.shelf if item not in view["order"].ingredients]
        for item, other in zip(dict.fromkeys(view["order"].ingredients), others, strict=False):
            text = text.replace(item, other)
        return text


class PromiseBreaker(Cook):
    """Says what it will do next, and does not do it."""

    broken = 0

    def say(self, request: Request) -> Say:
        said = super().say(request)
        view = request.view
        if view["phase"] == "plan" or not view["talk"]:
            return said
        needed = deliveries(view["kitchen"], view["order"]) if view["order"] is not None else self.asked
        asking = said.messages if view["seat"] == 0 else ()
        if not needed or self.broken > 5 or asking:
            return Say(("ACTION: wait(2)",), asking)
        self.broken += 1
        item = needed[self.broken % len(needed)]
        verb = "put" if view["seat"] == 0 else "bring"
        where = " on the stove" if view["seat"] == 0 else ""
        return Say(("ACTION: wait(2)",), ((None, f"I will {verb} the {item}{where} next."),))


class Hoarder(Cook):
    """Keeps the first thing that comes into its hands."""

    def with_hand(self, view: Mapping[str, Any], hand: str, stages: Any) -> str:
        return "wait(2)"


class Blocker(Cook):
    """As assistant it covers every counter with what nobody needs; as chef it leaves everything where it lies."""

    def act(self, view: Mapping[str, Any]) -> str:
        kitchen, scene = view["kitchen"], view["scene"]
        if view["seat"] == 0:
            return "wait(3)"
        hand, heard = scene.state.held[1], {talk.raw_of(item) for item in self.asked}
        if hand:
            return "put(counter)"
        if all(scene.state.lies(kitchen, cell) for cell in kitchen.shared):
            return "wait(3)"
        junk = [item for item in kitchen.shelf if item not in heard]
        return f"pickup({self.random.choice(junk)}, pantry)"

    def report(self, view: Mapping[str, Any], action: str) -> tuple[tuple[str | None, str], ...]:
        return ()


class SoupHoarder(SoupCook):
    """Keeps the first thing that comes into its hands."""

    def with_hand(self, kitchen: Any, seat: int, scene: Any, hand: str) -> str:
        return "wait(2)"


class SoupBlocker(SoupCook):
    """Stands before the pots, and stays there."""

    def act(self, view: Mapping[str, Any]) -> str:
        kitchen, seat, scene = view["kitchen"], view["seat"], view["scene"]
        pots = set(self.pots(kitchen, seat))
        before = [cell for pot in sorted(pots) for cell in around(pot) if kitchen.cells.get(cell) == FLOOR]
        there = max(before, key=lambda cell: len(pots & set(around(cell))), default=None)
        at = scene.state.at[seat]
        if there is None or at == there:
            return "wait(5)"
        steps = kitchen.distances([there])
        facing = min(range(4), key=lambda way: steps.get(around(at)[way], 1 << 20))
        return f"move({('north', 'south', 'east', 'west')[facing]})"


class SoupStubborn(SoupCook):
    """Brings nothing but dishes: somebody has to."""

    def fetch(self, kitchen: Any, seat: int, scene: Any) -> str:
        item, place = (DISH, "dishes") if self.reaches(kitchen, seat, "dishes") else (ONION, "onions")
        return f"pickup({item}, {place})" if self.reaches(kitchen, seat, place) else "wait(2)"


def _of_kind(orders: Callable[[Seat], Player], soups: Callable[[Seat], Player]) -> Callable[[Seat], Player]:
    return lambda seat: orders(seat) if _orders(seat) else soups(seat)


FAULTS: Final[Mapping[str, Callable[[Seat], Player]]] = {
    "random": Random,
    "nop": Nop,
    "free_rider": FreeRider,
    "vague": _of_kind(Vague, SoupCook),
    "stubborn": _of_kind(Stubborn, SoupStubborn),
    "confabulator": _of_kind(Confabulator, SoupCook),
    "promise_breaker": _of_kind(PromiseBreaker, SoupCook),
    "hoarder": _of_kind(Hoarder, SoupHoarder),
    "blocker": _of_kind(Blocker, SoupBlocker),
}
