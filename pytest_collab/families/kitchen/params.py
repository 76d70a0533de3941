"""Params of a kitchen: what a task says about it."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.core.kitchen import plan
from pytest_collab.core.kitchen.plan import Layout
from pytest_collab.episode.family import Params
from pytest_collab.families.kitchen import optimum, orders, soups
from pytest_collab.families.kitchen.orders import Order
from pytest_collab.families.rounds import Lessons


class Kitchen(Params):
    """Params of a kitchen. Those of the other kind may not be given."""

    family: ClassVar[str] = "kitchen"

    kind: Literal["orders", "soups"] = Field(
        "orders",
        description="one order that one cook knows the recipe of, or as many onion soups as there is time for",
    )
    level: int = Field(1, ge=1, le=6, description="orders: how much is to be cooked, 1 (one step) to 6")
    deadline: float = Field(
        1.5, ge=1, le=5, description="orders: how long there is to serve, in times of the fewest steps"
    )
    recipe_known: Literal["a", "all"] = Field("a", description="orders: who is told the recipe: the chef, or both")
    counters: int = Field(3, ge=1, le=3, description="orders: how many counters there are between the two sides")
    layout: Literal[
        "cramped_room", "asymmetric_advantages", "coordination_ring", "forced_coordination", "counter_circuit"
    ] = Field("cramped_room", description="soups: which of the five known kitchens")
    steps: int = Field(200, ge=30, le=1000, description="soups: how many steps are played; the studies play 400")
    start: Literal["fixed", "random"] = Field("fixed", description="soups: where both cooks stand at first")
    target: int = Field(1, ge=1, le=100, description="soups: so many soups served are a success")
    talk: int = Field(1, ge=0, le=5, description="how many messages a cook may send with each action")
    lessons: Lessons = Field(
        (), description="what memory:list tells both cooks: a list of lessons, or a file with one a line"
    )

    @model_validator(mode="before")
    @classmethod
    def _of_its_kind(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        kind = given.get("kind", "orders")
        others = {
            "orders": ("layout", "steps", "start", "target"),
            "soups": ("level", "deadline", "recipe_known", "counters"),
        }
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        wrong = [name for name in others.get(str(kind), ()) if name in given and given[name] != defaults[name]]
        if wrong:
            other = "soups" if kind == "orders" else "orders"
            raise ValueError(f"{wrong[0]} belongs to `kind: {other}`, and this is `kind: {kind}`")
        return given

    @model_validator(mode="after")
    def _can_be_reached(self) -> Kitchen:
        if self.kind == "soups" and self.target > self.bound:
            raise ValueError(
                f"no team serves {self.target} soups in {self.steps} steps of {self.layout}: "
                f"at most {self.bound} can be served"
            )
        return self

    def order(self, seed: int) -> Order | None:
        """The order of a seed; None where soups are cooked."""
        return orders.order(self.level, seed) if self.kind == "orders" else None

    def kitchen(self, seed: int) -> Layout:
        """The kitchen of a seed."""
        made = self.order(seed)
        if made is not None:
            return orders.kitchen(made, self.counters)
        known = _soups(self.layout)
        if self.start == "fixed":
            return known
        chance = random.Random(f"kitchen start {self.layout} {seed}")
        first, second = (sorted(floor) for floor in known.floors)
        at = chance.choice(first)
        return Layout(
            known.name,
            known.rows,
            (at, chance.choice([cell for cell in second if cell != at])),
            known.piles,
            known.shelf,
            known.recipes,
            known.order,
            known.automatic,
        )

    def fewest(self, seed: int) -> int | None:
        """The fewest steps in which the order of a seed can be served; None where soups are cooked."""
        made = self.order(seed)
        return None if made is None else optimum.known(made, self.counters)

    def last(self, seed: int) -> int:
        """The step after which nothing counts any more."""
        fewest = self.fewest(seed)
        return self.steps if fewest is None else int(fewest * self.deadline + 1e-9)

    @property
    def bound(self) -> int:
        """More soups than that nobody can serve."""
        return soups.most(_soups(self.layout), self.steps)


@lru_cache(maxsize=8)
def _soups(layout: str) -> Layout:
    return plan.soups(layout)
