"""The batched rules are the plain rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.families.philosophers import Philosophers, rules
from pytest_collab.families.philosophers.scale import reference_scale
from pytest_collab.families.rounds import fairness

jax = pytest.importorskip("jax")
from pytest_collab.core.games import philosophers as twin  # noqa: E402

STEP = jax.jit(twin.simultaneous)
ALONE = jax.jit(twin.alone)
SIZES = (3, 5, 10)  # a compilation each


def same(plain: rules.State, batched: Any) -> None:
    for name in ("eating", "meals", "left", "right", "forks"):
        assert tuple(np.asarray(getattr(batched, name)).tolist()) == getattr(plain, name), name
    assert bool(twin.is_deadlock(batched)) == rules.is_deadlock(plain)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SIZES), st.booleans(), st.data())
def test_the_batched_rules_are_the_plain_rules(n: int, at_once: bool, data: st.DataObject) -> None:
    dinner = data.draw(st.lists(st.lists(st.integers(0, 3), min_size=n, max_size=n), min_size=1, max_size=20))
    plain, batched = rules.initial(n), twin.initial(n)
    for codes in dinner:
        if at_once:
            plain = rules.simultaneous(plain, [rules.ACTIONS[code] for code in codes])
            batched = STEP(batched, np.asarray(codes, np.int32))
            same(plain, batched)
            continue
        for i, code in enumerate(codes):
            plain = rules.alone(plain, i, rules.ACTIONS[code])
            batched = ALONE(batched, i, code)
        same(plain, batched)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["simultaneous", "sequential"])
def test_the_reference_scale_ranks_taking_turns_above_chance_above_nothing(protocol: Any) -> None:
    params = Philosophers(protocol=protocol)
    scale = reference_scale(params, dinners=500)
    turns = rules.taking_turns(params.seats, params.timesteps, protocol)
    assert scale["partner"]["meals"] == sum(turns.meals)
    assert scale["partner"]["fairness"] == pytest.approx(fairness(turns.meals), abs=1e-9)
    assert scale["nop"] | {"fairness": 0.0} == dict.fromkeys(scale["nop"], 0.0) | {"starvation": 5.0}
    assert scale["partner"]["score"] > scale["random"]["score"] > scale["nop"]["score"]


def test_chance_does_as_the_study_measured_it() -> None:
    """DPBench's published random baseline at five seats: 30 dinners, means with t intervals of their own."""
    chance = reference_scale(Philosophers(talk=0), dinners=2000)["random"]
    assert 0.053 <= chance["deadlock"] <= 0.297
    assert chance["throughput"] == pytest.approx(0.303, abs=0.030)
    assert chance["fairness"] == pytest.approx(0.568, abs=0.068)
