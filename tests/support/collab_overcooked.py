"""The reference action lists of Collab-Overcooked, read from a checkout of it and played in our kitchen."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from pytest_collab.core.kitchen import plan
from pytest_collab.families.kitchen import rules, words
from pytest_collab.families.kitchen.macros import Macro
from pytest_collab.families.kitchen.scene import Scene, begun, over, run

LAYOUT = "lib/overcooked_ai/overcooked_ai_py/data/layouts/new_env.layout"
LISTS = "src/prompts/reference"
OPTIMA = "src/time_step.py"
UTENSILS = {"pot": "pot", "chopping_board": "board", "oven": "oven", "blender": "blender"}
SEATS = ("agent_0", "agent_1")


def orders(checkout: Path) -> Iterator[tuple[str, int, plan.Layout, list[dict[str, list[str]]]]]:
    """By order: its name, the optimum there, our kitchen with its recipes, and its alternative action lists."""
    told = ast.literal_eval((checkout / LAYOUT).read_text(encoding="utf-8"))
    optima = dict(re.findall(r'"(\w+)":\s*(\d+)', (checkout / OPTIMA).read_text(encoding="utf-8")))
    shelf = tuple(sorted(map(_plain, told["ingredients"])))
    for path in sorted((checkout / LISTS).glob("*_ref.txt")):
        order = path.name[2:].removesuffix("_ref.txt")
        recipes = tuple(
            plan.Recipe(
                UTENSILS[utensil],
                tuple(sorted(map(_plain, made["recipe"]))),
                _plain(product),
                made["cook_time"],
                bool(told["need_dish"].get(product, 0)),
            )
            for utensil, products in told["recipes"].items()
            if utensil in UTENSILS
            for product, made in products.items()
        )
        lists = json.loads(path.read_text(encoding="utf-8"))
        yield order, int(optima[order]), plan.orders(shelf, recipes, _plain(order)), list(lists.values())


def steps_of(kitchen: plan.Layout, lists: dict[str, list[str]], last: int = 200) -> int | None:
    """The steps in which two cooks serve who do what the lists say, action by action; None if they do not."""
    left = [[_read(kitchen, action) for action in lists[seat]] for seat in SEATS]
    scene = Scene(rules.initial(kitchen))
    while not over(kitchen, scene, last):
        told = {}
        for seat in (0, 1):
            if scene.doing[seat] is None:
                if left[seat] and scene.told[seat].endswith("is done."):
                    left[seat].pop(0)
                told[seat] = left[seat][0] if left[seat] else Macro("wait", count=1)
        scene = run(kitchen, begun(kitchen, scene, told, frozenset()), last)
    return scene.state.time if scene.state.served else None


def _read(kitchen: plan.Layout, action: str) -> Macro:
    got = words.macro(kitchen, action)
    assert got.value is not None, f"{action}: {got.why}"
    return got.value


def _plain(name: str) -> str:
    return name.replace("_", " ")
