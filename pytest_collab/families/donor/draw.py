"""What everyone had at the end of each generation."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from pytest_collab.episode.family import Picture
from pytest_collab.episode.transcript import Event

if TYPE_CHECKING:
    from pytest_collab.families.donor.params import Donor

ROW, WIDE, LEFT = 16, 220, 26
FILL: Final = {True: "#2a7", False: "#bbb"}


def picture(params: Donor, seats: Sequence[str], events: Sequence[Event]) -> Picture:
    """A block per generation, a bar per seat (logarithmic); survivors are green."""
    states = [event.data for event in events if event.kind == "state"]
    ends = [(data["finals"], set(data["survivors"])) for data in states if "finals" in data]
    title = f"{len(ends)} of {params.generations} generations"
    if not ends and states:  # in the middle of the first
        ends = [(states[-1]["resources"], set())]
    lines, parts, y = [title], [f'<text x="4" y="12" font-size="11">{title}</text>'], 20
    most = max((max(finals) for finals, _ in ends), default=1.0)
    for number, (finals, alive) in enumerate(ends):
        mean = sum(finals) / len(finals)
        lines.append(f"generation {number + 1}: {mean:.1f} units each")
        parts.append(f'<text x="4" y="{y + 11}" font-size="11">generation {number + 1}: {mean:.1f} each</text>')
        y += ROW
        for seat, units in zip(seats, finals, strict=True):
            lines.append(f"  {seat} {units:>12.1f} {'lives on' if seat in alive else ''}".rstrip())
            wide = round(WIDE * log10(1 + units) / log10(1 + most), 1) if most > 0 else 0
            parts.append(f'<text x="8" y="{y + 11}" font-size="11">{escape(seat)}</text>')
            parts.append(
                f'<rect x="{LEFT}" y="{y}" width="{wide}" height="{ROW - 4}" fill="{FILL[seat in alive]}">'
                f"<title>{escape(seat)}: {units:.1f}</title></rect>"
            )
            y += ROW
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDE + 10}" height="{y + 6}">{"".join(parts)}</svg>'
    )
    return Picture("\n".join(lines), svg)
