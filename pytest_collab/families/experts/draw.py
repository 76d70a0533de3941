"""Who knew what and who said it; answers before and after the discussion, beside the expert's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pytest_collab.episode.family import Picture
from pytest_collab.families.experts import rules
from pytest_collab.families.experts.seats import Scene
from pytest_collab.families.sketch import BAD, FAINT, GOOD, INK, SMALLEST, SOFT, WIDTH, Sketch

ROW: Final = 20
RIGHT, WRONG = "✓", "✘"
SHADES: Final = ("#cfe8d5", "#e4f1da", "#f4efd2", "#f6dcc8", "#f3c5c0")

Told = Mapping[str, Sequence[str]]
"""By seat, what it has told of the facts or items (in their order): `said`, `false` or nothing."""


def picture(deal: rules.Deal, seats: Sequence[str], scene: Scene, told: Told) -> Picture:
    """Rankings: a row per item, a column per answer. Choices: a row per fact, a column per seat, answers below.

    Args:
        told: of `rules.facts_of(deal)` (choices) or of `deal.items` (rankings).
    """
    before = dict(zip(seats, scene.alone or (None,) * len(seats), strict=False))
    after = dict(zip(seats, scene.final or (None,) * len(seats), strict=False))
    team = rules.together(deal, [answer for answer in scene.final if answer])
    if deal.kind == "ranking":
        return _ranking(deal, seats, before, after, team, told)
    return _choice(deal, seats, before, after, team, told)


Answers = Mapping[str, rules.Answer | None]


def _mark(deal: rules.Deal, answer: rules.Answer | None) -> str:
    if answer is None:
        return "–"
    return f"{answer[0]} {RIGHT if answer == deal.truth else WRONG}"


def _choice(
    deal: rules.Deal,
    seats: Sequence[str],
    before: Answers,
    after: Answers,
    team: rules.Answer | None,
    told: Told,
) -> Picture:
    facts = rules.facts_of(deal)
    title = f"the best is {deal.truth[0]}" + (f"; the team chose {_mark(deal, team)}" if team else "")
    lines = [title, f"{'fact':<48} {' '.join(f'{seat:>5}' for seat in seats)}"]
    sketch = Sketch(title)
    sketch.text(4, 16, title, bold=True)
    column = min(64.0, (WIDTH - 320) / len(seats))
    left, top = WIDTH - column * len(seats), 42.0
    for i, seat in enumerate(seats):
        sketch.seat(left + column * (i + 0.5) - 16, top - 5, i, 5)
        sketch.text(left + column * (i + 0.5) - 8, top, seat, bold=True)
    for number, (fact, known) in enumerate(facts):
        y = top + ROW * (number + 1)
        words = f"{'+' if fact.good else '−'} {fact.option}: {fact.text}"
        sketch.line(4, y - 14, WIDTH, y - 14, stroke=FAINT)
        sketch.text(4, y, words if len(words) <= 48 else words[:47] + "…", size=SMALLEST, tip=words)
        cells = []
        for i, seat in enumerate(seats):
            said = told[seat][number]
            x = left + column * (i + 0.5)
            if i in known:
                sketch.seat(x - 16, y - 4, i, 5)
            if said:
                sketch.text(x - 8, y, said, size=SMALLEST, bold=True, fill=BAD if said == "false" else INK)
            cells.append(("knew" if i in known else "") + (f"+{said}" if said else ""))
        lines.append(f"{words[:48]:<48} {' '.join(f'{cell or chr(46):>5}' for cell in cells)}")
    y = sketch.bottom + 22
    sketch.text(4, y, "choices: alone → after the discussion", bold=True)
    for i, seat in enumerate(seats):
        y += ROW
        sketch.seat(10, y - 4, i, 5)
        sketch.text(20, y, seat, bold=True)
        for x, answer in ((60.0, before.get(seat)), (190.0, after.get(seat))):
            fill = SOFT if answer is None else GOOD if answer == deal.truth else BAD
            sketch.text(x, y, _mark(deal, answer), fill=fill)
        sketch.text(172, y, "→")
        lines.append(f"{seat}: alone {_mark(deal, before.get(seat))}, after {_mark(deal, after.get(seat))}")
    entries = [
        (sketch.seat_sign(0), "knew it from the start"),
        (None, "said: told it; false: told it of another option"),
        (lambda x, y: sketch.text(x - 4, y + 5, "+"), "speaks for it"),
        (lambda x, y: sketch.text(x - 4, y + 5, "−"), "against it"),
        (lambda x, y: sketch.text(x - 4, y + 5, RIGHT, fill=GOOD), "the best"),
        (lambda x, y: sketch.text(x - 4, y + 5, WRONG, fill=BAD), "not the best"),
    ]
    sketch.legend(sketch.bottom + 18, entries)
    return Picture("\n".join(lines), sketch.svg())


def _ranking(
    deal: rules.Deal,
    seats: Sequence[str],
    before: Answers,
    after: Answers,
    team: rules.Answer | None,
    told: Told,
) -> Picture:
    title = "places: the expert's, each seat's alone → after the discussion, the team's"
    sketch = Sketch(title)
    sketch.text(4, 16, title, bold=True)
    heads = ["expert", *seats, "team"]
    left, top = 130.0, 42.0
    column = (WIDTH - left) / len(heads)
    lines = [title, f"{'':>15} " + " ".join(f"{head:>7}" for head in heads)]
    for i, head in enumerate(heads):
        x = left + column * (i + 0.5)
        if 0 < i <= len(seats):
            sketch.seat(x - 9, top - 5, i - 1, 5)
            sketch.text(x, top, head, bold=True)
        else:
            sketch.text(x, top, head, anchor="middle", bold=True)
    for row, key in enumerate(deal.truth):
        y = top + 8 + row * ROW
        sketch.text(4, y + 14, key if len(key) < 19 else key[:18] + "…", size=SMALLEST, tip=key)
        cells = [str(row + 1)]
        sketch.text(left + column / 2, y + 14, row + 1, anchor="middle", bold=True)
        item = deal.items.index(key)
        for i, seat in enumerate([*seats, "team"]):
            x = left + column * (i + 1)
            first, last = before.get(seat), after.get(seat)
            last = team if seat == "team" else last
            place = (last or first or deal.truth).index(key) + 1
            words = f"{first.index(key) + 1}→" if first and last else ""
            words += str(place) if last or first else "–"
            if last or first:
                away = abs(place - row - 1)
                fill = SHADES[min(len(SHADES) - 1, away // 2 + (away > 0))]
                sketch.box(x + 2, y, column - 4, ROW - 2, fill=fill)
                words += f" {RIGHT}" if away == 0 else ""
            knew = i < len(seats) and key in deal.places[i]
            said = told[seat][item] if i < len(seats) else ""
            if knew:
                sketch.box(x + 2, y, column - 4, ROW - 2, stroke=BAD if said == "false" else INK, dash=not said)
            words += "!" if said == "false" else ""
            sketch.text(x + column / 2, y + 14, words, anchor="middle", size=SMALLEST)
            cells.append(words + ("*" if said else "'" if knew else ""))
        lines.append(f"{key:>15} " + " ".join(f"{cell:>7}" for cell in cells))
    lines.append("✓ the expert's place, ' it knew the place, * and told it, ! told another")
    entries = [
        (sketch.box_sign(stroke=INK, dash=True), "it knew the place and did not tell it"),
        (sketch.box_sign(stroke=INK), "it knew the place and told it"),
        (lambda x, y: sketch.text(x - 2, y + 5, "!"), "told another place"),
        (lambda x, y: sketch.text(x - 4, y + 5, RIGHT), "the expert's place"),
        (sketch.box_sign(SHADES[4]), "far from it"),
    ]
    sketch.legend(sketch.bottom + 16, entries)
    return Picture("\n".join(lines), sketch.svg())
