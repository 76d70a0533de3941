"""Step for step against the study's own program."""

from __future__ import annotations

import random

import pytest

from pytest_collab.families.philosophers import rules
from pytest_collab.families.rounds import fairness

peer = pytest.importorskip(
    "dpbench.core.environment", reason="the reference is not installed: pip install 'pytest-collab[peers]'"
)
types = pytest.importorskip("dpbench.core.types")


def same(ours: rules.State, theirs: object) -> None:
    people, forks = theirs.philosophers, theirs.forks  # type: ignore[attr-defined]
    assert ours.meals == tuple(person.meals_eaten for person in people)
    assert ours.left == tuple(person.has_left_fork for person in people)
    assert ours.right == tuple(person.has_right_fork for person in people)
    assert ours.eating == tuple(person.state.value == "eating" for person in people)
    assert ours.forks == tuple(rules.FREE if fork.is_free else fork.holder for fork in forks)
    assert ours.timestep == theirs.timestep  # type: ignore[attr-defined]
    assert rules.is_deadlock(ours) == peer.is_deadlock(theirs)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["simultaneous", "sequential"])
def test_thousands_of_random_dinners_agree_step_for_step(protocol: str) -> None:
    chance = random.Random(protocol)
    for dinner in range(1000):
        n = 3 + dinner % 13
        ours, theirs = rules.initial(n), peer.create_initial_state(n)
        weights = [chance.choice((1, 2, 4)) for _ in rules.ACTIONS]
        for _ in range(12):
            actions = chance.choices(rules.ACTIONS, weights, k=n)
            decisions = [types.AgentDecision(i, types.Action(action)) for i, action in enumerate(actions)]
            if protocol == "simultaneous":
                ours = rules.simultaneous(ours, actions)
                theirs = peer.step(theirs, decisions, protocol).new_state
            else:
                for i, action in enumerate(actions):
                    ours = rules.alone(ours, i, action)
                    theirs = peer.step(theirs, [decisions[i]], protocol).new_state
            same(ours, theirs)
        same(rules.resolved(ours), peer.resolve_deadlock(theirs))


def test_fairness_is_the_studys() -> None:
    chance = random.Random(7)
    for _ in range(300):
        meals = tuple(chance.randint(0, 9) for _ in range(chance.randint(1, 15)))
        assert fairness(meals) == pytest.approx(types.compute_gini_fairness(meals))


def test_back_off_is_the_studys() -> None:
    chance = random.Random(3)
    for _ in range(100):
        n, after = chance.randint(3, 8), chance.randint(1, 3)
        ours, theirs, held, counts = rules.initial(n), peer.create_initial_state(n), (0,) * n, {}
        for _ in range(10):
            actions = chance.choices(rules.ACTIONS, (3, 3, 1, 1), k=n)
            decisions = [types.AgentDecision(i, types.Action(action)) for i, action in enumerate(actions)]
            ours, held = rules.backed_off(rules.simultaneous(ours, actions), held, [True] * n, after)
            theirs = peer.step(theirs, decisions, "simultaneous").new_state
            theirs, counts = peer.apply_backoff(theirs, counts, after, 1.0)
            same(ours, theirs)
            assert held == tuple(counts[i] for i in range(n))
