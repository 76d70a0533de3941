"""The pool over the months, and who took what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from pytest_collab.episode.family import Picture
from pytest_collab.episode.transcript import Event

if TYPE_CHECKING:
    from pytest_collab.families.commons.params import Commons

COLUMN, HEIGHT, LEFT = 26, 120, 34
COLOURS: Final = ("#27a", "#e83", "#2a7", "#c33", "#85c", "#863", "#d6a", "#777", "#aa2", "#1ab", "#456", "#b94")


def picture(params: Commons, seats: Sequence[str], events: Sequence[Event]) -> Picture:
    """A column per month: its height is the pool before the harvest, its coloured parts are what each seat took."""
    months = [event.data for event in events if event.kind == "state" and "takes" in event.data]
    end = " collapsed" if months and months[-1]["collapsed"] else ""
    told = "house" if params.harm == "additive" else params.telling
    title = f"{told}, {len(months)} of {params.rounds} months{end}"
    lines = [title, "month " + " ".join(f"{m['month'] + 1:>4}" for m in months)]
    lines.append(" pool " + " ".join(f"{m['pool']:>4}" for m in months))
    for i, seat in enumerate(seats):
        lines.append(f"{seat:>5} " + " ".join(f"{m['takes'][i]:>4}" for m in months))
    parts = []
    scale = HEIGHT / params.capacity
    for column, month in enumerate(months):
        x, y = LEFT + column * COLUMN, HEIGHT + 16.0
        tall = round(month["pool"] * scale, 1)
        parts.append(f'<rect x="{x}" y="{y - tall:.1f}" width="20" height="{tall}" fill="#eee" stroke="#999"/>')
        for i, take in enumerate(month["takes"]):
            colour = COLOURS[i % len(COLOURS)]
            high = round(take * scale, 1)
            y -= high
            tip = f"<title>{escape(seats[i])}, month {month['month'] + 1}: {take}</title>"
            parts.append(f'<rect x="{x}" y="{y:.1f}" width="20" height="{high}" fill="{colour}">{tip}</rect>')
        parts.append(f'<text x="{x + 10}" y="{HEIGHT + 30}" font-size="10" text-anchor="middle">{column + 1}</text>')
    for i, seat in enumerate(seats):
        x = LEFT + i * COLUMN
        parts.append(
            f'<text x="{x}" y="{HEIGHT + 46}" font-size="12" fill="{COLOURS[i % len(COLOURS)]}">{seat}</text>'
        )
    parts.append(f'<text x="4" y="11" font-size="11">{escape(title)}</text>')
    width = LEFT + COLUMN * max(len(months), len(seats), 10)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT + 54}">{"".join(parts)}</svg>'
    return Picture("\n".join(lines), svg)
