"""What a message puts forward, as the whole way that it means from where the team stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_collab.families.maze.reading.atoms import Mention
from pytest_collab.families.maze.reading.block import Moves
from pytest_collab.families.maze.reading.dialogue import Cell
from pytest_collab.families.maze.reading.frame import Frame, Grid
from pytest_collab.families.maze.reading.message import Message
from pytest_collab.families.maze.reading.route import Route, adjacent, meaning, resolve


@dataclass(frozen=True, slots=True)
class Plan:
    """What a message puts forward: the whole way it means, from which agreed cell it branches, how sure that is.

    `astray`: a single cell that no straight line leads to, so that it may be spoken of rather than walked to.
    """

    cells: tuple[Cell, ...]
    base: int
    certainty: float
    absolute: bool
    astray: bool


class Planner:
    """Puts moves as written into cells; knows the grid, the seats' conventions and the walls told of so far."""

    def __init__(self, grid: Grid, frames: Mapping[str, tuple[Frame, Frame]], walls: Mapping[Cell, str]) -> None:
        self.grid = grid
        self.frames = frames
        self.walls = walls

    def plan(self, seat: str, message: Message, origin: tuple[Cell, ...], withdrawn: int = 0) -> Plan | None:
        """The way that a message puts forward, if it does, when the team stands at the end of `origin`."""
        blocks = _chosen([block for block in message.moves if not block.past])
        if not blocks:
            return None
        if withdrawn and self._runs_into_wall(seat, blocks[0], origin):
            # "then just right 1 instead" may start where the withdrawn moves started
            back = origin[:withdrawn]
            if not self._runs_into_wall(seat, blocks[0], back):
                origin = back
        cells = origin
        base = len(origin)
        certainty = 0.97
        absolute = astray = bare = False
        first = True
        for block in blocks:
            whole, way, misfits = self.walk(seat, block, cells)
            if block.choice:
                if all(other.choice for other in blocks):
                    return None
                continue
            astray = astray or (len(block.items) == 1 and isinstance(block.items[0], Mention) and misfits > 0)
            certainty -= (
                0.12 * min(misfits, 3)
                + 0.1 * block.conditional
                + 0.08 * (block.level <= 1 and not bare)
                + 0.25 * (block.level == 0)
            )
            bare = bare or block.level <= 1
            if not first and not block.onward:
                # the same way said again, or said more fully
                again_whole, again, again_misfits = self.walk(seat, block, origin)
                mixed = isinstance(block.items[0], Mention) != isinstance(blocks[0].items[0], Mention)
                if block.asked and not block.again and cells[: len(again)] == again and len(again) > base:
                    continue  # asks for what was said
                twice = again == cells and (
                    mixed
                    or block.restated
                    or (block.level == 4 and not block.again and not block.headed)
                    or (block.level == 3 and len(block.items) > 1)
                )
                fuller = again[: len(cells)] == cells and (again_whole or block.restated or mixed)
                if twice or fuller or again_whole or (block.restated and again_misfits <= misfits):
                    cells, absolute = again, absolute or again_whole
                    base = min(base, _shared(origin, cells))
                    continue
            absolute = absolute or whole
            cells = way
            base = min(base, _shared(origin, cells))
            first = False
        if cells == origin[: len(cells)] and not absolute:
            return None
        if len(cells) > 4 * self.grid.size * self.grid.size + 1:
            cells = cells[: 4 * self.grid.size * self.grid.size + 1]
        if not all(self.grid.holds(cell) for cell in cells):
            certainty -= 0.3
        if base < len(origin):
            base = 1
        return Plan(cells, base, max(0.1, certainty), absolute, astray)

    def _runs_into_wall(self, seat: str, block: Moves, origin: tuple[Cell, ...]) -> bool:
        _, cells, _ = self.walk(seat, block, origin)
        return any(self.walls.get(cell) == "#" for cell in cells[1:])

    def walk(self, seat: str, block: Moves, origin: tuple[Cell, ...]) -> tuple[bool, tuple[Cell, ...], int]:
        """(from the start?, the whole way, misfits) of one block of moves."""
        frames, grid = self.frames[seat], self.grid
        here = resolve(block.items, block.origins, origin[-1], frames, grid, self.walls, block.notes)
        if len(origin) == 1:
            return block.absolute or _begins(block, frames, grid, grid.start), (*origin, *here.cells), here.misfits
        there = resolve(block.items, block.origins, grid.start, frames, grid, self.walls, block.notes)
        first = next((meaning(item, frames, grid) for item in block.items if isinstance(item, Mention)), None)
        only_cells = all(isinstance(item, Mention) for item in block.items)
        whole = block.absolute or _begins(block, frames, grid, grid.start)
        if only_cells and first is not None:
            if first == origin[-1] or adjacent(first, origin[-1]):
                whole = whole and first == grid.start
            elif first in origin:
                index = origin.index(first)
                branch = resolve(block.items, block.origins, origin[index], frames, grid, self.walls, block.notes)
                return index == 0, (*origin[: index + 1], *branch.cells), branch.misfits
            elif adjacent(first, grid.start) and not there.misfits:
                whole = True
        elif not whole:
            whole = self._fits_only_from_start(here, there, origin)
        if whole:
            return True, (grid.start, *there.cells), there.misfits
        return False, (*origin, *here.cells), here.misfits

    def _fits_only_from_start(self, here: Route, there: Route, origin: tuple[Cell, ...]) -> bool:
        end_here = here.cells[-1] if here.cells else origin[-1]
        end_there = there.cells[-1] if there.cells else self.grid.start
        if (
            there.misfits <= here.misfits
            and end_there == self.grid.goal
            and end_here != self.grid.goal
            and len(there.cells) > 1
        ):
            return True
        inside_here = all(self.grid.holds(cell) for cell in here.cells)
        inside_there = all(self.grid.holds(cell) for cell in there.cells)
        extends = there.cells[: len(origin) - 1] == origin[1:] and len(there.cells) >= len(origin)
        return inside_there and not inside_here and extends


def _shared(one: tuple[Cell, ...], two: tuple[Cell, ...]) -> int:
    count = 0
    for a, b in zip(one, two, strict=False):
        if a != b:
            break
        count += 1
    return count


def _begins(block: Moves, frames: tuple[Frame, Frame], grid: Grid, cell: Cell) -> bool:
    item = block.items[0]
    return isinstance(item, Mention) and meaning(item, frames, grid) == cell


def _chosen(blocks: Sequence[Moves]) -> list[Moves]:
    """The blocks that make up the proposal: from the first that is plainly one, or all that are not recaps."""
    usable = [block for block in blocks if block.level > 0 or len(blocks) == 1]
    top = max((block.level for block in usable), default=0)
    if top >= 3:
        first = next(index for index, block in enumerate(usable) if block.level == top)
        kept = usable[first:]
        for index in range(len(kept) - 1, 0, -1):
            if kept[index].absolute:
                return kept[index:]
        return kept
    return usable or list(blocks)
