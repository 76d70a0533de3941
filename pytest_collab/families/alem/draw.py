"""The level as the team saw it last, drawn from the transcript alone, with the scale that the result stands on."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from pytest_collab.episode.family import Picture
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.alem.scale import beside
from pytest_collab.families.sketch import INK, SMALLEST, WIDTH, Sketch

if TYPE_CHECKING:
    from pytest_collab.families.alem.params import Alem

TOP: Final = 26.0
LETTERED: Final = 14
"""Cells so large or larger have their letter."""

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
NAMES: Final[Mapping[str, str]] = {
    ".": "grass",
    ",": "sand, gravel",
    "_": "path",
    "~": "water",
    "^": "lava",
    "s": "stone",
    "S": "stalagmite",
    "#": "wall",
    "T": "tree",
    "w": "wood",
    "c": "coal",
    "i": "iron",
    "d": "diamond",
    "p": "sapphire",
    "r": "ruby",
    "t": "crafting table",
    "f": "furnace",
    "y": "plant",
    "Y": "ripe plant",
    "$": "chest",
    "x": "construction site",
    "X": "construction begun",
    "H": "shelter",
    "F": "forge",
    "B": "beacon",
    "N": "necromancer",
    "?": "anything else",
}


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
    letters = sorted({letter for row in scene["rows"] for letter in row} & set(NAMES))
    lines.insert(1 + len(scene["rows"]), "  " + ", ".join(f"{letter} {NAMES[letter]}" for letter in letters))
    return Picture("\n".join(lines), _svg(scene, title, newest.get("frame"), letters))


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


def _svg(scene: Mapping[str, Any], title: str, frame: str | None, letters: Sequence[str]) -> str:
    """The package's picture where the transcript has one, else cells with letters; on it seats and what they need."""
    top, left = scene["origin"]
    rows, columns = len(scene["rows"]), max(len(row) for row in scene["rows"])
    sketch = Sketch(title)
    sketch.text(4, 16, title, bold=True)
    wide, tall = _size(frame) if frame else (columns, rows)
    cell = min(32.0, WIDTH / columns, 460 / rows)
    if frame:
        sketch.add(
            f'<image x="0" y="{TOP}" width="{cell * columns:g}" height="{cell * columns * tall / wide:g}" '
            f'style="image-rendering:pixelated" href="data:image/png;base64,{frame}"/>',
            TOP + cell * columns * tall / wide,
        )
    else:
        _cells(sketch, scene, cell)
    if wide * rows == tall * columns:  # the frame shows the same cells
        for r, c, needs, soft in scene["objects"]:
            x, y = (c - left) * cell, TOP + (r - top) * cell
            sketch.box(x + 1, y + 1, cell - 2, cell - 2, stroke="#fff", dash=bool(soft))
            _label(sketch, x + cell / 2, y + cell - 3, _needs(needs, soft))
        for name, r, c in scene["mobs"]:
            if not frame:
                x, y = (c - left + 0.5) * cell, TOP + (r - top + 0.5) * cell
                tip = f"<title>{escape(name)}</title>"
                sketch.add(f'<circle cx="{x:g}" cy="{y:g}" r="{cell / 3:g}" fill="#e8590c">{tip}</circle>')
                _label(sketch, x, y + 4.5, "m")
        for number, (r, c, alive) in enumerate(scene["agents"]):
            x, y = (c - left) * cell, TOP + (r - top) * cell
            sketch.seat(x + 6, y + 6, number, 6, hollow=not alive)
            _label(sketch, x + 18, y + 11, chr(ord("a") + number) + ("" if alive else " †"))
    entries = [
        *((sketch.seat_sign(i), chr(ord("a") + i)) for i in range(len(scene["agents"]))),
        (None, "2: so many have to act on it at once"),
        (None, "2~: the same, but one alone may try, too"),
        (None, "h9: begun by one, another has 9 steps to go on"),
    ]
    if not frame:
        entries += [(_swatch(sketch, letter), NAMES[letter]) for letter in letters]
        entries.append((None, "m: a creature"))
    sketch.legend(sketch.bottom + 14, entries)
    return sketch.svg()


def _size(frame: str) -> tuple[int, int]:
    """Width and height of a PNG (base64), which stand at the beginning of the file."""
    head = b64decode(frame[:32])
    wide, tall = (int.from_bytes(head[at : at + 4], "big") for at in (16, 20))
    return max(1, wide), max(1, tall)


def _cells(sketch: Sketch, scene: Mapping[str, Any], cell: float) -> None:
    for r, row in enumerate(scene["rows"]):
        for c, letter in enumerate(row):
            if letter != " ":
                x, y = c * cell, TOP + r * cell
                sketch.box(x, y, cell, cell, fill=COLOURS.get(letter, "#d0d0d0"), tip=NAMES.get(letter, letter))
                if cell >= LETTERED and letter not in ".,":
                    _label(sketch, x + cell / 2, y + cell / 2 + 4.5, letter)


def _needs(needs: int, soft: bool) -> str:
    return f"h{-needs}" if needs < 0 else f"{needs}{'~' if soft else ''}"


def _label(sketch: Sketch, x: float, y: float, words: str) -> None:
    """Words that can be read on any ground."""
    sketch.add(
        f'<text x="{x:g}" y="{y:g}" font-size="{SMALLEST}" font-weight="bold" text-anchor="middle" fill="{INK}" '
        f'stroke="#fff" stroke-width="3" paint-order="stroke">{escape(words)}</text>'
    )


def _swatch(sketch: Sketch, letter: str) -> Callable[[float, float], None]:
    def sign(x: float, y: float) -> None:
        sketch.box(x - 8, y - 8, 16, 16, fill=COLOURS.get(letter, "#d0d0d0"))
        _label(sketch, x, y + 4.5, letter)

    return sign
