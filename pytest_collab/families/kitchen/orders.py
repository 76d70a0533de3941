"""Orders: what is to be cooked at which level, generated from rules.

The six levels are those of Collab-Overcooked (arXiv 2502.20073): one step of cooking more, or one ingredient more,
each. Every step takes three ticks. Dishes have names that do not give away what is in them: who is not told the
recipe cannot guess it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pytest_collab.core.kitchen import plan
from pytest_collab.core.kitchen.plan import Layout, Recipe

INGREDIENTS: Final = (
    "bean",
    "beef",
    "broccoli",
    "carrot",
    "chickpea",
    "corn",
    "egg",
    "lentil",
    "mushroom",
    "onion",
    "pea",
    "peanut",
    "potato",
    "pumpkin",
    "spinach",
    "taro",
    "tofu",
    "tomato",
    "zucchini",
)
NAMES: Final = ("Harbour", "Lantern", "Meadow", "Orchard", "Quarry", "River", "Saddle", "Tower", "Valley", "Winter")
KINDS: Final = {1: "snack", 2: "snack", 3: "soup", 4: "stew", 5: "patty", 6: "patty"}
SHELF: Final = 8
"""So many ingredients lie in the pantry."""

STEPS: Final = 3
"""How long every step of cooking takes."""

LEVELS: Final = (1, 2, 3, 4, 5, 6)
VERB: Final = {"board": "cut", "blender": "blend", "pot": "boil", "oven": "bake"}


@dataclass(frozen=True, slots=True)
class Order:
    """An order.

    Attributes:
        name: what both cooks are told; also the name of the finished dish.
        stages: what is to be cooked, in order; the last one makes the dish.
        shelf: what the pantry holds, in alphabetical order.
        heat: where the last stage is cooked.
    """

    name: str
    level: int
    stages: tuple[Recipe, ...]
    shelf: tuple[str, ...]

    def __str__(self) -> str:
        return self.name

    @property
    def heat(self) -> str:
        return self.stages[-1].utensil

    @property
    def plated(self) -> bool:
        return self.stages[-1].plated

    @property
    def ingredients(self) -> tuple[str, ...]:
        """What has to come out of the pantry, in the order in which it is used."""
        inputs = [item for stage in self.stages for item in stage.inputs]
        return tuple(item for item in inputs if item in self.shelf)

    @property
    def needed(self) -> frozenset[str]:
        """Everything that is handled on the way, the finished dish and the dish to serve it in among it."""
        items = {item for stage in self.stages for item in (*stage.inputs, stage.product)}
        return frozenset(items | ({plan.DISH} if self.plated else set()))

    def stage(self, item: str) -> Recipe | None:
        """The stage that an item goes into."""
        return next((stage for stage in self.stages if item in stage.inputs), None)


@lru_cache(maxsize=4096)
def order(level: int, seed: int) -> Order:
    """The order of a seed at a level."""
    chance = random.Random(f"kitchen order {level} {seed}")
    shelf = chance.sample(INGREDIENTS, SHELF)
    name = f"{chance.choice(NAMES)} {KINDS[level]}"
    heat = chance.choice(("pot", "oven"))
    return Order(name, level, _stages(level, shelf[0], shelf[1], shelf[2], heat, name), tuple(sorted(shelf)))


def _stages(level: int, first: str, second: str, third: str, heat: str, name: str) -> tuple[Recipe, ...]:
    slices = f"{first} slices"
    cut = _recipe("board", (first,), slices)
    if level == 1:
        return (_recipe(heat, (first,), name),)
    if level == 2:
        return cut, _recipe(heat, (slices,), name)
    if level == 3:
        baked = f"baked {slices}"
        return cut, _recipe("oven", (slices,), baked), _recipe("pot", (baked,), name, plated=True)
    if level == 4:
        return cut, _recipe("pot", (slices, second), name, plated=True)
    boiled, mashed = f"boiled {slices}", f"mashed {first}"
    made = (cut, _recipe("pot", (slices,), boiled), _recipe("blender", (boiled,), mashed))
    if level == 5:
        return *made, _recipe("oven", (mashed, second), name, plated=True)
    more = _recipe("board", (third,), f"{third} slices")
    return *made, more, _recipe("oven", (mashed, second, more.product), name, plated=True)


def _recipe(utensil: str, inputs: Sequence[str], product: str, *, plated: bool = False) -> Recipe:
    return Recipe(utensil, tuple(sorted(inputs)), product, STEPS, plated)


@lru_cache(maxsize=4096)
def kitchen(made: Order, counters: int, *, secret: bool = False) -> Layout:
    """The kitchen of an order. What else utensils make of single items is in it, so that mistakes cook, too.

    Args:
        secret: without what the order itself is made of: what is known of the kitchen without its recipe.
    """
    stages = {} if secret else {(stage.utensil, stage.inputs): stage for stage in made.stages}
    for raw in made.shelf:
        slices = f"{raw} slices"
        others = [_recipe("board", (raw,), slices), _recipe("blender", (f"boiled {slices}",), f"mashed {raw}")]
        for utensil, way in (("pot", "boiled"), ("oven", "baked")):
            others += [_recipe(utensil, (item,), f"{way} {item}") for item in (raw, slices)]
        for other in others:
            stages.setdefault((other.utensil, other.inputs), other)
    return plan.orders(made.shelf, tuple(stages.values()), made.name, counters)


def lines(made: Order) -> list[str]:
    """The recipe in words, a step a line."""
    told = []
    for stage in made.stages:
        what = " and ".join(_counted(item) for item in stage.inputs)
        into = "on the board" if stage.utensil == "board" else f"in the {stage.utensil}"
        last = stage is made.stages[-1]
        result = f"it becomes the {stage.product}" if last else f"that gives {_counted(stage.product)}"
        told.append(f"Put {what} {into} and start it: after {stage.steps} steps {result}.")
    told.append(
        f"Fill a dish with the {made.name} and serve it."
        if made.plated
        else f"Take the {made.name} out by hand (no dish) and serve it."
    )
    return [f"{number}. {line}" for number, line in enumerate(told, start=1)]


def _counted(item: str) -> str:
    return item if item.endswith("slices") else f"1 {item}"
