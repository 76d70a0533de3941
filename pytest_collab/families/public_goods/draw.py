"""Contributions, round by round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Event
from pytest_collab.families.sketch import SMALLEST, SOFT, WIDTH, Sketch, seat_of

if TYPE_CHECKING:
    from pytest_collab.families.public_goods.params import PublicGoods

ROW, LEFT, TOP, WIDEST = 44.0, 44.0, 46.0, 52.0
NUMBERED: Final = 22
"""Columns so wide or wider have the units in figures."""


def picture(params: PublicGoods, seats: Sequence[str], events: Sequence[Event]) -> Picture:
    """A row per seat, a column per round; a cell is filled as far as the seat gave its endowment."""
    rounds = [event.data["given"] for event in events if event.kind == "state" and "given" in event.data]
    share = sum(map(sum, rounds)) / max(1, len(rounds) * len(seats) * params.endowment)
    title = f"{len(rounds)} of {counted(params.rounds, 'round')}, {share:.0%} of all endowments contributed"
    lines = [title, "round " + " ".join(f"{i + 1:>3}" for i in range(len(rounds)))]
    sketch = Sketch(title)
    sketch.text(4, 16, title, bold=True)
    column = min(WIDEST, (WIDTH - LEFT) / max(1, params.rounds))
    every = max(1, round(22 / column))
    for number in range(0, len(rounds), every):
        x = LEFT + (number + 0.5) * column
        sketch.text(x, TOP - 6, number + 1, size=SMALLEST, fill=SOFT, anchor="middle")
    sketch.text(4, TOP - 6, "round", size=SMALLEST, fill=SOFT)
    for row, seat in enumerate(seats):
        y, tall = TOP + row * ROW, ROW - 8
        lines.append(f"{seat:>5} " + " ".join(f"{given[row]:>3}" for given in rounds))
        sketch.seat(12, y + tall / 2, row, 6)
        sketch.text(24, y + tall / 2 + 5, seat, bold=True)
        for number, given in enumerate(rounds):
            x, wide = LEFT + number * column + 1, column - 2
            high = tall * given[row] / params.endowment
            tip = f"{seat}, round {number + 1}: {given[row]} of {params.endowment}"
            sketch.box(x, y, wide, tall, fill="#f5f6f8", stroke=SOFT, tip=tip)
            sketch.box(x, y + tall - high, wide, high, fill=seat_of(row)[1], tip=tip)
            if wide >= NUMBERED:
                sketch.box(x + wide / 2 - 11, y + tall / 2 - 8, 22, 16, fill="#fff")
                sketch.text(x + wide / 2, y + tall / 2 + 4.5, given[row], size=SMALLEST, anchor="middle")
    words = f"a cell is full where a seat gave all its {params.endowment} units, empty where it gave none"
    sketch.text(4, sketch.bottom + 18, words, size=SMALLEST, fill=SOFT)
    return Picture("\n".join(lines), sketch.svg())
