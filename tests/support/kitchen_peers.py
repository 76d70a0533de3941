"""Our kitchens as `jaxmarl` and `overcooked` write theirs, and theirs driven for the same games."""

from __future__ import annotations

import contextlib
import io
import warnings
from functools import cache
from typing import Any, Final

import numpy as np

from pytest_collab.core.kitchen.plan import COUNTER, FLOOR, SERVING, WALL, Layout
from pytest_collab.families.kitchen import rules

JAXMARL: Final = {
    "cramped_room": "cramped_room",
    "asymmetric_advantages": "asymm_advantages",
    "coordination_ring": "coord_ring",
    "forced_coordination": "forced_coord",
    "counter_circuit": "counter_circuit",
}
OVERCOOKED: Final = {name: name for name in JAXMARL} | {"counter_circuit": "counter_circuit_o_1order"}
"""Names of the same layouts there."""

_ITEMS: Final = {"": (1, 0, 0), "onion": (3, 4, 0), "dish": (5, 6, 0), "soup": (9, 6, 0)}
_THINGS: Final = {
    FLOOR: (1, 0, 0),
    COUNTER: (2, 5, 0),
    WALL: (2, 5, 0),
    "O": (4, 4, 0),
    "D": (6, 6, 0),
    SERVING: (7, 1, 0),
}
_AHEAD: Final = np.asarray([(0, -1), (0, 1), (1, 0), (-1, 0)])
_PADDING: Final = 4
EMPTY_POT: Final = 23


def jaxmarl_game(kitchen: Layout, *, steps: int) -> Any:
    """Their environment. It warns and prints when it is imported."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from jaxmarl.environments.overcooked import Overcooked, overcooked_layouts

        layout = overcooked_layouts[JAXMARL[kitchen.name]]
        return Overcooked(layout=layout, max_steps=steps)


def jaxmarl_fields(kitchen: Layout, states: Any) -> dict[str, np.ndarray]:
    """Our states (of one kitchen, any number of leading axes) as the fields of theirs."""
    at, facing, held = (np.asarray(getattr(states, name)) for name in ("at", "facing", "held"))
    lead = facing.shape[:-1]
    vectors = np.asarray([_ITEMS[item] for item in kitchen.items], np.uint8)
    height, width = len(kitchen.rows), len(kitchen.rows[0])
    board = np.empty((*lead, height, width, 3), np.uint8)
    lying = np.asarray(states.lying)
    for (x, y), letter in kitchen.cells.items():
        if letter == COUNTER:
            there = lying[..., y, x]
            board[..., y, x, :] = np.where(
                there[..., None] > 0, vectors[there], np.asarray(_THINGS[COUNTER], np.uint8)
            )
        elif letter == "P":
            number = kitchen.utensils.index((x, y))
            left = np.asarray(states.left)[..., number]
            count = (np.asarray(states.contents)[..., number, :] > 0).sum(-1)
            board[..., y, x, :2] = 8, 7
            board[..., y, x, 2] = np.where(left < 0, EMPTY_POT - count, left)
        else:
            board[..., y, x, :] = _THINGS[letter]
    flat = board.reshape(-1, height, width, 3)
    for seat in (0, 1):
        x, y = at[..., seat, 0].ravel(), at[..., seat, 1].ravel()
        flat[np.arange(len(flat)), y, x] = np.stack(
            [np.full_like(x, 10), np.full_like(x, 2 * seat), facing[..., seat].ravel()], -1
        )
    edge = ((0, 0),) * len(lead) + ((_PADDING, _PADDING),) * 2 + ((0, 0),)
    padded = np.pad(board, edge)
    inside = np.pad(np.ones((height, width), bool), _PADDING)
    padded[..., ~inside, :] = _THINGS[WALL]
    return {
        "agent_pos": at,
        "agent_dir": _AHEAD[facing],
        "agent_dir_idx": facing,
        "agent_inv": vectors[held][..., 0],
        "maze_map": padded,
        "step": np.asarray(states.time),
    }


def jaxmarl_starts(kitchen: Layout, tables: Any, games: int, chance: Any) -> Any:
    """Starts for both: every other one random in everything, hands and pots among it. A leading axis of games."""
    import jax

    from pytest_collab.core.kitchen import batch

    start = jax.tree.map(lambda array: np.repeat(np.asarray(array)[None], games, 0), batch.initial(tables))
    at, held, contents, left = (np.array(array) for array in (start.at, start.held, start.contents, start.left))
    onion, soup = kitchen.items.index("onion"), kitchen.items.index("soup")
    floor = sorted(kitchen.floors[0] | kitchen.floors[1])
    for game in range(1, games, 2):
        at[game] = [floor[spot] for spot in chance.choice(len(floor), 2, replace=False)]
        held[game] = chance.integers(0, len(kitchen.items), 2)
        for number in range(len(kitchen.utensils)):
            status = int(chance.integers(0, EMPTY_POT + 1))
            if status > 20:
                contents[game, number, : EMPTY_POT - status] = onion
            else:
                contents[game, number, 0], left[game, number] = soup, status
    facing = chance.integers(0, 4, (games, 2)).astype(np.int32)
    return start._replace(at=at, facing=facing, held=held, contents=contents, left=left)


def jaxmarl_state(kitchen: Layout, starts: Any) -> Any:
    """The same states as theirs are."""
    from jaxmarl.environments.overcooked.overcooked import State

    fields, games = jaxmarl_fields(kitchen, starts), len(starts.time)
    walls = np.asarray([[letter != FLOOR for letter in row] for row in kitchen.rows])
    windows = [cell for cell, letter in kitchen.cells.items() if letter == SERVING]

    def all_(value: Any, kind: Any) -> np.ndarray:
        return np.repeat(np.asarray(value, kind)[None], games, 0)

    return State(
        agent_pos=fields["agent_pos"].astype(np.uint32),
        agent_dir=fields["agent_dir"].astype(np.int8),
        agent_dir_idx=fields["agent_dir_idx"].astype(np.int32),
        agent_inv=fields["agent_inv"].astype(np.int32),
        goal_pos=all_(windows, np.uint32),
        pot_pos=all_(kitchen.utensils, np.uint32),
        wall_map=all_(walls, bool),
        maze_map=fields["maze_map"],
        step=fields["step"],
        done=np.zeros(games, bool),
    )


@cache
def _played() -> Any:
    import jax

    from pytest_collab.core.kitchen import batch

    return jax.jit(jax.vmap(batch.play, in_axes=(None, 0, 0)))


def jaxmarl_differences(
    kitchen: Layout, tables: Any, games: int, steps: int, seed: int
) -> tuple[int, dict[str, int]]:
    """Play the same random games in both.

    Returns:
        Soups that were served, and by field the number of (game, step) in which the two differ.
    """
    import jax
    import jax.numpy as jnp

    game, chance = jaxmarl_game(kitchen, steps=steps), np.random.default_rng(seed)
    starts = jaxmarl_starts(kitchen, tables, games, chance)
    weights = chance.dirichlet((3, 3, 3, 3, 1, 6), games)
    actions = np.stack([chance.choice(6, (steps, 2), p=weight) for weight in weights]).astype(np.int32)

    @jax.jit
    def theirs(begin: Any, actions: Any) -> Any:
        def one(state: Any, now: Any) -> Any:
            after, reward, _ = game.step_agents(jax.random.key(0), state, now)
            after = after.replace(step=state.step + 1)
            after = after.replace(done=game.is_terminal(after))
            return after, (after, reward)

        return jax.vmap(lambda first, all_: jax.lax.scan(one, first, all_)[1])(begin, actions)

    begin = jax.tree.map(jnp.asarray, jaxmarl_state(kitchen, starts))
    states, reward = theirs(begin, jnp.asarray(actions))
    mine = _played()(tables, starts, jnp.stack([actions, np.zeros_like(actions)], -1))
    fields, totals = jaxmarl_fields(kitchen, mine), np.asarray(mine.served)
    fields["reward"] = 20 * np.diff(totals, prepend=0, axis=1)
    fields["done"] = np.broadcast_to(np.arange(1, steps + 1) >= steps, totals.shape)
    wrong = {}
    for name, found in fields.items():
        expected = np.asarray(reward if name == "reward" else getattr(states, name)).astype(int)
        wrong[name] = int((expected != found.astype(int)).reshape(*totals.shape, -1).any(-1).sum())
    return int(totals[:, -1].sum()), wrong


def overcooked_game(kitchen: Layout) -> Any:
    """The rules of `overcooked` with pots that start by themselves, without its planners (which write files)."""
    with contextlib.redirect_stdout(io.StringIO()):
        from overcooked.mdp.overcooked_mdp import OvercookedGridworld

        return OvercookedGridworld.from_layout_name(OVERCOOKED[kitchen.name], old_dynamics=True)


def overcooked_state(kitchen: Layout, state: rules.State, game: Any) -> Any:
    """A state of theirs with the same cooks as one of ours at the beginning."""
    from overcooked.mdp.actions import Direction
    from overcooked.mdp.overcooked_mdp import OvercookedState, PlayerState

    ways = (Direction.NORTH, Direction.SOUTH, Direction.EAST, Direction.WEST)
    players = [PlayerState(at, ways[facing]) for at, facing in zip(state.at, state.facing, strict=True)]
    return OvercookedState(players, {}, all_orders=game.start_all_orders, bonus_orders=[])


def overcooked_fields(kitchen: Layout, state: Any) -> dict[str, Any]:
    """A state of theirs as ours is written."""
    from overcooked.mdp.actions import Direction

    ways = (Direction.NORTH, Direction.SOUTH, Direction.EAST, Direction.WEST)
    pots = []
    for cell in kitchen.utensils:
        soup = state.objects.get(cell)
        if soup is None:
            pots.append(rules.Load())
        elif soup.is_idle:
            pots.append(rules.Load(tuple(soup.ingredients)))
        else:
            pots.append(rules.Load(("soup",), soup.cook_time_remaining))
    lying = (state.objects[cell].name if cell in state.objects else "" for cell in kitchen.counters)
    return {
        "at": tuple(player.position for player in state.players),
        "facing": tuple(ways.index(player.orientation) for player in state.players),
        "held": tuple(player.held_object.name if player.held_object else "" for player in state.players),
        "lying": tuple(lying),
        "loads": tuple(pots),
        "time": state.timestep,
    }


def written(kitchen: Layout, fields: dict[str, Any]) -> str:
    """A state in a line: cooks with place, direction, hand; counters; pots with onions in them (i) or steps (c)."""
    letter = {"": "-", "onion": "o", "dish": "d", "soup": "s"}
    cooks = (
        f"{x},{y}{'NSEW'[facing]}{letter[hand]}"
        for (x, y), facing, hand in zip(fields["at"], fields["facing"], fields["held"], strict=True)
    )
    pots = (f"i{len(load.items)}" if load.idle else f"c{load.left}" for load in fields["loads"])
    return " ".join([*cooks, "".join(letter[item] for item in fields["lying"]), *pots])


def ours(state: rules.State) -> dict[str, Any]:
    """One of our states as `written` takes it."""
    return {name: getattr(state, name) for name in ("at", "facing", "held", "lying", "loads", "time")}


def overcooked_joint(acts: list[rules.Act]) -> tuple[Any, Any]:
    """Our actions as theirs."""
    from overcooked.mdp.actions import Action

    first, second = (Action.INDEX_TO_ACTION[act.kind] for act in acts)
    return first, second
