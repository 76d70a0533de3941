"""The commons: GovSim's rules, who is to blame for a collapse, and the batched twin."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.commons import Commons, CommonsFamily, rules
from pytest_collab.testing import Played, check_family, play_episode
from tests.support.says import Says

FAMILY = CommonsFamily()
DOUBLING, ADDITIVE = Commons(harm="doubling"), Commons(harm="additive")
NATURES = st.builds(
    rules.Nature,
    capacity=st.integers(10, 60),
    growth=st.integers(2, 4),
    threshold=st.integers(1, 6),
    effort=st.sampled_from([0, 0, 4, 9]),
    floor=st.just(0),
    increment=st.sampled_from([0, 0, 7]),
)


@settings(max_examples=150, deadline=None)
@given(NATURES, st.integers(1, 60), st.lists(st.integers(0, 60), min_size=2, max_size=6), st.integers(0, 10**6))
def test_units_are_neither_made_nor_lost_and_nobody_gets_more_than_wished(
    nature: rules.Nature, pool: int, wishes: list[int], seed: int
) -> None:
    pool = min(pool, nature.capacity)
    takes = rules.deal_out(pool, wishes, rules.draws_of(seed, 0, pool))
    assert sum(takes) == min(pool, sum(wishes))
    assert all(take <= wish for take, wish in zip(takes, wishes, strict=True))
    after = rules.harvest(rules.State(pool, 0, (0,) * len(wishes)), wishes, rules.draws_of(seed, 0, pool), nature)
    assert 0 <= after.pool <= nature.capacity


@given(st.integers(1, 1000), st.integers(2, 12), st.integers(2, 10))
def test_the_sustainable_share_is_the_most_that_lets_the_pool_grow_back(pool: int, seats: int, growth: int) -> None:
    good, harm = rules.Nature(10**6, growth, 1), rules.Nature(10**6, growth, 1, effort=10**6)
    fair = rules.share(pool, seats, good)
    assert (pool - seats * fair) * growth >= pool > (pool - seats * (fair + 1)) * growth
    least = rules.share(pool, seats, harm)
    assert max(0, pool - seats * least) * growth <= pool
    assert (pool - seats * (least - 1)) * growth > pool


def test_the_studys_first_share_is_ten_and_taking_it_lasts_the_year() -> None:
    played = play_episode(Commons(), ["partner"])
    assert rules.share(100, 5, Commons().nature) == 10
    assert played.episode.metrics["gain"] == 600
    assert played.episode.metrics["survival_time"] == 12
    assert played.episode.metrics["equality"] == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"start": 200}, "lower start"),
        ({"capacity": 10, "seats": 12}, "raise start or capacity"),
        ({"threshold": 80}, "raise start or capacity"),
        ({"newcomer": 20}, "needs that many rounds"),
        ({"telling": "forest"}, "telling"),
        ({"conversation": 1}, "raise conversation"),
    ],
)
def test_a_commons_that_cannot_be_sustained_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Commons(**wrong)


GAMES = [
    Commons(),
    Commons(telling="pasture", seats=4, newcomer=3),
    Commons(telling="pollution", universalization=True, monitoring=False),
    DOUBLING,
    Commons(conversation=10, prompts="as_published"),
]
PLANTED = {
    "free_rider": {"collapse", "free_riding"},
    "stubborn": {"collapse", "free_riding"},
    "random": {"collapse"},
    "repeater": {"repetition"},
    "confabulator": {"false_claim"},
    "promise_breaker": {"broken_commitment"},
    "quitter": {"unresponsive"},
    "nop": {"free_riding"},
}


@pytest.mark.slow
def test_a_planted_fault_comes_back_under_its_own_name_at_its_own_seat(capsys: pytest.CaptureFixture[str]) -> None:
    confusion: Counter[tuple[str, str]] = Counter()
    for player, codes in PLANTED.items():
        failed = found = 0
        for params in GAMES:
            for team in ([player, "partner"], ["partner", player, "partner"]):
                for seed in (0, 1):
                    guilty = "ab"[team.index(player)]
                    episode = play_episode(params, team, seed=seed, family=FAMILY).episode
                    if episode.success:
                        continue
                    failed += 1
                    confusion[player, episode.failures[0].code] += 1
                    found += any(f.code in codes and guilty in f.seats for f in episode.failures)
                    assert {seat for f in episode.failures for seat in f.seats} == {guilty}, (team, params)
        assert failed >= 4, player
        assert found >= 0.95 * failed, player
    with capsys.disabled():
        print("\ncommons, planted fault and headline:", *(f"\n  {p} -> {c}: {n}" for (p, c), n in confusion.items()))


def texts(played: Played, kind: str, phase: str = "", seat: str | None = None) -> list[str]:
    events = played.transcript.of(kind, seat=seat)
    return [event.data["text"] for event in events if not phase or event.data["phase"] == phase]


class Talker(Agent):
    """Takes ten, says what it is told to, and gives the word to whom it is told to."""

    name = "talker"

    def __init__(self, word: str) -> None:
        self.word = word

    async def reply(self, request: Request) -> Reply:
        return Reply(f"ACTION: {request.view.get('take', 10)}\nMESSAGE: {request.seat} has spoken\n{self.word}")


def test_a_conversation_is_one_with_the_report_first_and_the_next_speaker_named() -> None:
    params = Commons(rounds=2, conversation=10)
    asks_c, ends = Talker("NEXT: c, please"), Talker("NEXT: nobody")
    played = play_episode(params, [asks_c, "nop", ends, "nop"], family=FAMILY)
    talk = [event for event in played.transcript.of("prompt") if event.data["phase"] == "talk"]
    assert [event.seat for event in talk] == ["a", "c", "a", "c"]
    first, second = (event.data["text"] for event in talk[:2])
    assert "Mayor: This is the report of the month. a caught 10; b caught 0; c caught 10" in first
    assert "- a: a has spoken" in second
    assert "wanted" not in first.split("Mayor")[1]
    heard = texts(played, "prompt", "harvest", "e")[-1]
    assert heard.index("a has spoken") < heard.index("c has spoken")
    everyone = {to for event in played.transcript.of("message", seat="a") for to in event.data["delivered"]}
    assert everyone == set("bcde")


@pytest.mark.parametrize(("word", "spoken"), [("NEXT: b", 9), ("NEXT: nobody", 1), ("", 1), ("NEXT: zoe", 1)])
def test_a_conversation_has_ten_entries_at_most_and_ends_where_nobody_is_named(word: str, spoken: int) -> None:
    played = play_episode(Commons(rounds=2, conversation=10), [Talker(word)], family=FAMILY)
    assert len(texts(played, "prompt", "talk")) == 2 * spoken
    muted = play_episode(Commons(rounds=2, conversation=10), [Talker(word)], "mute", family=FAMILY)
    assert not texts(muted, "prompt", "talk")
    assert not [text for text in texts(muted, "brief") if "NEXT" in text]


@pytest.mark.parametrize("telling", ["fishery", "pasture", "pollution"])
def test_what_the_study_tells_is_told_by_itself_in_every_call_and_no_more(telling: Any) -> None:
    requests: list[Request] = []

    class Notes(Talker):
        async def reply(self, request: Request) -> Reply:
            requests.append(request)
            return await super().reply(request)

    params = Commons(telling=telling, rounds=4, conversation=10, prompts="as_published")
    played = play_episode(params, [Notes("NEXT: b"), "partner"], family=FAMILY)
    assert {len(request.conversation) for request in requests} == {1}
    brief = texts(played, "brief", seat="a")[0]
    assert "1,000 dollars" in brief
    assert "long run" in brief
    assert "60" in brief.split("An example")[1]
    for untold in ("less than 5", "random", "12", "4 months"):
        assert untold not in brief
    assert ("persuade them to pollute less" in brief) is (telling == "pollution")
    last = texts(played, "prompt", "harvest", "a")[-1]
    assert "after month 1" not in last
    assert "after month 2" in last
    assert "after month 3" in last
    assert "from 0 to 100" in last
    deed = {"fishery": "tons of fish", "pasture": "flocks of sheep", "pollution": "pallets of widgets"}[telling]
    assert deed in last
    alone = Commons(telling=telling, rounds=2, talk=0, monitoring=False, prompts="as_published")
    silent = play_episode(alone, ["partner"], family=FAMILY)
    told = "\n".join([*texts(silent, "brief", seat="a"), *texts(silent, "prompt", seat="a")])
    for unknown in ("talk", "Mayor", "b caught", "b sent", "b made", "MESSAGE"):
        assert unknown not in told


def test_incumbents_are_at_home_and_the_newcomer_wants_money_as_in_the_study() -> None:
    params = Commons(newcomer=2, rounds=8, conversation=10, prompts="as_published")
    played = play_episode(params, ["partner", "partner", "partner", "partner", "free_rider"], family=FAMILY)
    assert "from here" in texts(played, "brief", seat="a")[0]
    assert "new here" in texts(played, "brief", seat="e")[0]
    assert played.episode.failures[0].seats == ("e",)
    first = [
        event
        for event in played.transcript.of("message")
        if event.seq < played.transcript.of("prompt", seat="e")[0].seq
    ]
    assert first
    assert not [event for event in first if "e" in event.data["to"]]  # who is not there yet is not written to


def test_what_follows_if_all_do_the_same_is_told_with_its_unit() -> None:
    for telling, unit in (("fishery", "10 tons of fish,"), ("pasture", "10 flocks of sheep,")):
        params = Commons(telling=telling, rounds=2, conversation=10, prompts="as_published")
        told = texts(
            play_episode(params, ["partner"], "protocol:universalization", family=FAMILY), "prompt", seat="a"
        )
        assert f"more than {unit} the" in told[0]


def test_a_wish_above_the_pool_is_dealt_out_like_any_other() -> None:
    played = play_episode(Commons(rounds=2, talk=0), [Says("ACTION: 500"), Says("ACTION: 20")], family=FAMILY)
    takes = played.transcript.of("state")[0].data["takes"]
    assert sum(takes) == 100
    assert takes[0] >= max(takes[1:])
    assert not played.transcript.of("malformed")


def test_the_reproductions_trash_grows_by_fifty_and_is_sustained_by_ten_each() -> None:
    played = play_episode(ADDITIVE, ["partner"], family=FAMILY)
    months = [event.data for event in played.transcript.of("state")]
    assert [(month["pool"], month["left"], month["share"]) for month in months] == [(100, 50, 10)] * 12
    assert played.episode.metrics["efficiency"] == 1
    assert played.episode.metrics["gain_per_agent"] == 12 * 90
    nobody = play_episode(ADDITIVE, ["nop"], family=FAMILY).episode
    assert nobody.metrics["survived"] == 0
    assert nobody.metrics["survival_time"] == 1
    assert {failure.code for failure in nobody.failures} == {"collapse"}
    hardly = play_episode(
        ADDITIVE, [Says("ACTION: 1")], family=FAMILY
    ).episode  # the study's house is full at 95 only
    assert hardly.metrics["survived"] == 1
    assert hardly.metrics["over_usage"] == 1


def test_survival_is_counted_per_run_and_gain_per_agent_as_in_the_study() -> None:
    metrics = play_episode(Commons(), ["random"], family=FAMILY).episode.metrics
    assert (metrics["survived"], metrics["lasted"]) == (0, 1 / 12)
    assert metrics["gain_per_agent"] == 20 == metrics["gain"] / 5
    assert "survival_rate" not in metrics


@pytest.mark.parametrize(
    ("params", "condition", "kind"),
    [
        (Commons(), "team", "state"),
        (Commons(universalization=True), "team", "prompt"),
        (Commons(), "protocol:universalization", "prompt"),
        (Commons(seats=2, capacity=20), "team", "brief"),
    ],
)
def test_a_collapse_names_the_event_that_made_the_share_known(params: Commons, condition: str, kind: str) -> None:
    team: list[str | Agent] = [Says("ACTION: 15"), "silent"]
    played = play_episode(params, team, condition, family=FAMILY)
    collapse = next(f for f in played.episode.failures if f.code == "collapse")
    assert collapse.seats == ("a",)
    assert played.transcript[collapse.events[0]].kind == kind, collapse


def test_a_message_that_names_the_share_makes_it_known() -> None:
    played = play_episode(Commons(), ["free_rider", "partner"], family=FAMILY)
    collapse = next(f for f in played.episode.failures if f.code == "collapse")
    assert "message" in {played.transcript[seq].kind for seq in collapse.events}


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("I will take at most 10 next month.", 0.0),
        ("I'll catch 30 tons of fish.", 1.0),
        ("I won't take 30.", 0.0),
        ("I will limit myself to 12!", 0.0),
        ("If you all save, I take 5.", None),
        ("Please take 5 each.", None),
        ("I took 5 last month.", None),
        ("Will you take 5?", None),
    ],
)
def test_only_ones_own_unconditional_words_about_the_next_harvest_bind(words: str, kept: float | None) -> None:
    talker = Says(f"ACTION: 30\nMESSAGE: {words}")
    metrics = play_episode(Commons(rounds=2), [talker, "nop"], family=FAMILY).episode.metrics
    assert metrics.get("promises_kept") == kept


def test_punishment_costs_both_and_norms_are_the_median_of_what_was_proposed() -> None:
    params = Commons(rounds=2, punishment=6, punishment_cost=2, norms=True)
    talker = Says("ACTION: 10\nNORM: 8\nPUNISH b, who took too much\nPUNISH a")
    played = play_episode(params, [talker, Says("ACTION: 10")], family=FAMILY)
    assert played.episode.metrics["punishments"] == 2
    assert played.episode.metrics["gain"] == 100 - 2 * (6 + 2)
    assert played.episode.metrics["efficiency"] == 1
    assert (
        "The norm that you have agreed on: catch 8 each." in played.transcript.of("prompt", seat="c")[-1].data["text"]
    )
    assert any("nobody" in event.data["why"] for event in played.transcript.of("malformed"))


@pytest.mark.parametrize("prompts", ["plain", "as_published"])
def test_a_newcomer_has_heard_nothing_of_what_was_said_before_it_came(prompts: str) -> None:
    params = Commons(seats=3, newcomer=3, rounds=5, conversation=4, prompts=prompts)
    prompts_of = play_episode(params, ["partner"], family=FAMILY).transcript.of("prompt", seat="c")
    first, later = prompts_of[0].data["text"], prompts_of[-1].data["text"]
    assert "please all catch" not in first
    assert "please all catch" in later
    assert not re.search(r"after month [12]:", later)


def test_the_newcomer_joins_late_and_is_told_so() -> None:
    played = play_episode(
        Commons(newcomer=4), ["partner", "partner", "partner", "partner", "free_rider"], family=FAMILY
    )
    assert len({event.data["turn"] for event in played.transcript.of("reply", seat="e")}) < len(
        {event.data["turn"] for event in played.transcript.of("reply", seat="a")}
    )
    assert "new here" in played.transcript.of("brief", seat="e")[0].data["text"]
    assert played.episode.failures[0].seats == ("e",)


def test_without_monitoring_only_shared_shows_what_others_took() -> None:
    hidden = Commons(rounds=2, monitoring=False)
    for condition, shown in (("team", False), ("shared", True)):
        prompt = play_episode(hidden, ["partner"], condition, family=FAMILY).transcript.of("prompt", seat="a")[-1]
        assert ("b wanted" in prompt.data["text"]) is shown


def test_one_agent_on_all_seats_fails_by_its_own_fault() -> None:
    episode = play_episode(Commons(), ["free_rider"], "solo").episode
    assert episode.outcome is Outcome.COMPETENCE
    assert (episode.failures[0].code, episode.failures[0].seats) == ("own_part_failed", ("a",))


BATCHED = (
    rules.Nature(40, 2, 5),
    rules.Nature(40, 2, 5, 10, 16),
    rules.Nature(40, 1, 5, 40, increment=20),
)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(BATCHED),
    st.lists(st.lists(st.integers(0, 40), min_size=4, max_size=4), min_size=1, max_size=6),
    st.data(),
)
def test_the_batched_rules_are_the_plain_rules(
    nature: rules.Nature, season: list[list[int]], data: st.DataObject
) -> None:
    jax = pytest.importorskip("jax")
    import numpy as np

    from pytest_collab.core.games import commons as twin

    names = ("capacity", "growth", "threshold", "effort", "floor", "increment")
    step = _compiled(jax, twin, tuple((name, getattr(nature, name)) for name in names))
    first = nature.floor or 40
    state, batched = rules.State(first, 0, (0,) * 4), twin.initial(first, 4)
    over = 0
    for wishes in season:
        if state.collapsed:
            break
        if nature.floor:
            wishes = [min(wish, state.pool, nature.effort) for wish in wishes]
        draws = data.draw(st.lists(st.integers(0, rules.DRAWS - 1), min_size=40, max_size=40))
        fair = rules.share(state.pool, 4, nature)
        assert int(twin.share(state.pool, 4, nature.growth, nature.harmful, nature.increment)) == fair
        state = rules.harvest(state, wishes, draws, nature)
        over += sum((take < fair) if nature.harmful else (take > fair) for take in state.takes)
        batched = step(batched, np.asarray(wishes, np.int32), np.asarray(draws, np.int32))
        assert tuple(np.asarray(batched.gains).tolist()) == state.gains
        assert (int(batched.pool), bool(batched.collapsed), int(batched.over)) == (state.pool, state.collapsed, over)


_STEPS: dict[Any, Any] = {}


def _compiled(jax: Any, twin: Any, constants: tuple[tuple[str, int], ...]) -> Any:
    if constants not in _STEPS:
        _STEPS[constants] = jax.jit(
            lambda season, wishes, draws: twin.harvest(season, wishes, draws, **dict(constants))
        )
    return _STEPS[constants]


@pytest.mark.slow
def test_the_reference_scale_is_what_the_engine_plays() -> None:
    pytest.importorskip("jax")
    from pytest_collab.families.commons.scale import reference_scale

    for params in (DOUBLING, ADDITIVE):
        scale = reference_scale(params, seasons=300)
        for player in ("partner", "nop"):
            metrics = play_episode(params, [player], family=FAMILY).episode.metrics
            assert {name: scale[player][name] for name in ("gain", "survival_time", "over_usage")} == {
                name: metrics[name] for name in ("gain", "survival_time", "over_usage")
            }
        assert scale["partner"]["score"] >= scale["random"]["score"] > scale["nop"]["score"]


@pytest.mark.slow
def test_the_family_keeps_its_promises() -> None:
    check_family(
        FAMILY,
        [
            Commons(seats=3, rounds=3, newcomer=2),
            Commons(seats=3, rounds=3, harm="doubling"),
            Commons(seats=3, rounds=3, harm="additive", conversation=5, prompts="as_published"),
        ],
        seeds=(0,),
    )
