"""The flow of pieces: who sent which to whom, and what each agent has and needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, hypot, pi, sin
from typing import TYPE_CHECKING, Final

from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.market.rules import Deal
from pytest_collab.families.market.seats import Scene
from pytest_collab.families.market.trade import CLAIMS
from pytest_collab.families.rounds.intent import intents
from pytest_collab.families.sketch import BAD, GOOD, INK, SMALLEST, SOFT, WIDTH, Sketch, seat_of

if TYPE_CHECKING:
    from pytest_collab.families.market.params import Market

ROW: Final = 20
MOST_NAMED: Final = 6
"""In a market of more agents, only the pieces of the current round are named at their arrows."""

Flow = Mapping[tuple[str, str], Sequence[tuple[str, int]]]
"""By sender and receiver, the pieces taken and the round of each."""


DENIED: Final = "†"


def picture(params: Market, deal: Deal, scene: Scene, transcript: Transcript) -> Picture:
    """An arrow for whoever took pieces of whom, with their names; a row for each agent: tasks done, has, needs.

    A piece that was dealt to an agent and that it has said it does not have bears a dagger.

    Pieces that automatic answers bring have no arrow: nobody sent them.
    """
    seats = deal.seats
    flow: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for event in transcript.of("state"):
        for piece, to in event.data.get("taken", ()):
            flow.setdefault((str(event.seat), to), []).append((piece, int(event.data["round"])))
    market = scene.market
    over = market.round >= params.rounds
    number = min(market.round, params.rounds - 1)
    turn = f", {seats[scene.turn]}'s turn" if params.order == "in_turn" and not over else ""
    count = sum(map(len, flow.values()))
    when = f"after all {counted(params.rounds, 'round')}" if over else f"round {number + 1} of {params.rounds}{turn}"
    title = f"{when}: {counted(sum(market.done), 'task')} done, {counted(count, 'piece')} passed on"
    denied = [_denied(seat, own, transcript) for seat, own in zip(seats, deal.pieces, strict=True)]
    held = [
        " ".join(piece + DENIED * (piece in no) for piece in _sorted(own))
        for own, no in zip(market.held, denied, strict=True)
    ]
    lines = [title]
    lines += [
        f"  {sender} to {to}: {', '.join(f'{piece} (round {at + 1})' for piece, at in pieces)}"
        for (sender, to), pieces in sorted(flow.items())
    ]
    for i, seat in enumerate(seats):
        lines.append(f"  {seat}: {market.done[i]} done, has {held[i]}; needs {_needs(scene, i)}")
    if any(denied):
        lines.append(f"  {DENIED} has said that it does not have it")
    return Picture("\n".join(lines), _svg(seats, scene, flow, held, number, title))


def _denied(seat: str, dealt: Sequence[str], transcript: Transcript) -> frozenset[str]:
    """The pieces of its own that a seat has said it does not have."""
    return frozenset(
        piece
        for event in transcript.of("message", seat=seat)
        for claim in intents(str(event.data["text"]), CLAIMS)
        if claim.negated and (piece := claim.value.lower()) in dealt
    )


def _needs(scene: Scene, i: int) -> str:
    market = scene.market
    return (
        "; ".join(
            f"{task.name}: {' '.join(piece if piece in market.held[i] else piece + '?' for piece in task.needs)}"
            for task in market.open[i]
        )
        or "nothing"
    )


def _sorted(pieces: frozenset[str]) -> list[str]:
    return sorted(pieces, key=lambda piece: int(piece[1:]))


def _svg(seats: Sequence[str], scene: Scene, flow: Flow, held: Sequence[str], number: int, title: str) -> str:
    sketch = Sketch(title)
    sketch.text(4, 16, title, bold=True)
    few = len(seats) <= MOST_NAMED
    middle, radius = (WIDTH / 2, 150.0), 105.0 if few else 125.0
    at = {
        seat: (
            middle[0] + 1.5 * radius * cos(2 * pi * i / len(seats) - pi / 2),
            middle[1] + 22 + radius * sin(2 * pi * i / len(seats) - pi / 2),
        )
        for i, seat in enumerate(seats)
    }
    now, before = sketch.arrow("now", INK), sketch.arrow("before", SOFT)
    for (sender, to), pieces in sorted(flow.items()):
        if sender not in at or to not in at:
            continue
        fresh = [piece for piece, when in pieces if when == number]
        named = [piece + ("*" if piece in fresh else "") for piece, _ in pieces] if few else fresh
        _arrow(sketch, at[sender], at[to], " ".join(named), len(pieces), now if fresh else before, bool(fresh))
    for i, (seat, (x, y)) in enumerate(at.items()):
        sketch.add(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="17" fill="#fff" stroke="{seat_of(i)[1]}" stroke-width="2"/>'
        )
        sketch.seat(x - 6, y, i, 5)
        sketch.text(x + 2, y + 5, seat, bold=True)
    top = middle[1] + 22 + radius + 40
    sketch.text(4, top, "agent", size=SMALLEST, fill=SOFT)
    sketch.text(60, top, "tasks done", size=SMALLEST, fill=SOFT)
    sketch.text(140, top, "has", size=SMALLEST, fill=SOFT)
    sketch.text(370, top, "open tasks need (? = it has not got)", size=SMALLEST, fill=SOFT)
    for i, seat in enumerate(seats):
        y = top + (i + 1) * ROW
        market = scene.market
        sketch.seat(10, y - 4, i, 5)
        sketch.text(20, y, seat, bold=True)
        sketch.text(60, y, market.done[i])
        sketch.text(140, y, _short(held[i], 33), tip=held[i])
        needs = _needs(scene, i)
        sketch.text(370, y, _short(needs, 34), tip=needs, fill=BAD if market.lacks(i) else GOOD)
    entries = [(sketch.line_sign(INK, 2.5), "passed on in this round (*)"), (sketch.line_sign(SOFT), "before")]
    if any(DENIED in words for words in held):
        entries.append((lambda x, y: sketch.text(x - 3, y + 5, DENIED), "has said that it does not have it"))
    sketch.legend(sketch.bottom + 14, entries)
    return sketch.svg()


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1].rsplit(" ", 1)[0] + " …"


def _arrow(
    sketch: Sketch,
    start: tuple[float, float],
    end: tuple[float, float],
    words: str,
    count: int,
    head: str,
    fresh: bool,
) -> None:
    """A bent arrow from one agent to another; the way back bends to the other side."""
    (x1, y1), (x2, y2) = start, end
    long = hypot(x2 - x1, y2 - y1)
    ux, uy = (x2 - x1) / long, (y2 - y1) / long
    x1, y1, x2, y2 = x1 + 19 * ux, y1 + 19 * uy, x2 - 20 * ux, y2 - 20 * uy
    bx, by = (x1 + x2) / 2 - 24 * uy, (y1 + y2) / 2 + 24 * ux
    colour, width = (INK, 2.5) if fresh else (SOFT, 1.2)
    sketch.add(
        f'<path d="M{x1:.1f} {y1:.1f}Q{bx:.1f} {by:.1f} {x2:.1f} {y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}" marker-end="{head}"><title>{counted(count, "piece")}</title></path>'
    )
    x, y = (x1 + x2) / 2 - 16 * uy, (y1 + y2) / 2 + 16 * ux + 4
    if words:
        shown = _short(words, 18)
        wide = 7 * len(shown) + 4
        sketch.box(x - wide / 2, y - 11, wide, 15, fill="#fff")
        sketch.text(x, y, shown, anchor="middle", size=SMALLEST, bold=fresh, tip=words)
