"""The market of information: its optimum, what counts as withholding, and the split into will and skill."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.episode.agent import Agent, Reply, Request, Seat
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.errors import TaskError
from pytest_collab.families.market import Market, MarketFamily, decompose, rules
from pytest_collab.testing import check_family, play_episode
from tests.support.says import Says

FAMILY = MarketFamily()
SMALL = Market(agents=4, pieces=16, rounds=8, needs=2)
ORDERS: list[rules.Order] = ["in_turn", "at_once"]
WAYS: list[rules.Known] = ["asked", "announced", "answered"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(ORDERS), st.sampled_from(["team", "shared", "auto:answers"]), st.data())
def test_no_play_beats_the_optimum(seed: int, order: rules.Order, condition: str, data: st.DataObject) -> None:
    params = Market(agents=3, pieces=9, rounds=5, needs=2, order=order)
    chance = random.Random(data.draw(st.integers(0, 10**6)))

    class Eager(Agent):
        """Sends and asks widely, with a few things left out at random."""

        name = "eager"

        async def reply(self, request: Request) -> Reply:
            lines = [f"SUBMIT {name}" for name in request.view["tasks"]]
            lines += [f"SEND {p} to {to}" for p in request.view["held"] for to in "abc" if chance.random() < 0.9]
            lines += [f"MESSAGE: {p}?" for p in request.view["lacks"] if chance.random() < 0.9]
            return Reply("\n".join(lines))

    episode = play_episode(params, [Eager()], condition, seed, family=FAMILY).episode
    assert episode.metrics["revenue"] <= episode.metrics["optimum"]


def test_asking_and_answering_at_once_reaches_the_optimum_which_is_the_studys_yardstick() -> None:
    for order in ORDERS:
        for condition in ("team", "solo", "auto:answers"):
            episode = play_episode(Market(**SMALL.model_dump() | {"order": order}), ["partner"], condition).episode
            assert episode.score >= 0.95, (order, condition)
    study = Market()
    best = [rules.optimum(study.deal(seed), "in_turn") for seed in range(3)]
    assert all(200 <= tasks <= 210 for tasks in best)  # the study's 161.0 tasks are 78.9 % of about 204


@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 3))
@settings(max_examples=50, deadline=None)
def test_every_task_needs_pieces_of_others_and_a_seed_always_deals_the_same(
    seed: int, agents: int, needs: int
) -> None:
    seats = tuple("abcdef"[:agents])
    game = rules.deal(seats, 4 * agents, 5, 2, needs, None, seed)
    assert game == rules.deal(seats, 4 * agents, 5, 2, needs, None, seed)
    assert sorted(piece for own in game.pieces for piece in own) == sorted(f"p{i + 1}" for i in range(4 * agents))
    for i in range(agents):
        task = rules.draw(game, i, 7, 0)
        assert len(set(task.needs)) == needs
        assert not set(task.needs) & set(game.pieces[i])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"agents": 9, "pieces": 5}, "raise pieces"), ({"agents": 2, "pieces": 4, "needs": 3}, "lower needs")],
)
def test_a_market_that_cannot_be_dealt_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Market(**wrong)


@pytest.mark.parametrize("condition", ["auto:magic", "protocol:pipelin", "incentive:lots", "lead"])
def test_unknown_conditions_are_refused_in_one_line(condition: str) -> None:
    from pytest_collab.episode.condition import Condition

    refusal = FAMILY.refuses(Condition.parse(condition), SMALL)
    assert refusal is not None
    assert "\n" not in refusal


PLANTED = {
    "silent": {"unresponsive"},
    "deaf": {"withholding"},
    "stubborn": {"withholding"},
    "vague": {"vague"},
    "repeater": {"repetition"},
    "confabulator": {"false_claim"},
    "promise_breaker": {"broken_commitment"},
    "quitter": {"unresponsive"},
    "free_rider": {"free_riding", "withholding"},
    "nop": {"unresponsive"},
}


@pytest.mark.parametrize("player", PLANTED)
def test_a_planted_fault_comes_back_under_its_own_name_at_its_own_seat(player: str) -> None:
    failed = found = 0
    for params in (SMALL, Market(agents=5, pieces=25, rounds=8, needs=3), Market(agents=3, pieces=12, rounds=10)):
        for seed in (0, 1, 2):
            for team in ([player, "partner"], ["partner", player, "partner"]):
                guilty = "a" if team[0] == player else "b"
                episode = play_episode(params, team, seed=seed, family=FAMILY).episode
                assert episode.outcome is not Outcome.INFRASTRUCTURE
                failed += not episode.success
                codes = {failure.code for failure in episode.failures if guilty in failure.seats}
                found += bool(codes & PLANTED[player])
                blamed = {seat for f in episode.failures if f.code in PLANTED[player] for seat in f.seats}
                assert blamed <= {guilty}, (params, seed, team, episode.failures)
    assert failed >= 10
    assert found >= 0.95 * failed


@pytest.mark.parametrize(
    ("text", "malformed"),
    [
        ("SEND it to b", True),
        ("SEND p1", True),
        ("SUBMIT my task", True),
        ("SEND p999 to b", False),
        ("SEND p1 to a", False),
        ("SEND p1 to zoe", False),
        ("SUBMIT b1", False),
        ("I think about it.", False),
    ],
)
def test_orders_that_make_no_sense_change_nothing(text: str, malformed: bool) -> None:
    played = play_episode(SMALL, [Says(text)], family=FAMILY)
    assert played.episode.metrics["tasks"] == 0
    assert played.episode.metrics["pieces_sent"] == 0
    assert bool(played.transcript.of("malformed")) is malformed


@pytest.mark.parametrize(
    "text",
    [
        "SEND p{} to b",
        "- **Send:** p{} -> b",
        "SEND p{} to agent b, as a favour",
        '{{"send": [{{"piece": "p{}", "to": "b"}}]}}',
    ],
)
def test_pieces_are_sent_in_whatever_words(text: str) -> None:
    game = SMALL.deal(0)
    piece = next(piece for piece in rules.draw(game, 1, 0, 0).needs if piece in game.pieces[0] + game.pieces[2])
    holder = str(game.owner(piece))
    team: list[Agent | str] = [Says(text.format(piece[1:])) if seat == holder else "partner" for seat in game.seats]
    transcript = play_episode(SMALL, team, family=FAMILY).transcript
    assert [piece, "b"] in [pair for e in transcript.of("state", seat=holder) for pair in e.data.get("taken", ())]


def test_withholding_shows_the_request_and_the_answers_that_did_not_come() -> None:
    played = play_episode(SMALL, ["partner", "stubborn", "partner"], family=FAMILY)
    failure = next(f for f in played.episode.failures if f.code == "withholding")
    kinds = {played.transcript[seq].kind for seq in failure.events}
    assert kinds == {"message", "reply"}
    assert {played.transcript[seq].seat for seq in failure.events if played.transcript[seq].kind == "reply"} == {"b"}


def test_a_deadline_costs_tasks_and_is_told() -> None:
    params = Market(**SMALL.model_dump() | {"deadline": 2})
    assert play_episode(params, ["partner"], family=FAMILY).episode.success
    played = play_episode(params, ["stubborn", "partner"], family=FAMILY)
    assert played.episode.metrics["missed_deadlines"] > 0
    assert any(event.data.get("expired") for event in played.transcript.of("state"))


DEADLINES = Market(**SMALL.model_dump() | {"deadline": 3, "target": 1.0})


class Forgetful(Agent):
    """Plays as the partner does, and leaves out all lines that begin with a word."""

    name = "forgetful"

    def __init__(self, left_out: str) -> None:
        self.left_out = left_out
        self.player: Agent = self

    def seated(self, seat: Seat) -> Agent:
        self.player = FAMILY.player("partner", seat)
        return self

    async def reply(self, request: Request) -> Reply:
        reply = await self.player.reply(request)
        kept = [line for line in reply.text.splitlines() if not line.startswith(self.left_out)]
        return Reply("\n".join(kept))


@pytest.mark.parametrize(
    ("left_out", "code", "why"),
    [("SEND", "withholding", "which lacked p"), ("SUBMIT", "own_part_failed", "ready and was not submitted")],
)
def test_a_missed_deadline_is_a_failure_of_whoever_let_it_pass(left_out: str, code: str, why: str) -> None:
    seats = DEADLINES.deal(0).seats
    team: list[Agent | str] = [Forgetful(left_out) if s == "b" else "partner" for s in seats]
    played = play_episode(DEADLINES, team, family=FAMILY)
    late = [failure for failure in played.episode.failures if "deadline" in failure.note]
    assert [(failure.code, failure.seats) for failure in late] == [(code, ("b",))]
    assert why in late[0].note
    expired = {event.seq for event in played.transcript.of("state") if event.data.get("expired")}
    assert expired & set(late[0].events)
    assert {played.transcript[seq].seat for seq in late[0].events if played.transcript[seq].kind == "reply"} == {"b"}


def test_a_deadline_missed_for_want_of_asking_is_the_owners() -> None:
    team: list[Agent | str] = [Forgetful("MESSAGE") if s == "c" else "partner" for s in DEADLINES.deal(0).seats]
    late = [f for f in play_episode(DEADLINES, team, family=FAMILY).episode.failures if "deadline" in f.note]
    assert {(failure.code, failure.seats) for failure in late} == {("own_part_failed", ("c",))}
    assert "never asked for" in late[0].note


def test_a_bonus_is_told_and_paid_and_leaves_the_groups_revenue_alone() -> None:
    with_bonus = play_episode(SMALL, ["partner"], "incentive:500", family=FAMILY)
    without = play_episode(SMALL, ["partner"], family=FAMILY)
    assert "500 dollars for every piece" in with_bonus.transcript.of("brief")[0].data["text"]
    assert with_bonus.episode.metrics["bonus_paid"] == 500 * with_bonus.episode.metrics["pieces_sent"]
    assert with_bonus.episode.metrics["revenue"] == without.episode.metrics["revenue"]


def test_nothing_is_known_where_nothing_is_delivered() -> None:
    episode = play_episode(SMALL, ["partner"], "mute", family=FAMILY).episode
    assert episode.outcome is Outcome.COORDINATION
    assert episode.failures[0].code == "undelivered"


def runs(player: str) -> list[Episode]:
    return [
        play_episode(SMALL, [player, "partner", player, "partner"], condition, seed, family=FAMILY).episode
        for condition in ("team", "auto:answers", "auto:requests")
        for seed in range(4)
    ]


def test_the_decomposition_tells_unwilling_from_unable() -> None:
    unwilling, unable = decompose(runs("stubborn")), decompose(runs("vague"))
    assert unwilling is not None
    assert unable is not None
    assert unwilling.cooperation_share == 1.0
    assert 0.3 < unwilling.cooperation_share_interval[0] < 0.5  # four seeds that agree prove no certainty
    assert unable.competence_share == 1.0
    assert 0.5 < unable.cooperation_share_interval[1] < 0.7
    assert unable.team is not None
    assert unable.team < 1


def test_the_decomposition_is_silent_where_it_knows_nothing() -> None:
    flawless = decompose(runs("partner"))
    assert flawless is not None
    assert flawless.cooperation_share is None
    assert flawless.cooperation_share_interval == (0.0, 1.0)
    assert decompose(episode for episode in runs("partner") if episode.condition == "team") is None


@pytest.mark.slow
def test_the_family_keeps_its_promises() -> None:
    check_family(FAMILY, [Market(agents=3, pieces=9, rounds=4, needs=2, tasks=1)], seeds=(0,))
