"""The kitchen step by step: where both cooks are, what they hold, what lies and cooks where.

The plain twin of `core.kitchen.batch`, for single episodes. Both act at once: hands first, in the order of seats and
from where they stood; then both bodies; then utensils cook on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from pytest_collab.core.kitchen.plan import (
    AHEAD,
    CAPACITY,
    COUNTER,
    DISH,
    FLOOR,
    INTERACT,
    PANTRY,
    SERVING,
    START,
    STAY,
    UTENSILS,
    WALL,
    Cell,
    Layout,
)

T = TypeVar("T")

IDLE: Final = -1


@dataclass(frozen=True, slots=True)
class Act:
    """What a cook does in one step: one of the kinds of `core.kitchen.plan`, and the item that it names, if any."""

    kind: int = STAY
    item: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """What is in a utensil.

    Attributes:
        left: steps until it is done; `IDLE` before it was started.
    """

    items: tuple[str, ...] = ()
    left: int = IDLE

    @property
    def idle(self) -> bool:
        return self.left == IDLE

    @property
    def ready(self) -> bool:
        return self.left == 0


@dataclass(frozen=True, slots=True)
class State:
    """One moment of a kitchen; `lying` and `loads` are in the order of its counters and utensils."""

    at: tuple[Cell, Cell]
    facing: tuple[int, int]
    held: tuple[str, str]
    lying: tuple[str, ...]
    loads: tuple[Load, ...]
    served: int = 0
    lost: int = 0
    time: int = 0

    def lies(self, kitchen: Layout, cell: Cell) -> str:
        """The item on a counter, or nothing."""
        return self.lying[kitchen.counters.index(cell)]

    def load(self, kitchen: Layout, cell: Cell) -> Load:
        """What is in the utensil in a cell."""
        return self.loads[kitchen.utensils.index(cell)]


def initial(kitchen: Layout, facing: tuple[int, int] = (0, 0)) -> State:
    """Empty hands, empty counters; both face north unless told."""
    return State(kitchen.starts, facing, ("", ""), ("",) * len(kitchen.counters), (Load(),) * len(kitchen.utensils))


def ahead(state: State, seat: int) -> Cell:
    """The cell in front of a cook."""
    (x, y), (dx, dy) = state.at[seat], AHEAD[state.facing[seat]]
    return x + dx, y + dy


def step(kitchen: Layout, state: State, acts: Sequence[Act]) -> State:
    """One step of both cooks."""
    after = state
    for seat, act in enumerate(acts):
        after = hands(kitchen, after, seat, act)
    wanted = _wanted(kitchen, state.at[0], acts[0]), _wanted(kitchen, state.at[1], acts[1])
    stuck = wanted[0] == wanted[1] or wanted == (state.at[1], state.at[0])
    return replace(
        after,
        at=state.at if stuck else wanted,
        facing=(_turned(state.facing[0], acts[0]), _turned(state.facing[1], acts[1])),
        loads=tuple(Load(load.items, load.left - 1) if load.left > 0 else load for load in after.loads),
        time=state.time + 1,
    )


def _wanted(kitchen: Layout, at: Cell, act: Act) -> Cell:
    if act.kind >= STAY:
        return at
    (x, y), (dx, dy) = at, AHEAD[act.kind]
    return (x + dx, y + dy) if kitchen.cells.get((x + dx, y + dy), WALL) == FLOOR else at


def _turned(facing: int, act: Act) -> int:
    return act.kind if act.kind < STAY else facing


def hands(kitchen: Layout, state: State, seat: int, act: Act) -> State:
    """What one cook's hands do in a step; nothing where it moves or stands."""
    if act.kind not in (INTERACT, START):
        return state
    cell, hand = ahead(state, seat), state.held[seat]
    letter = kitchen.cells.get(cell, WALL)
    if letter in UTENSILS:
        return _at_utensil(kitchen, state, seat, act, cell)
    if act.kind == START:
        return state
    if letter == COUNTER and cell in kitchen.counters:
        there = state.lies(kitchen, cell)
        if bool(there) == bool(hand):
            return state
        lying = _put(state.lying, kitchen.counters.index(cell), hand)
        return _holding(replace(state, lying=lying), seat, there)
    if letter in kitchen.piles and not hand:
        return _holding(state, seat, kitchen.piles[letter])
    if letter == PANTRY and not hand and act.item in kitchen.shelf:
        return _holding(state, seat, act.item)
    if letter == SERVING and hand in kitchen.products:
        right = hand == kitchen.order
        return _holding(replace(state, served=state.served + right, lost=state.lost + (not right)), seat, "")
    return state


def _at_utensil(kitchen: Layout, state: State, seat: int, act: Act, cell: Cell) -> State:
    load, hand = state.load(kitchen, cell), state.held[seat]
    number = kitchen.utensils.index(cell)
    if act.kind == START:
        if kitchen.automatic or not load.idle or not load.items:
            return state
        return _begun(kitchen, state, number, load.items)
    if load.ready:
        plated = load.items[0] in kitchen.plated
        if hand == (DISH if plated else ""):
            return _holding(_loaded(state, number, Load()), seat, load.items[0])
        return state
    if not load.idle:
        return state
    if hand and hand != DISH and hand not in kitchen.plated and len(load.items) < CAPACITY:
        state = _holding(state, seat, "")
        items = (*load.items, hand)
        if kitchen.automatic and len(items) == CAPACITY:
            return _begun(kitchen, state, number, items)
        return _loaded(state, number, Load(items))
    if not hand and act.item in load.items and not kitchen.automatic:
        gone = load.items.index(act.item)
        return _holding(_loaded(state, number, Load(load.items[:gone] + load.items[gone + 1 :])), seat, act.item)
    return state


def _begun(kitchen: Layout, state: State, number: int, items: tuple[str, ...]) -> State:
    """Start a utensil; what no recipe knows is spoilt."""
    recipe = kitchen.made.get((kitchen.kind(kitchen.utensils[number]), tuple(sorted(items))))
    if recipe is None:
        return _loaded(replace(state, lost=state.lost + 1), number, Load())
    return _loaded(state, number, Load((recipe.product,), recipe.steps))


def _loaded(state: State, number: int, load: Load) -> State:
    return replace(state, loads=_put(state.loads, number, load))


def _holding(state: State, seat: int, item: str) -> State:
    return replace(state, held=(item, state.held[1]) if seat == 0 else (state.held[0], item))


def _put(row: tuple[T, ...], place: int, value: T) -> tuple[T, ...]:
    return (*row[:place], value, *row[place + 1 :])
