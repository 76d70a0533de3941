"""Cooks of soups: each takes what is most needed next and is not under way yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_collab.core.kitchen.plan import CAPACITY, DISH, FLOOR, ONION, SOUP, Cell, Layout, around
from pytest_collab.episode.agent import Request
from pytest_collab.families.kitchen.macros import WAIT
from pytest_collab.families.kitchen.scene import Scene
from pytest_collab.families.rounds import Player, Say


class SoupCook(Player):
    """Loads pots, fills dishes and serves; hands over what it cannot use itself, and steps aside."""

    def say(self, request: Request) -> Say:
        if request.view["phase"] == "plan":
            return Say((), ((None, "I take whatever is needed most and not under way yet."),))
        return Say((f"ACTION: {self.act(request.view)}",))

    def act(self, view: Mapping[str, Any]) -> str:
        """The next action."""
        kitchen, seat, scene = view["kitchen"], view["seat"], view["scene"]
        told = scene.told[seat]
        if "stood in the way" in told and self.random.random() < (0.3, 0.7)[seat]:
            return self.aside(kitchen, seat, scene)
        hand = scene.state.held[seat]
        return self.with_hand(kitchen, seat, scene, hand) if hand else self.fetch(kitchen, seat, scene)

    def with_hand(self, kitchen: Layout, seat: int, scene: Scene, hand: str) -> str:
        """Bring on what it holds."""
        pots = self.pots(kitchen, seat)
        if hand == SOUP:
            return "serve()" if self.reaches(kitchen, seat, "window") else "put(counter)"
        if hand == DISH:
            cooking = [cell for cell in pots if not scene.state.load(kitchen, cell).idle]
            if cooking:
                best = min(cooking, key=lambda cell: scene.state.load(kitchen, cell).left)
                return f"fill({kitchen.names[best]})"
            begun = any(scene.state.load(kitchen, cell).items for cell in pots)
            helped = bool(self.pots(kitchen, 1 - seat))
            return self.rest(kitchen, seat, scene) if begun and helped else "put(counter)"
        room = [cell for cell in pots if scene.state.load(kitchen, cell).idle]
        if room:
            fullest = max(room, key=lambda cell: len(scene.state.load(kitchen, cell).items))
            return f"put({kitchen.names[fullest]})"
        return "put(counter)"

    def fetch(self, kitchen: Layout, seat: int, scene: Scene) -> str:
        """Fetch what is needed most."""
        state, other = scene.state, 1 - seat
        lying = [
            item for cell, item in zip(kitchen.counters, state.lying, strict=True) if cell in kitchen.reach[seat]
        ]
        serves, pots = self.reaches(kitchen, seat, "window"), self.pots(kitchen, seat)
        if serves and SOUP in lying and self.heading(scene, other) != SOUP:
            return f"pickup({SOUP}, counter)"
        every = [state.load(kitchen, cell) for cell in kitchen.utensils]
        coming = state.held.count(ONION) + (self.heading(scene, other) == ONION)
        coming *= bool(
            self.pots(kitchen, other)
        )  # what the other cannot put into a pot itself is no reason for a dish
        due = sum(not load.idle or CAPACITY - len(load.items) <= coming for load in every)
        dishes = state.held.count(DISH) + (self.heading(scene, other) == DISH)
        if pots:
            if due > dishes and DISH in lying:
                return f"pickup({DISH}, counter)"
            if due > dishes and self.reaches(kitchen, seat, "dishes"):
                return f"pickup({DISH}, dishes)"
            if self.short_of_onions(kitchen, seat, scene):
                near = self.reaches(kitchen, seat, "onions")
                if ONION in lying and (not near or kitchen.floors[0] != kitchen.floors[1]):
                    return f"pickup({ONION}, counter)"
                if near:
                    return f"pickup({ONION}, onions)"
            return self.rest(kitchen, seat, scene)
        return self.supply(kitchen, seat, scene, every)

    def supply(self, kitchen: Layout, seat: int, scene: Scene, loads: list[Any]) -> str:
        """Without a pot in reach: lay onions and dishes where the other can take them."""
        lying = [scene.state.lies(kitchen, cell) for cell in kitchen.shared]
        theirs = scene.state.held[1 - seat]
        missing = sum(CAPACITY - len(load.items) for load in loads if load.idle)
        started = sum(not load.idle or len(load.items) > 0 for load in loads)
        onions, dishes = lying.count(ONION) + (theirs == ONION), lying.count(DISH) + (theirs == DISH)
        if lying.count("") == 0:
            return "wait(1)"
        if dishes < min(1, started) and onions >= min(1, missing):
            return f"pickup({DISH}, dishes)"
        if onions < min(missing, 2) or (onions < 1 and lying.count("") > 1):
            return f"pickup({ONION}, onions)"
        return "wait(1)"

    def short_of_onions(self, kitchen: Layout, seat: int, scene: Scene) -> bool:
        """Whether pots need more onions than the other cook is bringing."""
        loads = [scene.state.load(kitchen, cell) for cell in kitchen.utensils]
        missing = sum(CAPACITY - len(load.items) for load in loads if load.idle)
        coming = (scene.state.held[1 - seat] == ONION) + (self.heading(scene, 1 - seat) == ONION)
        return missing > coming

    def heading(self, scene: Scene, seat: int) -> str:
        """What a cook is on its way to pick up."""
        now = scene.doing[seat]
        return now.macro.item if now is not None and now.macro.verb == "pickup" else ""

    def aside(self, kitchen: Layout, seat: int, scene: Scene) -> str:
        """A step to where it is not in the way."""
        at, other = scene.state.at[seat], scene.state.at[1 - seat]
        free = [
            facing for facing, cell in enumerate(around(at)) if kitchen.cells.get(cell) == FLOOR and cell != other
        ]
        return f"move({('north', 'south', 'east', 'west')[self.random.choice(free)]})" if free else f"{WAIT}(1)"

    def rest(self, kitchen: Layout, seat: int, scene: Scene) -> str:
        """Nothing is to be done: it stands where nobody has to go."""
        pots = self.pots(kitchen, seat)
        before = any(cell in pots for cell in around(scene.state.at[seat]))
        return self.aside(kitchen, seat, scene) if before and kitchen.floors[0] == kitchen.floors[1] else f"{WAIT}(1)"

    def pots(self, kitchen: Layout, seat: int) -> list[Cell]:
        """The pots in its reach."""
        return [cell for cell in kitchen.utensils if cell in kitchen.reach[seat]]

    def reaches(self, kitchen: Layout, seat: int, place: str) -> bool:
        """Whether something is in its reach."""
        return any(cell in kitchen.reach[seat] for cell in kitchen.places[place])
