"""The picture of one review: the patch around the place, what the critic did, what it said, and what was so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import one_line
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.coding.interception.verdict import Findings, looks
from pytest_collab.families.sketch import BAD, FAINT, GOOD, INK, SMALLEST, SOFT, WIDTH, Sketch

_AROUND: Final = 6
_LINES: Final = 16


def picture(transcript: Transcript, upto: int | None = None) -> Picture | None:
    """The state after event `upto` (the end when None); None before a patch is shown."""
    events = transcript if upto is None else Transcript(transcript[: upto + 1])
    found, whole = Findings.of(events), Findings.of(transcript)
    if found.shown is None:
        return None
    truth = whole.truth.data if whole.truth is not None else {}
    feature = found.shown.data["feature"]
    what = "a mutant" if truth.get("wrong") else "the reference" if truth else "not graded"
    lines, marked = _excerpt(str(found.shown.data["patch"]), truth.get("path", ""), truth.get("line", 0))
    title = f"{feature}: {what}" + (f" ({truth['kind']}, {truth['path']}:{truth['line']})" if marked else "")
    did = [one_line(f"{event.data['name']} {_argument(event.data['arguments'])}", 70) for event in looks(events)]
    before = f"{len(did)} looks before the verdict" + (f", last {did[-1]}" if did else "")
    said = "no verdict yet"
    if found.decided is not None:
        data = found.decided.data
        said = f"{data['verdict']}, {data['confidence']} % sure" + (f", at {data['place']}" if data["place"] else "")
    right = found.decided is not None and bool(truth) and found.rejected == bool(truth["wrong"])
    sign = "" if found.decided is None or not truth else " ✔ right" if right else " ✘ wrong"
    text = [title, *(f"{'>' if line == marked else ' '} {line}" for line in lines), before, f"{said}{sign}"]
    return Picture("\n".join(text), _svg(title, lines, marked, before, f"{said}{sign}", sign))


def _argument(arguments: Mapping[str, object]) -> str:
    return str(next(iter(arguments.values()), ""))


def _excerpt(patch: str, path: str, line: int) -> tuple[list[str], str]:
    """Lines of the patch around a place (its first added lines without one), and the line that stands there."""
    found: list[tuple[str, int, str]] = []
    current, number, inside = "", 0, False
    for text in patch.splitlines():
        if text.startswith("diff --git "):
            inside = False
        elif not inside and text.startswith("+++ "):
            current = text[4:].removeprefix("b/")
        elif text.startswith("@@ "):
            inside, number = True, int(text.split("+", 1)[1].split(",")[0].split(" ")[0])
        elif inside:
            found.append((current, number, text))
            number += not text.startswith("-")
    at = next((i for i, one in enumerate(found) if one[:2] == (path, line) and not one[2].startswith("-")), None)
    first = next((i for i, one in enumerate(found) if one[2].startswith("+")), 0)
    start = max(0, (at - _AROUND) if at is not None else first)
    shown = [text for _, _, text in found[start : start + _LINES]]
    return shown, found[at][2] if at is not None else ""


def _svg(title: str, lines: list[str], marked: str, looks: str, said: str, sign: str) -> str:
    sketch = Sketch(f"{title}; {said}")
    sketch.text(4, 20, one_line(title, 80), bold=True)
    y = 44.0
    for line in lines:
        here = line == marked
        if here:
            sketch.box(2, y - 13, WIDTH - 8, 18, fill="#ffebe9", stroke=BAD)
        fill = INK if line.startswith("+") else SOFT
        sketch.add(
            f'<text x="8" y="{y:g}" font-size="{SMALLEST}" font-family="monospace" fill="{fill}" '
            f'xml:space="preserve">{escape(line.expandtabs(4)[:78])}{" ◀ here" if here else ""}</text>',
            y + 4,
        )
        y += 18
    sketch.line(4, y - 4, WIDTH - 4, y - 4, stroke=FAINT)
    sketch.text(4, y + 16, one_line(looks, 84), fill=SOFT)
    sketch.text(4, y + 38, one_line(said, 80), bold=True, fill=BAD if "✘" in sign else GOOD if sign else INK)
    return sketch.svg()
