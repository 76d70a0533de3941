"""How strong Hanabi's `partner` is: whole games by the rules alone, without engine and text.

python -m benchmarks.hanabi_partner --games 500
python -m benchmarks.hanabi_partner --games 500 --players 2 --who literal

`partner` follows the conventions; `literal` takes and gives hints at their word, and nothing else; `random` does
anything that can be done. Prints the mean with its 95 % interval (all lives lost scores 0; in brackets points kept).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from statistics import mean, stdev

from pytest_collab.core.games import hanabi
from pytest_collab.core.games.hanabi import Action, Happened, Rules, State
from pytest_collab.families.hanabi import Hanabi, rules
from pytest_collab.families.hanabi.conventions import Book, Convention, Marked
from pytest_collab.families.hanabi.rules import Look

Head = Callable[[Look], Action]


class LiteralBook(Book):
    """Hints mean what they say."""

    def after(self, action: Action, touched: Sequence[int]) -> list[Marked]:
        told = super().after(action, touched)
        return [Marked(card.at, card.possible, card.touched) for card in told]

    def meant(self, card: Marked, possible: int, elsewhere: int) -> int:
        return possible


class Literal(Convention):
    """Plays only what is certain, and hints to make others certain."""

    def __init__(self, size: Rules) -> None:
        super().__init__(size)
        self.book = LiteralBook(size)


def heads(who: str, size: Rules, seed: int) -> list[Head]:
    """One player a seat."""
    if who == "random":
        from pytest_collab.families.hanabi.cast import possible

        chance = random.Random(seed)
        return [lambda look: chance.choice(possible(look))] * size.players
    made = Literal if who == "literal" else Convention
    return [made(size).choose for _ in range(size.players)]


def play(who: str, size: Rules, seed: int) -> State:
    """One game to its end."""
    state = hanabi.start(size, rules.shuffled(size, seed))
    players = heads(who, size, seed)
    past: tuple[Happened, ...] = ()
    while not state.ended:
        state, happened = hanabi.step(state, players[state.player](rules.look(state, state.player, past)))
        past = (*past, happened)
    return state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", type=int, default=500)
    parser.add_argument("--players", type=int, nargs="*", default=[2, 3, 4, 5])
    parser.add_argument("--who", nargs="*", default=["partner", "literal", "random"])
    asked = parser.parse_args()
    print("| player | seats | mean score | kept | struck out | perfect |\n|---|---|---|---|---|---|")
    for who in asked.who:
        for players in asked.players:
            ends = [play(who, Hanabi(players=players).rules, seed) for seed in range(asked.games)]
            scores = [end.score for end in ends]
            half = 1.96 * stdev(scores) / len(scores) ** 0.5
            kept, out = mean(end.points for end in ends), sum(end.lives < 1 for end in ends) / len(ends)
            perfect = sum(score == end.rules.most for score, end in zip(scores, ends, strict=True)) / len(ends)
            print(
                f"| `{who}` | {players} | {mean(scores):.2f} ± {half:.2f} | {kept:.2f} | {out:.1%} | {perfect:.1%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
