"""Cooks of orders: what a competent one does next, by what it knows and what it was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_collab.core.kitchen.plan import DISH, Layout, Recipe
from pytest_collab.episode.agent import Request, Seat
from pytest_collab.families.kitchen import talk
from pytest_collab.families.kitchen.orders import Order
from pytest_collab.families.kitchen.scene import Scene
from pytest_collab.families.rounds import Player, Say

PATIENCE: int = 12
"""After so many steps in which nothing that was asked for has come, the chef asks again."""


def deliveries(kitchen: Layout, made: Order) -> list[str]:
    """What the assistant has to lay on the counters, in the order in which the chef needs it."""
    own = {stage.product for stage in made.stages if _is_of(kitchen, 0, stage)}
    needed = [
        item
        for stage in made.stages
        if stage.product in own
        for item in sorted(stage.inputs, key=lambda item: not item.startswith("mashed "))
        if item not in own
    ]
    return [*needed, *([DISH] if made.plated else [])]


def _is_of(kitchen: Layout, seat: int, stage: Recipe) -> bool:
    """Whether a stage is cooked where a cook can reach it."""
    return any(cell in kitchen.reach[seat] for cell in kitchen.places[stage.utensil])


class Cook(Player):
    """Knows the recipe, or does what it was asked for; says what it needs, and what it does and has done."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self.asked: list[str] = []
        self.spoken_at = -1
        self.times = 0
        self.reported = 0

    def say(self, request: Request) -> Say:
        view = request.view
        for message in request.inbox:
            self.asked += [item for item in talk.wanted(view["kitchen"], message.text) if item not in self.asked]
        if view["phase"] == "plan":
            return Say((), self.plan(view))
        action = self.act(view)
        return Say((f"ACTION: {action}",), self.speak(view, action) if view["talk"] else ())

    # What it does.

    def act(self, view: Mapping[str, Any]) -> str:
        """The next action."""
        kitchen, seat, scene = view["kitchen"], view["seat"], view["scene"]
        hand = scene.state.held[seat]
        stages = self.stages(view)
        if hand:
            return self.with_hand(view, hand, stages)
        for cell, load in zip(kitchen.utensils, scene.state.loads, strict=True):
            if cell not in kitchen.reach[seat] or not load.items:
                continue
            name = kitchen.names[cell]
            stage = _stage_of(stages, kitchen.kind(cell), load.items)
            if load.idle and stage is not None:
                return f"start({name})"
            if not load.idle and load.items[0] not in kitchen.plated:
                return f"pickup({load.items[0]}, {name})"
        return self.fetch(view, stages)

    def stages(self, view: Mapping[str, Any]) -> Sequence[Recipe]:
        """The stages that it knows: of the recipe, or those that what it was asked for takes."""
        if view["order"] is not None:
            known: tuple[Recipe, ...] = view["order"].stages
            return known
        kitchen = view["kitchen"]
        return [recipe for recipe in kitchen.recipes if recipe.product in self.asked and not recipe.plated]

    def with_hand(self, view: Mapping[str, Any], hand: str, stages: Sequence[Recipe]) -> str:
        kitchen, seat, scene = view["kitchen"], view["seat"], view["scene"]
        if hand == view["name"]:
            return "serve()" if _reaches(kitchen, seat, "window") else "put(counter)"
        if hand == DISH and _reaches(kitchen, seat, "window"):
            last = view["order"].heat if view["order"] else ""
            return f"fill({last})" if last else "wait(2)"
        stage = next((stage for stage in stages if hand in stage.inputs), None)
        if stage is not None and _is_of(kitchen, seat, stage) and not self._stands(view, hand):
            load = next(
                load
                for cell, load in zip(kitchen.utensils, scene.state.loads, strict=True)
                if kitchen.kind(cell) == stage.utensil
            )
            if load.idle and all(item in stage.inputs and item != hand for item in load.items):
                return f"put({stage.utensil})"
            return "wait(1)"
        free = any(not scene.state.lies(kitchen, cell) for cell in kitchen.shared)
        # what it laid on a counter of its own would be handed to nobody
        return "put(counter)" if free or _reaches(kitchen, seat, "window") else "wait(1)"

    def _stands(self, view: Mapping[str, Any], hand: str) -> bool:
        """Whether it is to hand over what it holds as it is."""
        return view["order"] is None and hand in self.asked and f"{hand} slices" not in self.asked

    def fetch(self, view: Mapping[str, Any], stages: Sequence[Recipe]) -> str:
        """With empty hands and nothing of its own to wait for."""
        kitchen, seat, scene = view["kitchen"], view["seat"], view["scene"]
        lying = set(scene.state.lying)
        for stage in stages:
            if _is_of(kitchen, seat, stage):
                load = next(
                    load
                    for cell, load in zip(kitchen.utensils, scene.state.loads, strict=True)
                    if kitchen.kind(cell) == stage.utensil
                )
                for item in stage.inputs:
                    if item in lying and load.idle and set(load.items) < set(stage.inputs) and item not in load.items:
                        return f"pickup({item}, counter)"
        if _reaches(kitchen, seat, "window"):
            cooking = any(not load.idle and load.items[0] in kitchen.plated for load in scene.state.loads)
            if view["name"] in lying:
                return f"pickup({view['name']}, counter)"
            return f"pickup({DISH}, counter)" if cooking and DISH in lying else "wait(2)"
        return self.bring(view)

    def bring(self, view: Mapping[str, Any]) -> str:
        """Fetch for what is to be handed over next."""
        kitchen, scene = view["kitchen"], view["scene"]
        free = sum(not scene.state.lies(kitchen, cell) for cell in kitchen.shared)
        for item in self.open(view):
            if item.startswith("mashed "):
                boiled = f"boiled {talk.raw_of(item)} slices"
                if boiled in scene.state.lying:
                    return f"pickup({boiled}, counter)"
                if free <= 1:
                    return "wait(2)"  # the last counter is kept free for what is to be blended
                continue
            if item == DISH:
                return f"pickup({DISH}, dishes)"
            raw = talk.raw_of(item)
            if raw in kitchen.shelf:
                return f"pickup({raw}, pantry)"
        return "wait(3)"

    def open(self, view: Mapping[str, Any]) -> list[str]:
        """What it still has to hand over, in order; again what has been spoilt since."""
        wanted = deliveries(view["kitchen"], view["order"]) if view["order"] else self.asked
        given = [deed for deed in view["scene"].log if deed.seat == view["seat"] and deed.place.startswith("counter")]
        spoilt = [item for deed in view["scene"].log if deed.what == "spoilt" for item in deed.item.split(" + ")]
        return [
            item
            for item in wanted
            if sum(deed.what == "put" and deed.item == item for deed in given) < 1 + spoilt.count(item)
        ]

    # What it says.

    def plan(self, view: Mapping[str, Any]) -> tuple[tuple[str | None, str], ...]:
        """What it writes before the first step."""
        if view["order"] is not None and view["seat"] == 0:
            return ((None, self.request(view)),) if view["scene"].talks > 1 else ((None, "Agreed."),)
        return (
            ((None, "Tell me what you need, and I bring it."),) if view["scene"].talks > 1 else ((None, "Agreed."),)
        )

    def speak(self, view: Mapping[str, Any], action: str) -> tuple[tuple[str | None, str], ...]:
        """What it says beside an action."""
        scene: Scene = view["scene"]
        if view["seat"] == 0:
            if view["order"] is None or not self._asks(view):
                return ()
            asking = self.request(view)
            self.spoken_at, self.times = scene.state.time, self.times + 1
            return ((None, asking),)
        return self.report(view, action)

    def _asks(self, view: Mapping[str, Any]) -> bool:
        time = view["scene"].state.time
        if self.times == 0:
            return True
        came = any(deed.seat == 1 and deed.time > self.spoken_at for deed in view["scene"].log if deed.what == "took")
        return not came and time - self.spoken_at >= PATIENCE and self.times < 3

    def request(self, view: Mapping[str, Any]) -> str:
        """What the chef needs, in order, in plain words."""
        made: Order = view["order"]
        parts = []
        for item in deliveries(view["kitchen"], made):
            if item.startswith("mashed "):
                raw = talk.raw_of(item)
                parts.append(f"{item} (blend the boiled {raw} slices when they lie on the counter)")
            elif item.endswith(" slices"):
                parts.append(f"{item} (cut 1 {talk.raw_of(item)} on the board)")
            else:
                parts.append(f"1 {item}")
        again = "" if self.times == 0 else f"Asking again, at step {view['scene'].state.time}: "
        return f"{again}For the {made.name} I need on the counter, in this order: {'; '.join(parts)}."

    def report(self, view: Mapping[str, Any], action: str) -> tuple[tuple[str | None, str], ...]:
        """What the assistant has done, and what it does next."""
        mine = [deed for deed in view["scene"].log if deed.seat == view["seat"] and deed.what == "put"]
        done = [deed.item for deed in mine if deed.place.startswith("counter")]
        said = ""
        if len(done) > self.reported:
            self.reported = len(done)
            said = f"The {done[-1]} is on the counter. "
        if action.startswith("pickup(") and view["scene"].state.held[view["seat"]] == "":
            said += f"I will take the {action[7:].split(',')[0]} now."
        return ((None, said.strip()),) if said else ()


def _stage_of(stages: Sequence[Recipe], utensil: str, items: Sequence[str]) -> Recipe | None:
    return next((one for one in stages if one.utensil == utensil and one.inputs == tuple(sorted(items))), None)


def _reaches(kitchen: Layout, seat: int, place: str) -> bool:
    return any(cell in kitchen.reach[seat] for cell in kitchen.places[place])
