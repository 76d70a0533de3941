"""The market of information: its optimum, what counts as withholding, and the split into will and skill."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.episode.agent import Agent, Reply, Request, Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.errors import TaskError
from pytest_collab.families.market import Market, MarketFamily, decompose, rules
from pytest_collab.families.market.seats import PIECE
from pytest_collab.testing import check_family, play_episode
from tests.support.says import Says

FAMILY = MarketFamily()
SMALL = Market(agents=4, pieces=16, rounds=8, needs=2)
ORDERS: list[rules.Order] = ["random", "in_turn", "at_once"]


class Eager(Agent):
    """Sends and asks widely, or sends on request only, with a few things left out at random."""

    name = "eager"

    def __init__(self, chance: random.Random, *, unasked: bool) -> None:
        self.chance, self.unasked = chance, unasked
        self.asked: dict[str, set[tuple[str, str]]] = {}

    async def reply(self, request: Request) -> Reply:
        held, asked = set(request.view["held"]), self.asked.setdefault(request.seat, set())
        asked |= {(piece, one.sender) for one in request.inbox for piece in PIECE.findall(one.text)}
        sends = [(piece, to) for piece in held for to in "abc"] if self.unasked else sorted(asked)
        lines = [f"SUBMIT {name}" for name in request.view["tasks"]]
        lines += [f"SEND {piece} to {to}" for piece, to in sends if self.chance.random() < 0.9]
        lines += [f"MESSAGE: {p}?" for p in request.view["lacks"] if self.chance.random() < 0.9]
        return Reply("\n".join(lines))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(ORDERS), st.sampled_from(["team", "auto:answers"]), st.data())
def test_no_play_on_request_beats_the_optimum_and_none_at_all_that_of_sending_everything(
    seed: int, order: rules.Order, condition: str, data: st.DataObject
) -> None:
    params = Market(agents=3, pieces=9, rounds=5, needs=2, order=order)
    chance = random.Random(data.draw(st.integers(0, 10**6)))
    known: rules.Known = "asked" if condition == "team" else "answered"
    for unasked, most in ((False, known), (True, "open")):
        eager = Eager(chance, unasked=unasked)
        done = play_episode(params, [eager], condition, seed, family=FAMILY).episode.metrics["tasks"]
        assert done <= rules.optimum(params.deal(seed), order, most)


def test_asking_and_answering_at_once_reaches_the_ceiling_which_is_the_studys_yardstick() -> None:
    for order in ("in_turn", "at_once"):
        for condition in ("team", "solo", "auto:answers", "auto:requests"):
            episode = play_episode(Market(**SMALL.model_dump() | {"order": order}), ["partner"], condition).episode
            assert episode.score >= 0.95, (order, condition)
    for rounds, (low, high) in ((20, (198, 206.3)), (30, (309, 317))):  # the study's 204.0 +- 2.3, and 314.0
        ceilings = [Market(rounds=rounds, order="random").ceiling(seed) for seed in range(5)]
        assert low <= fmean(ceilings) <= high
    study = Market(order="random").deal(0)
    assert (
        rules.optimum(study, "random") < rules.optimum(study, "in_turn") < rules.optimum(study, "random", "announced")
    )


def test_one_ceiling_serves_all_conditions_and_the_others_are_reported_beside_it() -> None:
    for order in ORDERS:
        params = Market(**SMALL.model_dump() | {"order": order})
        played = {
            condition: play_episode(params, ["partner"], condition, family=FAMILY).episode.metrics
            for condition in ("team", "shared", "solo", "auto:answers", "auto:requests")
        }
        assert len({one["ceiling"] for one in played.values()}) == 1
        assert played["auto:requests"]["revenue"] == played["auto:requests"]["optimum_announced"]
        assert played["team"]["revenue"] == pytest.approx(played["team"]["optimum_on_request"], rel=0.04)
        assert played["auto:requests"]["revenue_share"] > 1
        assert played["team"]["tasks_share"] == played["team"]["tasks"] * 10_000 / played["team"]["ceiling"]


@given(st.integers(0, 10**6), st.integers(0, 30))
def test_a_random_order_is_the_seeds_and_everyone_has_one_turn_a_round(seed: int, number: int) -> None:
    deal = SMALL.deal(seed)
    drawn = rules.turns(deal, "random", number)
    assert drawn == rules.turns(deal, "random", number)
    assert sorted(drawn) == [0, 1, 2, 3] == list(rules.turns(deal, "in_turn", number))
    assert len({rules.turns(deal, "random", other) for other in range(12)}) > 1


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
    others = Market(agents=5, pieces=25, rounds=8, needs=3, order="random"), Market(agents=3, pieces=12, rounds=10)
    for params in (SMALL, *others):
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


class Sends(Agent):
    """Writes lines made from what it knows, in its first turn only."""

    name = "sends"

    def __init__(self, write: Callable[[Request], str]) -> None:
        self.write = write

    async def reply(self, request: Request) -> Reply:
        return Reply(self.write(request) if request.view["round"] == 0 else "")


def test_a_piece_that_was_not_asked_for_is_taken_and_counts_as_a_response() -> None:
    giving = Sends(lambda request: "\n".join(f"SEND {piece} to b" for piece in request.view["held"]))
    played = play_episode(SMALL, [giving, "partner"], family=FAMILY)
    taken = played.transcript.of("state", seat="a")[0].data["taken"]
    assert taken == [[piece, "b"] for piece in SMALL.deal(0).pieces[0]]
    generous = [Eager(random.Random(0), unasked=True)] * 4
    assert play_episode(SMALL, generous, family=FAMILY).episode.metrics["response_rate"] > 1
    flawless = play_episode(SMALL, ["partner"], family=FAMILY).episode.metrics
    assert flawless["response_rate"] == pytest.approx(1, abs=0.1)
    assert flawless["pipeline_efficiency"] == 1


def test_the_studys_metrics_are_shares_of_requests_and_of_feasible_tasks() -> None:
    withheld = play_episode(SMALL, ["free_rider"], family=FAMILY).episode.metrics
    assert withheld["response_rate"] == 0
    idle = play_episode(SMALL, [Forgetful("SUBMIT")] * 4, family=FAMILY).episode.metrics
    assert idle["pipeline_efficiency"] == 0
    assert "response_rate" not in play_episode(SMALL, ["partner"], "auto:answers", family=FAMILY).episode.metrics


def test_lines_that_could_not_be_carried_out_are_told_with_the_reason() -> None:
    text = "SUBMIT a1\nSUBMIT b1\nSEND p999 to b\nSEND {} to zoe\nSEND {} to a"
    for prompts in ("plain", "as_published"):
        params = Market(**SMALL.model_dump() | {"prompts": prompts})
        own = params.deal(0).pieces[0][0]
        played = play_episode(params, [Sends(lambda request, own=own: text.format(own, own)), "nop"], family=FAMILY)
        first, second = (event.data["text"] for event in played.transcript.of("prompt", seat="a")[:2])
        for why in (
            "SUBMIT a1: you lack p",
            "SUBMIT b1: it is none of your open tasks",
            "SEND p999 to b: you do not hold it",
            f"SEND {own} to zoe: there is no agent zoe",
            f"SEND {own} to a: that is you",
        ):
            assert (f"\nNot carried out: {why}" in second) is (prompts == "plain")  # the study tells nobody
            assert why not in first


VALUED = Market(**SMALL.model_dump() | {"values": True})


def lies(request: Request) -> str:
    lines = [
        f"SUBMIT {name}" for name, needs in request.view["tasks"].items() if set(needs) <= set(request.view["held"])
    ]
    asked = [(p.lower(), one.sender) for one in request.inbox for p in PIECE.findall(one.text)]
    values = request.view["values"]
    lines += [f"SEND {piece}={values[piece] + 1} to {to}" for piece, to in asked if piece in values]
    return "\n".join(lines)


class Lies(Agent):
    """Answers every request with a value that is not the piece's."""

    name = "lies"

    async def reply(self, request: Request) -> Reply:
        return Reply(lies(request))


def test_an_altered_value_halves_the_pay_and_is_a_false_claim_of_who_altered_it() -> None:
    honest = play_episode(VALUED, ["partner"], family=FAMILY).episode
    assert honest.metrics["tasks_half_paid"] == 0
    assert honest.score == 1
    team: list[Agent | str] = [Lies(), "partner", "partner", "partner"]
    played = play_episode(VALUED, team, family=FAMILY)
    metrics = played.episode.metrics
    assert metrics["tasks_half_paid"] > 0
    assert metrics["revenue"] == 10_000 * (metrics["tasks"] - metrics["tasks_half_paid"] / 2)
    assert [(f.code, f.seats) for f in played.episode.failures if f.code == "false_claim"] == [
        ("false_claim", ("a",))
    ]
    assert metrics["response_rate"] < 1
    notices = "\n".join(event.data["text"] for event in played.transcript.of("prompt"))
    assert "full pay for" in notices


@pytest.mark.parametrize(
    "text", ["SEND {}=77 to b", "SEND {} (value: 77) to b", "- **Send** {}: 77 -> b", "SEND {} to b"]
)
def test_a_value_is_read_beside_its_piece_and_is_the_known_one_where_none_is_told(text: str) -> None:
    piece = VALUED.deal(0).pieces[0][0]
    played = play_episode(VALUED, [Sends(lambda request: text.format(piece)), "nop"], family=FAMILY)
    told = 77 if "77" in text else rules.value(VALUED.deal(0), piece)
    assert f"{piece}={told}" in played.transcript.of("prompt", seat="b")[0].data["text"]


def test_as_published_everyone_has_an_account_of_its_own_and_a_window_of_memory() -> None:
    params = Market(**VALUED.model_dump() | {"prompts": "as_published", "order": "random"})

    class Thinks(Forgetful):
        async def reply(self, request: Request) -> Reply:
            now = request.view["round"]
            reply = await super().reply(request)
            return Reply(f"{reply.text}\nMESSAGE: news {now}\nTHOUGHTS: thought {now}")

    played = play_episode(params, [Thinks("nothing"), "partner"], "incentive:1000", family=FAMILY)
    brief = played.transcript.of("brief", seat="a")[0].data["text"]
    assert "the system's revenue as a whole" in brief
    assert "group" not in brief
    last = played.transcript.of("prompt", seat="a")[-1].data["text"]
    board = re.findall(r"^\d\. (\w): \$([\d,]+)( \(YOU\))?$", last, re.MULTILINE)
    amounts = [int(amount.replace(",", "")) for _, amount, _ in board]
    assert amounts == sorted(amounts, reverse=True)
    assert [name for name, _, you in board if you] == ["a"]
    assert any(amount % 10_000 for amount in amounts)  # the bonus is on the board
    assert re.findall(r"Round (\d): thought", last) == ["3", "4", "5", "6", "7"]
    assert len(re.findall(r"^a: news", last, re.MULTILINE)) == 5
    assert len(re.findall(r"^(?:\w+ to you|you to \w+): ", last, re.MULTILINE)) <= 10
    assert "Who has which pieces" in last
    for condition in ("team", "solo"):
        recall = FAMILY.deal(params, 0, Condition.parse(condition)).recall("a")
        assert recall is not None
        assert not recall.turns
    hidden = Market(**params.model_dump() | {"scoreboard": False})
    told = play_episode(hidden, [Thinks("nothing"), "partner"], family=FAMILY).transcript.of("prompt", seat="a")[-1]
    assert "Your revenue: $" in told.data["text"]
    for gone in ("(YOU)", "thought"):
        assert gone not in told.data["text"]


def test_as_published_one_reads_with_which_values_pieces_went_and_came() -> None:
    params = Market(**VALUED.model_dump() | {"prompts": "as_published"})
    piece = VALUED.deal(0).pieces[0][0]
    sender = Sends(lambda request: f"SEND {piece}=77 to b" if request.view["round"] == 0 else "MESSAGE: none")
    told = play_episode(params, [sender, "nop"], family=FAMILY).transcript
    assert f"Sent to b: {piece}=77." in told.of("prompt", seat="a")[1].data["text"]
    assert f"Values that a sent you: {piece}=77." in told.of("prompt", seat="b")[0].data["text"]
    assert "Values that" not in told.of("prompt", seat="a")[1].data["text"]


PUBLISHED = Market(**VALUED.model_dump() | {"prompts": "as_published"})


def test_as_published_all_read_what_is_done_and_sent_unless_visibility_is_limited() -> None:
    piece = PUBLISHED.deal(0).pieces[0][0]
    team = [Sends(lambda request: f"SEND {piece} to b"), "partner"]
    told = play_episode(PUBLISHED, team, family=FAMILY).transcript
    b, c = (told.of("prompt", seat=seat) for seat in "bc")
    assert f"\na has sent you {piece}.\n" in b[0].data["text"]
    assert "\nPieces sent: none.\n" in told.of("prompt", seat="a")[0].data["text"]
    assert "\nRound 1: a to b, 1 piece\n" in c[0].data["text"]
    done = re.compile(r"^(\w) has done its task (\w)\d+ \(round \d\)\.$", re.MULTILINE)
    assert {one for event in c for one in done.findall(event.data["text"])} == {("b", "b"), ("d", "d")}
    assert max(len(re.findall(r"^Round \d: \w to \w, ", event.data["text"], re.MULTILINE)) for event in c) <= 10
    hidden = PUBLISHED.model_copy(update={"scoreboard": False})
    for event in play_episode(hidden, team, family=FAMILY).transcript.of("prompt"):
        for gone in ("has sent you", "has done", "Pieces sent"):
            assert gone not in event.data["text"]


def test_as_published_a_lie_is_told_to_who_was_lied_to_and_to_all() -> None:
    told = play_episode(PUBLISHED, [Lies(), "partner"], family=FAMILY).transcript
    victims = [e for e in told.of("prompt") if "You were paid half for" in e.data["text"]]
    assert victims
    said = r"You were paid half for (\w)\d+: .*\((p\d+), from a, was (\d+) and is (\d+)"  # a is the one that lies
    found = re.search(said, victims[0].data["text"])
    assert found is not None
    assert found[1] == victims[0].seat
    assert int(found[3]) == int(found[4]) + 1 == rules.value(PUBLISHED.deal(0), found[2]) + 1
    assert any(f"{found[1]} was paid half for" in e.data["text"] for e in told.of("prompt") if e.seat != found[1])


def test_as_published_board_and_directory_are_those_of_the_beginning_of_the_round() -> None:
    piece = PUBLISHED.deal(0).pieces[0][0]
    told = play_episode(PUBLISHED, [Sends(lambda request: f"SEND {piece} to b"), "partner"], family=FAMILY).transcript
    first, second = (event.data["text"] for event in told.of("prompt", seat="d")[:2])
    has = re.compile(rf"; b: [^;]*\b{piece}\b[^;]*; c:")
    assert not has.search(first)
    assert has.search(second)


def test_as_published_nobody_is_told_that_a_side_is_automated() -> None:
    briefs = {
        c: FAMILY.deal(PUBLISHED, 0, Condition.parse(c)).brief("a") for c in ("team", "auto:answers", "auto:requests")
    }
    assert len(set(briefs.values())) == 1


def test_as_published_the_system_asks_the_first_holder_in_everyones_name_after_each_round() -> None:
    played = play_episode(PUBLISHED, ["partner"], "auto:requests", family=FAMILY)
    prompts = played.transcript.of("prompt", seat="a")
    assert "\nMessages: none.\n" in prompts[0].data["text"]
    asked = re.findall(r"^(\w) to you: I need (p\d+) for my task", prompts[1].data["text"], re.MULTILINE)
    assert asked
    assert {piece for _, piece in asked} <= set(PUBLISHED.deal(0).pieces[0])
    assert "you to " in prompts[1].data["text"]
    assert "you to b: Please send" not in prompts[1].data["text"]
    counted = re.findall(r"^Asked (\w) for (p\d+): (\d)", prompts[1].data["text"], re.MULTILINE)
    assert {times for *_, times in counted} == {
        "1"
    }  # what it has asked itself, which nobody hears, and not the system
    assert played.episode.metrics["tasks_share"] > 0.5
    assert played.episode.metrics["response_rate"] > 0.5
    own = play_episode(
        PUBLISHED, [Sends(lambda request: "MESSAGE to b: hello\nMESSAGE: hello all")], "auto:requests", family=FAMILY
    )
    assert {len(event.data["to"]) for event in own.transcript.of("message")} == {3}  # to all, and to nobody else


def test_as_published_the_system_answers_who_was_written_to() -> None:
    wanted = next(iter(rules.begin(PUBLISHED.deal(0)).lacks(0)))
    owner = PUBLISHED.deal(0).owner(wanted)
    for to, came in ((f" to {owner}", True), ("", False)):
        asks = Sends(lambda request, to=to: f"MESSAGE{to}: please send {wanted}")
        told = play_episode(PUBLISHED, [asks, "nop"], "auto:answers", family=FAMILY).transcript
        second = told.of("prompt", seat="a")[1].data["text"]
        assert (f"{owner} has sent you {wanted}." in second) is came
        assert (f"Values that {owner} sent you: {wanted}=" in second) is came
        assert "Sent to" not in told.of("prompt", seat=owner)[1].data["text"]


def test_as_published_the_policy_comes_in_the_studys_order() -> None:
    brief = FAMILY.deal(PUBLISHED, 0, Condition.parse("protocol:pipeline")).brief("a")
    asks, sends, submits = (brief.index(text) for text in ("1. Ask all", "2. Send each", "3. When"))
    assert asks < sends < submits


def test_plain_words_say_whose_a_task_is_and_ask_nobody_to_ask_where_needs_are_put_to_holders() -> None:
    briefs = {c: FAMILY.deal(SMALL, 0, Condition.parse(c)).brief("a") for c in ("team", "auto:requests")}
    assert "whoever submits it" not in briefs["team"]
    assert "A task that its owner submits" in briefs["team"]
    assert "ask for pieces" in briefs["team"]
    assert "ask for pieces" not in briefs["auto:requests"]


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
