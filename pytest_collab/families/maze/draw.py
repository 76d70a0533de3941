"""One picture of an episode: what each seat saw and said, the agreed path, and where it broke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Final

from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.maze.reading.case import Case
from pytest_collab.families.maze.rules import Cell, inside
from pytest_collab.families.maze.seats import GOAL, HIDDEN, SEAT_NAMES, START, WALL, copies, copy_of
from pytest_collab.families.maze.wording import named
from pytest_collab.families.sketch import BAD, INK, PATH, SMALLEST, SOFT, WIDTH, Sketch

WALKED: Final = "o"
BROKEN: Final = "X"
DENIED: Final = "!"
_LETTERS: Final = {START: "S", GOAL: "G"}
_CLAIM: Final = "#d9730d"
_GAP, _HEAD, _EDGE = 22.0, 26.0, 20.0


@dataclass(frozen=True, slots=True)
class Panel:
    """One grid of the picture.

    Attributes:
        rows: symbols, top row first.
        path: cells to draw a line through.
        broken: the cell where the path could not go on.
        said: what the seat has said of cells, the last time that it spoke of each: wall or open.
        seat: number of the seat whose copy it is.
    """

    title: str
    rows: tuple[str, ...]
    path: tuple[Cell, ...] = ()
    broken: Cell | None = None
    said: Mapping[Cell, bool] = field(default_factory=dict)
    seat: int | None = None

    def denied(self, cell: Cell) -> bool:
        """Whether the copy shows otherwise than was said."""
        shown = self.rows[cell[0]][cell[1]]
        return cell in self.said and shown != HIDDEN and (shown == WALL) is not self.said[cell]


def drawn(maze: MazeRecord, condition: Condition, transcript: Transcript, upto: int | None = None) -> Picture:
    """The picture after event `upto`, or at the end, with what each seat has said of cells in its copy."""
    seen = transcript if upto is None else Transcript(transcript[: upto + 1])
    case = Case.of(maze, condition, seen)
    shown: dict[str, tuple[str, ...]] = {}
    for seat in case.seats:
        for owner, rows in copies(maze, seat, condition).items():
            shown[owner] = rows
    panels = [
        Panel(_title(owner), rows, said=_said(case, owner), seat=SEAT_NAMES.find(owner))
        for owner, rows in shown.items()
        if owner != "everyone"
    ]
    broken = case.walked.breach
    panels.append(
        Panel("the maze", copy_of(maze, None), case.walked.legal, broken.cell if broken is not None else None)
    )
    told = _told(case)
    return Picture(text=f"{_as_text(panels)}\n{told}", svg=_as_svg(panels, told))


def _said(case: Case, seat: str) -> dict[Cell, bool]:
    return {
        claim.cell: claim.content == WALL
        for claim in (case.claims(seat) if seat in case.seats else ())
        if inside(case.maze.size, claim.cell)
    }


def _title(owner: str) -> str:
    return f"{owner} sees"


def _told(case: Case) -> str:
    """The picture in one sentence."""
    moves = max(0, len(case.walked.legal) - 1)
    if case.walked.reached:
        return f"Agreed: {counted(moves, 'move')} to the goal (shortest: {case.maze.path_length})."
    broken = case.walked.breach
    if broken is None:
        return (
            "Nothing agreed."
            if moves == 0
            else f"Agreed: {counted(moves, 'move')}, as far as {named(case.walked.legal[-1])}."
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
        rows = [[_LETTERS.get(symbol, symbol) for symbol in row] for row in panel.rows]
        for row, column in panel.path:
            if panel.rows[row][column] not in _LETTERS:
                rows[row][column] = WALKED
        for row, column in panel.said:
            if panel.denied((row, column)):
                rows[row][column] = DENIED
        if panel.broken is not None and inside(len(rows), panel.broken):
            rows[panel.broken[0]][panel.broken[1]] = BROKEN
        wide = len(str(len(rows) - 1))
        numbers = " ".join(f"{n % 10}" for n in range(len(rows)))
        lines = [f"{'':>{wide}} {numbers}", *(f"{n:>{wide}} {' '.join(row)}" for n, row in enumerate(rows))]
        width = max(len(panel.title), len(lines[0]))
        grids.append([panel.title.ljust(width), *(line.ljust(width) for line in lines)])
    lines = ["   ".join(parts).rstrip() for parts in zip(*grids, strict=True)]
    meaning = f"S start, G goal, # wall, ? not seen, {WALKED} agreed path"
    if any(panel.broken is not None for panel in panels):
        meaning += f", {BROKEN} where it breaks"
    if any(panel.denied(cell) for panel in panels for cell in panel.said):
        meaning += f", {DENIED} said otherwise than its own copy shows"
    return "\n".join([*lines, meaning])


def _as_svg(panels: Sequence[Panel], told: str) -> str:
    size = len(panels[0].rows)
    across = min(len(panels), 3 if size <= 10 else 2 if size <= 20 else 1)
    side = min(28.0, floor((WIDTH - across * _EDGE - (across - 1) * _GAP - 8) / (across * size)))
    sketch = Sketch(f"{told} {' '.join(_described(panel) for panel in panels)}")
    wall = sketch.hatch("said", _CLAIM)
    step = _EDGE + size * side + _GAP
    for number, panel in enumerate(panels):
        left = 4 + _EDGE + (number % across) * step
        top = _HEAD + 16 + (number // across) * (size * side + _HEAD + 26)
        _board(sketch, panel, left, top, side, wall)
    below = sketch.bottom + 16
    sketch.text(4, below, told, bold=True)
    said = any(panel.said for panel in panels)
    denied = any(panel.denied(cell) for panel in panels for cell in panel.said)
    entries = [
        (sketch.box_sign(INK), "wall"),
        (lambda x, y: _unseen(sketch, x - 6, y - 6, 12), "not seen"),
        *([(sketch.box_sign(wall, _CLAIM), "said to be a wall")] if said else []),
        *([(lambda x, y: _open(sketch, x, y, 12), "said to be open")] if said else []),
        *([(lambda x, y: _ring(sketch, x - 6, y - 6, 12), "its own copy shows otherwise")] if denied else []),
        *([(sketch.line_sign(PATH, 4), "agreed path")] if any(len(panel.path) > 1 for panel in panels) else []),
        *([(lambda x, y: _cross(sketch, x, y, 12), "breaks here")] if panels[-1].broken is not None else []),
    ]
    sketch.legend(below + 18, entries)
    return sketch.svg()


def _board(sketch: Sketch, panel: Panel, left: float, top: float, side: float, wall: str) -> None:
    size = len(panel.rows)
    if panel.seat is not None and panel.seat >= 0:
        sketch.seat(left + 6, top - 27, panel.seat, 5)
        sketch.text(left + 16, top - 22, panel.title, bold=True)
    else:
        sketch.text(left, top - 22, panel.title, bold=True)
    every = 1 if side >= 14 else 2 if side >= 8 else 5
    for n in range(0, size, every):
        sketch.text(left + (n + 0.5) * side, top - 4, n, size=SMALLEST, fill=SOFT, anchor="middle")
        sketch.text(left - 5, top + (n + 0.5) * side + 4.5, n, size=SMALLEST, fill=SOFT, anchor="end")
    for row, line in enumerate(panel.rows):
        for column, symbol in enumerate(line):
            x, y = left + column * side, top + row * side
            if symbol == WALL:
                sketch.box(x, y, side, side, fill=INK, tip=f"({row}, {column}): wall")
            elif symbol == HIDDEN:
                _unseen(sketch, x, y, side)
    for (row, column), is_wall in panel.said.items():
        x, y = left + column * side, top + row * side
        if is_wall:
            sketch.box(x, y, side, side, fill=wall, tip=f"({row}, {column}): said to be a wall")
        else:
            _open(sketch, x + side / 2, y + side / 2, side)
    grid = "".join(
        f"M{left:g} {top + n * side:g}h{size * side:g}M{left + n * side:g} {top:g}v{size * side:g}"
        for n in range(size + 1)
    )
    sketch.add(f'<path d="{grid}" stroke="{SOFT}" stroke-opacity="0.5"/>', top + size * side)
    for row, column in panel.said:
        if panel.denied((row, column)):
            _ring(sketch, left + column * side, top + row * side, side)
    if len(panel.path) > 1:
        points = " ".join(
            f"{left + (column + 0.5) * side:g},{top + (row + 0.5) * side:g}" for row, column in panel.path
        )
        sketch.add(
            f'<polyline points="{points}" stroke="{PATH}" stroke-width="{side / 5:g}" stroke-linejoin="round" '
            'stroke-linecap="round"/>'
        )
    for row, line in enumerate(panel.rows):
        for column, symbol in enumerate(line):
            if symbol in _LETTERS:
                _word(sketch, _LETTERS[symbol], left + column * side, top + row * side, side)
    if panel.broken is not None and inside(size, panel.broken):
        row, column = panel.broken
        _cross(sketch, left + (column + 0.5) * side, top + (row + 0.5) * side, side)


def _unseen(sketch: Sketch, x: float, y: float, side: float) -> None:
    sketch.box(x, y, side, side, fill="#e6e9ed")
    _word(sketch, "?", x, y, side, SOFT)


def _word(sketch: Sketch, letter: str, x: float, y: float, side: float, fill: str = INK) -> None:
    if side >= SMALLEST:
        bold = letter != "?"
        sketch.text(x + side / 2, y + side / 2 + 4.5, letter, fill=fill, anchor="middle", bold=bold, size=SMALLEST)


def _open(sketch: Sketch, x: float, y: float, side: float) -> None:
    sketch.add(
        f'<circle cx="{x:g}" cy="{y:g}" r="{side * 0.22:g}" stroke="{_CLAIM}" stroke-width="2"/>', y + side / 2
    )


def _ring(sketch: Sketch, x: float, y: float, side: float) -> None:
    sketch.add(
        f'<rect x="{x + 1:g}" y="{y + 1:g}" width="{side - 2:g}" height="{side - 2:g}" stroke="{BAD}" '
        'stroke-width="3"/>',
        y + side,
    )


def _cross(sketch: Sketch, x: float, y: float, side: float) -> None:
    arm = side * 0.3
    sketch.add(
        f'<path d="M{x - arm:g} {y - arm:g}L{x + arm:g} {y + arm:g}M{x + arm:g} {y - arm:g}L{x - arm:g} {y + arm:g}" '
        f'stroke="{BAD}" stroke-width="{max(2.0, side / 6):g}" stroke-linecap="round"/>',
        y + arm,
    )


def _described(panel: Panel) -> str:
    """A panel for those who do not see it."""
    said = "; ".join(f"said that {cell} is {'a wall' if wall else 'open'}" for cell, wall in panel.said.items())
    rows = ", ".join(f"row {number}: {row}" for number, row in enumerate(panel.rows))
    return f"{panel.title}: {rows}{'; ' + said if said else ''}."
