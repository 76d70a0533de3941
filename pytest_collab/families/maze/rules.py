"""The maze itself: moves, distances, the check of a path, progress. Pure; cells are (row, column) from the top."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from pytest_collab.core.maze.spec import MazeRecord

Cell = tuple[int, int]

STEPS: Final[Mapping[str, Cell]] = {"right": (0, 1), "down": (1, 0), "left": (0, -1), "up": (-1, 0)}
"""The four moves by name; their order breaks ties between equally short paths."""


@dataclass(frozen=True, slots=True)
class Breach:
    """Where a path stops being legal.

    Attributes:
        index: position in the path of the first cell that cannot be entered.
        cell: that cell; it may lie outside the grid.
        why: `wall`, `outside` (of the grid), or `jump` (not a neighbour of the cell before, or not the start).
    """

    index: int
    cell: Cell
    why: Literal["wall", "outside", "jump"]


@dataclass(frozen=True, slots=True)
class Walk:
    """A path checked on the true maze.

    Attributes:
        legal: the longest legal prefix, start included; empty when the path does not begin at the start. It ends
            at the goal when the goal is reached, whatever the path says after it.
        breach: what ended the prefix; None when nothing did.
        reached: the legal prefix ends at the goal.
    """

    legal: tuple[Cell, ...]
    breach: Breach | None
    reached: bool


def inside(size: int, cell: Cell) -> bool:
    """Whether the cell lies on a `size` x `size` grid."""
    return 0 <= cell[0] < size and 0 <= cell[1] < size


def adjacent(one: Cell, other: Cell) -> bool:
    """Whether one move leads from one cell to the other."""
    return abs(one[0] - other[0]) + abs(one[1] - other[1]) == 1


def neighbours(size: int, cell: Cell) -> Iterator[Cell]:
    """The cells of the grid next to `cell`, in the order of `STEPS`."""
    for down, right in STEPS.values():
        near = (cell[0] + down, cell[1] + right)
        if inside(size, near):
            yield near


def walk(maze: MazeRecord, path: Sequence[Cell]) -> Walk:
    """Check a path, start included, move by move on the true maze."""
    legal: list[Cell] = []
    for index, cell in enumerate(path):
        why: Literal["wall", "outside", "jump"] | None = None
        if not inside(maze.size, cell):
            why = "outside"
        elif not legal:
            why = None if cell == maze.start else "jump"
        elif not adjacent(legal[-1], cell):
            why = "jump"
        elif maze.is_wall(*cell):
            why = "wall"
        if why is not None:
            return Walk(tuple(legal), Breach(index, cell, why), False)
        legal.append(cell)
        if cell == maze.goal:
            return Walk(tuple(legal), None, True)
    return Walk(tuple(legal), None, False)


@lru_cache(maxsize=4096)
def distances(maze: MazeRecord) -> Mapping[Cell, int]:
    """Moves from each cell to the goal; cells from which it cannot be reached are absent."""
    found = {maze.goal: 0}
    edge = [maze.goal]
    while edge:
        further = []
        for cell in edge:
            for near in neighbours(maze.size, cell):
                if near not in found and not maze.is_wall(*near):
                    found[near] = found[cell] + 1
                    further.append(near)
        edge = further
    return found


def weighted_outcome(maze: MazeRecord, cell: Cell) -> float:
    """(a - b) / a, where a is the shortest way from the start and b that from `cell`: 1 at the goal, below 0 for a
    cell that is farther away than the start (arXiv 2511.02687, section 3)."""
    return 1.0 - distances(maze).get(cell, maze.path_length) / maze.path_length


def progress(maze: MazeRecord, cell: Cell) -> float:
    """How much of the way from start to goal lies behind `cell`, by true distances: 0 (or farther away) to 1."""
    left = distances(maze).get(cell, maze.path_length)
    return min(1.0, max(0.0, 1.0 - left / maze.path_length))


def cheapest_path(
    size: int,
    start: Cell,
    goal: Cell,
    blocked: Collection[Cell],
    doubts: Mapping[Cell, float] | None = None,
) -> tuple[Cell, ...] | None:
    """The shortest path that avoids `blocked`, where entering a cell of `doubts` costs that much more than one move.

    Ties go to the first move in the order of `STEPS`, so that two players with the same knowledge find the same
    path. None when there is no path.
    """
    doubts = doubts or {}
    queue: list[tuple[float, tuple[int, ...], Cell]] = [(0.0, (), start)]
    path_to: dict[Cell, tuple[Cell, ...]] = {}
    via: dict[Cell, tuple[Cell, ...]] = {start: (start,)}
    cost_of: dict[Cell, float] = {start: 0.0}
    while queue:
        cost, order, cell = heapq.heappop(queue)
        if cell in path_to:
            continue
        path_to[cell] = via[cell]
        if cell == goal:
            return path_to[cell]
        for number, near in enumerate(_around(cell)):
            if not inside(size, near) or near in blocked or near in path_to:
                continue
            price = cost + 1.0 + doubts.get(near, 0.0)
            if near not in cost_of or price < cost_of[near] - 1e-9:
                cost_of[near] = price
                via[near] = (*path_to[cell], near)
                heapq.heappush(queue, (price, (*order, number), near))
    return None


def solve(maze: MazeRecord) -> tuple[Cell, ...]:
    """A shortest path from start to goal, both included; always the same one."""
    size = maze.size
    walls = {(row, column) for row in range(size) for column in range(size) if maze.is_wall(row, column)}
    path = cheapest_path(size, maze.start, maze.goal, walls)
    assert path is not None, "mazes are solvable by construction"
    return path


def _around(cell: Cell) -> Iterator[Cell]:
    for down, right in STEPS.values():
        yield (cell[0] + down, cell[1] + right)
