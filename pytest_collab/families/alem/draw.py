"""The level as the team saw it last, drawn from the transcript alone, with the scale that the result stands on."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from pytest_collab.episode.family import Picture
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.alem.scale import beside

if TYPE_CHECKING:
    from pytest_collab.families.alem.params import Alem

CELL, MARGIN = 12, 22

COLOURS: Final[Mapping[str, str]] = {
    ".": "#7fb069",
    ",": "#e6d8a8",
    "_": "#b8a58a",
    "~": "#4a90c4",
    "^": "#d9480f",
    "s": "#8d8d8d",
    "S": "#777777",
    "#": "#555555",
    "T": "#2f6b2f",
    "c": "#3a3a3a",
    "i": "#c98a5b",
    "d": "#9be7ef",
    "p": "#3456c4",
    "r": "#b3123c",
    "t": "#8a5a2b",
    "f": "#6b4f4f",
    "y": "#5d9c42",
    "Y": "#e08fb0",
    "$": "#d4a017",
    "x": "#f2c14e",
    "X": "#f08c2e",
    "H": "#7048a8",
    "F": "#7048a8",
    "B": "#7048a8",
}
AGENTS: Final = ("#c92a2a", "#1864ab", "#5f3dc4", "#087f5b", "#a61e4d", "#5c940d", "#0b7285", "#862e9c")


def picture(params: Alem, transcript: Transcript) -> Picture | None:
    """The newest snapshot of the transcript; None when it holds none (the episode was cut before it began)."""
    states = [event.data for event in reversed(transcript.of("state"))]
    newest = next((data for data in states if "map" in data), None)
    if newest is None:
        return None
    scene, score = newest["map"], next((data["score"] for data in states if "score" in data), None)
    title = f"level {scene['level']}, step {scene['t']}"
    if score is not None:
        base, together, total = score["reward"]
        title += f": {total:.1%} of the reward (base {base:.1%}, coordination {together:.1%})"
    lines = [title, *_rows(scene), *beside(params, score)]
    frame = newest.get("frame")
    return Picture("\n".join(lines), _framed(frame, title) if frame else _svg(scene, title))


def _framed(frame: str, title: str) -> str:
    """A PNG (base64), twice as large; its size stands at the beginning of the file."""
    head = b64decode(frame[:32])
    width, height = (2 * int.from_bytes(head[at : at + 4], "big") for at in (16, 20))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{max(width, 420)}" height="{height + MARGIN}">'
        f'<text x="2" y="13" font-size="10">{escape(title)}</text>'
        f'<image y="{MARGIN}" width="{width}" height="{height}" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{frame}"/></svg>'
    )


def _rows(scene: Mapping[str, Any]) -> Iterator[str]:
    """The map in letters, mobs as `m`, agents as their numbers; `+` is an agent that is dead."""
    top, left = scene["origin"]
    rows = [list(row) for row in scene["rows"]]
    for _, r, c in scene["mobs"]:
        rows[r - top][c - left] = "m"
    for number, (r, c, alive) in enumerate(scene["agents"]):
        rows[r - top][c - left] = str(number) if alive else "+"
    for row in rows:
        yield "  " + "".join(row).rstrip()


def _svg(scene: Mapping[str, Any], title: str) -> str:
    top, left = scene["origin"]
    width = max(len(row) for row in scene["rows"]) * CELL
    height = len(scene["rows"]) * CELL + MARGIN
    parts = []
    for r, row in enumerate(scene["rows"]):
        for c, letter in enumerate(row):
            if letter != " ":
                fill = COLOURS.get(letter, "#d0d0d0")
                parts.append(
                    f'<rect x="{c * CELL}" y="{r * CELL + MARGIN}" width="{CELL}" height="{CELL}" fill="{fill}"/>'
                )
    for r, c, needs, soft in scene["objects"]:
        x, y = (c - left) * CELL, (r - top) * CELL + MARGIN
        dash = ' stroke-dasharray="2"' if soft else ""
        parts.append(
            f'<rect x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{CELL - 2}" fill="none" stroke="#fff"{dash}/>'
            f'<text x="{x + 6}" y="{y + 9}" font-size="8" fill="#fff" text-anchor="middle">'
            f"{needs if needs > 0 else 'h'}</text>"
        )
    for name, r, c in scene["mobs"]:
        x, y = (c - left) * CELL + 6, (r - top) * CELL + MARGIN + 6
        parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="#e8590c"><title>{escape(name)}</title></circle>')
    for number, (r, c, alive) in enumerate(scene["agents"]):
        x, y = (c - left) * CELL + 6, (r - top) * CELL + MARGIN + 6
        fill = AGENTS[number % len(AGENTS)] if alive else "#000"
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="6" fill="{fill}"/>'
            f'<text x="{x}" y="{y + 3}" font-size="8" fill="#fff" text-anchor="middle">{number}</text>'
        )
    parts.append(f'<text x="2" y="13" font-size="10">{escape(title)}</text>')
    width = max(width, 420)
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{"".join(parts)}</svg>'
