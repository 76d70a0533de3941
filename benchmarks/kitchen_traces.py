"""Records what other people's kitchens do: the golden traces that tests/core/test_kitchen.py holds ours against.

python benchmarks/kitchen_traces.py

Needs `pip install 'pytest-collab[kitchen-peers]'`. Two built-in cooks who stumble now and then say what is done;
what it comes to is `overcooked` 0.2's (with `old_dynamics`), step by step. Writes tests/core/kitchen_traces.json.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from pytest_collab.core.kitchen import plan
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.families.kitchen import Kitchen, KitchenFamily, rules, words
from pytest_collab.families.kitchen.cast.soup_cooks import SoupCook
from pytest_collab.families.kitchen.scene import Scene, begun, next_act, tick
from tests.support import kitchen_peers as peers

STEPS: Final = 160
STUMBLE: Final = 0.1
TO: Final = Path(__file__).parent.parent / "tests" / "core" / "kitchen_traces.json"


def acts_of(kitchen: plan.Layout, steps: int, seed: int) -> Iterator[list[rules.Act]]:
    """What two cooks do; one step in ten is a stumble of both."""
    chance, family = random.Random(seed), KitchenFamily()
    params = Kitchen.model_validate({"kind": "soups", "layout": kitchen.name})
    condition = Condition.parse("team")
    cooks = [
        SoupCook(Seat(name, ("a", "b"), {}, family, params, condition, seed, 0, "traces")) for name in ("a", "b")
    ]
    scene = Scene(rules.initial(kitchen))
    for _ in range(steps):
        for seat, cook in enumerate(cooks):
            if scene.doing[seat] is None:
                told = words.macro(kitchen, cook.act({"kitchen": kitchen, "seat": seat, "scene": scene})).value
                assert told is not None
                scene = begun(kitchen, scene, {seat: told}, frozenset())
        if chance.random() < STUMBLE:
            acts = [rules.Act(kind) for kind in chance.choices(range(6), k=2)]
            scene = replace(scene, state=rules.step(kitchen, scene.state, acts))
        else:
            acts = [next_act(kitchen, scene.state, seat, now) for seat, now in enumerate(scene.doing) if now]
            scene = tick(kitchen, scene)
        yield acts


def main() -> None:
    traces = []
    for number, name in enumerate(plan.LAYOUTS):
        kitchen = plan.soups(name)
        game = peers.overcooked_game(kitchen)
        theirs = peers.overcooked_state(kitchen, rules.initial(kitchen), game)
        actions, states = "", []
        for acts in acts_of(kitchen, STEPS, number):
            theirs, _ = game.get_state_transition(theirs, peers.overcooked_joint(acts))
            actions += "".join(str(act.kind) for act in acts)
            states.append(peers.written(kitchen, peers.overcooked_fields(kitchen, theirs)))
        traces.append({"layout": name, "actions": actions, "states": states})
        print(name, states[-1])
    told = {"recorded": "overcooked 0.2.1, old_dynamics, by benchmarks/kitchen_traces.py", "traces": traces}
    TO.write_text(json.dumps(told, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
