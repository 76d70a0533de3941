"""Kitchens as plain data: the grid, what lies in store, and what each utensil makes of what is put into it.

The five layouts of Overcooked are those of Carroll et al. (arXiv 1910.05789); the kitchen of orders has the two sides
and the three counters between them of Collab-Overcooked (arXiv 2502.20073). Cells are (x, y) from the top left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

Cell = tuple[int, int]

NORTH, SOUTH, EAST, WEST, STAY, INTERACT, START = range(7)
"""What a cook does in one step. `INTERACT` may name an item where there is a choice; `START` starts a utensil."""

AHEAD: Final[tuple[Cell, ...]] = ((0, -1), (0, 1), (1, 0), (-1, 0))
"""By facing, the cell in front: north, south, east, west."""

FLOOR, COUNTER, SERVING, PANTRY, WALL = " ", "#", "S", "I", "%"
CAPACITY: Final = 3
"""So many items go into a utensil."""

DISH: Final = "dish"
PILES: Final[Mapping[str, str]] = {"O": "onions", "D": "dishes"}
UTENSILS: Final[Mapping[str, str]] = {"P": "pot", "V": "oven", "C": "board", "B": "blender"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a utensil makes of items.

    Attributes:
        inputs: in alphabetical order.
        steps: how long it takes.
        plated: the product is taken out with a dish; others are taken out by hand.
    """

    utensil: str
    inputs: tuple[str, ...]
    product: str
    steps: int
    plated: bool = False


@dataclass(frozen=True)
class Layout:
    """A kitchen and what can be cooked in it.

    Attributes:
        rows: the grid, a letter a cell (see the letters above; `O` and `D` are piles).
        starts: where the two cooks begin.
        piles: by letter, the item that a pile of it never runs out of.
        shelf: the items that the pantry holds.
        order: the product that counts when it is served.
        automatic: utensils start by themselves when they are full, and nothing is taken back out of them.
    """

    name: str
    rows: tuple[str, ...]
    starts: tuple[Cell, Cell]
    piles: Mapping[str, str]
    shelf: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    order: str
    automatic: bool

    def __str__(self) -> str:
        return self.name

    @cached_property
    def items(self) -> tuple[str, ...]:
        """All items; the first is none, the second the dish."""
        made = {recipe.product for recipe in self.recipes}
        used = {item for recipe in self.recipes for item in recipe.inputs}
        return ("", DISH, *sorted({*self.piles.values(), *self.shelf, *made, *used} - {DISH}))

    @cached_property
    def cells(self) -> Mapping[Cell, str]:
        """The letter of each cell."""
        return {(x, y): letter for y, row in enumerate(self.rows) for x, letter in enumerate(row)}

    @cached_property
    def utensils(self) -> tuple[Cell, ...]:
        """Where utensils stand, in reading order."""
        return tuple(cell for cell, letter in self.cells.items() if letter in UTENSILS)

    @cached_property
    def counters(self) -> tuple[Cell, ...]:
        """Counters that somebody can reach, in reading order."""
        reach = self.reach[0] | self.reach[1]
        return tuple(cell for cell, letter in self.cells.items() if letter == COUNTER and cell in reach)

    @cached_property
    def shared(self) -> tuple[Cell, ...]:
        """Counters that both cooks can reach."""
        return tuple(cell for cell in self.counters if all(cell in own for own in self.reach))

    @cached_property
    def floors(self) -> tuple[frozenset[Cell], frozenset[Cell]]:
        """By cook, the floor that it can walk on."""
        first, second = (frozenset(self.distances([start])) for start in self.starts)
        return first, second

    @cached_property
    def reach(self) -> tuple[frozenset[Cell], frozenset[Cell]]:
        """By cook, what it can stand in front of."""
        first, second = (
            frozenset(near for cell in floor for near in around(cell) if self.cells.get(near, WALL) != FLOOR)
            for floor in self.floors
        )
        return first, second

    @cached_property
    def plated(self) -> frozenset[str]:
        """Products that need a dish."""
        return frozenset(recipe.product for recipe in self.recipes if recipe.plated)

    @cached_property
    def products(self) -> frozenset[str]:
        """Everything that a utensil makes."""
        return frozenset(recipe.product for recipe in self.recipes)

    @cached_property
    def made(self) -> Mapping[tuple[str, tuple[str, ...]], Recipe]:
        """Recipes by utensil and inputs."""
        return {(recipe.utensil, recipe.inputs): recipe for recipe in self.recipes}

    @cached_property
    def places(self) -> Mapping[str, tuple[Cell, ...]]:
        """What places are called: `counter` for all counters, `counter2` for one; `pot`, or `pot1` and `pot2`."""
        found: dict[str, tuple[Cell, ...]] = {"counter": self.counters}
        found |= {f"counter{number}": (cell,) for number, cell in enumerate(self.counters, start=1)}
        for kind in UTENSILS.values():
            cells = tuple(cell for cell in self.utensils if self.kind(cell) == kind)
            if cells:
                found[kind] = cells
            if len(cells) > 1:
                found |= {f"{kind}{number}": (cell,) for number, cell in enumerate(cells, start=1)}
        for letter, name in {PANTRY: "pantry", SERVING: "window", **PILES}.items():
            cells = tuple(cell for cell, there in self.cells.items() if there == letter)
            if cells:
                found[name] = cells
        return found

    @cached_property
    def names(self) -> Mapping[Cell, str]:
        """What single things are called: by their number where there are several of their kind."""
        found: dict[Cell, str] = {}
        for name, cells in self.places.items():
            for cell in cells:
                if cell not in found or len(cells) == 1:
                    found[cell] = name
        return found

    def kind(self, cell: Cell) -> str:
        """The kind of the utensil in a cell."""
        return UTENSILS[self.cells[cell]]

    def distances(self, starts: Iterable[Cell], blocked: frozenset[Cell] = frozenset()) -> dict[Cell, int]:
        """Steps over the floor from the nearest of `starts`, by cell; cells out of reach are not in it."""
        found = dict.fromkeys(starts, 0)
        queue = deque(found)
        while queue:
            cell = queue.popleft()
            for near in around(cell):
                if near not in found and near not in blocked and self.cells.get(near, WALL) == FLOOR:
                    found[near] = found[cell] + 1
                    queue.append(near)
        return found


def around(cell: Cell) -> tuple[Cell, ...]:
    """The four cells next to a cell, by facing."""
    return tuple((cell[0] + dx, cell[1] + dy) for dx, dy in AHEAD)


ONION, SOUP = "onion", "soup"
SOUP_STEPS: Final = 20

GRIDS: Final[Mapping[str, tuple[str, ...]]] = {
    "cramped_room": ("##P##", "O1 2O", "#   #", "#D#S#"),
    "asymmetric_advantages": ("#########", "O #S#O# S", "#   P   #", "# 1 P2  #", "###D#D###"),
    "coordination_ring": ("###P#", "# 1 P", "D2# #", "O   #", "#OS##"),
    "forced_coordination": ("###P#", "O #2P", "O1# #", "D # #", "###S#"),
    "counter_circuit": ("###PP###", "# 1    #", "D #### S", "#     2#", "###OO###"),
}
LAYOUTS: Final = tuple(GRIDS)
ORDERS: Final = ("###P#", "I #1#", "C2# #", "D # V", "#B#S#")
"""Seat a, the chef, begins on the right with pot, oven and serving window; b on the left with the rest."""


def soups(layout: str) -> Layout:
    """The kitchen of soups: three onions in a pot become one in 20 steps."""
    rows, starts = _without_cooks(GRIDS[layout])
    recipe = Recipe("pot", (ONION,) * CAPACITY, SOUP, SOUP_STEPS, plated=True)
    return Layout(layout, rows, starts, {"O": ONION, "D": DISH}, (), (recipe,), SOUP, automatic=True)


def orders(shelf: tuple[str, ...], recipes: tuple[Recipe, ...], order: str, counters: int = 3) -> Layout:
    """The kitchen of orders, with so many counters between its two sides."""
    grid = tuple(
        row[:2] + (WALL if row[2] == COUNTER and y > counters else row[2]) + row[3:] if 0 < y < 4 else row
        for y, row in enumerate(ORDERS)
    )
    rows, starts = _without_cooks(grid)
    return Layout(f"orders_{counters}", rows, starts, {"D": DISH}, shelf, recipes, order, automatic=False)


def _without_cooks(grid: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Cell, Cell]]:
    at = {letter: (x, y) for y, row in enumerate(grid) for x, letter in enumerate(row) if letter in "12"}
    return tuple(row.replace("1", FLOOR).replace("2", FLOOR) for row in grid), (at["1"], at["2"])
