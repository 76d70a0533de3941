"""The fewest steps in which two cooks can serve an order: an exhaustive search over who handles what, when.

The two sides of the kitchen of orders are apart, so bodies never meet, and all that a cook decides is what its hands
do next: in between it walks the shortest way. The search goes through everything that two pairs of hands can do with
the ingredients of the order, in the order of time, and stops at the first serving (A*; moves that no plan gains by,
such as fetching what the recipe does not need, are left out). It is led by what every single item still has before it
if whatever else it needs were there in time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from pytest_collab.core.kitchen.plan import COUNTER, DISH, PANTRY, SERVING, UTENSILS, Cell, Layout
from pytest_collab.families.kitchen.orders import Order
from pytest_collab.families.kitchen.ways import Pose, Ways, ways

_LONGEST: Final = 8
"""No way on one side takes more steps: who has waited longer is free to be anywhere."""

STEPS: Final[Mapping[tuple[int, str, int], int]] = {
    (1, "pot", 1): 15,
    (1, "pot", 2): 15,
    (1, "pot", 3): 15,
    (1, "oven", 1): 16,
    (1, "oven", 2): 16,
    (1, "oven", 3): 16,
    (2, "pot", 1): 23,
    (2, "pot", 2): 22,
    (2, "pot", 3): 22,
    (2, "oven", 1): 24,
    (2, "oven", 2): 22,
    (2, "oven", 3): 22,
    (3, "pot", 1): 33,
    (3, "pot", 2): 31,
    (3, "pot", 3): 31,
    (4, "pot", 1): 31,
    (4, "pot", 2): 28,
    (4, "pot", 3): 28,
    (5, "oven", 1): 52,
    (5, "oven", 2): 44,
    (5, "oven", 3): 40,
    (6, "oven", 1): 60,
    (6, "oven", 2): 52,
    (6, "oven", 3): 48,
}
"""The optimum by level, where the last stage is cooked, and counters: it does not depend on what is cooked there.
Printed by `python benchmarks/kitchen_optimum.py`, where the search is written in C as well, and held by tests."""


def known(made: Order, counters: int) -> int:
    """The optimum of an order."""
    return STEPS[made.level, made.heat, counters]


@dataclass(frozen=True, slots=True)
class _Node:
    """A moment at which somebody's hands have done something.

    Attributes:
        poses: where each cook stood when its hands last did something, and which way it faced.
        idle: steps since then, by cook.
        loads: (items, steps left or -1) by utensil; a started one holds its product.
        fetched: what has come out of the pantry or from the pile of dishes.
        turn: the cook whose hands acted last; within one step only a later one can follow.
    """

    poses: tuple[Pose, Pose]
    idle: tuple[int, int]
    held: tuple[str, str]
    lying: tuple[str, ...]
    loads: tuple[tuple[tuple[str, ...], int], ...]
    fetched: frozenset[str]
    turn: int


def fewest_steps(kitchen: Layout, made: Order) -> int:
    """The optimum of an order in its kitchen.

    Raises:
        ValueError: it cannot be served at all.
    """
    known = [ways(kitchen, seat) for seat in (0, 1)]
    start = _Node(
        ((kitchen.starts[0], 0), (kitchen.starts[1], 0)),
        (0, 0),
        ("", ""),
        ("",) * len(kitchen.counters),
        (((), -1),) * len(kitchen.utensils),
        frozenset(),
        -1,
    )
    before = _Before(kitchen, made, known)
    queue: list[tuple[int, int, int, _Node]] = [(before.least(start), 0, 0, start)]
    best, number = {start: 0}, 0
    while queue:
        _, _, time, node = heappop(queue)
        if time > best[node]:
            continue
        if made.name in node.fetched:
            return time
        for wait, after in _next(kitchen, made, known, node):
            if time + wait < best.get(after, 1 << 30):
                best[after] = time + wait
                number += 1
                heappush(queue, (time + wait + before.least(after), -number, time + wait, after))
    raise ValueError(f"nobody can serve {made.name} in {kitchen.name}")


class _Before:
    """A lower bound on the steps to the end: the longest of what single items still have before them."""

    def __init__(self, kitchen: Layout, made: Order, ways: list[Ways]) -> None:
        self.kitchen, self.made, self.ways = kitchen, made, ways
        self.last = next(cell for cell in kitchen.utensils if kitchen.kind(cell) == made.heat)
        self.known: dict[tuple[str, int, Pose], int] = {}

    def least(self, node: _Node) -> int:
        if self.made.name in node.fetched:
            return 0
        found = [0]
        for seat in (0, 1):
            if node.held[seat]:
                found.append(self.in_hand(node.held[seat], seat, node.poses[seat]) - node.idle[seat])
        for cell, item in zip(self.kitchen.counters, node.lying, strict=True):
            if item:
                found.append(self.at(node, cell, item, 0))
        for cell, (items, left) in zip(self.kitchen.utensils, node.loads, strict=True):
            if items and left < 0:
                stage = self.made.stage(items[0])
                assert stage is not None
                found.append(self.at(node, cell, stage.product, 1 + stage.steps))
            elif items:
                found.append(self.at(node, cell, items[0], left))
        for letter, wanted in ((PANTRY, self.made.ingredients), ("D", (DISH,) if self.made.plated else ())):
            cell = next(cell for cell, there in self.kitchen.cells.items() if there == letter)
            found += [self.at(node, cell, item, 0) for item in wanted if item not in node.fetched]
        return max(found)

    def at(self, node: _Node, cell: Cell, item: str, ready: int) -> int:
        """The least for an item that somebody takes from a cell, where it is ready in so many steps."""
        least = 1 << 20
        for seat in (0, 1):
            if cell in self.kitchen.reach[seat]:
                count, pose = self.ways[seat][node.poses[seat]][cell]
                least = min(least, max(ready, count + 1 - node.idle[seat], 0) + self.in_hand(item, seat, pose))
        return least

    def in_hand(self, item: str, seat: int, pose: Pose) -> int:
        """The least for an item in a hand that did something in `pose` just now."""
        key = item, seat, pose
        if key not in self.known:
            self.known[key] = self._in_hand(item, seat, pose)
        return self.known[key]

    def _in_hand(self, item: str, seat: int, pose: Pose) -> int:
        reach, stage = self.ways[seat][pose], self.made.stage(item)
        if item == self.made.name:
            goal = next(cell for cell, letter in self.kitchen.cells.items() if letter == SERVING)
        elif item == DISH or stage is None:
            goal = self.last
        else:
            goal = next(cell for cell in self.kitchen.utensils if self.kitchen.kind(cell) == stage.utensil)
        if goal in reach:
            count, then = reach[goal]
            if item == self.made.name:
                return count + 1
            if item == DISH or stage is None:
                return count + 1 + self.in_hand(self.made.name, seat, then)
            return count + 2 + stage.steps + self.in_hand(stage.product, seat, then)
        other = 1 - seat
        least = 1 << 20
        for cell in self.kitchen.shared:
            count = reach[cell][0]
            for there in self.ways[other]:
                if self.ways[other][there].get(cell, (1, there))[0] == 0:
                    least = min(least, count + 1 + (other < seat) + self.in_hand(item, other, there))
        return least


def _next(kitchen: Layout, made: Order, ways: list[Ways], node: _Node) -> Iterator[tuple[int, _Node]]:
    """Everything that hands can do next: steps until then, and the moment after."""
    for seat in (0, 1):
        for cell, (count, pose) in ways[seat][node.poses[seat]].items():
            earliest = max(count + 1 - node.idle[seat], 0 if seat > node.turn else 1)
            for ready, held, lying, loads, fetched in _deeds(kitchen, made, node, seat, cell):
                wait = max(earliest, ready)
                passed = tuple(
                    (items, left if left < 0 else max(0, left - wait)) if old == (items, left) else (items, left)
                    for old, (items, left) in zip(node.loads, loads, strict=True)
                )
                yield (
                    wait,
                    _Node(
                        (pose, node.poses[1]) if seat == 0 else (node.poses[0], pose),
                        (0, min(_LONGEST, node.idle[1] + wait))
                        if seat == 0
                        else (min(_LONGEST, node.idle[0] + wait), 0),
                        (held, node.held[1]) if seat == 0 else (node.held[0], held),
                        lying,
                        passed,
                        fetched,
                        seat,
                    ),
                )


def _deeds(
    kitchen: Layout, made: Order, node: _Node, seat: int, cell: Cell
) -> Iterator[tuple[int, str, tuple[str, ...], tuple[tuple[tuple[str, ...], int], ...], frozenset[str]]]:
    """What a cook's hands can do at one thing: (steps until it can, hand, counters, loads, fetched) after it."""
    hand, letter, got = node.held[seat], kitchen.cells[cell], node.fetched
    if letter == COUNTER:
        place = kitchen.counters.index(cell)
        if bool(node.lying[place]) != bool(hand):
            lying = (*node.lying[:place], hand, *node.lying[place + 1 :])
            yield 0, node.lying[place], lying, node.loads, got
    elif letter == PANTRY and not hand:
        for item in made.ingredients:
            if item not in got:
                yield 0, item, node.lying, node.loads, got | {item}
    elif letter in kitchen.piles and not hand and made.plated and DISH not in got:
        yield 0, DISH, node.lying, node.loads, got | {DISH}
    elif letter == SERVING and hand == made.name:
        yield 0, "", node.lying, node.loads, got | {made.name}
    elif letter in UTENSILS:
        place = kitchen.utensils.index(cell)
        items, left = node.loads[place]

        def loaded(load: tuple[tuple[str, ...], int]) -> tuple[tuple[tuple[str, ...], int], ...]:
            return (*node.loads[:place], load, *node.loads[place + 1 :])

        if left < 0:
            stage = made.stage(hand) if hand else None
            if (
                stage is not None
                and stage.utensil == kitchen.kind(cell)
                and all(made.stage(i) == stage for i in items)
            ):
                yield 0, "", node.lying, loaded((tuple(sorted((*items, hand))), -1)), got
            begun = made.stage(items[0]) if items else None
            if begun is not None and begun.inputs == items:
                yield 0, hand, node.lying, loaded(((begun.product,), begun.steps)), got
        else:
            plated = items[0] == made.name and made.plated
            if hand == (DISH if plated else ""):
                yield left, items[0], node.lying, loaded(((), -1)), got
