"""Contributions, round by round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from pytest_collab.episode.family import Picture
from pytest_collab.episode.transcript import Event

if TYPE_CHECKING:
    from pytest_collab.families.public_goods.params import PublicGoods

CELL: Final = 24


def picture(params: PublicGoods, seats: Sequence[str], events: Sequence[Event]) -> Picture:
    """A row per seat, a column per round; a cell is filled as far as the seat gave its endowment."""
    rounds = [event.data["given"] for event in events if event.kind == "state" and "given" in event.data]
    share = sum(map(sum, rounds)) / max(1, len(rounds) * len(seats) * params.endowment)
    title = f"{len(rounds)} of {params.rounds} rounds, {share:.0%} contributed"
    lines = [title, "round " + " ".join(f"{i + 1:>3}" for i in range(len(rounds)))]
    parts = [f'<text x="4" y="12" font-size="11">{title}</text>']
    for row, seat in enumerate(seats):
        y = 20 + row * CELL
        lines.append(f"{seat:>5} " + " ".join(f"{given[row]:>3}" for given in rounds))
        parts.append(f'<text x="6" y="{y + 15}" font-size="13">{escape(seat)}</text>')
        for column, given in enumerate(rounds):
            x, tall = 30 + column * CELL, round(20 * given[row] / params.endowment, 1)
            tip = f"<title>{escape(seat)}, round {column + 1}: {given[row]} of {params.endowment}</title>"
            parts.append(f'<rect x="{x}" y="{y}" width="20" height="20" fill="#eee" stroke="#999"/>')
            parts.append(f'<rect x="{x}" y="{y + 20 - tall:.1f}" width="20" height="{tall}" fill="#2a7">{tip}</rect>')
    width, height = 40 + CELL * max(8, len(rounds)), 26 + CELL * len(seats)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{"".join(parts)}</svg>'
    return Picture("\n".join(lines), svg)
