"""What seats are told: whole, and of themselves only what is theirs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_collab import families
from pytest_collab.episode.condition import Condition

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


def test_in_the_maze_each_knows_who_begins_that_all_of_it_is_heard_and_how_it_ends() -> None:
    family = families.get("maze")
    game = family.deal(family.params_type(size=4), 1, Condition.parse("team"))
    for seat in game.seats:
        told = game.brief(seat)
        for part in ("player a first", "delivered as it stands", "all of you have said that you are done"):
            assert part in told
