"""One picture of an episode: a git graph with what became of every branch, and the conflicts under it."""

from __future__ import annotations

from html import escape
from typing import Final

from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import one_line
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.verdict import Findings

_HUNKS: Final = 3
_LINES: Final = 6
_GREEN, _RED, _GREY = "#2e7d32", "#c62828", "#757575"


def picture(deal: Deal, transcript: Transcript, upto: int | None = None) -> Picture:
    """The state after event `upto` (the end when None)."""
    events = transcript if upto is None else Transcript(transcript[: upto + 1])
    found = Findings.of(events)
    way = "naive" if deal.joining == "merge" else deal.joining
    branches = [_branch(deal, found, events, seat) for seat in deal.seats]
    joined = _joined(deal, found, way)
    text = ["base"]
    for index, (seat, label, _) in enumerate(branches):
        text.append(f"{'└' if index == len(branches) - 1 else '├'}── {seat}: {label}")
    text.append(f"    ╰─▶ {joined[0]}")
    conflicts = _conflicts(found.merges.get("naive"))
    return Picture("\n".join(text + conflicts), _svg(branches, joined))


def _branch(deal: Deal, found: Findings, events: Transcript, seat: str) -> tuple[str, str, str]:
    features = ", ".join(deal.features[seat])
    work = found.work.get(seat)
    if work is None:
        calls = len(events.of("tool_call", seat=seat))
        return seat, f"{features}, {calls} tool calls", _GREY
    added = sum(count["added"] for count in work.data["stat"].values())
    removed = sum(count["removed"] for count in work.data["stat"].values())
    size = f"{len(work.data['stat'])} files +{added} -{removed}"
    tests = [found.own[feature] for feature in deal.features[seat] if feature in found.own]
    if not tests:
        return seat, f"{features}, {size}", _GREY
    passed = all(event.data["passed"] for event in tests)
    return seat, f"{features}, {size}, alone {'passes' if passed else 'fails'}", _GREEN if passed else _RED


def _joined(deal: Deal, found: Findings, way: str) -> tuple[str, str]:
    tests = found.joined.get(way, {})
    names = {"naive": "merge", "last": f"{deal.seats[-1]}'s tree", "lead": f"{deal.seats[0]}'s tree"}
    if tests:
        words = [f"{name} {'passes' if event.data['passed'] else 'fails'}" for name, event in tests.items()]
        good = all(event.data["passed"] for event in tests.values())
        return f"{names[way]}: {', '.join(words)}", _GREEN if good else _RED
    merge = found.merges.get("naive")
    if merge is None:
        return f"{names[way]}: not yet", _GREY
    paths = ", ".join(place["path"] for place in merge.data["conflicts"][:4])
    union = found.joined.get("union", {})
    lucky = bool(union) and all(event.data["passed"] for event in union.values())
    return f"merge: {merge.data['status']} in {paths}" + (" (a union of both sides passes)" if lucky else ""), _RED


def _conflicts(merge: Event | None) -> list[str]:
    lines: list[str] = []
    for place in merge.data["conflicts"] if merge is not None else ():
        lines += ["", f"{place['path']} ({place['kind']})"]
        for hunk in place["hunks"][:_HUNKS]:
            lines.append(f"  line {hunk['line']}")
            lines += [f"  < {one_line(line, 100)}" for line in hunk["ours"][:_LINES]]
            lines.append("  =")
            lines += [f"  > {one_line(line, 100)}" for line in hunk["theirs"][:_LINES]]
    return lines


def _svg(branches: list[tuple[str, str, str]], joined: tuple[str, str]) -> str:
    step, left, right = 44, 30, 700
    height = step * len(branches) + 70
    middle = step * (len(branches) + 1) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" width="760" height="{height}" '
        'font-family="sans-serif" font-size="13" fill="none">',
        f'<circle cx="{left}" cy="{middle}" r="7" fill="{_GREY}"/>',
    ]
    for index, (seat, label, colour) in enumerate(branches):
        y = step * (index + 1)
        parts += [
            f'<path d="M{left} {middle} C {left + 50} {middle}, {left + 30} {y}, {left + 90} {y} H {right - 60} '
            f'C {right - 20} {y}, {right - 40} {middle}, {right} {middle}" stroke="{colour}" stroke-width="2.5"/>',
            f'<circle cx="{left + 110}" cy="{y}" r="6" fill="{colour}"/>',
            f'<text x="{left + 124}" y="{y - 9}" fill="#222">{escape(one_line(f"{seat}: {label}", 90))}</text>',
        ]
    parts += [
        f'<circle cx="{right}" cy="{middle}" r="9" fill="{joined[1]}"/>',
        f'<text x="{left}" y="{height - 14}" fill="{joined[1]}">{escape(one_line(joined[0], 110))}</text>',
        "</svg>",
    ]
    return "".join(parts)
