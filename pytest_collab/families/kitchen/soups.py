"""How many soups there can be at most: a bound that no team passes.

Two things limit every team. Each soup needs steps of hands and feet: three onions and a dish are taken and carried to
a pot, the soup is carried to the window, and from there somebody turns away again; two cooks have two steps in each
step of the clock. And a pot cooks one soup at a time. The bound takes the shortest way for every single item, as if
nobody were ever in the way, so that the best teams stay below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final

from pytest_collab.core.kitchen.plan import CAPACITY, DISH, ONION, SOUP_STEPS, Cell, Layout
from pytest_collab.families.kitchen.ways import Pose, ways

_TRANSPORTS: Final = CAPACITY + 2
"""Onions, a dish, and the soup itself: after each of these a cook has to turn to something else."""


def most(kitchen: Layout, steps: int) -> int:
    """The bound for so many steps."""
    onion, dish, out = effort(kitchen)
    work = CAPACITY * (1 + onion) + 1 + dish + out + _TRANSPORTS
    by_hands = 2 * steps // work
    # The third onion of the first soup needs at least one way; a pot is full again a step after it was emptied.
    first = 1 + onion
    by_pots = len(kitchen.utensils) * max(0, (steps - first - SOUP_STEPS - out) // (SOUP_STEPS + 1) + 1)
    return int(min(by_hands, by_pots))


def effort(kitchen: Layout) -> tuple[int, int, int]:
    """Steps of hands and feet, those that take an item not counted: onion to pot, dish to pot, soup to window."""
    pots = kitchen.places["pot"]
    piles = {
        item: [cell for cell, letter in kitchen.cells.items() if kitchen.piles.get(letter) == item]
        for item in (ONION, DISH)
    }
    return (
        _least(kitchen, piles[ONION], pots),
        _least(kitchen, piles[DISH], pots),
        _least(kitchen, pots, kitchen.places["window"]),
    )


def _least(kitchen: Layout, sources: Iterable[Cell], goals: Iterable[Cell]) -> int:
    """The least steps of a single item from a hand at one of `sources` until it is put at one of `goals`.

    A counter between two cooks costs one step to put it there and one to take it.
    """
    known, wanted = (ways(kitchen, 0), ways(kitchen, 1)), set(goals)
    facing: list[dict[Cell, list[Pose]]] = [{}, {}]
    for seat in (0, 1):
        for pose, reach in known[seat].items():
            for cell, (count, _) in reach.items():
                if count == 0:
                    facing[seat].setdefault(cell, []).append(pose)
    queue: list[tuple[int, int, Pose]] = [
        (0, seat, pose) for cell in sources for seat in (0, 1) for pose in facing[seat].get(cell, ())
    ]
    done: set[tuple[int, Pose]] = set()
    best = 1 << 20
    while queue:
        cost, seat, pose = heappop(queue)
        if cost >= best:
            break
        if (seat, pose) in done:
            continue
        done.add((seat, pose))
        for cell, (count, _) in known[seat][pose].items():
            if cell in wanted:
                best = min(best, cost + count + 1)
            elif cell in kitchen.shared:
                for then in facing[1 - seat].get(cell, ()):
                    heappush(queue, (cost + count + 2, 1 - seat, then))
    return best
