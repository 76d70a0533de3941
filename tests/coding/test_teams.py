"""Several teams at the same features: what is exchanged, what counts, and who gave a better proposal up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_collab import families
from pytest_collab.episode.agent import Agent
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.limits import Limits, SeatLimits
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.coding.cast import PLANTED, PLANTED_IN_TEAMS
from pytest_collab.testing import Played, play_episode
from tests.coding import small
from tests.support.caller import Caller

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.lay_out(tmp_path_factory.mktemp("pool"))


def play(root: Path, team: str | list[Agent | str], condition: str) -> Played:
    """An episode of the pair that conflicts; counter-tests have tests of their own."""
    agents = team.split("+") if isinstance(team, str) else team
    return play_episode(small.params(root, counter_tests=0), agents, condition, small.CONFLICTING)


def builds(features: dict[str, str], *then: tuple[str, dict[str, Any]]) -> Caller:
    """Writes these files, proposes, and does what follows."""
    writing = [("write_file", {"path": path, "content": text}) for path, text in features.items()]
    return Caller(*writing, ("finish", {"summary": "mine"}), *then, ("finish", {}))


# What is written.


@pytest.mark.parametrize("text", ["teams", "teams:0", "teams:1", "teams:x", "teams:5", "teams:2:", "teams:2:near"])
def test_a_number_of_teams_that_cannot_be_played_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(TaskError, match=r"teams:3|from 2 to 4"):
        Condition.parse(text)


def test_where_nothing_can_be_taken_over_there_are_no_teams_of_teams(root: Path) -> None:
    condition = Condition.parse("teams:2")
    family = families.get("coding")
    assert family.refuses(condition, small.params(root)) is None
    told = str(family.refuses(condition, small.params(root, roles="teambench")))
    assert "coding task with roles has no condition 'teams:2'; it has solo, team," in told
    assert "one team" in str(family.refuses(condition, small.params(root, prompts="as_published")))
    for name in ("maze", "philosophers", "commons", "kitchen", "hanabi"):
        other = families.get(name)
        assert "teams" in str(other.refuses(condition, other.params_type())), name


# Who wins, and what exchange brought.


def test_what_exchange_brings_is_what_no_team_had_before(root: Path) -> None:
    """Each team conflicts; one mends its own after it has read the other's, and that is a gain."""
    mending = [("write_file", {"path": "calc.py", "content": small.BOTH})]
    one, two = (builds({"calc.py": text}, *mending) for text in (small.DOUBLE, small.TRIPLE))
    played = play(root, [one, two, "silent", "silent"], "teams:2")
    assert played.episode.success, (played.episode.error, played.episode.failures)
    metrics = played.episode.metrics
    assert (metrics["best_of_k"], metrics["gain"], metrics["teams_passed"]) == (0.0, 1.0, 0.5)
    assert metrics["taken_over"] == 0.0
    assert set(played.episode.usage) == {"a1", "b1", "a2", "b2"}


def test_without_exchange_the_best_of_k_is_what_the_same_teams_would_have_made_alone(root: Path) -> None:
    alone = [play(root, team, "team").episode for team in ("silent+silent", "partner+partner")]
    apart = play(root, "silent+silent+partner+partner", "teams:2:apart").episode
    assert [one.score for one in alone] == [0.0, 1.0]
    assert apart.score == apart.metrics["best_of_k"] == 1.0
    assert apart.metrics["gain"] == 0.0
    assert apart.metrics["teams_passed"] == apart.metrics["proposals_passed"] == 0.5
    assert "taken_over" not in apart.metrics
    same = play(root, "silent+silent", "teams:2:apart").episode
    assert same.metrics["diversity"] == 0.0
    assert {failure.code for failure in same.failures} == {failure.code for failure in alone[0].failures}


def test_a_team_that_takes_a_whole_proposal_over_ends_with_it(root: Path) -> None:
    taking = ("take_over", {"team": 2})
    one, two = builds({"calc.py": small.DOUBLE}, taking), builds({"calc.py": small.TRIPLE}, taking)
    played = play(root, [one, two, "partner", "partner"], "teams:2")
    assert played.episode.success
    metrics = played.episode.metrics
    assert metrics["proposals_passed"] == 0.5
    assert metrics["teams_passed"] == 1.0
    assert (metrics["taken_over"], metrics["taken_over_worse"]) == (0.5, 0.0)
    assert 0.0 < metrics["diversity"] < 1.0
    assert "Team 2 proposes this; its trees merge" in one.heard[1]
    assert "Your team, 1, proposes this; its trees do not merge: calc.py conflict" in one.heard[1]
    assert "def triple" in one.heard[1]
    assert one.heard[2] == "your tree is what team 2 proposed"


def test_apart_nobody_is_shown_what_others_propose(root: Path) -> None:
    one = builds({"calc.py": small.DOUBLE}, ("take_over", {"team": 2}), ("run", {"command": "true"}))
    played = play(root, [one, "silent", "partner", "partner"], "teams:2:apart")
    assert "take_over" not in one.offered
    assert "Your team, 1, proposes this" in one.heard[1]
    assert "Team 2" not in one.heard[1]
    assert "there is no tool 'take_over'" in one.heard[2]
    assert played.episode.success  # by the other team


# Planted faults.


def test_a_team_that_copies_the_worst_proposal_is_told_of_at_its_seats(root: Path) -> None:
    played = play(root, "conformist+conformist+nop+nop", "teams:2")
    failures = played.episode.failures
    assert played.episode.outcome is Outcome.COORDINATION
    assert (failures[0].code, failures[0].seats) == ("capitulation", ("a1", "b1"))
    kinds = {played.transcript[seq].kind for seq in failures[0].events}
    assert kinds == {"grade", "state"}
    metrics = played.episode.metrics
    assert (metrics["best_of_k"], metrics["gain"], metrics["taken_over_worse"]) == (1.0, -1.0, 1.0)
    assert ("own_part_failed", ("a2",)) in [(failure.code, failure.seats) for failure in failures]
    family, condition = families.get("coding"), Condition.parse("teams:2")
    again = family.verdict(small.params(root), small.CONFLICTING, condition, played.transcript)
    assert list(again.failures) == list(failures)
    assert {name: metrics[name] for name in again.metrics} == dict(again.metrics)


def test_whoever_keeps_the_better_one_saves_the_episode(root: Path) -> None:
    """One team of three gives a good proposal up for an empty one; another keeps its own, and the best counts."""
    played = play(root, "conformist+conformist+nop+nop+partner+partner", "teams:3")
    assert played.episode.success
    metrics = played.episode.metrics
    assert metrics["proposals"] == 2.0
    assert metrics["teams_passed"] == pytest.approx(1 / 3)
    assert metrics["taken_over_worse"] == 1.0


def test_a_team_that_never_proposes_holds_nobody_up(root: Path) -> None:
    mute = Caller()  # three answers without a call, and it has gone
    played = play(root, ["partner", "partner", mute, Caller()], "teams:2")
    assert played.episode.success
    assert played.episode.metrics["proposals"] == 1.0
    nothing = next(e for e in played.transcript.of("state") if e.data.get("proposed") == 2)
    assert nothing.data["diff"] == ""


SEATS = ("a1", "b1", "a2", "b2")


def firsts(played: Played) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The first failure that each team is told of, by its number."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for failure in played.episode.failures:
        found.setdefault(failure.seats[0][-1], (failure.code, failure.seats))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("at", "fault"), list(enumerate(PLANTED_IN_TEAMS)))
def test_a_fault_is_told_of_its_own_team_at_its_own_seat(root: Path, at: int, fault: str) -> None:
    """The other team is a partner and one who builds nothing; `benchmarks.coding_teams` plays every seat."""
    seat = SEATS[at % 4]
    idle = "b2" if seat.endswith("1") else "b1"
    agents = dict.fromkeys(SEATS, "partner") | {seat: fault, idle: "nop"}
    condition = "teams:2:apart" if at % 2 and fault in PLANTED else "teams:2"
    played = play(root, list(agents.values()), condition)
    assert not played.episode.success, played.episode.error
    assert firsts(played)[seat[-1]] == (PLANTED_IN_TEAMS[fault], (seat,))
    assert firsts(played)[idle[-1]] == ("own_part_failed", (idle,))


@pytest.mark.parametrize("idle", ["a2", "b2"])
def test_whoever_takes_half_a_solution_over_is_not_blamed_for_the_other_half(root: Path, idle: str) -> None:
    """Its team conflicts because its teammate never talks; what it takes over lacks what nobody there built."""
    agents = {"a1": "silent", "b1": "partner", "a2": "partner", "b2": "partner"} | {idle: "nop"}
    played = play(root, list(agents.values()), "teams:2")
    metrics = played.episode.metrics
    assert (metrics["best_of_k"], metrics["taken_over"], metrics["taken_over_worse"]) == (0.5, 0.5, 0.0)
    assert firsts(played) == {"1": ("unresponsive", ("a1",)), "2": ("own_part_failed", (idle,))}
    assert ("b1",) not in {failure.seats for failure in played.episode.failures}


def test_what_a_team_gave_up_was_good_and_nobody_is_blamed_for_it(root: Path) -> None:
    """One seat takes a worse proposal over; its partner keeps to what both had agreed on, and that is no fault."""
    played = play(root, "conformist+partner+nop+partner", "teams:2")
    told = [(failure.code, failure.seats) for failure in played.episode.failures]
    assert told == [("capitulation", ("a1",)), ("own_part_failed", ("a2",))]


def test_one_fault_among_partners_does_no_harm_where_another_team_is_whole(root: Path) -> None:
    for condition in ("teams:2", "teams:2:apart"):
        played = play(root, "quitter+partner+partner+partner", condition)
        assert played.episode.success
        assert played.episode.failures == ()
        assert played.episode.metrics["teams_passed"] == 0.5


# What is kept apart.


def test_nobody_writes_to_another_team_or_waits_for_it_in_vain(root: Path) -> None:
    asking = Caller(
        ("send_message", {"text": "hello", "to": "a2"}),
        ("send_message", {"text": "hello all"}),
        ("proposal", {"team": 2}),
        ("receive_messages", {"wait": 300}),
        ("finish", {}),
        ("proposal", {"team": 2, "path": "words.py"}),
        ("proposal", {"team": 2, "path": "calc.py"}),
        ("proposal", {"team": 3}),
        ("take_over", {"team": 3}),
        ("finish", {}),
    )
    quick = Caller(("finish", {}), ("receive_messages", {}), ("finish", {}))
    played = play(root, [asking, quick, "silent", "nop"], "teams:2")
    assert asking.heard[0] == "not delivered to a2: it is in another team"
    assert asking.heard[1] == "delivered to b1"
    assert "not all teams have proposed" in asking.heard[2]
    assert "no messages" in asking.heard[3]
    assert "Your team, 1, proposes nothing" in asking.heard[4]
    assert asking.heard[5].startswith("team 2 does not change words.py; it changes calc.py")
    assert "+def double(a):" in asking.heard[6]
    assert asking.heard[7] == asking.heard[8] == "there is no team 3; teams are 1, 2"
    assert "Message from a1: hello all" in quick.told
    assert "'b1'" in asking.told
    assert "a2" not in asking.told
    assert all(set(event.data["delivered"]) <= {"a1", "b1"} for event in played.transcript.of("message"))


def test_a_limit_before_the_exchange_is_a_limit_and_what_is_there_is_graded(root: Path) -> None:
    team: list[Agent | str] = ["silent", "nop", Caller(*[("read_file", {"path": "calc.py"})] * 9), "nop"]
    limits = Limits(seat=SeatLimits(turns=8))
    played = play_episode(small.params(root), team, "teams:2", small.CONFLICTING, limits=limits)
    assert played.episode.outcome is Outcome.LIMIT
    assert "best_of_k" not in played.episode.metrics


# Seats, costs and pictures.


def test_teams_have_the_same_agents_or_each_its_own(root: Path) -> None:
    played = play(root, "silent+nop", "teams:3:apart")
    seated = {event.seat: event.data["agent"] for event in played.transcript.of("seated")}
    assert seated == dict.fromkeys(("a1", "a2", "a3"), "silent") | dict.fromkeys(("b1", "b2", "b3"), "nop")
    picture = families.get("coding").draw(
        small.params(root), small.CONFLICTING, Condition.parse("teams:3:apart"), played.transcript
    )
    assert picture is not None
    assert "team 3 (a3+b3): proposal of" in picture.text
    assert "best of 3 teams: fails" in picture.text
    assert "team 2" in picture.svg
