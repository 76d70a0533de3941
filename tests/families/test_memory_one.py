"""Players that remember one round: they do as their table says, and the best answers to them are the best."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.families.dilemma import Dilemma, DilemmaFamily
from pytest_collab.families.dilemma.games import GAMES
from pytest_collab.families.dilemma.memory import MEMORY_ONE, Strategy, adaptation, regrets
from pytest_collab.testing import play_episode

FAMILY = DilemmaFamily()
LONG: dict[str, Any] = {"mechanism": "repetition", "rounds": 100, "continuation": 0.99}
STATES = [(True, True), (True, False), (False, True), (False, False)]


def stationary(one: Strategy, other: Strategy) -> np.ndarray:
    """How often each outcome comes up in the long run, seen by `one`; `other` must leave no outcome for ever."""
    matrix = np.zeros((4, 4))
    for row, (mine, theirs) in enumerate(STATES):
        p, q = one.after[mine, theirs], other.after[theirs, mine]
        for column, (a, b) in enumerate(STATES):
            matrix[row, column] = (p if a else 1 - p) * (q if b else 1 - q)
    left = np.linalg.matrix_power(matrix, 200_000)
    return np.asarray(left.mean(axis=0))


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.floats(0.05, 0.95)] * 4))
def test_an_extorter_has_three_times_what_the_other_has_beyond_mutual_defection(
    answers: tuple[float, float, float, float],
) -> None:
    other = Strategy(0.5, dict(zip(STATES, answers, strict=True)))
    often = stationary(MEMORY_ONE["extorter"], other)
    words = {True: "cooperate", False: "defect"}
    paid = np.array([GAMES["prisoners"].pay((words[mine], words[theirs])) for mine, theirs in STATES])
    extorter, exploited = often @ paid
    assert extorter - 1 == pytest.approx(3 * (exploited - 1), abs=1e-6)


@pytest.mark.parametrize("name", [name for name in MEMORY_ONE if name != "random"])
def test_players_do_as_their_table_says(name: str) -> None:
    """Against a random player every outcome comes up; choices are counted by the outcome before."""
    counts: dict[tuple[bool, bool], list[bool]] = {state: [] for state in STATES}
    for seed in (1, 7, 8, 9):
        played = play_episode(Dilemma(**LONG), [name, "random"], seed=seed, family=FAMILY)
        rounds = [event.data["actions"] for event in played.transcript.of("state")]
        kind = [(one["a"] == "cooperate", one["b"] == "cooperate") for one in rounds]
        if MEMORY_ONE[name].first in (0, 1):
            assert kind[0][0] is bool(MEMORY_ONE[name].first)
        for before, now in pairwise(kind):
            counts[before].append(now[0])
    for state, chosen in counts.items():
        expected = MEMORY_ONE[name].after[state]
        if expected in (0, 1):
            assert set(chosen) <= {bool(expected)}
        elif chosen:
            spread = 4 * (expected * (1 - expected) / len(chosen)) ** 0.5
            assert abs(sum(chosen) / len(chosen) - expected) < spread


@pytest.mark.parametrize("other", MEMORY_ONE)
@pytest.mark.parametrize("game", ["prisoners", "stag_hunt", "trust"])
def test_the_best_answer_is_the_best_of_all_plans(game: str, other: str) -> None:
    """By brute force over the 32 plans that look one round back, each worth what a linear system says."""
    payoffs, strategy, stay = GAMES[game], MEMORY_ONE[other], 0.8
    words = {True: payoffs.cooperate, False: payoffs.tempt}
    pay = {(a, b): float(payoffs.pay((words[a], words[b]))[0]) for a, b in STATES}
    states: list[Any] = [None, *STATES]
    best = dict.fromkeys(states, -np.inf)
    for plan in product((True, False), repeat=5):
        chosen = dict(zip(states, plan, strict=True))
        matrix, reward = np.eye(5), np.zeros(5)
        for row, state in enumerate(states):
            chance = strategy.first if state is None else strategy.after[state[1], state[0]]
            for theirs, likely in ((True, chance), (False, 1 - chance)):
                reward[row] += likely * pay[chosen[state], theirs]
                matrix[row, states.index((chosen[state], theirs))] -= stay * likely
        worth = np.linalg.solve(matrix, reward)
        best = {state: max(best[state], worth[row]) for row, state in enumerate(states)}
    table = regrets(game, 0, other, stay)
    for state in states:
        chance = strategy.first if state is None else strategy.after[state[1], state[0]]
        for mine in (True, False):
            now = sum(
                likely * (pay[mine, theirs] + stay * best[mine, theirs])
                for theirs, likely in ((True, chance), (False, 1 - chance))
            )
            assert table[state, mine] == pytest.approx(best[state] - now, abs=1e-6)


def test_who_finds_out_that_the_other_never_minds_has_adapted() -> None:
    nice, greedy = [(True, True)] * 4, [(False, True)] * 4
    assert adaptation("prisoners", 0, "unconditional", 0.8, nice)["regret"] == pytest.approx(1)
    assert adaptation("prisoners", 0, "unconditional", 0.8, greedy)["regret"] == pytest.approx(0)
    learns = adaptation("prisoners", 0, "unconditional", 0.8, [*nice, *greedy])
    assert learns == {"regret": pytest.approx(0.5), "adaptation": pytest.approx(1)}
    assert "adaptation" not in adaptation("prisoners", 0, "unconditional", 0.8, nice[:3])


def test_a_seat_is_measured_against_known_players_only_and_an_extorter_takes_most_of_who_gives_in() -> None:
    params = Dilemma(**LONG)
    against = {
        name: play_episode(params, [name], "with:extorter", seed=9, family=FAMILY).episode.metrics
        for name in ("unconditional", "partner", "free_rider")
    }
    taken = {name: metrics["exploitability"] for name, metrics in against.items()}
    assert taken["unconditional"] > taken["partner"] >= taken["free_rider"] == 0
    alone = play_episode(params, ["partner"], "with:partner", seed=9, family=FAMILY).episode.metrics
    assert alone["regret"] == 0
    assert "exploitability" not in alone
    for other in ({"punishment": 2}, {"game": "travellers"}, {"game": "public_goods"}):
        metrics = play_episode(Dilemma(**{**LONG, **other}), ["partner"], seed=3, family=FAMILY).episode.metrics
        assert "regret" not in metrics


def test_nobody_is_told_whom_it_plays_with() -> None:
    played = play_episode(Dilemma(**LONG), ["partner"], "with:extorter", seed=3, family=FAMILY)
    shown = [event.data["text"] for kind in ("brief", "prompt") for event in played.transcript.of(kind, seat="a")]
    assert not any("extort" in text.lower() or "tit for tat" in text.lower() for text in shown)
