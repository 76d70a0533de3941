"""`prompts: as_published`: what CooperBench and CAID tell, and nothing more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.families.coding import Coding, CodingFamily
from pytest_collab.testing import play_episode
from tests.coding import small

TOLD_BY_NEITHER = re.compile(r"hidden|Tests run like this|one suite|teammate|has finished|not reached", re.IGNORECASE)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.lay_out(tmp_path_factory.mktemp("pool"))


def told(root: Path, condition: str, **more: Any) -> dict[str, str]:
    """Everything that seats are told before their first answer."""
    family = CodingFamily()
    params = small.params(root, **{"prompts": "as_published"} | more)
    game: Any = family.deal(params, 0, Condition.parse(condition))
    return {seat: f"{game.brief(seat)}\n\n{game.prompt(seat, []).text}" for seat in game.seats}


def offered(root: Path, condition: str) -> set[str]:
    game: Any = CodingFamily().deal(small.params(root, prompts="as_published"), 0, Condition.parse(condition))
    return {tool.name for tool in game.tools("a")}


def test_two_are_told_of_the_merge_and_how_to_coordinate_and_nothing_of_tests_or_of_the_other_feature(
    root: Path,
) -> None:
    seats = told(root, "team")
    for seat, own, other in (("a", "double", "triple"), ("b", "triple", "double")):
        words = seats[seat]
        for fact in (
            "two-way merge of both branches",
            "no merge conflict",
            "`send_message`",
            "exactly which file and which lines",
            "who changes which lines",
            "marks or comments",
            "Before you finish you must write",
            f"Add `{own}`.",
        ):
            assert fact in words
        assert f"Add `{other}`." not in words
        assert not TOLD_BY_NEITHER.search(words)
    assert "a merge of all branches" in told(root, "team", size=3)["a"]


def test_one_alone_and_one_that_is_not_heard_are_told_the_features_and_how_to_behave(root: Path) -> None:
    alone = told(root, "solo")["a"]
    assert "Add `double`." in alone
    assert "Add `triple`." in alone
    unheard = told(root, "mute")["a"]
    assert "messages are not delivered" in unheard
    for words in (alone, unheard):
        assert "no git commands" in words
        assert "remove test scripts" in words
        assert not TOLD_BY_NEITHER.search(words)
        assert "send_message" not in words
    assert "send_message" in offered(root, "team")
    assert not {"send_message", "receive_messages"} & (offered(root, "mute") | offered(root, "solo"))


def test_a_manager_knows_all_the_work_and_an_engineer_its_own(root: Path) -> None:
    seats = told(root, "lead")
    assert "Add `double`." in seats["a"]
    assert "Add `triple`." in seats["a"]
    assert "give no code" in seats["a"]
    assert "Add `double`." not in seats["b"]
    for fact in (
        "'a' is your manager",
        "Rename no function",
        "run the tests once",
    ):
        assert fact in seats["b"]
    for seat in "ab":
        assert "comment no code out" in seats[seat]
        assert "check.sh" in seats[seat]
    assert "conflict" not in seats["b"]  # it hears of one when there is one


def test_one_alone_is_told_what_caid_tells_a_single_agent_where_the_task_says_so(root: Path) -> None:
    alone, published = (told(root, "solo", prompts=prompts)["a"] for prompts in ("as_in_caid", "as_published"))
    for fact in ("Rename no function", "comment no code out", "check.sh", "mend what fails", "can hang"):
        assert fact in alone
        assert fact not in published
    for feature in ("double", "triple"):
        assert f"Add `{feature}`." in alone
    assert "no git commands" not in alone
    assert "manager" not in alone
    for condition in ("team", "mute", "lead"):
        assert told(root, condition, prompts="as_in_caid") == told(root, condition)


@pytest.mark.parametrize("condition", ["git", "shared", "sequential", "protocol:plan_first"])
def test_what_the_studies_do_not_have_is_refused_with_the_remedy(root: Path, condition: str) -> None:
    family, wanted = CodingFamily(), Condition.parse(condition)
    assert family.refuses(wanted, small.params(root)) is None
    refused = family.refuses(wanted, small.params(root, prompts="as_published"))
    assert refused is not None
    assert "take prompts: plain" in refused


def test_limits_are_the_studys_and_the_default_keeps_its_own(root: Path) -> None:
    family = CodingFamily()
    published, plain = (family.limits(small.params(root, prompts=how)) for how in ("as_published", "plain"))
    assert (published.seconds, published.seat.turns) == (1500, 100)
    assert (plain.seconds, plain.seat.turns) == (3600, 200)
    assert Coding.model_fields["prompts"].default == "plain"


@pytest.mark.slow
@pytest.mark.parametrize("condition", ["solo", "team", "mute", "lead"])
def test_a_competent_pair_plays_it(root: Path, condition: str) -> None:
    played = play_episode(small.params(root, prompts="as_published"), ["partner"], condition, small.CLEAN)
    assert played.episode.outcome is Outcome.SUCCESS
