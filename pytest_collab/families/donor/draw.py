"""What everyone had at the end of each generation."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING, Final

from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Event
from pytest_collab.families.sketch import FAINT, SMALLEST, SOFT, WIDTH, Sketch, seat_of

if TYPE_CHECKING:
    from pytest_collab.families.donor.params import Donor

ROW, LEFT, RIGHT = 18.0, 44.0, 150.0
TICKS: Final = 5


def picture(params: Donor, seats: Sequence[str], events: Sequence[Event]) -> Picture:
    """A block per generation, a bar per seat on a logarithmic scale; who lives on has it in words."""
    states = [event.data for event in events if event.kind == "state"]
    ends = [(data["finals"], set(data["survivors"])) for data in states if "finals" in data]
    title = f"{len(ends)} of {counted(params.generations, 'generation')}"
    running = [data for data in states if "resources" in data]
    if not ends and running:  # in the middle of the first
        ends = [(running[-1]["resources"], set())]
    lines = [title]
    sketch = Sketch(title)
    sketch.text(4, 16, title, bold=True)
    most = max((max(finals) for finals, _ in ends), default=1.0)
    room = WIDTH - LEFT - RIGHT

    def at(units: float) -> float:
        return LEFT + room * log10(1 + max(0.0, units)) / log10(1 + most) if most > 0 else LEFT

    ticks = [10.0**power for power in range(12) if 10.0**power <= most]
    y = 40.0
    for units in [0.0, *ticks[:: max(1, len(ticks) // TICKS)]]:
        sketch.text(at(units), y, f"{units:g}", size=SMALLEST, fill=SOFT, anchor="middle")
    sketch.text(WIDTH - RIGHT + 40, y, "units, logarithmic", size=SMALLEST, fill=SOFT)
    for number, (finals, alive) in enumerate(ends):
        mean = sum(finals) / len(finals)
        lines.append(f"generation {number + 1}: {mean:.1f} units each")
        y += 24
        sketch.text(4, y, f"generation {number + 1}: {mean:.1f} units each", bold=True)
        for i, (seat, units) in enumerate(zip(seats, finals, strict=True)):
            lines.append(f"  {seat} {units:>12.1f} {'lives on' if seat in alive else ''}".rstrip())
            y += ROW
            sketch.seat(12, y - 4, i, 5)
            sketch.text(24, y, seat)
            sketch.line(LEFT, y - 4, WIDTH - RIGHT, y - 4, stroke=FAINT)
            fill, edge = (seat_of(i)[1], "none") if seat in alive or not alive else ("#fff", seat_of(i)[1])
            sketch.box(LEFT, y - 11, at(units) - LEFT, ROW - 5, fill=fill, stroke=edge, tip=f"{seat}: {units:.1f}")
            words = f"{units:.1f}" + (" lives on" if seat in alive else "")
            sketch.text(at(units) + 5, y, words, size=SMALLEST, bold=seat in alive)
    sketch.text(4, y + 22, "filled bars and `lives on`: goes into the next generation", size=SMALLEST, fill=SOFT)
    return Picture("\n".join(lines), sketch.svg())
