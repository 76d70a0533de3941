"""One picture of an episode: what each seat saw, the agreed path, and where it broke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Picture
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.maze.reading.case import Case
from pytest_collab.families.maze.rules import Cell, inside
from pytest_collab.families.maze.seats import GOAL, HIDDEN, START, WALL, copies, copy_of
from pytest_collab.families.maze.wording import named

WALKED: Final = "o"
BROKEN: Final = "X"
_PATH: Final = "#2f81f7"
_BREAK: Final = "#e5534b"
"""Both can be told from a white and from a black page, and neither carries a meaning alone."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One grid of the picture.

    Attributes:
        rows: symbols, top row first.
        path: cells to draw a line through.
        broken: the cell where the path could not go on.
    """

    title: str
    rows: tuple[str, ...]
    path: tuple[Cell, ...] = ()
    broken: Cell | None = None


def drawn(maze: MazeRecord, condition: Condition, transcript: Transcript, upto: int | None = None) -> Picture:
    """The picture after event `upto`, or at the end."""
    seen = transcript if upto is None else Transcript(transcript[: upto + 1])
    case = Case.of(maze, condition, seen)
    shown: dict[str, tuple[str, ...]] = {}
    for seat in case.seats:
        for owner, rows in copies(maze, seat, condition).items():
            shown[owner] = rows
    panels = [Panel(_title(owner), rows) for owner, rows in shown.items() if owner != "everyone"]
    broken = case.walked.breach
    panels.append(
        Panel("the maze", copy_of(maze, None), case.walked.legal, broken.cell if broken is not None else None)
    )
    told = _told(case)
    return Picture(text=f"{_as_text(panels)}\n{told}", svg=_as_svg(panels, told))


def _title(owner: str) -> str:
    return f"{owner} sees"


def _told(case: Case) -> str:
    """The picture in one sentence."""
    moves = max(0, len(case.walked.legal) - 1)
    if case.walked.reached:
        return f"Agreed: {moves} moves to the goal (shortest: {case.maze.path_length})."
    broken = case.walked.breach
    if broken is None:
        return (
            "Nothing agreed." if moves == 0 else f"Agreed: {moves} moves, as far as {named(case.walked.legal[-1])}."
        )
    if broken.why == "wall":
        witnesses = [seat for seat in case.seats if case.sees(seat, broken.cell)]
        why = f"a wall that {' and '.join(witnesses)} can see"
    else:
        why = "outside the maze" if broken.why == "outside" else "not a neighbour of the cell before"
    return f"Agreed: {moves} legal moves, then {named(broken.cell)}: {why}."


def _as_text(panels: Sequence[Panel]) -> str:
    grids = []
    for panel in panels:
        rows = [list(row) for row in panel.rows]
        for row, column in panel.path:
            if rows[row][column] not in (START, GOAL):
                rows[row][column] = WALKED
        if panel.broken is not None and inside(len(rows), panel.broken):
            rows[panel.broken[0]][panel.broken[1]] = BROKEN
        width = max(len(panel.title), 2 * len(rows) - 1)
        grids.append([panel.title.ljust(width), *(" ".join(row).ljust(width) for row in rows)])
    lines = ["   ".join(parts).rstrip() for parts in zip(*grids, strict=True)]
    return "\n".join(lines)


def _as_svg(panels: Sequence[Panel], told: str) -> str:
    size = len(panels[0].rows)
    side = 22 if size <= 10 else 11
    board = size * side
    gap, top = 24, 20
    width = len(panels) * (board + gap) - gap + 4
    height = board + top + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="collab-maze" role="img" aria-label="{escape(told)}" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" color="currentColor" '
        'font-family="ui-monospace, monospace" fill="none">',
        "<title>Maze</title>",
        f"<desc>{escape(told)} {escape(' '.join(_described(panel) for panel in panels))}</desc>",
    ]
    for number, panel in enumerate(panels):
        left = 2 + number * (board + gap)
        parts.append(f'<g transform="translate({left} {top})">{_board(panel, side)}</g>')
    return "".join([*parts, "</svg>"])


def _board(panel: Panel, side: int) -> str:
    size = len(panel.rows)
    board = size * side
    grid = "".join(f"M0 {n * side}H{board}M{n * side} 0V{board}" for n in range(size + 1))
    parts = [
        f'<text y="-6" fill="currentColor" font-size="12">{escape(panel.title)}</text>',
        f'<path class="walls" d="{_squares(panel.rows, WALL, side)}" fill="currentColor" fill-opacity="0.8"/>',
        f'<path class="hidden" d="{_squares(panel.rows, HIDDEN, side)}" fill="currentColor" fill-opacity="0.12"/>',
        f'<path class="grid" d="{grid}" stroke="currentColor" stroke-opacity="0.3"/>',
    ]
    if len(panel.path) > 1:
        points = " ".join(f"{(column + 0.5) * side:g},{(row + 0.5) * side:g}" for row, column in panel.path)
        parts.append(
            f'<polyline class="path" points="{points}" stroke="{_PATH}" stroke-width="{side / 5:g}" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
        )
    marks = {START: "S", GOAL: "G", HIDDEN: "?"}
    for row, line in enumerate(panel.rows):
        for column, symbol in enumerate(line):
            if symbol in (START, GOAL) or (symbol == HIDDEN and side > 12):
                faint = ' fill-opacity="0.5"' if symbol == HIDDEN else ' font-weight="bold"'
                parts.append(
                    f'<text x="{(column + 0.5) * side:g}" y="{(row + 0.72) * side:g}" text-anchor="middle" '
                    f'font-size="{side * 0.6:g}" fill="currentColor"{faint}>{marks[symbol]}</text>'
                )
    if panel.broken is not None and inside(size, panel.broken):
        row, column = panel.broken
        x, y, arm = (column + 0.5) * side, (row + 0.5) * side, side * 0.3
        parts.append(
            f'<path class="break" d="M{x - arm:g} {y - arm:g}L{x + arm:g} {y + arm:g}'
            f'M{x + arm:g} {y - arm:g}L{x - arm:g} {y + arm:g}" stroke="{_BREAK}" stroke-width="{side / 6:g}" '
            'stroke-linecap="round"/>'
        )
    return "".join(parts)


def _squares(rows: Sequence[str], symbol: str, side: int) -> str:
    return "".join(
        f"M{column * side} {row * side}h{side}v{side}h-{side}z"
        for row, line in enumerate(rows)
        for column, what in enumerate(line)
        if what == symbol
    )


def _described(panel: Panel) -> str:
    """A panel for those who do not see it."""
    return f"{panel.title}: {', '.join(f'row {number}: {row}' for number, row in enumerate(panel.rows))}."
