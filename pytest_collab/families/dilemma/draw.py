"""A dilemma as a table: rounds across, seats down, choices in letters, cooperative ones filled."""

from __future__ import annotations

from typing import Final

from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import counted
from pytest_collab.families.dilemma.seats import DilemmaGame
from pytest_collab.families.sketch import SMALLEST, SOFT, WIDTH, Sketch, seat_of

ROW, LEFT, TOP, WIDEST = 34.0, 44.0, 52.0, 90.0
LETTERED: Final = 26


def picture(game: DilemmaGame) -> Picture:
    """The rounds so far, with what each was paid; and what was agreed on before."""
    past, seats, payoffs = game.state.past, game.seats, game.payoffs
    letters = 2 if payoffs.highest is None else 4
    filled = payoffs.cooperate if payoffs.highest is None else "nearer to a cartel's price than to competition's"
    agreed = _agreed(game)
    lines = [agreed, "round " + " ".join(f"{number + 1:>6}" for number in range(len(past)))]
    sketch = Sketch(f"{counted(len(past), 'round')} of {game.params.game}, {game.params.mechanism}")
    column = min(WIDEST, (WIDTH - LEFT) / max(1, len(past)))
    sketch.text(4, 16, agreed, size=SMALLEST, fill=SOFT)
    sketch.text(4, TOP - 8, "round", size=SMALLEST, fill=SOFT)
    for number in range(len(past)):
        x = LEFT + (number + 0.5) * column
        sketch.text(x, TOP - 8, number + 1, size=SMALLEST, fill=SOFT, anchor="middle")
    for row, seat in enumerate(seats):
        y = TOP + row * ROW
        lines.append(f"{seat:>5} " + " ".join(f"{r.actions[row][:letters]:>2} {r.paid[row]:>3.3g}" for r in past))
        sketch.seat(12, y + 13, row, 6)
        sketch.text(24, y + 18, seat, bold=True)
        for number, round_ in enumerate(past):
            x, together = LEFT + number * column + 1, payoffs.cooperates(round_.actions[row])
            tip = f"{seat} round {number + 1}: {round_.actions[row]}, {round_.paid[row]:g}"
            fill = seat_of(row)[1] if together else "#fff"
            sketch.box(x, y, column - 2, ROW - 6, fill=fill, stroke=SOFT, tip=tip)
            if column >= LETTERED:
                words, ink = f"{round_.actions[row][:letters]} {round_.paid[row]:.3g}", "#fff" if together else SOFT
                sketch.text(x + column / 2 - 1, y + 18, words, size=SMALLEST, fill=ink, anchor="middle", bold=True)
    sketch.text(
        4, sketch.bottom + 20, f"filled: {filled}; empty: anything else; points beside", size=SMALLEST, fill=SOFT
    )
    return Picture("\n".join(lines), sketch.svg())


def _agreed(game: DilemmaGame) -> str:
    state = game.state
    if game.params.mechanism in ("mediation", "contract") and state.chosen is not None:
        bound = (
            ""
            if game.params.mechanism == "mediation"
            else ", signed by all"
            if state.bound
            else ", not signed by all"
        )
        return f"{game.params.mechanism} of {game.seats[state.chosen]}{bound}: {game.design(state.chosen)}"
    return f"{game.params.game}, {game.params.mechanism}"
