"""The network on a circle: who is next to whom, what each holds, and what each has answered."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin
from xml.sax.saxutils import escape

from pytest_collab.episode.family import Picture
from pytest_collab.families.network import graphs, rules
from pytest_collab.families.network.rules import Answer, Deal

SIZE: int = 520


def picture(deal: Deal, seats: Sequence[str], answers: Sequence[Answer | None], talked: int, rounds: int) -> Picture:
    """One state: agents on a circle, joined where they are neighbours; a tick or a cross once all have answered."""
    over = talked >= rounds and any(answer is not None for answer in answers)
    wrong = rules.judge(deal, answers).wrong if over else ()
    title = f"{deal.kind}, {'answers' if over else f'round {talked} of {rounds}'}"
    if over:
        title += f": {deal.nodes - len(wrong)} of {deal.nodes} fit"
    labels = [_label(deal, node, answers[node], over, node in wrong) for node in range(deal.nodes)]
    lines = [title] + [
        f"  {seats[node]:>3} {labels[node]}; next to {', '.join(deal.names[other] for other in deal.near[node])}"
        for node in range(deal.nodes)
    ]
    return Picture("\n".join(lines), _svg(deal, labels, title, wrong, over))


def _label(deal: Deal, node: int, answer: Answer | None, over: bool, wrong: bool) -> str:
    label = deal.names[node] + (f" {deal.inputs[node]}" if deal.inputs else "")
    label += " (source)" if node == deal.source else ""
    if answer is not None:
        label += f" → {answer}"
    return label + ((" ✘" if wrong else " ✔") if over else "")


def _svg(deal: Deal, labels: Sequence[str], title: str, wrong: Sequence[int], over: bool) -> str:
    step, middle, radius = 2 * pi / deal.nodes, SIZE / 2, SIZE / 2 - 90
    at = [
        (round(middle + radius * cos(node * step - pi / 2), 1), round(middle + radius * sin(node * step - pi / 2), 1))
        for node in range(deal.nodes)
    ]
    parts = [
        f'<line x1="{at[a][0]}" y1="{at[a][1]}" x2="{at[b][0]}" y2="{at[b][1]}" stroke="#999"/>'
        for a, b in graphs.edges(deal.near)
    ]
    for node, (x, y) in enumerate(at):
        fill = "#fff" if not over else "#fbb" if node in wrong else "#bdb"
        parts.append(f'<circle cx="{x}" cy="{y}" r="7" fill="{fill}" stroke="#333"/>')
        side = "middle" if abs(x - middle) < 12 else "start" if x > middle else "end"
        shift = {"middle": 0, "start": 11, "end": -11}[side]
        up = (-12 if y < middle else 22) if side == "middle" else 4
        parts.append(
            f'<text x="{x + shift}" y="{y + up}" font-size="12" text-anchor="{side}" fill="currentColor">'
            f"{escape(labels[node])}</text>"
        )
    parts.append(
        f'<text x="{middle}" y="{SIZE - 6}" font-size="13" text-anchor="middle" fill="currentColor">'
        f"{escape(title)}</text>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-90 0 {SIZE + 180} {SIZE}" width="{SIZE}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )
