"""A table of Hanabi: fireworks, tokens, and each hand with what its owner knows of it."""

from __future__ import annotations

from typing import Final

from pytest_collab.core.games.hanabi import Held, State
from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import counted
from pytest_collab.families.hanabi import logic, rules
from pytest_collab.families.hanabi.seats import HanabiGame
from pytest_collab.families.hanabi.telling import event, told
from pytest_collab.families.sketch import BAD, FAINT, GOOD, INK, SMALLEST, SOFT, Sketch

TINTS: Final = ("#ffd9d6", "#fff3bf", "#d3f2d9", "#f3f4f6", "#d6e6ff")
"""Grounds of the colours, in their order; every card has its letter, too."""

CARD: Final = (72.0, 62.0)
LEFT: Final = 64.0


def picture(game: HanabiGame) -> Picture:
    """The table after the last action."""
    scene, table = game.state, game.state.table
    size = table.rules
    last = event(size, scene.past[-1], game.seats) if scene.past else "nothing has happened yet"
    title = f"{table.points} of {counted(size.most, 'point')} after {counted(len(scene.past), 'turn')}"
    lines = [title, f"  last: {last}", f"  {_tokens(table)}", f"  fireworks {_fireworks(table)}"]
    sketch = Sketch(f"Hanabi: {title}")
    sketch.text(4, 16, title, bold=True)
    sketch.text(4, 34, last, size=SMALLEST, fill=SOFT)
    _draw_board(sketch, table)
    lying = logic.board_of(table)
    for player, hand in enumerate(table.hands):
        y = 152 + player * (CARD[1] + 14)
        turn = player == table.player and not scene.over
        sketch.seat(12, y + 20, player, 7)
        sketch.text(26, y + 25, game.seats[player], bold=True)
        if turn:
            sketch.text(4, y + 44, "to act", size=SMALLEST, fill=SOFT)
        words = []
        for place, held in enumerate(hand):
            words.append(_draw_card(sketch, table, held, LEFT + place * (CARD[0] + 6), y, lying))
        lines.append(f"  {game.seats[player]}{' *' if turn else '  '} " + " | ".join(words))
    gone = " ".join(rules.name(size, card) for card in sorted(table.discards)) or "none"
    lines.append(f"  discarded {gone}")
    y = sketch.bottom + 20
    for start in range(0, len(gone), 78):
        sketch.text(4, y, ("Discarded: " if not start else "") + gone[start : start + 78], size=SMALLEST, fill=SOFT)
        y += 16
    sketch.text(4, y + 4, "Upper line: the card. Lower: what hints have told its owner.", size=SMALLEST, fill=SOFT)
    sketch.text(
        4, y + 20, "Thick frame: can be played now. Dashed: of no use. !: the last of its kind.",
        size=SMALLEST, fill=SOFT,
    )  # fmt: skip
    return Picture("\n".join(lines), sketch.svg())


def _tokens(table: State) -> str:
    size = table.rules
    hints = f"hints {table.hints} of {size.hints}, " if size.hints else ""
    return f"{hints}lives {table.lives} of {size.lives}, deck {table.left}"


def _fireworks(table: State) -> str:
    return " ".join(f"{rules.LETTERS[colour]}{high}" for colour, high in enumerate(table.fireworks))


def _draw_board(sketch: Sketch, table: State) -> None:
    """Fireworks as steps, and tokens as circles: full ones are there."""
    size = table.rules
    for colour, high in enumerate(table.fireworks):
        x = 4.0 + colour * 62
        sketch.text(x, 60, rules.COLOURS[colour], size=SMALLEST, fill=SOFT)
        for rank in range(size.ranks):
            there = rank < high
            sketch.box(
                x + rank * 11, 66, 10, 22, fill=TINTS[colour] if there else "none", stroke=INK if there else FAINT
            )
            if there:
                sketch.text(x + rank * 11 + 5, 82, rank + 1, size=SMALLEST, anchor="middle")
    row = [("hints", table.hints, size.hints), ("lives", table.lives, size.lives)]
    x = 4.0
    for word, full, most in row:
        if not most:
            continue
        sketch.text(x, 118, f"{word} {full} of {most}", size=SMALLEST, fill=SOFT)
        for token in range(most):
            fill = (GOOD if word == "hints" else BAD) if token < full else "none"
            sketch.add(f'<circle cx="{x + 96 + token * 13:g}" cy="114" r="5" fill="{fill}" stroke="{SOFT}"/>', 120)
        x += 110 + most * 13
    sketch.text(x, 118, f"deck {table.left}", size=SMALLEST, fill=SOFT)


def _draw_card(sketch: Sketch, table: State, held: Held, x: float, y: float, lying: logic.Board) -> str:
    """One card; the same in words."""
    card = table.card(held)
    name, known = rules.name(table.rules, card), told(table.rules, held)
    playable, dead = bool(lying.playable >> card & 1), bool(lying.dead >> card & 1)
    last = "!" if lying.critical >> card & 1 and not dead else ""
    state = "can be played now" if playable else "of no use any more" if dead else "later"
    tip = f"{rules.worded(table.rules, card)}, {state}; its owner knows: {known}"
    tint = TINTS[card // table.rules.ranks]
    sketch.box(x, y, *CARD, fill=tint, stroke=FAINT if dead else INK, dash=dead, tip=tip)
    if playable:
        sketch.box(x + 1.5, y + 1.5, CARD[0] - 3, CARD[1] - 3, stroke=INK)
    sketch.text(x + CARD[0] / 2, y + 27, f"{name}{last}", size=18, anchor="middle", bold=True)
    sketch.text(x + CARD[0] / 2, y + 50, known, size=SMALLEST, anchor="middle", fill=INK if held.touched else SOFT)
    return f"{name}{last} ({known})"
