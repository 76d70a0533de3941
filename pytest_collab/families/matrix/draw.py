"""A matrix game as a table: rounds across, seats down, choices in letters, cooperative ones filled."""

from __future__ import annotations

from typing import Final

from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import counted
from pytest_collab.families.matrix.rules import State
from pytest_collab.families.sketch import SMALLEST, SOFT, WIDTH, Sketch, seat_of

ROW, LEFT, TOP, WIDEST = 30.0, 44.0, 30.0, 46.0
LETTERED: Final = 20
"""Columns so wide or wider have the beginning of the choice's name."""


def picture(state: State, seats: tuple[str, ...], cooperate: str) -> Picture:
    """The rounds so far."""
    rounds = len(state.profiles)
    lines = ["round " + " ".join(f"{i + 1:>2}" for i in range(rounds))]
    sketch = Sketch(f"{counted(rounds, 'round')} of a matrix game")
    column = min(WIDEST, (WIDTH - LEFT) / max(1, rounds))
    every = max(1, round(20 / column))
    sketch.text(4, TOP - 8, "round", size=SMALLEST, fill=SOFT)
    for number in range(0, rounds, every):
        x = LEFT + (number + 0.5) * column
        sketch.text(x, TOP - 8, number + 1, size=SMALLEST, fill=SOFT, anchor="middle")
    for row, seat in enumerate(seats):
        lines.append(f"{seat:>5} " + " ".join(f"{profile[row][:2]:>2}" for profile in state.profiles))
        y = TOP + row * ROW
        sketch.seat(12, y + 12, row, 6)
        sketch.text(24, y + 17, seat, bold=True)
        for number, profile in enumerate(state.profiles):
            x, together = LEFT + number * column + 1, profile[row] == cooperate
            fill = seat_of(row)[1] if together else "#fff"
            tip = f"{seat} round {number + 1}: {profile[row]}"
            sketch.box(x, y, column - 2, ROW - 6, fill=fill, stroke=SOFT, tip=tip)
            if column >= LETTERED:
                words, ink = profile[row][:2], "#fff" if together else SOFT
                sketch.text(x + column / 2 - 1, y + 16, words, size=SMALLEST, fill=ink, anchor="middle", bold=True)
    sketch.text(4, sketch.bottom + 20, f"filled: {cooperate}; empty: anything else", size=SMALLEST, fill=SOFT)
    return Picture("\n".join(lines), sketch.svg())
