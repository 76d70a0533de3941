"""What seats are told: whole, and of themselves only what is theirs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_collab import families
from pytest_collab.episode.condition import Condition
from pytest_collab.errors import TaskError
from pytest_collab.families.rounds import UNHEARD
from pytest_collab.testing import play_episode

TALKING: dict[str, dict[str, Any]] = {
    "commons": {"punishment": 3},
    "donor": {"talk": True},
    "experts": {},
    "market": {},
    "philosophers": {},
    "public_goods": {},
}


@pytest.mark.parametrize("name", sorted(TALKING))
def test_no_seat_is_shown_itself_as_the_one_to_write_to_and_each_knows_when_it_is_read(name: str) -> None:
    family = families.get(name)
    game = family.deal(family.params_type(**TALKING[name]), 1, Condition.parse("team"))
    for seat in game.seats:
        told = game.brief(seat)
        named = re.findall(r"(?:MESSAGE to|SEND \S+ to|PUNISH) (\w+)\b", told)
        assert all(other in game.seats and other != seat for other in named), named
        assert named or "MESSAGE to <agent>" in told
        assert re.search(r"\b(?:is|are|was said is) (?:read|there)\b", told)


STUDIES = {"commons", "dilemma", "donor", "experts", "market", "network", "philosophers", "public_goods"}
SWITCHES = {"maze": "rules: paper", "alem": "leave it out"}


@pytest.mark.parametrize("name", sorted(families.names()))
def test_what_a_study_tells_is_asked_for_in_one_way_or_the_family_says_how(name: str) -> None:
    params = families.get(name).params_type
    if "prompts" in params.model_fields:
        assert params.model_fields["prompts"].default == "plain"
        if name in STUDIES:
            more = {"kind": "leader"} if name == "network" else {}
            assert params(prompts="as_published", **more)
    elif not any(field.is_required() for field in params.model_fields.values()):  # else that is told first
        with pytest.raises(TaskError, match=SWITCHES.get(name, "follows no study's prompts")) as refused:
            params(prompts="as_published")
        assert refused.value.key == "prompts"


def test_in_the_maze_each_knows_who_begins_that_all_of_it_is_heard_and_how_it_ends() -> None:
    family = families.get("maze")
    game = family.deal(family.params_type(size=4), 1, Condition.parse("team"))
    for seat in game.seats:
        told = game.brief(seat)
        for part in ("player a first", "delivered as it stands", "all of you have said that you are done"):
            assert part in told


@pytest.mark.parametrize("name", sorted(TALKING))
def test_who_is_not_heard_is_told_so_and_neither_offered_messages_nor_asked_to_talk(name: str) -> None:
    family = families.get(name)
    params = family.params_type(**TALKING[name])
    talking, muted = (family.deal(params, 1, Condition.parse(condition)) for condition in ("team", "mute"))
    for seat in muted.seats:
        assert muted.brief(seat).endswith(UNHEARD)
        assert "MESSAGE" in talking.brief(seat)
        assert "MESSAGE" not in muted.brief(seat)
        assert UNHEARD not in talking.brief(seat)


def test_no_time_to_talk_is_given_to_who_is_not_heard() -> None:
    for params in (families.get("philosophers").params_type(seats=3, timesteps=8, talk=3), quick_experts()):
        for condition, talks in (("team", True), ("mute", False)):
            transcript = play_episode(params, ["partner"], condition).transcript
            phases = {event.data["phase"] for event in transcript.of("prompt")}
            assert ("talk" in phases) is talks
            assert bool(transcript.of("message")) is talks


def quick_experts() -> Any:
    return families.get("experts").params_type(seats=3, kind="hidden_profile", discussion=1)
