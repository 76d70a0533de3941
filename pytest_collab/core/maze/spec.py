"""What a maze is asked to be, and what it came out as: plain data, no JAX.

The rest of this room computes on batches; these two records are what the other rooms see.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pytest_collab.errors import TaskError

ALGORITHM_VERSION = 1
"""Raised whenever the same seed would give another maze or another split."""

MAX_ATTEMPTS = 65_536
"""How many attempts are made per seed before its maze is given up."""

SIZES = range(3, 33)
SEATS = range(2, 5)
DENSITY_BITS = 16
LARGEST_SEED = 2**64 - 1
Window = tuple[int, int]


def fixed_point(share: float) -> int:
    """A share in [0, 1] in units of 2^-16: the kernels compute with integers only."""
    return round(share * (1 << DENSITY_BITS))


def longest_path(size: int, walls: float) -> int:
    """An upper bound, in moves, on any shortest path in a `size` x `size` maze of this wall density.

    A shortest path is an induced path of the grid: V cells on it have 2V + 2 sides that face no other
    cell of the path. At most four of those sides face each of the size^2 - V other cells, and 4 size of
    them the border, so that 6V <= 4 size^2 + 4 size - 2. Without walls the bound is the grid's diameter,
    and with nothing but walls start and goal can only be neighbours; both of these are exact.
    """
    threshold = fixed_point(walls)
    if threshold == 0:
        return 2 * (size - 1)
    if threshold == 1 << DENSITY_BITS:
        return 1
    return (2 * size * size + 2 * size - 1) // 3 - 1


def window_is_possible(size: int, walls: float, lo: int, hi: int) -> bool:
    """Whether a shortest path of lo to hi moves can exist at all; False is certain, True is not.

    Cheap enough for collection time: no search, no JAX.
    """
    return lo <= hi and hi >= 1 and lo <= longest_path(size, walls)


def check_seeds(seeds: Sequence[int]) -> None:
    """Refuse a seed that the generator has no maze for.

    Raises:
        TaskError: a seed is no whole number from 0 to 2^64 - 1.
    """
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
            raise TaskError(f"a seed is {seed!r}", remedy=f"give whole numbers from 0 to {LARGEST_SEED}", key="seeds")


@dataclass(frozen=True, slots=True)
class MazeSpec:
    """A distribution over mazes and over the ways of splitting them among seats.

    The maze of a seed depends on `size`, `walls` and the windows alone: `seats`, `crossing` and
    `show_ends` split the same maze differently, so that their effect can be measured pairwise.

    Args:
        size: cells along each side, 3 to 32.
        walls: probability, in [0, 1], that a cell other than start and goal is a wall; kept to 2^-16.
        path: least and greatest number of moves of the shortest path from start to goal.
        seats: how many seats the maze is split among, 2 to 4.
        crossing: share, in [0, 1], of the steps along the shortest path at which the next cell is known
            to another seat than the last one: 0 gives one seat the whole path as far as a balanced
            split allows, 1 makes the seats alternate. None splits at random, without a look at the path.
        show_ends: whether every seat is told what start and goal are.
        dead_ends: least and greatest number of dead ends near the path, or None for any.
        shortest_paths: least and greatest number of different shortest paths, or None for any.
        start: (row, column) of the start, or None for any cell; the other end stays uniform over the remaining cells.
        goal: the same for the goal.

    Raises:
        TaskError: a value is of the wrong type or out of range, or no maze can have such a path.
    """

    size: int
    walls: float
    path: Window
    seats: int = 2
    crossing: float | None = None
    show_ends: bool = True
    dead_ends: Window | None = None
    shortest_paths: Window | None = None
    start: tuple[int, int] | None = None
    goal: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _check_whole("size", self.size, SIZES)
        _check_whole("seats", self.seats, SEATS)
        _check_share("walls", self.walls)
        if self.crossing is not None:
            _check_share("crossing", self.crossing)
        for name, least in (("path", 1), ("dead_ends", 0), ("shortest_paths", 1)):
            window = getattr(self, name)
            if window is not None:
                object.__setattr__(self, name, _checked_window(name, window, least))
        for name in ("start", "goal"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _checked_cell(name, getattr(self, name), self.size))
        if self.start is not None and self.start == self.goal:
            raise TaskError(f"start and goal are both {self.start}", remedy="give two different cells", key="goal")
        lo, hi = self.path
        if not window_is_possible(self.size, self.walls, lo, hi):
            longest = longest_path(self.size, self.walls)
            raise TaskError(
                f"path is [{lo}, {hi}], but no maze of size {self.size} with walls={self.walls:g} "
                f"has a shortest path of more than {longest} moves",
                remedy="lower the window, or change size or walls",
                key="path",
            )

    @property
    def pins(self) -> tuple[int, int]:
        """The cell numbers that start and goal are pinned to; -1 where they are not."""
        ends = (self.start, self.goal)
        first, last = (-1 if end is None else end[0] * self.size + end[1] for end in ends)
        return first, last

    def content_key(self) -> str:
        """A hexadecimal name for everything that decides which maze a seed gives, and how it is split."""
        content = {"algorithm": ALGORITHM_VERSION, **asdict(self)}
        content = {
            name: value for name, value in content.items() if value is not None or name not in ("start", "goal")
        }
        content["walls"] = fixed_point(self.walls)
        content["crossing"] = None if self.crossing is None else fixed_point(self.crossing)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class MazeRecord:
    """One maze, split among seats and measured.

    Rows count downwards and columns to the right, both from 0. A row of cells is one integer whose bit
    `column` stands for the cell in that column.

    Attributes:
        seed: the seed it came from.
        size: cells along each side.
        walls: one integer per row; a set bit is a wall.
        start: (row, column).
        goal: (row, column).
        path_length: moves of a shortest path from start to goal.
        shortest_paths: how many shortest paths there are; exact below 2^32 - 1, where it stays.
        visible: per seat, one integer per row; a set bit is a cell whose content the seat knows.
        crossing: share of the steps along the canonical shortest path at which knowledge passes from
            one seat to another, among the cells of that path that not everybody knows.
        dead_ends: cells with a single free neighbour, start and goal aside, within reach of the path.
    """

    seed: int
    size: int
    walls: tuple[int, ...]
    start: tuple[int, int]
    goal: tuple[int, int]
    path_length: int
    shortest_paths: int
    visible: tuple[tuple[int, ...], ...]
    crossing: float
    dead_ends: int

    def is_wall(self, row: int, column: int) -> bool:
        """Whether there is a wall; `row` and `column` must lie on the grid."""
        return bool(self.walls[row] >> column & 1)

    def sees(self, seat: int, row: int, column: int) -> bool:
        """Whether the seat, counted from 0, knows the content of the cell."""
        return bool(self.visible[seat][row] >> column & 1)


def _check_whole(name: str, value: Any, allowed: range) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        raise TaskError(
            f"{name} is {value!r}", remedy=f"give a whole number from {allowed[0]} to {allowed[-1]}", key=name
        )


def _check_share(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise TaskError(f"{name} is {value!r}", remedy="give a number from 0 to 1", key=name)


def _checked_cell(name: str, cell: Any, size: int) -> tuple[int, int]:
    whole = isinstance(cell, tuple | list) and len(cell) == 2 and all(type(part) is int for part in cell)
    if not whole or not all(0 <= part < size for part in cell):
        raise TaskError(
            f"{name} is {cell!r}", remedy=f"give row and column, each from 0 to {size - 1}, as in [0, 0]", key=name
        )
    return (cell[0], cell[1])


def _checked_window(name: str, window: Any, least: int) -> Window:
    problem = TaskError(
        f"{name} is {window!r}",
        remedy=f"give two whole numbers, least and greatest, {least} <= least <= greatest",
        key=name,
    )
    if not isinstance(window, tuple | list) or len(window) != 2:
        raise problem
    lo, hi = window
    if any(isinstance(end, bool) or not isinstance(end, int) for end in (lo, hi)) or not least <= lo <= hi:
        raise problem
    return (lo, hi)
