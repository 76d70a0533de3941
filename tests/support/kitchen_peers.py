"""Our kitchens as `jaxmarl` and `overcooked` write theirs, and theirs driven for the same games."""

from __future__ import annotations

import contextlib
import io
import warnings
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


def jaxmarl_game(kitchen: Layout, *, random_reset: bool, steps: int) -> Any:
    """Their environment. It warns and prints when it is imported."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from jaxmarl.environments.overcooked import Overcooked, overcooked_layouts

        layout = overcooked_layouts[JAXMARL[kitchen.name]]
        return Overcooked(layout=layout, random_reset=random_reset, max_steps=steps)


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


def jaxmarl_start(kitchen: Layout, tables: Any, theirs: Any) -> Any:
    """Our states for starts of theirs, pots and hands among them; a leading axis of games."""
    import jax

    from pytest_collab.core.kitchen import batch

    code = {_ITEMS[item][0]: number for number, item in enumerate(kitchen.items)}
    hands = np.vectorize(code.__getitem__)(np.asarray(theirs.agent_inv).astype(int)).astype(np.int32)
    games = len(hands)
    start = jax.tree.map(lambda array: np.repeat(np.asarray(array)[None], games, 0), batch.initial(tables))
    contents, left = np.array(start.contents), np.array(start.left)
    onion, soup = kitchen.items.index("onion"), kitchen.items.index("soup")
    for number, (x, y) in enumerate(kitchen.utensils):
        status = np.asarray(theirs.maze_map)[:, y + _PADDING, x + _PADDING, 2].astype(int)
        for game, value in enumerate(status):
            if value > 20:
                contents[game, number, : EMPTY_POT - value] = onion
            else:
                contents[game, number, 0], left[game, number] = soup, value
    return start._replace(
        at=np.asarray(theirs.agent_pos).astype(np.int32),
        facing=np.asarray(theirs.agent_dir_idx).astype(np.int32),
        held=hands,
        contents=contents,
        left=left,
    )


def jaxmarl_differences(
    kitchen: Layout, tables: Any, games: int, steps: int, seed: int
) -> tuple[int, dict[str, int]]:
    """Play the same random games in both, every other one from a start that is random in everything.

    Returns:
        Soups that were served, and by field the number of (game, step) in which the two differ.
    """
    import jax
    import jax.numpy as jnp

    from pytest_collab.core.kitchen import batch

    served, wrong = 0, dict.fromkeys(("agent_pos", "agent_dir", "agent_dir_idx", "agent_inv", "maze_map", "step"), 0)
    wrong |= {"reward": 0, "done": 0}
    mine_of = jax.jit(jax.vmap(batch.play, in_axes=(None, 0, 0)))
    for part, random_reset in enumerate((False, True)):
        game = jaxmarl_game(kitchen, random_reset=random_reset, steps=steps)
        keys = jax.random.split(jax.random.key(seed + part), games // 2)
        chance = np.random.default_rng(seed + part)
        weights = chance.dirichlet((3, 3, 3, 3, 1, 6), len(keys))
        actions = np.stack([chance.choice(6, (steps, 2), p=weight) for weight in weights]).astype(np.int32)
        _, begin = jax.vmap(game.reset)(keys)

        @jax.jit
        def theirs(begin: Any, actions: Any, game: Any = game) -> Any:
            def one(state: Any, now: Any) -> Any:
                after, reward, _ = game.step_agents(jax.random.key(0), state, now)
                after = after.replace(step=state.step + 1)
                after = after.replace(done=game.is_terminal(after))
                return after, (after, reward)

            return jax.vmap(lambda first, all_: jax.lax.scan(one, first, all_)[1])(begin, actions)

        states, reward = theirs(begin, jnp.asarray(actions))
        mine = mine_of(
            tables, jaxmarl_start(kitchen, tables, begin), jnp.stack([actions, np.zeros_like(actions)], -1)
        )
        fields = jaxmarl_fields(kitchen, mine)
        totals = np.asarray(mine.served)
        fields["reward"] = 20 * np.diff(totals, prepend=0, axis=1)
        fields["done"] = np.broadcast_to(np.arange(1, steps + 1) >= steps, totals.shape)
        for name, found in fields.items():
            expected = np.asarray(reward if name == "reward" else getattr(states, name)).astype(int)
            differs = (expected != found.astype(int)).reshape(*totals.shape, -1).any(-1)
            wrong[name] += int(differs.sum())
        served += int(totals[:, -1].sum())
    return served, wrong


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
