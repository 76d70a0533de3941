"""A matrix game as a table: rounds across, seats down, cooperative choices filled."""

from __future__ import annotations

from xml.sax.saxutils import escape

from pytest_collab.episode.family import Picture
from pytest_collab.families.matrix.rules import State

CELL = 22


def picture(state: State, seats: tuple[str, ...], cooperate: str) -> Picture:
    """The rounds so far."""
    lines = ["round " + " ".join(f"{i + 1:>2}" for i in range(len(state.profiles)))]
    boxes = []
    for row, seat in enumerate(seats):
        lines.append(f"{seat:>5} " + " ".join(f"{profile[row][:2]:>2}" for profile in state.profiles))
        for column, profile in enumerate(state.profiles):
            fill = "#2a7" if profile[row] == cooperate else "#eee"
            x, y = 30 + column * CELL, 6 + row * CELL
            title = f"<title>{escape(seat)} round {column + 1}: {escape(profile[row])}</title>"
            boxes.append(f'<rect x="{x}" y="{y}" width="18" height="18" fill="{fill}" stroke="#555">{title}</rect>')
        boxes.append(f'<text x="6" y="{6 + row * CELL + 14}" font-size="13">{escape(seat)}</text>')
    width, height = 40 + CELL * max(1, len(state.profiles)), 12 + CELL * len(seats)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{"".join(boxes)}</svg>'
    return Picture("\n".join(lines), svg)
