"""What a plan says of episodes that nobody has played yet."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_collab.agents.builtin import BuiltinAgent
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Load
from pytest_collab.episode.plan import Plan
from pytest_collab.families.alem import Alem, AlemFamily
from pytest_collab.families.donor import Donor, DonorFamily
from pytest_collab.measure.forecast import ANSWER_TOKENS, Forecaster
from tests.support.says import Says

PARAMS = Donor(seats=4, generations=1)


class Endless(DonorFamily):
    """Says what an episode comes to; to play it would take too long."""

    def load(self, params: Donor, condition: Condition) -> Load:
        return Load(1000, 4000)

    def deal(self, params: Donor, seed: int, condition: Condition) -> Any:
        pytest.fail("a plan has begun to play")


def forecast(family: DonorFamily, *, free: bool) -> Any:
    agent = Says("")
    known = Forecaster(lambda name: None, free=lambda name: free, stand_in=BuiltinAgent("partner"))
    return known.of(Plan(family, PARAMS, "task", "hash", Condition.parse("team"), ("says",), (agent,), 0))


def test_what_the_family_says_stands_in_for_a_play() -> None:
    found = forecast(Endless(), free=False)
    assert (found.calls, found.input_tokens, found.output_tokens) == (4000, 4e6, 4000 * ANSWER_TOKENS)
    assert "at most" in found.source
    assert "partner's play" in forecast(DonorFamily(), free=False).source


def test_nothing_is_played_for_those_who_cost_nothing() -> None:
    found = forecast(Endless(), free=True)
    assert (found.calls, found.cost_usd, found.seconds) == (0, 0.0, 0.0)


def test_a_long_world_says_so_without_being_made() -> None:
    team, solo = (AlemFamily().load(Alem(), Condition.parse(condition)) for condition in ("team", "solo"))
    assert team.calls == solo.calls == 10_000
    assert solo.characters > 2 * team.characters  # the observations of three in one prompt
    longer = AlemFamily().load(Alem(history=16), Condition.parse("team"))
    assert longer.characters > team.characters
