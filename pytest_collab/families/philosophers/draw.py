"""The table from above: philosophers around it, forks between them."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin

from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import counted
from pytest_collab.families.philosophers import rules
from pytest_collab.families.sketch import BAD, SMALLEST, SOFT, WIDTH, Sketch


def picture(table: rules.State, seats: Sequence[str], *, deadlocked: bool = False) -> Picture:
    """One state: filled plates eat, lines join a fork to the hand that holds it."""
    title = f"step {table.timestep}, {counted(sum(table.meals), 'meal')}" + (", deadlock" if deadlocked else "")
    return Picture(_text(table, seats, title), _svg(table, seats, title))


def _text(table: rules.State, seats: Sequence[str], title: str) -> str:
    lines = [title]
    for i, seat in enumerate(seats):
        hands = ("L" if table.left[i] else "-") + ("R" if table.right[i] else "-")
        lines.append(f"  {seat} [{hands}] {'eats' if table.eating[i] else 'hungry':<6} {table.meals[i]:>3} meals")
    return "\n".join(lines)


def _svg(table: rules.State, seats: Sequence[str], title: str) -> str:
    n, radius = len(seats), 118.0
    across, down = WIDTH / 2, radius + 68
    step = 2 * pi / n
    sketch = Sketch(title)
    sketch.text(4, 16, title, bold=True)

    def at(turns: float, distance: float) -> tuple[float, float]:
        angle = turns * step - pi / 2
        return round(across + distance * cos(angle), 1), round(down + distance * sin(angle), 1)

    sketch.add(
        f'<circle cx="{across}" cy="{down}" r="{radius - 26}" fill="#f6f1e7" stroke="#b9a98a"/>', down + radius + 40
    )
    for i in range(n):
        x, y = at(i, radius)
        for held, place in ((table.left[i], i - 0.5), (table.right[i], i + 0.5)):
            if held:
                fx, fy = at(place, radius - 12)
                sketch.line(x, y, fx, fy, stroke=BAD, width=3)
    for fork in range(n):
        x, y = at(fork - 0.5, radius - 12)
        free = table.forks[fork] == rules.FREE
        _fork(sketch, x, y, free)
    for i, seat in enumerate(seats):
        x, y = at(i, radius)
        sketch.seat(x, y, i, 13, hollow=not table.eating[i])
        lx, ly = at(i, radius + 30)
        words = f"{seat}: {'eats' if table.eating[i] else 'hungry'}, {table.meals[i]}"
        anchor = "middle" if abs(lx - across) < 12 else "start" if lx > across else "end"
        sketch.text(lx, ly + 4, words, anchor=anchor, bold=table.eating[i], size=SMALLEST)
    entries = [
        (sketch.seat_sign(0), "eats"),
        (lambda x, y: sketch.seat(x, y, 0, 5, hollow=True), "hungry (number: meals)"),
        (lambda x, y: _fork(sketch, x, y, True), "a free fork"),
        (lambda x, y: _fork(sketch, x, y, False), "a fork that is taken"),
        (sketch.line_sign(BAD, 3), "whose hand it is in"),
    ]
    sketch.legend(sketch.bottom + 10, entries)
    return sketch.svg()


def _fork(sketch: Sketch, x: float, y: float, free: bool) -> None:
    fill, edge = ("#fff", SOFT) if free else (BAD, BAD)
    sketch.box(x - 3, y - 9, 6, 18, fill=fill, stroke=edge, tip="free" if free else "taken")
