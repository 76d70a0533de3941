"""The table from above: philosophers around it, forks between them."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin

from pytest_collab.episode.family import Picture
from pytest_collab.families.philosophers import rules

SIZE, PLATE = 260, 15


def picture(table: rules.State, seats: Sequence[str], *, deadlocked: bool = False) -> Picture:
    """One state: filled plates eat, lines join a fork to the hand that holds it."""
    title = f"step {table.timestep}, {sum(table.meals)} meals" + (", deadlock" if deadlocked else "")
    return Picture(_text(table, seats, title), _svg(table, seats, title))


def _text(table: rules.State, seats: Sequence[str], title: str) -> str:
    lines = [title]
    for i, seat in enumerate(seats):
        hands = ("L" if table.left[i] else "-") + ("R" if table.right[i] else "-")
        lines.append(f"  {seat} [{hands}] {'eats' if table.eating[i] else 'hungry':<6} {table.meals[i]:>3} meals")
    return "\n".join(lines)


def _svg(table: rules.State, seats: Sequence[str], title: str) -> str:
    n, middle, radius = len(seats), SIZE / 2, SIZE / 2 - 34
    step = 2 * pi / n

    def at(turns: float, distance: float) -> tuple[float, float]:
        angle = turns * step - pi / 2
        return round(middle + distance * cos(angle), 1), round(middle + distance * sin(angle), 1)

    parts = [f'<circle cx="{middle}" cy="{middle}" r="{radius + 24}" fill="#f6f1e7" stroke="#b9a98a"/>']
    for i, seat in enumerate(seats):
        x, y = at(i, radius)
        for held, place in ((table.left[i], i - 0.5), (table.right[i], i + 0.5)):
            if held:
                fx, fy = at(place, radius)
                parts.append(f'<line x1="{x}" y1="{y}" x2="{fx}" y2="{fy}" stroke="#c33" stroke-width="3"/>')
        fill = "#2a7" if table.eating[i] else "#fff"
        parts.append(f'<circle cx="{x}" cy="{y}" r="{PLATE}" fill="{fill}" stroke="#555"/>')
        parts.append(f'<text x="{x}" y="{y + 4}" font-size="12" text-anchor="middle">{seat} {table.meals[i]}</text>')
    for fork in range(n):
        x, y = at(fork - 0.5, radius)
        fill = "#999" if table.forks[fork] == rules.FREE else "#c33"
        parts.append(f'<rect x="{x - 2}" y="{y - 8}" width="4" height="16" rx="2" fill="{fill}"/>')
    parts.append(f'<text x="{middle}" y="{middle}" font-size="12" text-anchor="middle">{title}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}">{"".join(parts)}</svg>'
    )
