"""The pool over the months, who took what, and what could have been taken without harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.family import Picture
from pytest_collab.episode.transcript import Event
from pytest_collab.families.sketch import BAD, FAINT, INK, SMALLEST, SOFT, WIDTH, Sketch, seat_of

if TYPE_CHECKING:
    from pytest_collab.families.commons.params import Commons

HEIGHT, LEFT, TOP, WIDEST = 200.0, 48.0, 40.0, 84.0
NAMED: Final = 14
"""A part of a bar so high or higher has its seat's letter in it."""


def picture(params: Commons, seats: Sequence[str], events: Sequence[Event]) -> Picture:
    """A bar a month: as high as the pool before the harvest, in it from below what each seat took, first seat lowest.

    The dashed line is what all together may take so that the pool does not shrink (of a harm: have to take away so
    that it does not grow).
    """
    months = [event.data for event in events if event.kind == "state" and "takes" in event.data]
    end = ": collapsed" if months and months[-1]["collapsed"] else ""
    told = "house" if params.harm == "additive" else params.telling
    title = f"{told}, {len(months)} of {params.rounds} months{end}"
    lines = [title, "  month " + " ".join(f"{m['month'] + 1:>4}" for m in months)]
    lines.append("   pool " + " ".join(f"{m['pool']:>4}" for m in months))
    lines.append(f"{_line(params):>7} " + " ".join(f"{_sustainable(params, m):>4}" for m in months))
    for i, seat in enumerate(seats):
        lines.append(f"{seat:>7} " + " ".join(f"{_took(m, i):>4}" for m in months))
    return Picture("\n".join(lines), _svg(params, seats, months, title))


def _line(params: Commons) -> str:
    return "needed" if params.nature.harmful else "at most"


def _sustainable(params: Commons, month: Mapping[str, Any]) -> int:
    return int(month["share"]) * params.seated(int(month["month"]))


def _took(month: Mapping[str, Any], i: int) -> int:
    takes = month["takes"]
    return int(takes[i]) if i < len(takes) else 0


def _svg(params: Commons, seats: Sequence[str], months: Sequence[Mapping[str, Any]], title: str) -> str:
    sketch = Sketch(title)
    sketch.text(4, 16, title, bold=True)
    scale, base = HEIGHT / params.capacity, TOP + HEIGHT
    for units in range(0, params.capacity + 1, max(1, params.capacity // 4)):
        y = base - units * scale
        sketch.line(LEFT, y, WIDTH, y, stroke=FAINT)
        sketch.text(LEFT - 6, y + 4.5, units, size=SMALLEST, fill=SOFT, anchor="end")
    sketch.text(4, TOP - 8, "units", size=SMALLEST, fill=SOFT)
    column = min(WIDEST, (WIDTH - LEFT) / max(1, params.rounds))
    every = max(1, round(20 / column))
    for number, month in enumerate(months):
        x, wide, y = LEFT + number * column + 2, column - 4, base
        pool = int(month["pool"])
        sketch.box(x, base - pool * scale, wide, pool * scale, fill="#eef1f4", stroke=SOFT, tip=f"pool: {pool}")
        for i, seat in enumerate(seats):
            take = _took(month, i)
            high = take * scale
            y -= high
            colour = seat_of(i)[1]
            sketch.box(x, y, wide, high, fill=colour, stroke="#fff", tip=f"{seat}, month {number + 1}: {take}")
            if high >= NAMED and wide >= 10:
                sketch.text(
                    x + wide / 2, y + high / 2 + 4.5, seat, size=SMALLEST, fill="#fff", anchor="middle", bold=True
                )
        level = base - _sustainable(params, month) * scale
        sketch.line(x - 2, level, x + wide + 2, level, stroke=INK, width=2.5, dash=True)
        if number % every == 0:
            sketch.text(x + wide / 2, base + 16, number + 1, size=SMALLEST, fill=SOFT, anchor="middle")
    if not params.nature.harmful:
        y = base - params.threshold * scale
        sketch.line(LEFT, y, WIDTH, y, stroke=BAD, width=1.5)
    sketch.text(WIDTH / 2, base + 32, "month", size=SMALLEST, fill=SOFT, anchor="middle")
    what = "has to be removed in all, or it grows" if params.nature.harmful else "may be taken in all, or it shrinks"
    entries = [
        (sketch.box_sign("#eef1f4", SOFT), "pool before the harvest" if not params.nature.harmful else "harm"),
        (sketch.line_sign(INK, 2.5, dash=True), what),
        *([] if params.nature.harmful else [(sketch.line_sign(BAD, 1.5), "left below it: collapsed")]),
    ]
    sketch.legend(base + 52, entries)
    stack = [(sketch.box_sign(seat_of(i)[1]), seat) for i, seat in enumerate(seats)]
    sketch.text(4, sketch.bottom + 18, "parts of a bar, from below:", size=SMALLEST, fill=SOFT)
    y = sketch.bottom - 5
    for i, (sign, seat) in enumerate(stack):
        sign(176 + 34 * i, y - 4)
        sketch.text(186 + 34 * i, y, seat)
    return sketch.svg()
