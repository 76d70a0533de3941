"""Nights in a row as people read them: a line a gate and family in the terminal, a chart each on a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_collab import __version__
from pytest_collab.episode.text import counted, one_line
from pytest_collab.measure.history import History, Line, Night, Point
from pytest_collab.report.digest import WIDTH, folded
from pytest_collab.report.html import environment, policy, static

BLOCKS: Final = "▁▂▃▄▅▆▇█"
DIGITS: Final = "01234567"
MOST_NIGHTS: Final = 24
"""A terminal's line shows so many of the newest."""

_WIDE, _HIGH, _MARGIN = 720, 120, 8


def history_lines(history: History, *, blocks: bool = True, tables: bool = False) -> list[str]:
    """A line a gate and family, then what changed between nights, and which say nothing or could not be read.

    Args:
        blocks: whether the terminal has block characters; digits from 0 to 7 stand in for them.
        tables: every night's figure, too.
    """
    nights = history.nights
    first, last = (one.info.started[:10] or one.name for one in (nights[0], nights[-1]))
    lines = [f"{counted(len(nights), 'night')}, {first} to {last}; the newest on the right"]
    for kind, title in (("gate", "gates"), ("family", f"families, condition {history.condition}")):
        found = [line for line in history.lines if line.kind == kind]
        if found:
            lines += ["", title]
        for line in found:
            lines += folded(_line(line, nights, blocks), WIDTH, 1)
            lines += _table(line, nights) if tables else []
    told = [
        text
        for night in nights
        for text in ([night.why] if night.why else []) + list(night.changes)
        for text in folded(f"{_when(night)}  {text}", WIDTH)
    ]
    lines += ["", "what else to know of these nights", *told] if told else []
    for one in history.unread:
        lines += folded(f"not read: {one.name}: {one.why}", WIDTH)
    return lines


def _line(line: Line, nights: Sequence[Night], blocks: bool) -> str:
    marks = _marks(line, nights, BLOCKS if blocks else DIGITS)[-MOST_NIGHTS:]
    newest = next((point for point in reversed(line.points) if point is not None), None)
    told = "no figure" if newest is None else figure(line, newest)
    verdict = f" {newest.verdict}" if newest is not None and newest.verdict else ""
    wanted = f", {line.wanted}" if line.wanted else ""
    age = next((age for age, point in enumerate(reversed(line.points)) if point is not None), 0)
    old = f", {counted(age, 'night')} ago" if age else ""
    return f"{one_line(line.name, 27):<27} {marks}  {told}{verdict}{old}{wanted}"


def _marks(line: Line, nights: Sequence[Night], letters: str) -> str:
    """A letter a night: the higher the figure; x where the night says nothing, a dot where it was not played."""
    low, high = scale(line)
    text = ""
    for point, night in zip(line.points, nights, strict=True):
        if point is None or point.value is None:
            text += "." if night.counts else "x"
        else:
            share = (point.value - low) / (high - low)
            text += letters[min(len(letters) - 1, max(0, int(share * len(letters))))]
    return text


def _table(line: Line, nights: Sequence[Night]) -> list[str]:
    rows = []
    for point, night in zip(line.points, nights, strict=True):
        told = (
            _absent(line, night)
            if point is None
            else f"{figure(line, point)}, n {point.n}{f', {point.verdict}' if point.verdict else ''}"
        )
        rows.append(f"  {_when(night)}  {told}")
    return [row for text in rows for row in folded(text, WIDTH, 1)]


def _absent(line: Line, night: Night) -> str:
    return night.why or ("not judged" if line.kind == "gate" else "not played")


def _when(night: Night) -> str:
    day = night.info.started[:10]
    return f"{day} {night.name}" if day and day not in night.name else night.name


def figure(line: Line, point: Point) -> str:
    """A figure with its interval, in the line's unit."""
    if point.value is None:
        return "no figure"
    ends = (
        "" if point.low is None and point.high is None else f" ({_end(line, point.low)} .. {_end(line, point.high)})"
    )
    unit = {"%": "%", "points": " points"}.get(line.unit, "")
    return f"{_end(line, point.value)}{unit}{ends}"


def _end(line: Line, value: float | None) -> str:
    if value is None:
        return "?"
    if line.unit == "%":
        return f"{100 * value:.0f}"
    if line.unit == "points":
        return f"{100 * value:+.0f}"
    return f"${value:.3g}" if line.unit == "$" else f"{value:.3g}"


def scale(line: Line) -> tuple[float, float]:
    """The lowest and the highest value that a chart of the line has room for."""
    if line.unit == "%":
        return 0.0, 1.0
    if line.unit == "points":
        return -1.0, 1.0
    known = [
        value
        for point in line.points
        if point is not None
        for value in (point.value, point.low, point.high, point.threshold)
        if value is not None
    ]
    low, high = min([0.0, *known]), max([0.0, *known])
    return (low, high) if high > low else (low, low + 1.0)


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a chart in its coordinates; `row` is what a table says of it."""

    x: float
    y: float | None
    low: float | None
    high: float | None
    threshold: float | None
    kind: str
    row: tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Chart:
    """A line as a chart of 720 by 120.

    Attributes:
        track: points of the lines through neighbouring nights.
        changed: where nights begin that were not as the one before.
    """

    line: Line
    newest: str
    verdict: str
    dots: tuple[Dot, ...]
    track: tuple[str, ...]
    changed: tuple[float, ...]


def chart(line: Line, nights: Sequence[Night]) -> Chart:
    """Lay a line out."""
    low, high = scale(line)
    step = (_WIDE - 2 * _MARGIN) / max(1, len(nights) - 1)

    def y(value: float | None) -> float | None:
        if value is None:
            return None
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return round(_HIGH - _MARGIN - share * (_HIGH - 2 * _MARGIN), 1)

    dots: list[Dot] = []
    tracks: list[list[str]] = [[]]
    for place, (point, night) in enumerate(zip(line.points, nights, strict=True)):
        x = round(_MARGIN + place * step, 1)
        told = _absent(line, night) if point is None else figure(line, point)
        verdict = "" if point is None else point.verdict
        row = (_when(night), told, "" if point is None else str(point.n), verdict)
        if point is None or point.value is None:
            tracks.append([])
            dots.append(Dot(x, None, None, None, None, "none" if night.counts else "void", row))
            continue
        tracks[-1].append(f"{x},{y(point.value)}")
        dots.append(Dot(x, y(point.value), y(point.low), y(point.high), y(point.threshold), verdict, row))
    newest = next((point for point in reversed(line.points) if point is not None), None)
    return Chart(
        line=line,
        newest="no figure" if newest is None else figure(line, newest),
        verdict="" if newest is None else newest.verdict,
        dots=tuple(dots),
        track=tuple(" ".join(track) for track in tracks if len(track) > 1),
        changed=tuple(dot.x for dot, night in zip(dots, nights, strict=True) if night.changes),
    )


def history_page(history: History, title: str) -> str:
    """The page as text: self-contained, without a script."""
    style = static("style.css")
    return (
        environment()
        .get_template("history.html.j2")
        .render(
            title=title,
            history=history,
            charts=[chart(line, history.nights) for line in history.lines],
            when=_when,
            version=__version__,
            style=style,
            policy=policy(style, ""),
        )
    )


def write_history(history: History, path: Path) -> None:
    """Write the page. Raises OSError."""
    path.write_text(history_page(history, path.stem), encoding="utf-8")
