"""How well agents tell one kind of thing from another: lines for the terminal, and the ROC curves of a page."""

from __future__ import annotations

from typing import Final

from pytest_collab import families
from pytest_collab.families.sketch import FAINT, INK, SMALLEST, SOFT, Sketch, seat_of
from pytest_collab.measure.detection import Detected
from pytest_collab.measure.summary import FamilySummary

MOST_CURVES: Final = 8
"""As many as there are marks to tell them apart by; the table has all."""

MOST_OF_A_NAME: Final = 22
"""Characters: a line has 80 columns."""

_LEFT, _TOP, _SIDE = 64.0, 16.0, 280.0


def detection_lines(family: FamilySummary, most: int | None = None) -> list[str]:
    """A table for the terminal; empty for families whose agents detect nothing.

    Args:
        most: lines of figures, and no groups; None for everything.
    """
    shown = [one for one in family.detections if most is None or not one.split]
    left_out = 0 if most is None else max(0, len(shown) - most)
    shown = shown[: len(shown) - left_out]
    if not shown:
        return []
    names = [named(one)[:MOST_OF_A_NAME] for one in shown]
    wide = max(12, *map(len, names))
    heads = f"{'AUC, 95 % interval':<19}     d'  balanced     hits   alarms"
    lines = [f"  telling {what_of(family)}", f"  {'':<{wide}}  {heads}"]
    for name, one in zip(names, shown, strict=True):
        hits, alarms = f"{one.hits}/{one.signals}", f"{one.false_alarms}/{one.noises}"
        sensitivity = "-" if one.d_prime is None else f"{one.d_prime:.2f}"
        lines.append(
            f"  {name:<{wide}}  {one.auc:.2f} ({one.low:.2f} .. {one.high:.2f})  {sensitivity:>5}  "
            f"{one.balanced:>8.0%}  {hits:>7}  {alarms:>7}"
        )
    return [*lines, *([f"  and {left_out} more (--tables)"] if left_out else [])]


def named(one: Detected) -> str:
    """Condition and team; of a group, its name, set in."""
    return f"  {one.split} {one.group}" if one.split else f"{one.condition} {one.team}"


def what_of(family: FamilySummary) -> str:
    """What the family's agents tell apart, in words."""
    known = families.known(family.family)
    return "signals and noise" if known is None or known.detection is None else known.detection.task


def roc_svg(family: FamilySummary) -> str:
    """ROC curves of every condition and team, with axes and areas; empty where there are none.

    The diagonal is what a coin gives. A mark is what the team really said: its hit rate over its false alarm rate.
    """
    curves = [one for one in family.detections if not one.split][:MOST_CURVES]
    if not curves:
        return ""
    told = "; ".join(f"{named(one)}: area {one.auc:.2f} ({one.low:.2f} to {one.high:.2f})" for one in curves)
    sketch = Sketch(f"ROC curves, telling {what_of(family)}. {told}")
    _axes(sketch)
    for number, one in enumerate(curves):
        _curve(sketch, one, number)
    x = _LEFT + _SIDE + 24
    for number, one in enumerate(curves):
        y = _TOP + 12 + 40 * number
        sketch.seat(x, y - 4, number)
        sketch.text(x + 14, y, named(one)[:36], bold=True)
        sketch.text(x + 14, y + 16, f"area {one.auc:.2f} ({one.low:.2f} .. {one.high:.2f})", size=SMALLEST, fill=SOFT)
    return sketch.svg()


def _at(alarms: float, hits: float) -> tuple[float, float]:
    return _LEFT + _SIDE * alarms, _TOP + _SIDE * (1 - hits)


def _axes(sketch: Sketch) -> None:
    sketch.box(_LEFT, _TOP, _SIDE, _SIDE, stroke=FAINT)
    sketch.line(*_at(0, 0), *_at(1, 1), stroke=SOFT, dash=True)
    for tenth in (0, 25, 50, 75, 100):
        share = tenth / 100
        x, y = _at(share, 0)
        sketch.line(x, y, x, y + 5, stroke=SOFT)
        sketch.text(x, y + 19, f"{tenth} %", size=SMALLEST, anchor="middle", fill=SOFT)
        x, y = _at(0, share)
        sketch.line(x - 5, y, x, y, stroke=SOFT)
        sketch.text(x - 9, y + 4, f"{tenth} %", size=SMALLEST, anchor="end", fill=SOFT)
    x, y = _at(0.5, 0)
    sketch.text(x, y + 38, "false alarms", anchor="middle", fill=INK)
    sketch.add(
        f'<text transform="translate(14 {_TOP + _SIDE / 2:g}) rotate(-90)" font-size="13" fill="{INK}" '
        'text-anchor="middle">hits</text>'
    )


def _curve(sketch: Sketch, one: Detected, number: int) -> None:
    _, colour = seat_of(number)
    places = [_at(*point) for point in one.points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    sketch.add(f'<polyline points="{line}" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>')
    x, y = _at(one.false_alarms / one.noises, one.hits / one.signals)
    sketch.seat(x, y, number, 7)


def detected(family: FamilySummary) -> tuple[tuple[str, bool, Detected], ...]:
    """For a page's table: name, whether it is a group of the one above, figures."""
    return tuple((named(one).strip(), bool(one.split), one) for one in family.detections)
