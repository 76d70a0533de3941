"""One picture of an episode: a git graph with what became of every branch, and the conflicts under it."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import counted, one_line
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.coding.findings import Findings
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.sketch import SMALLEST, SOFT, WIDTH, Sketch

_HUNKS: Final = 3
_LINES: Final = 6
GREEN, RED, GREY = "#2e7d32", "#c62828", "#757575"


def picture(deal: Deal, transcript: Transcript, upto: int | None = None) -> Picture:
    """The state after event `upto` (the end when None)."""
    events = transcript if upto is None else Transcript(transcript[: upto + 1])
    found = Findings.of(events)
    said = [] if deal.casting is None else _attested(events)
    deal = deal.result
    way = "naive" if deal.joining == "merge" else deal.joining
    branches = [_branch(deal, found, events, seat) for seat in deal.seats]
    joined = _joined(deal, found, way)
    return graph(branches, joined, [*said, *_conflicts(found.merges.get("naive"))])


def graph(branches: list[tuple[str, str, str]], joined: tuple[str, str], below: Sequence[str] = ()) -> Picture:
    """A git graph.

    Args:
        branches: name, label and colour of each.
        joined: what became of them all, and its colour.
        below: lines under it, in the text alone.
    """
    text = ["base"]
    for index, (seat, label, _) in enumerate(branches):
        text.append(f"{'└' if index == len(branches) - 1 else '├'}── {seat}: {label}")
    text.append(f"    ╰─▶ {joined[0]}")
    return Picture("\n".join([*text, *below]), _svg(branches, joined))


def _attested(events: Transcript) -> list[str]:
    """What was said of each thing that was handed in, and whether hidden tests say the same."""
    passed: dict[int, bool] = {}
    for event in events.of("grade"):
        if event.data["what"] == "submission":
            number = event.data["submission"]
            passed[number] = passed.get(number, True) and event.data["passed"]
    lines = []
    for event in events.of("state"):
        if "attested" not in event.data:
            continue
        number = event.data["submission"]
        tests = "" if number not in passed else f" (hidden tests {'pass' if passed[number] else 'fail'})"
        lines.append(f"    hand-in {number}: {event.seat} says {event.data['attested']}{tests}")
    return lines


def _branch(deal: Deal, found: Findings, events: Transcript, seat: str) -> tuple[str, str, str]:
    features = ", ".join(deal.features[seat])
    work = found.work.get(seat)
    if work is None:
        calls = len(events.of("tool_call", seat=seat))
        return seat, f"{features}, {calls} tool calls", GREY
    added = sum(count["added"] for count in work.data["stat"].values())
    removed = sum(count["removed"] for count in work.data["stat"].values())
    size = f"{len(work.data['stat'])} files +{added} -{removed}"
    tests = [found.own[feature] for feature in deal.features[seat] if feature in found.own]
    if not tests:
        return seat, f"{features}, {size}", GREY
    passed = all(event.data["passed"] for event in tests)
    return seat, f"{features}, {size}, alone {'passes' if passed else 'fails'}", GREEN if passed else RED


def _joined(deal: Deal, found: Findings, way: str) -> tuple[str, str]:
    tests = found.joined.get(way, {})
    names = {"naive": "merge", "last": f"{deal.seats[-1]}'s tree", "lead": f"{deal.seats[0]}'s tree"}
    if tests:
        words = [f"{name} {'passes' if event.data['passed'] else 'fails'}" for name, event in tests.items()]
        good = all(event.data["passed"] for event in tests.values())
        return f"{names[way]}: {', '.join(words)}", GREEN if good else RED
    merge = found.merges.get("naive")
    if merge is None:
        return f"{names[way]}: not yet", GREY
    paths = ", ".join(place["path"] for place in merge.data["conflicts"][:4])
    union = found.joined.get("union", {})
    lucky = bool(union) and all(event.data["passed"] for event in union.values())
    return f"merge: {merge.data['status']} in {paths}" + (" (a union of both sides passes)" if lucky else ""), RED


def _conflicts(merge: Event | None) -> list[str]:
    lines: list[str] = []
    for place in merge.data["conflicts"] if merge is not None else ():
        lines += ["", f"{place['path']} ({place['kind']})"]
        for hunk in place["hunks"][:_HUNKS]:
            lines.append(f"  line {hunk['line']}")
            lines += [f"  < {one_line(line, 100)}" for line in _differing(hunk["ours"], hunk["theirs"])]
            lines.append("  =")
            lines += [f"  > {one_line(line, 100)}" for line in _differing(hunk["theirs"], hunk["ours"])]
    return lines


def _differing(own: Sequence[str], others: Sequence[str]) -> list[str]:
    """The first lines that the other side does not have, from the first of them on."""
    known = {line.strip() for line in others}
    first = next((i for i, line in enumerate(own) if line.strip() not in known), 0)
    left_out = [f"... {counted(first, 'line')} that both have"] if first else []
    return [*left_out, *own[first : first + _LINES]]


def _svg(branches: list[tuple[str, str, str]], joined: tuple[str, str]) -> str:
    sketch = Sketch("; ".join([*(f"{seat}: {label}" for seat, label, _ in branches), joined[0]]))
    step, left, right, top = 64.0, 18.0, WIDTH - 22, 34.0
    middle = top + step * (len(branches) - 1) / 2
    sketch.text(left - 12, middle - 14, "base", size=SMALLEST, fill=SOFT)
    for index, (seat, label, colour) in enumerate(branches):
        y = top + step * index
        sketch.add(
            f'<path d="M{left} {middle} C {left + 40} {middle}, {left + 20} {y}, {left + 60} {y} H {right - 60} '
            f'C {right - 20} {y}, {right - 40} {middle}, {right} {middle}" stroke="{colour}" stroke-width="2.5"/>',
            y,
        )
        sketch.seat(left + 70, y, index, 7)
        for line, words in enumerate(_lines(f"{seat}: {label}", 62)):
            sketch.text(left + 84, y + (-8 if line == 0 else 17), words, bold=line == 0)
    sketch.seat(left, middle, 7, 6)
    good, bad = joined[1] == GREEN, joined[1] == RED
    sketch.add(f'<circle cx="{right}" cy="{middle}" r="12" fill="#fff" stroke="{joined[1]}" stroke-width="2.5"/>')
    sign = "✓" if good else "✘" if bad else "·"
    sketch.text(right, middle + 5, sign, anchor="middle", fill=joined[1], bold=True)
    y = top + step * (len(branches) - 1) + 44
    for line, words in enumerate(_lines(joined[0], 76)):
        sketch.text(left - 12, y + 19 * line, words, fill=joined[1], bold=True)
    return sketch.svg()


def _lines(words: str, most: int) -> list[str]:
    """At most two lines of so many characters."""
    first, *rest = wrap(one_line(words, 2 * most), most) or [""]
    return [first, one_line(" ".join(rest), most)] if rest else [first]
