"""Strategies that remember one round, and the best answer to them: how far a seat adapts, and is exploited.

Press and Dyson 2012 (doi 10.1073/pnas.1206569109) for such strategies and for extortion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from pytest_collab.families.dilemma.games import GAMES

COOPERATES, NOT = True, False
Outcome = tuple[bool, bool]
"""Whether the player cooperated in the last round, and whether the other did."""


class Strategy(NamedTuple):
    """How likely a player cooperates: at first, and after each outcome of the last round."""

    first: float
    after: Mapping[Outcome, float]


def _strategy(first: float, both: float, fooled: float, fooling: float, neither: float) -> Strategy:
    return Strategy(
        first, {(True, True): both, (True, False): fooled, (False, True): fooling, (False, False): neither}
    )


MEMORY_ONE: Final[Mapping[str, Strategy]] = {
    "partner": _strategy(1, 1, 0, 1, 0),
    "generous": _strategy(1, 1, 1 / 3, 1, 1 / 3),
    "grim": _strategy(1, 1, 0, 0, 0),
    "extorter": _strategy(0, 6 / 7, 1 / 2, 5 / 14, 0),
    "unconditional": _strategy(1, 1, 1, 1, 1),
    "free_rider": _strategy(0, 0, 0, 0, 0),
    "random": _strategy(0.5, 0.5, 0.5, 0.5, 0.5),
}
"""The built-in players that remember one round; the extorter's factor is 3 with the points of `prisoners`."""


@lru_cache(maxsize=128)
def regrets(game: str, place: int, other: str, continuation: float) -> Mapping[tuple[Outcome | None, bool], float]:
    """What each choice costs against a known player, in points until the expected end.

    Args:
        game: of two places and two actions.
        place: of the one who chooses.
        other: a name of `MEMORY_ONE`.
        continuation: how likely another round follows.

    Returns:
        By the last outcome (own choice, other's; None at first) and the choice: how much less it is worth than the
        best choice, when the best is chosen from then on.
    """
    payoffs, strategy = GAMES[game], MEMORY_ONE[other]
    words = {COOPERATES: payoffs.cooperate, NOT: payoffs.tempt}

    def paid(mine: bool, theirs: bool) -> float:
        profile = [words[theirs]] * 2
        profile[place] = words[mine]
        return float(payoffs.pay(tuple(profile))[place])

    states: list[Outcome | None] = [None, *strategy.after]
    value: dict[Outcome | None, float] = dict.fromkeys(states, 0.0)
    worth: dict[tuple[Outcome | None, bool], float] = {}
    for _ in range(2000):
        before = dict(value)
        for state in states:
            chance = strategy.first if state is None else strategy.after[state[1], state[0]]
            for mine in (COOPERATES, NOT):
                worth[state, mine] = sum(
                    likely * (paid(mine, theirs) + continuation * before[mine, theirs])
                    for theirs, likely in ((COOPERATES, chance), (NOT, 1 - chance))
                )
            value[state] = max(worth[state, COOPERATES], worth[state, NOT])
        if max(abs(value[state] - before[state]) for state in states) < 1e-12:
            break
    return {key: value[key[0]] - amount for key, amount in worth.items()}


def adaptation(game: str, place: int, other: str, continuation: float, played: Sequence[Outcome]) -> dict[str, float]:
    """How far a seat chose what is best against a player whose strategy it could find out.

    Args:
        played: by round, whether it cooperated and whether the other did.

    Returns:
        `regret`, mean points that its choices cost a round; from four rounds on `adaptation`, how much less that is
        in the second half than in the first.
    """
    table = regrets(game, place, other, continuation)
    costs = [table[before, now[0]] for before, now in zip((None, *played), played, strict=False)]
    figures = {"regret": sum(costs) / len(costs)}
    if len(costs) >= 4:
        half = len(costs) // 2
        figures["adaptation"] = sum(costs[:half]) / half - sum(costs[-half:]) / half
    return figures
