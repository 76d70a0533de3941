"""From moves as written to cells: what a proposal means from where the team stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_collab.families.maze.reading.atoms import Mention, Step
from pytest_collab.families.maze.reading.block import Item
from pytest_collab.families.maze.reading.dialogue import Cell
from pytest_collab.families.maze.reading.frame import Frame, Grid


@dataclass(frozen=True, slots=True)
class Route:
    """Cells after the origin, and how many of the written items did not fit together."""

    cells: tuple[Cell, ...]
    misfits: int


def adjacent(one: Cell, two: Cell) -> bool:
    return abs(one[0] - two[0]) + abs(one[1] - two[1]) == 1


def line(one: Cell, two: Cell) -> list[Cell]:
    """The cells from `one` (left out) straight to `two`; empty if they share neither row nor column."""
    if one == two or (one[0] != two[0] and one[1] != two[1]):
        return []
    rows, cols = (two[0] > one[0]) - (two[0] < one[0]), (two[1] > one[1]) - (two[1] < one[1])
    count = abs(two[0] - one[0]) + abs(two[1] - one[1])
    return [(one[0] + rows * step, one[1] + cols * step) for step in range(1, count + 1)]


def meaning(item: Mention, frames: tuple[Frame, Frame], grid: Grid) -> Cell:
    """The cell of a mention; `frames` are for number pairs and for letters."""
    written = item.of or item
    return frames[written.kind == "a1"].cell(item, grid)


def stretch(step: Step, at: Cell, frame: Frame, grid: Grid, walls: Mapping[Cell, str]) -> int:
    """How many cells `step` goes from `at`."""
    rows, cols = step.delta
    if step.until == "goal":
        gap = (grid.goal[0] - at[0], grid.goal[1] - at[1])
        along = gap[0] * rows + gap[1] * cols
        across = abs(gap[0] * cols) + abs(gap[1] * rows)
        return along if along > 0 and across == 0 else step.count
    if step.until in ("row", "col"):
        value = step.value - frame.base
        if step.until == "row" and rows:
            value = grid.size - 1 - value if frame.up else value
            return max(1, (value - at[0]) * rows)
        return max(1, (value - at[1]) * cols) if step.until == "col" and cols else step.count
    if step.until in ("edge", "wall"):
        count, cell = 0, at
        while True:
            cell = (cell[0] + rows, cell[1] + cols)
            if not grid.holds(cell) or (step.until == "wall" and walls.get(cell) == "#"):
                return max(1, count)
            count += 1
    return step.count


def follow(
    items: Sequence[Item],
    origins: frozenset[int],
    start: Cell,
    frames: tuple[Frame, Frame],
    grid: Grid,
    walls: Mapping[Cell, str],
    notes: frozenset[int] = frozenset(),
) -> Route:
    """Walk the items from `start`, taking steps and coordinates in turn."""
    limit = 4 * grid.size * grid.size
    at, path, misfits = start, [start], 0
    before = start  # where the last step began
    stepped = False
    for index, item in enumerate(items):
        if len(path) > limit:
            misfits += 1
            break
        if isinstance(item, Step):
            if index in notes and item.count == 1 and _arrived(path, item.delta, items[index - 1], frames, grid):
                continue
            before = at
            for _ in range(min(stretch(item, at, frames[0], grid, walls), 2 * grid.size)):
                at = (at[0] + item.delta[0], at[1] + item.delta[1])
                path.append(at)
            stepped = True
            continue
        cell = meaning(item, frames, grid)
        if item.kind == "goal" and cell != at and not line(at, cell):
            continue  # spoken of, not walked to
        if cell == at or (index in origins and cell in (at, before, start)):
            continue
        if stepped and cell == before and index + 1 < len(items):
            continue
        if index in origins:
            misfits += 1
            continue
        if stepped and isinstance(items[index - 1], Step) and cell not in (at,):
            last = items[index - 1]
            assert isinstance(last, Step)
            reach = line(before, cell)
            if reach and (reach[0][0] - before[0], reach[0][1] - before[1]) == last.delta:
                while path[-1] != before:
                    path.pop()
                path.extend(reach)
                at = cell
                continue
            misfits += 1
        between = line(at, cell)
        if not between:
            misfits += 2
            between = [cell]
        elif len(between) > 1:
            misfits += len(items) > 2
        path.extend(between)
        at, stepped = cell, False
    return Route(tuple(path[1 : limit + 1]), misfits)


def _arrived(path: Sequence[Cell], delta: Cell, cell: Item, frames: tuple[Frame, Frame], grid: Grid) -> bool:
    """The last move led to `cell`, in that direction."""
    if len(path) < 2 or not isinstance(cell, Mention) or meaning(cell, frames, grid) != path[-1]:
        return False
    return (path[-1][0] - path[-2][0], path[-1][1] - path[-2][1]) == delta


def resolve(
    items: Sequence[Item],
    origins: frozenset[int],
    start: Cell,
    frames: tuple[Frame, Frame],
    grid: Grid,
    walls: Mapping[Cell, str],
    notes: frozenset[int] = frozenset(),
) -> Route:
    """The cells that one clause of moves visits after `start`.

    When steps and coordinates stand beside each other they may be one walk ("right to (0,1)") or the
    same walk written twice ("RRD: (0,1), (0,2), (1,2)"); the reading with fewer misfits is taken.
    """
    both = follow(items, origins, start, frames, grid, walls, notes)
    steps = [item for item in items if isinstance(item, Step)]
    cells = [item for index, item in enumerate(items) if isinstance(item, Mention) and index not in origins]
    if not steps or not cells or not both.misfits:
        return both
    by_steps = follow(steps, frozenset(), start, frames, grid, walls)
    by_cells = follow(cells, frozenset(), start, frames, grid, walls)
    if by_steps.cells == by_cells.cells or (by_cells.misfits == 0 and len(cells) >= len(steps) > 1):
        return by_cells
    if (
        by_cells.misfits == 0
        and by_cells.cells
        and all(adjacent(*pair) for pair in zip(by_cells.cells, by_cells.cells[1:], strict=False))
    ):
        return Route(by_cells.cells, 1)
    return Route(by_steps.cells, both.misfits) if len(steps) > len(cells) else both
