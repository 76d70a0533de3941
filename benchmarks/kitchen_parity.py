"""Our kitchens against other people's, step by step: thousands of random games, every field of every state.

python benchmarks/kitchen_parity.py jaxmarl --games 2000
python benchmarks/kitchen_parity.py overcooked --games 200

Needs `pip install 'pytest-collab[kitchen-peers]'`. `jaxmarl` 0.2 (its Overcooked v1) is played in batches and
compared in position, direction, hands, the whole map with what lies and cooks on it, reward and end; `overcooked` 0.2
with `old_dynamics` one game after the other. Exit status 1 where anything differs.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from pytest_collab.core.kitchen import plan
from pytest_collab.families.kitchen import rules
from tests.support import kitchen_peers as peers


def jaxmarl(games: int, steps: int, seed: int) -> int:
    """Compare with `jaxmarl`; the number of differences."""
    import jax

    from pytest_collab.core.kitchen import batch

    total, share = 0, games // len(plan.LAYOUTS)
    kitchens = [plan.soups(name) for name in plan.LAYOUTS]
    stacked = batch.stacked(kitchens)
    for number, kitchen in enumerate(kitchens):
        began = time.perf_counter()
        table = jax.tree.map(lambda array, at=number: array[at], stacked)
        served, wrong = peers.jaxmarl_differences(kitchen, table, share, steps, seed + number)
        differing = {field: count for field, count in wrong.items() if count}
        total += sum(wrong.values())
        print(
            f"{kitchen.name}: {share} games of {steps} steps, {served} soups, fields {', '.join(wrong)}: "
            f"{differing or 'no difference'} ({time.perf_counter() - began:.0f} s)",
            flush=True,
        )
    return total


def overcooked(games: int, steps: int, seed: int) -> int:
    """Compare with `overcooked`; the number of differing steps."""
    total, chance = 0, random.Random(seed)
    for name in plan.LAYOUTS:
        kitchen, began, wrong, served = plan.soups(name), time.perf_counter(), 0, 0
        game = peers.overcooked_game(kitchen)
        for _ in range(games // len(plan.LAYOUTS)):
            found, soups = play_beside(kitchen, game, steps, chance)
            wrong, served = wrong + found, served + soups
        total += wrong
        print(
            f"{name}: {games // len(plan.LAYOUTS)} games of {steps} steps, {served} soups: "
            f"{wrong or 'no'} differing steps ({time.perf_counter() - began:.0f} s)",
            flush=True,
        )
    return total


def play_beside(kitchen: plan.Layout, game: object, steps: int, chance: random.Random) -> tuple[int, int]:
    """One random game in ours and in `overcooked`: (steps that differ, soups)."""
    state = rules.initial(kitchen, (chance.randrange(4), chance.randrange(4)))
    theirs, wrong = peers.overcooked_state(kitchen, state, game), 0
    weights = [chance.choice((1, 3, 6)) for _ in range(5)] + [chance.choice((4, 8))]
    for _ in range(steps):
        acts = [rules.Act(kind) for kind in chance.choices(range(6), weights, k=2)]
        before = state.served
        state = rules.step(kitchen, state, acts)
        theirs, infos = game.get_state_transition(theirs, peers.overcooked_joint(acts))  # type: ignore[attr-defined]
        fields = peers.overcooked_fields(kitchen, theirs)
        ours = {field: getattr(state, field) for field in fields}
        paid = sum(infos["sparse_reward_by_agent"])
        wrong += ours != fields or bool(paid) != (state.served > before)
    return wrong, state.served


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=["jaxmarl", "overcooked"])
    parser.add_argument("--games", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    compare = jaxmarl if arguments.peer == "jaxmarl" else overcooked
    raise SystemExit(bool(compare(arguments.games, arguments.steps, arguments.seed)))


if __name__ == "__main__":
    main()
