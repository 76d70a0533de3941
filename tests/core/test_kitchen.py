"""The rules of kitchens: the batched ones are the plain ones, and both are other people's."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_collab.core.kitchen import plan
from pytest_collab.families.kitchen import orders, rules
from tests.support import kitchen_peers as peers

jax = pytest.importorskip("jax")
from pytest_collab.core.kitchen import batch  # noqa: E402

TRACES = json.loads((Path(__file__).parent / "kitchen_traces.json").read_text(encoding="utf-8"))["traces"]
KITCHENS = [*map(plan.soups, plan.LAYOUTS), *(orders.kitchen(orders.order(level, 0), 3) for level in (1, 6))]
INSTALL = "is not installed: pip install 'pytest-collab[kitchen-peers]'"


@pytest.fixture(scope="module")
def stacked() -> Any:
    """All kitchens as arrays of one size, so that one compilation serves every test here."""
    return batch.stacked(KITCHENS)


def table(stacked: Any, number: int) -> Any:
    return jax.tree.map(lambda array: array[number], stacked)


@pytest.mark.parametrize("trace", TRACES, ids=[trace["layout"] for trace in TRACES])
def test_recorded_games_of_another_program_come_out_the_same(trace: dict[str, Any]) -> None:
    kitchen = plan.soups(trace["layout"])
    state = rules.initial(kitchen)
    for number, expected in enumerate(trace["states"]):
        acts = [rules.Act(int(kind)) for kind in trace["actions"][2 * number : 2 * number + 2]]
        state = rules.step(kitchen, state, acts)
        assert peers.written(kitchen, peers.ours(state)) == expected, f"step {number + 1}"
    assert number == 159
    assert state.served > 0


def same(kitchen: plan.Layout, plain: rules.State, batched: Any) -> None:
    lying, contents = batched.lying, batched.contents
    assert [tuple(cell) for cell in batched.at.tolist()] == list(plain.at)
    assert batched.facing.tolist() == list(plain.facing)
    assert [kitchen.items[item] for item in batched.held] == list(plain.held)
    assert [kitchen.items[lying[y, x]] for x, y in kitchen.counters] == list(plain.lying)
    for number, load in enumerate(plain.loads):
        assert tuple(kitchen.items[item] for item in contents[number] if item) == load.items
        assert int(batched.left[number]) == load.left
    assert (int(batched.served), int(batched.lost), int(batched.time)) == (plain.served, plain.lost, plain.time)


def some(kitchen: plan.Layout, state: rules.State, seat: int, chance: random.Random) -> rules.Act:
    """An act by chance, with an item that there is to be had, mostly."""
    kind = chance.choices(range(7), (3, 3, 3, 3, 1, 8, 2))[0]
    cell = rules.ahead(state, seat)
    there = state.load(kitchen, cell).items if cell in kitchen.utensils else kitchen.shelf
    item = chance.choice(there) if there and kind == plan.INTERACT and chance.random() < 0.9 else ""
    return rules.Act(kind, item)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(KITCHENS)))
def test_the_batched_rules_are_the_plain_rules(stacked: Any, number: int) -> None:
    kitchen, chance = KITCHENS[number], random.Random(number)
    for _ in range(4):
        facing = (chance.randrange(4), chance.randrange(4))
        state, plain, codes = rules.initial(kitchen, facing), [], []
        for _ in range(160):
            acts = [some(kitchen, state, seat, chance) for seat in (0, 1)]
            state = rules.step(kitchen, state, acts)
            plain.append(state)
            codes.append([[act.kind, kitchen.items.index(act.item)] for act in acts])
        one = table(stacked, number)
        played = batch.play(one, batch.initial(one, np.asarray(facing)), np.asarray(codes, np.int32))
        arrays = jax.tree.map(np.asarray, played)
        for step, state in enumerate(plain):
            same(kitchen, state, jax.tree.map(lambda array, at=step: array[at], arrays))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(TRACES)))
def test_the_batched_rules_play_the_recorded_games(stacked: Any, number: int) -> None:
    trace, kitchen = TRACES[number], KITCHENS[number]
    kinds = np.asarray([int(kind) for kind in trace["actions"]], np.int32).reshape(-1, 2)
    one = table(stacked, number)
    played = batch.play(one, batch.initial(one), np.stack([kinds, np.zeros_like(kinds)], -1))
    state = rules.initial(kitchen)
    for acts in kinds:
        state = rules.step(kitchen, state, [rules.Act(int(kind)) for kind in acts])
    same(kitchen, state, jax.tree.map(lambda array: np.asarray(array[-1]), played))


@pytest.mark.slow
def test_random_games_of_jaxmarl_come_out_the_same() -> None:
    pytest.importorskip("jaxmarl", reason=f"jaxmarl {INSTALL}")
    kitchen = plan.soups("coordination_ring")
    _, wrong = peers.jaxmarl_differences(kitchen, batch.tables(kitchen), games=20, steps=60, seed=3)
    assert set(wrong) == {
        "agent_pos",
        "agent_dir",
        "agent_dir_idx",
        "agent_inv",
        "maze_map",
        "step",
        "reward",
        "done",
    }
    assert not any(wrong.values()), wrong


@pytest.mark.slow
@pytest.mark.parametrize("trace", TRACES, ids=[trace["layout"] for trace in TRACES])
def test_games_of_overcooked_come_out_the_same(trace: dict[str, Any]) -> None:
    pytest.importorskip("overcooked", reason=f"overcooked {INSTALL}")
    kitchen, chance = plan.soups(trace["layout"]), random.Random(trace["layout"])
    game = peers.overcooked_game(kitchen)
    state = rules.initial(kitchen)
    theirs = peers.overcooked_state(kitchen, state, game)
    planned = [int(kind) for kind in trace["actions"]]
    for first in range(0, len(planned), 2):
        kinds = planned[first : first + 2] if first < 200 else chance.choices(range(6), k=2)
        acts = [rules.Act(kind) for kind in kinds]
        state = rules.step(kitchen, state, acts)
        theirs, _ = game.get_state_transition(theirs, peers.overcooked_joint(acts))
        fields = peers.overcooked_fields(kitchen, theirs)
        assert {name: getattr(state, name) for name in fields} == fields, f"step {state.time}"
