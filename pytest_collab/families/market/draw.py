"""The flow of pieces: who sent how many to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import cos, pi, sin
from typing import TYPE_CHECKING

from pytest_collab.episode.family import Picture
from pytest_collab.episode.transcript import Transcript

if TYPE_CHECKING:
    from pytest_collab.families.market.params import Market

SIZE = 300


def picture(params: Market, seats: Sequence[str], transcript: Transcript) -> Picture:
    """Arrows as thick as the pieces that were taken; beside each agent the tasks it has done.

    Pieces that automatic answers bring do not show: nobody sent them.
    """
    flow: Counter[tuple[str, str]] = Counter()
    done: Counter[str] = Counter()
    rounds = 0
    for event in transcript.of("state"):
        rounds = max(rounds, int(event.data.get("round", 0)) + 1)
        seat = str(event.seat)
        done[seat] += len(event.data.get("submitted", ()))
        for _, to in event.data.get("taken", ()):
            flow[seat, to] += 1
    title = f"after round {rounds}: {sum(done.values())} tasks, {sum(flow.values())} pieces passed on"
    lines = [title, "from\\to " + " ".join(f"{seat:>3}" for seat in seats) + "  tasks"]
    for seat in seats:
        row = " ".join(f"{flow[seat, to] or '.':>3}" for to in seats)
        lines.append(f"{seat:>7} {row}  {done[seat]:>5}")
    return Picture("\n".join(lines), _svg(seats, flow, done, title))


def _svg(seats: Sequence[str], flow: Counter[tuple[str, str]], done: Counter[str], title: str) -> str:
    middle, radius = SIZE / 2, SIZE / 2 - 40
    at = {
        seat: (
            round(middle + radius * cos(2 * pi * i / len(seats) - pi / 2), 1),
            round(middle + radius * sin(2 * pi * i / len(seats) - pi / 2), 1),
        )
        for i, seat in enumerate(seats)
    }
    most = max(flow.values(), default=1)
    parts = []
    for (sender, to), count in sorted(flow.items()):
        if sender in at and to in at:
            (x1, y1), (x2, y2) = at[sender], at[to]
            width = round(0.5 + 3.5 * count / most, 1)
            bend = f"{round(middle + (y2 - y1) / 6, 1)} {round(middle - (x2 - x1) / 6, 1)}"
            parts.append(
                f'<path d="M{x1} {y1} Q{bend} {x2} {y2}" fill="none" stroke="#27a" stroke-opacity="0.6" '
                f'stroke-width="{width}"><title>{sender} to {to}: {count}</title></path>'
            )
    for seat, (x, y) in at.items():
        parts.append(f'<circle cx="{x}" cy="{y}" r="15" fill="#fff" stroke="#555"/>')
        parts.append(f'<text x="{x}" y="{y + 4}" font-size="12" text-anchor="middle">{seat} {done[seat]}</text>')
    parts.append(f'<text x="{middle}" y="{SIZE - 6}" font-size="11" text-anchor="middle">{title}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}">{"".join(parts)}</svg>'
    )
