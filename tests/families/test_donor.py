"""The donor game: pairs, traces, selection, the optimum, and who keeps what it has."""

from __future__ import annotations

import random
import re
from collections import Counter
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.donor import Donor, DonorFamily, rules
from pytest_collab.testing import check_family, play_episode
from tests.support.says import Says

FAMILY = DonorFamily()
SMALL = Donor(seats=4, generations=2)
EVEN = st.integers(2, 8).map(lambda half: 2 * half)


@given(EVEN, st.integers(0, 10**6), st.integers(0, 9))
def test_everyone_gives_as_often_as_it_receives_and_meets_nobody_twice_in_a_role(
    seats: int, seed: int, generation: int
) -> None:
    rounds = rules.schedule(seats, seed, generation)
    assert len(rounds) == seats
    for pairs in rounds:
        assert sorted(i for pair in pairs for i in pair) == list(range(seats))
    every = [pair for pairs in rounds for pair in pairs]
    assert len(set(every)) == len(every)
    assert set(Counter(donor for donor, _ in every).values()) == {seats // 2}


@settings(max_examples=60, deadline=None)
@given(EVEN, st.integers(0, 10**6), st.sampled_from([1.5, 2.0, 3.0]), st.data())
def test_no_play_beats_the_optimum_and_giving_everything_reaches_it(
    seats: int, seed: int, gain: float, data: st.DataObject
) -> None:
    length = data.draw(st.integers(2, seats))
    chance = random.Random(data.draw(st.integers(0, 10**6)))
    best = rules.optimum(seats, length, 10.0, gain)
    for generous in (False, True):
        state = rules.begin(seats, 10.0)
        for pairs in rules.schedule(seats, seed, 0)[:length]:
            part = {a: 1.0 if generous else chance.choice([0.0, 0.5, 1.0]) for a, _ in pairs}
            acts = {a: ("give", part[a] * state.resources[a]) for a, _ in pairs}
            state = rules.play(state, pairs, acts, gain, 2.0)
        assert sum(state.resources) <= best * (1 + 1e-9)
    assert sum(state.resources) == pytest.approx(best)


def test_a_trace_follows_the_chain_of_recipients_back_in_time() -> None:
    state = rules.begin(4, 10.0)
    for pairs in (((0, 1), (2, 3)), ((1, 2), (3, 0)), ((2, 1), (0, 3))):
        state = rules.play(state, pairs, {a: ("give", 5.0) for a, _ in pairs}, 2.0, 2.0)
    chain = rules.trace(state, 2, 3)
    assert [(deed.round, deed.donor, deed.recipient) for deed in chain] == [(2, 2, 1), (1, 1, 2), (0, 2, 3)]
    assert rules.trace(state, 2, 1) == chain[:1]
    assert rules.trace(rules.begin(4, 10.0), 2, 3) == ()


def survivors_of_fixed_givers(games: int, societies: int = 200) -> tuple[float, float]:
    """Six give 60 %, six 30 %: which part of the survivors received in the last round of the first game, and how much
    more than everyone they give."""
    received, more = [], []
    for seed in range(societies):
        gives = [0.6] * 6 + [0.3] * 6
        random.Random(seed).shuffle(gives)
        state = rules.begin(12, 10.0)
        while not state.finals:
            for pairs in rules.schedule(12, seed, 0, state.game):
                acts = {a: ("give", gives[a] * state.resources[a]) for a, _ in pairs}
                state = rules.play(state, pairs, acts, 2.0, 2.0)
            state = rules.next_game(state, games, 10.0)
        alive = rules.survivors(state.finals[0])
        last = {recipient for _, recipient in rules.schedule(12, seed, 0)[-1]}
        received.append(len(last.intersection(alive)) / len(alive))
        more.append(fmean(gives[i] for i in alive) - fmean(gives))
    return fmean(received), fmean(more)


def test_two_games_with_exchanged_roles_select_by_strategy_and_one_by_the_draw_of_the_pairs() -> None:
    (once, by_chance), (twice, by_strategy) = survivors_of_fixed_givers(1), survivors_of_fixed_givers(2)
    assert once > 0.85
    assert twice == pytest.approx(0.5, abs=0.05)
    assert by_strategy < -0.14 < -0.05 < by_chance < 0


def test_the_second_game_begins_anew_with_every_pair_the_other_way_round() -> None:
    first, second = rules.schedule(6, 3, 1), rules.schedule(6, 3, 1, 1)
    assert second == tuple(tuple((b, a) for a, b in pairs) for pairs in first)
    state = rules.begin(4, 10.0)
    for game in (0, 1):
        assert (state.game, state.round, state.deeds, set(state.resources)) == (game, 0, (), {10.0})
        for pairs in rules.schedule(4, 0, 0, game):
            state = rules.play(state, pairs, {a: ("give", state.resources[a]) for a, _ in pairs}, 2.0, 2.0)
        state = rules.next_game(state, 2, 10.0)
    assert state.generation == 1
    assert state.finals == ((rules.optimum(4, 4, 10.0, 2.0) / 4,) * 4,)  # after one game half of them have nothing


class Keeps(Agent):
    """A free rider with a word of its own, which keeps what it was sent."""

    name = "keeps"

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        return Reply("STRATEGY: I keep mine." if request.phase == "strategy" else "ACTION: 0")


def test_the_better_half_keeps_its_strategy_and_who_comes_for_the_others_is_told_it_unless_muted() -> None:
    for condition, passed in (("team", True), ("mute", False)):
        keeper = Keeps()
        played = play_episode(SMALL, [keeper, "partner"], condition, family=FAMILY)
        ends = [event.data for event in played.transcript.of("state") if "survivors" in event.data]
        best = sorted(ends[0]["finals"], reverse=True)[:2]
        assert sorted((ends[0]["finals"]["abcd".index(s)] for s in ends[0]["survivors"]), reverse=True) == best
        asked = [event for event in played.transcript.of("prompt") if event.data["phase"] == "strategy"]
        assert [event.seat for event in asked[:4]] == list("abcd")
        newcomers = {event.seat for event in asked[4:]}
        assert newcomers == set("abcd") - set(ends[0]["survivors"])
        for event in asked[4:]:
            assert ("survivors of the last generation" in event.data["text"]) is passed
            assert "You are new" in event.data["text"]
        assert "a" in ends[0]["survivors"]  # it keeps all it has and is given to
        assert [request.phase for request in keeper.requests].count("strategy") == 1


def test_who_takes_a_place_begins_a_conversation_of_its_own_and_a_survivor_goes_on_with_its_own() -> None:
    giver, keepers = Keeps(), ["free_rider", "free_rider", "free_rider"]

    async def gives(request: Request) -> Reply:
        giver.requests.append(request)
        return Reply(f"STRATEGY: I give.\nACTION: {request.view['resources']:.2f}")

    giver.reply = gives  # type: ignore[method-assign]
    team: list[str | Agent] = [giver, *keepers]
    play_episode(Donor(seats=4, generations=3), team, family=FAMILY)
    born = [i for i, request in enumerate(giver.requests) if request.phase == "strategy"]
    assert len(born) == 3  # who gives everything among those who give nothing is replaced each time
    for i, request in enumerate(giver.requests):
        since = max(at for at in born if at <= i)
        assert len(request.conversation) == 2 * (i - since) + 1


def test_what_the_study_tells_is_told_by_itself_in_every_call_and_no_more() -> None:
    params = Donor(seats=4, generations=2, punishment=2, prompts="as_published")
    keeper = Keeps()
    played = play_episode(params, [keeper, "partner"], family=FAMILY)
    assert {len(request.conversation) for request in keeper.requests} == {1}
    told = [event.data["text"] for event in (*played.transcript.of("brief"), *played.transcript.of("prompt"))]
    assert not [
        text for text in told if "game 1" in text or "twice" in text or " of 4." in text or "4 rounds" in text
    ]
    gifts = [
        event.data["text"] for event in played.transcript.of("prompt", seat="a") if "donor" in event.data["text"]
    ]
    assert all("who has" in text and "decided to follow: I keep mine." in text for text in gifts)
    assert all("Generation" in text and "PUNISH" in text for text in gifts)
    later = [text for text in told if "better half of the generation before" in text]
    assert later
    assert not [text for text in later if "units" in text]


def test_as_published_a_chain_of_deeds_says_where_it_begins() -> None:
    played = play_episode(Donor(seats=6, generations=1, prompts="as_published"), ["partner"], family=FAMILY)
    for event in played.transcript.of("prompt"):
        if event.data["phase"] != "donate":
            continue
        text, deeds = (
            event.data["text"],
            [line for line in event.data["text"].splitlines() if "of what it had" in line],
        )
        begins = re.findall(r"^(\w) had not met anybody before\.$", text, re.MULTILINE)
        assert bool(begins) is (0 < len(deeds) < 3)
        assert begins == ([deeds[-1].split(" to ")[1].rstrip(".")] if begins else [])
        assert ("has not met anybody before" in text) is (not deeds)


def test_as_published_a_trace_of_one_deed_is_told_as_one() -> None:
    alone, chained = (
        FAMILY.deal(Donor(seats=4, trace=deeds, prompts="as_published"), 0, Condition.parse("team")).brief("a")
        for deeds in (1, 3)
    )
    assert "met then" in chained
    assert "3 rounds back at most" in chained
    assert "met then" not in alone
    assert "back at most" not in alone
    assert "in round 1 A gave x% to B." in alone


def test_plain_words_tell_the_recipients_means_and_hide_the_horizon_unless_the_task_says_otherwise() -> None:
    for params, means, horizon in (
        (SMALL, True, False),
        (Donor(seats=4, generations=1, means_shown=False, horizon_told=True), False, True),
    ):
        played = play_episode(params, ["partner"], family=FAMILY)
        gifts = [event.data["text"] for event in played.transcript.of("prompt") if event.data["phase"] == "donate"]
        assert all(("who has" in text) is means and ("of 4" in text) is horizon for text in gifts)


def test_nothing_of_nothing_is_all_of_it_as_in_the_study() -> None:
    state = rules.play(rules.begin(4, 0.0), ((0, 1), (2, 3)), {}, 2.0, 2.0)
    assert [deed.share for deed in state.deeds] == [1.0, 1.0]
    held = rules.play(rules.begin(4, 10.0), ((0, 1), (2, 3)), {}, 2.0, 2.0)
    assert [deed.share for deed in held.deeds] == [0.0, 0.0]


PLANTED = {
    "free_rider": {"free_riding"},
    "stubborn": {"free_riding"},
    "nop": {"free_riding"},
    "promise_breaker": {"broken_commitment"},
    "quitter": {"unresponsive"},
}


@pytest.mark.slow
def test_a_planted_fault_comes_back_under_its_own_name_at_its_own_seat(capsys: pytest.CaptureFixture[str]) -> None:
    confusion: Counter[tuple[str, str]] = Counter()
    for player, codes in PLANTED.items():
        failed = found = 0
        for params in (
            SMALL,
            Donor(seats=6, generations=2, punishment=2),
            Donor(seats=8, generations=1, prompts="as_published"),
        ):
            for team in ([player, "partner"], ["partner", player, "partner"]):
                for seed in (0, 1):
                    guilty = "ab"[team.index(player)]
                    episode = play_episode(params, team, seed=seed, family=FAMILY).episode
                    if episode.success:
                        continue
                    failed += 1
                    confusion[player, episode.failures[0].code] += 1
                    found += any(f.code in codes and guilty in f.seats for f in episode.failures)
                    assert {seat for f in episode.failures for seat in f.seats} == {guilty}, (team, params, seed)
        assert failed >= 4, player
        assert found >= 0.95 * failed, player
    with capsys.disabled():
        print("\ndonor, planted fault and headline:", *(f"\n  {p} -> {c}: {n}" for (p, c), n in confusion.items()))


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("STRATEGY: Give half.", "Give half."),
        ("Let me think.\n**Strategy:**\nGive half.\nThen mirror.\nMESSAGE: hello", "Give half. Then mirror."),
        ("My strategy will be to give half.", "My strategy will be to give half."),
        ('{"strategy": "Give half."}', "Give half."),
        ("ACTION: 5\nMESSAGE: hello", ""),
        ("", ""),
    ],
)
def test_a_strategy_is_read_whole_and_passed_on_word_for_word(text: str, strategy: str) -> None:
    played = play_episode(SMALL, [Says(text)], family=FAMILY)
    last = [e for e in played.transcript.of("prompt") if e.data["phase"] == "strategy"][-1].data["text"]
    assert (f"units: {strategy}\n" if strategy else "(no strategy)") in last


def test_withholding_shows_the_trace_that_was_seen_and_the_gift_that_was_not_made() -> None:
    played = play_episode(Donor(seats=6, generations=2), ["free_rider", "partner"], family=FAMILY)
    failure = next(f for f in played.episode.failures if f.code == "withholding")
    shown = [played.transcript[seq] for seq in failure.events]
    assert {event.kind for event in shown} == {"prompt", "reply"}
    assert all("gave 100% of its units" in event.data["text"] for event in shown if event.kind == "prompt")


@pytest.mark.parametrize("more", [{"games": 2}, {"games": 1}, {"rounds": 3}, {"rounds": 3, "games": 1}])
def test_a_plan_of_calls_that_stand_alone_holds_every_call_and_hardly_more(more: dict[str, int]) -> None:
    params = Donor(seats=6, generations=2, prompts="as_published", **more)
    load = FAMILY.load(params, Condition.parse("team"))
    assert load is not None
    replies = play_episode(params, ["partner"], family=FAMILY).transcript.of("reply")
    calls = Counter(event.seat for event in replies)
    assert max(calls.values()) <= load.calls <= min(calls.values()) + 2 * params.generations
    assert FAMILY.load(params, Condition.parse("solo")) is None
    assert FAMILY.load(Donor(), Condition.parse("team")) is None  # a conversation that is kept grows


def test_punishment_takes_away_a_multiple_but_never_more_than_there_is() -> None:
    params = Donor(seats=4, generations=1, rounds=2, games=1, punishment=3)
    played = play_episode(params, [Says("STRATEGY: x\nPUNISH: 5")], family=FAMILY)
    assert played.episode.metrics["punishments"] == 2 + 0  # in the second round nobody has anything left
    assert sorted(played.transcript.of("state")[0].data["resources"]) == [0.0, 0.0, 5.0, 5.0]
    assert play_episode(SMALL, [Says("STRATEGY: x\nPUNISH: 5")], family=FAMILY).episode.metrics["punishments"] == 0


def test_messages_are_read_only_where_the_task_has_talk() -> None:
    text = "STRATEGY: x\nACTION: 1\nMESSAGE to a: me\nMESSAGE to zoe: who\n" + "\n".join(
        f"MESSAGE: {i}" for i in range(1000)
    )
    silent = play_episode(SMALL, [Says(text), "partner"], family=FAMILY)
    assert not silent.transcript.of("message")
    talk = Donor(**SMALL.model_dump() | {"talk": True})
    played = play_episode(talk, [Says(text), "partner"], family=FAMILY)
    why = Counter(what for event in played.transcript.of("message") for what in event.data["dropped"].values())
    assert why["self"] == why["nobody"] > 0
    assert why["flood"] > 0
    assert FAMILY.refuses(Condition.parse("relay:2"), talk) is None
    assert "set talk" in (FAMILY.refuses(Condition.parse("relay:2"), SMALL) or "")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"seats": 5}, "even"), ({"seats": 4, "rounds": 6}, "at most 4 rounds"), ({"multiplier": 1}, "multiplier")],
)
def test_a_game_that_cannot_be_paired_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Donor(**wrong)


def test_one_agent_on_all_seats_fails_by_its_own_fault() -> None:
    assert play_episode(SMALL, ["partner"], "solo").episode.score == pytest.approx(1)
    episode = play_episode(SMALL, ["free_rider"], "solo").episode
    assert episode.outcome is Outcome.COMPETENCE
    assert (episode.failures[0].code, episode.failures[0].seats) == ("own_part_failed", ("a",))


@pytest.mark.slow
def test_the_family_keeps_its_promises() -> None:
    published = Donor(seats=4, generations=2, rounds=2, punishment=2, prompts="as_published")
    check_family(FAMILY, [SMALL, Donor(seats=4, generations=1, punishment=2, talk=True), published], seeds=(0,))
