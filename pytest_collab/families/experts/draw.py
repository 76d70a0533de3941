"""Answers before and after the discussion, beside the expert's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from pytest_collab.episode.family import Picture
from pytest_collab.families.experts import rules
from pytest_collab.families.experts.seats import Scene

ROW, COLUMN, LEFT = 17, 34, 100
SHADES: Final = ("#2a7", "#7c9", "#cda", "#ec9", "#e77")


def picture(deal: rules.Deal, seats: Sequence[str], scene: Scene) -> Picture:
    """Rankings: a row per item, a column per answer, shaded by distance from the expert's place. Else a list."""
    columns: list[tuple[str, rules.Answer]] = []
    for when, answers in (("", scene.alone), ("'", scene.final)):
        columns += [(f"{seat}{when}", answer) for seat, answer in zip(seats, answers, strict=False) if answer]
    team = rules.together(deal, [answer for answer in scene.final if answer])
    columns += [("team", team)] if team else []
    if deal.kind == "ranking":
        return _ranking(deal, columns)
    lines = [f"best: {deal.truth[0]}", *(f"{name:>5} chose {answer[0]}" for name, answer in columns)]
    parts = []
    for number, line in enumerate(lines):
        fill = "#2a7" if line.endswith(deal.truth[0]) else "#c33"
        parts.append(f'<text x="6" y="{ROW * (number + 1)}" font-size="12" fill="{fill}">{escape(line)}</text>')
    height = ROW * (len(lines) + 1)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="220" height="{height}">{"".join(parts)}</svg>'
    return Picture("\n".join(lines), svg)


def _ranking(deal: rules.Deal, columns: Sequence[tuple[str, rules.Answer]]) -> Picture:
    lines = [f"{'':>15} expert " + " ".join(f"{name:>4}" for name, _ in columns)]
    parts = [
        f'<text x="{LEFT + COLUMN * i + 12}" y="12" font-size="11" text-anchor="middle">{escape(name)}</text>'
        for i, name in enumerate(["expert", *(name for name, _ in columns)])
    ]
    for row, key in enumerate(deal.truth):
        y = 18 + row * ROW
        places = [row + 1, *(answer.index(key) + 1 for _, answer in columns)]
        lines.append(f"{key:>15} {row + 1:>6} " + " ".join(f"{place:>4}" for place in places[1:]))
        parts.append(f'<text x="4" y="{y + 13}" font-size="11">{escape(key)}</text>')
        for i, place in enumerate(places):
            fill = SHADES[min(len(SHADES) - 1, abs(place - row - 1) // 2 + (place != row + 1))]
            x = LEFT + COLUMN * i
            parts.append(f'<rect x="{x}" y="{y}" width="24" height="{ROW - 2}" fill="{fill}"/>')
            parts.append(f'<text x="{x + 12}" y="{y + 12}" font-size="11" text-anchor="middle">{place}</text>')
    width, height = LEFT + COLUMN * (len(columns) + 1), 24 + ROW * len(deal.truth)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{"".join(parts)}</svg>'
    return Picture("\n".join(lines), svg)
