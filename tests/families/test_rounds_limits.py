"""Episodes that are cut short are judged like any other."""

from __future__ import annotations

import pytest

from pytest_collab.episode.family import Params
from pytest_collab.episode.limits import Limits, SeatLimits
from pytest_collab.episode.outcome import Outcome
from pytest_collab.families.market import Market
from pytest_collab.families.philosophers import Philosophers
from pytest_collab.testing import play_episode


@pytest.mark.parametrize(
    "params", [Philosophers(), Philosophers(protocol="sequential"), Market(agents=3, pieces=9, needs=2)]
)
@pytest.mark.parametrize("limits", [Limits(turns=1), Limits(turns=4), Limits(seat=SeatLimits(turns=2))])
@pytest.mark.parametrize("condition", ["team", "solo", "mute"])
def test_a_limit_is_a_limit_in_every_game(params: Params, limits: Limits, condition: str) -> None:
    episode = play_episode(params, ["partner"], condition, limits=limits).episode
    assert episode.outcome is Outcome.LIMIT
    assert episode.failures[0].code == "turn_limit"
