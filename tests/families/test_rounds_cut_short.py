"""Episodes that were cut in the middle are judged and drawn like any other, from what there is."""

from __future__ import annotations

import pytest

from pytest_collab import families
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Params
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.commons import Commons
from pytest_collab.families.donor import Donor
from pytest_collab.families.experts import Experts
from pytest_collab.families.network import Network
from pytest_collab.families.public_goods import PublicGoods
from pytest_collab.testing import play_episode

GAMES = [
    Commons(rounds=3),
    Commons(rounds=3, harm="doubling", conversation=4),
    PublicGoods(rounds=2, protocol="sequential"),
    Donor(seats=4, generations=2, rounds=2),
    Experts(discussion=1, seats=3),
    Network(seats=5, kind="colouring", ending="own", rounds=2),
    Experts(discussion=1, seats=3, kind="hidden_profile"),
]


@pytest.mark.parametrize("params", GAMES, ids=repr)
@pytest.mark.parametrize("condition", ["team", "solo"])
def test_every_beginning_of_a_transcript_can_be_judged_and_drawn(params: Params, condition: str) -> None:
    family, how = families.of(params), Condition.parse(condition)
    transcript = play_episode(params, ["random"], condition).transcript
    for upto in range(len(transcript)):
        verdict = family.verdict(params, 0, how, Transcript(transcript[: upto + 1]))
        assert all((failure.seats or failure.ungraded) and failure.events for failure in verdict.failures)
        assert all(max(failure.events) <= upto for failure in verdict.failures)
        picture = family.draw(params, 0, how, transcript, upto)
        assert picture is not None
        assert picture.text.strip()
        assert picture.svg.startswith("<svg")
