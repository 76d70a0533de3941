"""Kitchens in batches: the rules on arrays of small integers, one step a call, under `jit` and `vmap`.

Both cooks act at once: what they do with their hands happens first, in the order of seats and from where they stood,
then both bodies move, then utensils cook on. Nobody moves where both would stand in one cell or swap cells. This is
the transition of Overcooked as in `jaxmarl` 0.2 and, with `old_dynamics`, in `overcooked` 0.2
(benchmarks/kitchen_parity.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from pytest_collab.core.kitchen.plan import (
    AHEAD,
    CAPACITY,
    COUNTER,
    FLOOR,
    INTERACT,
    PANTRY,
    SERVING,
    START,
    STAY,
    UTENSILS,
    Layout,
)

_FLOOR, _COUNTER, _PILE, _PANTRY, _UTENSIL, _SERVING, _WALL = range(7)
_EMPTY, _DISH = 0, 1
IDLE = -1
_AHEAD = np.asarray(AHEAD, np.int32)


class Tables(NamedTuple):
    """A kitchen as arrays; items are numbers in the order of `Layout.items`.

    Attributes:
        terrain, gives, which: (height, width) int32: the kind of a cell, the item of a pile, the number of a utensil.
        utensil: (utensils,) int32, kinds in the order of `UTENSILS`.
        recipes: (recipes, 3 + CAPACITY) int32: utensil, sorted inputs, product, steps.
        plated, servable, shelved: (items,) bool.
        order: the item that counts when served.
        automatic: whether full utensils start by themselves.
        starts: (2, 2) int32.
    """

    terrain: Any
    gives: Any
    which: Any
    utensil: Any
    recipes: Any
    plated: Any
    servable: Any
    shelved: Any
    order: Any
    automatic: Any
    starts: Any


class State(NamedTuple):
    """One moment.

    Attributes:
        at: (2, 2) int32, x and y of each cook.
        facing: (2,) int32: north, south, east, west.
        held: (2,) int32, items.
        lying: (height, width) int32, items on counters.
        contents: (utensils, CAPACITY) int32, in the order in which they were put in; a product stands first.
        left: (utensils,) int32: steps until it is done, `IDLE` before it was started.
        served, lost: orders served; other dishes served, and loads that no recipe knows.
        time: steps so far.
    """

    at: jax.Array
    facing: jax.Array
    held: jax.Array
    lying: jax.Array
    contents: jax.Array
    left: jax.Array
    served: jax.Array
    lost: jax.Array
    time: jax.Array


def tables(kitchen: Layout) -> Tables:
    """The arrays of a kitchen."""
    first: Tables = jax.tree.map(lambda array: array[0], stacked([kitchen]))
    return first


def stacked(kitchens: Sequence[Layout]) -> Tables:
    """The arrays of several kitchens along a first axis, filled up with walls to one size: compiled once for all."""
    height, width = (
        max(sizes) for sizes in zip(*((len(one.rows), len(one.rows[0])) for one in kitchens), strict=True)
    )
    utensils, recipes, items = (
        max(len(getattr(one, name)) for one in kitchens) for name in ("utensils", "recipes", "items")
    )
    made = [_tables(one, (height, width), utensils, recipes, items) for one in kitchens]
    together: Tables = jax.tree.map(lambda *arrays: jnp.stack(arrays), *made)
    return together


def _tables(kitchen: Layout, size: tuple[int, int], utensils: int, recipes: int, items: int) -> Tables:
    code = {item: number for number, item in enumerate(kitchen.items)}
    kinds = list(UTENSILS.values())
    terrain, gives, which = np.full(size, _WALL, np.int32), np.zeros(size, np.int32), np.zeros(size, np.int32)
    names = {FLOOR: _FLOOR, COUNTER: _COUNTER, PANTRY: _PANTRY, SERVING: _SERVING}
    for (x, y), letter in kitchen.cells.items():
        if letter in kitchen.piles:
            terrain[y, x], gives[y, x] = _PILE, code[kitchen.piles[letter]]
        elif letter in UTENSILS:
            terrain[y, x], which[y, x] = _UTENSIL, kitchen.utensils.index((x, y))
        else:
            terrain[y, x] = names.get(letter, _WALL)
    utensil = np.full(utensils, -1, np.int32)
    utensil[: len(kitchen.utensils)] = [kinds.index(kitchen.kind(cell)) for cell in kitchen.utensils]
    made = np.full((recipes, 3 + CAPACITY), -1, np.int32)
    for row, recipe in zip(made, kitchen.recipes, strict=False):
        inputs = sorted([*(code[item] for item in recipe.inputs), *[_EMPTY] * (CAPACITY - len(recipe.inputs))])
        row[:] = [kinds.index(recipe.utensil), *inputs, code[recipe.product], recipe.steps]
    marks = np.zeros((3, items), bool)
    for mark, some in zip(marks, (kitchen.plated, kitchen.products, kitchen.shelf), strict=True):
        mark[[code[item] for item in some]] = True
    order, automatic = np.int32(code[kitchen.order]), np.bool_(kitchen.automatic)
    starts = np.asarray(kitchen.starts, np.int32)
    return Tables(*map(jnp.asarray, (terrain, gives, which, utensil, made, *marks, order, automatic, starts)))


def initial(table: Tables, facing: jax.Array | None = None) -> State:
    """Empty hands, empty counters; both face north unless told."""
    utensils, zero = table.utensil.shape[0], jnp.int32(0)
    return State(
        table.starts,
        jnp.zeros(2, jnp.int32) if facing is None else facing.astype(jnp.int32),
        jnp.zeros(2, jnp.int32),
        jnp.zeros(table.terrain.shape, jnp.int32),
        jnp.zeros((utensils, CAPACITY), jnp.int32),
        jnp.full(utensils, IDLE, jnp.int32),
        zero,
        zero,
        zero,
    )


def interact(table: Tables, state: State, seat: int | jax.Array, kind: jax.Array, item: jax.Array) -> State:
    """What one cook's hands do; unchanged where `kind` is neither `INTERACT` nor `START`."""
    x, y = state.at[seat] + jnp.asarray(_AHEAD)[state.facing[seat]]
    what, hand, lies = table.terrain[y, x], state.held[seat], state.lying[y, x]
    acts, begins = kind == INTERACT, kind == START
    free = hand == _EMPTY
    put = acts & (what == _COUNTER) & ~free & (lies == _EMPTY)
    take = acts & (what == _COUNTER) & free & (lies != _EMPTY)
    pile = acts & (what == _PILE) & free
    pantry = acts & (what == _PANTRY) & free & table.shelved[item]
    serve = acts & (what == _SERVING) & table.servable[hand]
    lying = state.lying.at[y, x].set(jnp.where(put, hand, jnp.where(take, _EMPTY, lies)))

    here = table.which[y, x]
    is_utensil = what == _UTENSIL
    content, left = state.contents[here], state.left[here]
    count = (content != _EMPTY).sum()
    idle, ready = is_utensil & (left == IDLE), is_utensil & (left == 0)
    needs_dish = table.plated[content[0]]
    add = acts & idle & ~free & (hand != _DISH) & ~table.plated[hand] & (count < CAPACITY)
    fill = acts & ready & (hand == _DISH) & needs_dish
    bare = acts & ready & free & ~needs_dish
    inside = (content == item) & (item != _EMPTY)
    back = acts & idle & free & ~table.automatic & inside.any()
    loaded = content.at[jnp.minimum(count, CAPACITY - 1)].set(hand)
    start = (begins & idle & ~table.automatic & (count > 0)) | (add & table.automatic & (count + 1 == CAPACITY))
    mix = jnp.sort(jnp.where(add, loaded, content))
    known = (table.recipes[:, 0] == table.utensil[here]) & (table.recipes[:, 1 : 1 + CAPACITY] == mix).all(1)
    row = table.recipes[jnp.argmax(known)]
    cooks = start & known.any()
    spoils = start & ~known.any()
    gone = jnp.argmax(inside)  # the first of that kind; what comes after it moves up
    order = jnp.arange(CAPACITY)
    rest = jnp.where(order < gone, content, jnp.append(content[1:], _EMPTY))
    nothing = jnp.zeros_like(content)
    after = jnp.where(add, loaded, jnp.where(back, rest, content))
    after = jnp.where(fill | bare | spoils, nothing, after)
    after = jnp.where(cooks, nothing.at[0].set(row[1 + CAPACITY]), after)
    timer = jnp.where(cooks, row[2 + CAPACITY], jnp.where(fill | bare, IDLE, left))
    held = jnp.where(put | serve | add, _EMPTY, hand)
    held = jnp.where(take, lies, held)
    held = jnp.where(pile, table.gives[y, x], held)
    held = jnp.where(pantry | back, item, held)
    held = jnp.where(fill | bare, content[0], held)
    right = serve & (hand == table.order)
    return state._replace(
        held=state.held.at[seat].set(held),
        lying=lying,
        contents=state.contents.at[here].set(jnp.where(is_utensil, after, content)),
        left=state.left.at[here].set(jnp.where(is_utensil, timer, left)),
        served=state.served + right,
        lost=state.lost + (serve & ~right) + spoils,
    )


def step(table: Tables, state: State, actions: jax.Array) -> State:
    """One step of both cooks.

    Args:
        actions: (2, 2) int32: by cook, what it does (see `plan`) and the item that it names (0 for none).
    """
    kinds, moves = actions[:, 0], actions[:, 0] < STAY
    after: State = jax.lax.fori_loop(
        0, 2, lambda seat, now: interact(table, now, seat, actions[seat, 0], actions[seat, 1]), state
    )
    wanted = state.at + jnp.where(moves[:, None], jnp.asarray(_AHEAD)[jnp.minimum(kinds, STAY - 1)], 0)
    walkable = table.terrain[wanted[:, 1], wanted[:, 0]] == _FLOOR
    wanted = jnp.where((moves & walkable)[:, None], wanted, state.at)
    same = (wanted[0] == wanted[1]).all()
    swap = (wanted[0] == state.at[1]).all() & (wanted[1] == state.at[0]).all()
    return after._replace(
        at=jnp.where(same | swap, state.at, wanted),
        facing=jnp.where(moves, kinds, state.facing),
        left=jnp.where(after.left > 0, after.left - 1, after.left),
        time=state.time + 1,
    )


@partial(jax.jit)
def play(table: Tables, start: State, actions: jax.Array) -> State:
    """All states of one game, the first after one step; `actions` are (steps, 2, 2)."""

    def one(state: State, now: jax.Array) -> tuple[State, State]:
        after = step(table, state, now)
        return after, after

    states: State = jax.lax.scan(one, start, actions)[1]
    return states


@partial(jax.jit, static_argnames=("count", "steps"))
def random_games(table: Tables, seed: int, count: int, steps: int) -> State:
    """The last states of `count` games in which both cooks do one of the six primitive actions, all alike."""

    def game(key: jax.Array) -> State:
        turns, kinds = jax.random.split(key)
        drawn = jax.random.randint(kinds, (steps, 2), 0, START)
        actions = jnp.stack([drawn, jnp.zeros_like(drawn)], axis=-1)
        start = initial(table, jax.random.randint(turns, (2,), 0, STAY))
        last: State = jax.lax.fori_loop(0, steps, lambda i, state: step(table, state, actions[i]), start)
        return last

    states: State = jax.vmap(game)(jax.random.split(jax.random.key(seed), count))
    return states
