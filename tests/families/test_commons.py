"""The commons: GovSim's rules, who is to blame for a collapse, and the batched twin."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.episode.agent import Agent
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.commons import Commons, CommonsFamily, rules
from pytest_collab.testing import check_family, play_episode
from tests.support.says import Says

FAMILY = CommonsFamily()
NATURES = st.builds(
    rules.Nature,
    capacity=st.integers(10, 60),
    growth=st.integers(2, 4),
    threshold=st.integers(1, 6),
    effort=st.sampled_from([0, 0, 4, 9]),
    floor=st.just(0),
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
    ],
)
def test_a_commons_that_cannot_be_sustained_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Commons(**wrong)


GAMES = [
    Commons(),
    Commons(telling="pasture", seats=4, newcomer=3),
    Commons(telling="pollution", universalization=True, monitoring=False),
    Commons(inverse=True),
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
    played = play_episode(params, [talker, "partner"], family=FAMILY)
    assert played.episode.metrics["punishments"] == 2
    assert played.episode.metrics["gain"] == 100 - 2 * (6 + 2)
    assert played.episode.metrics["efficiency"] == 1
    assert (
        "The norm that you have agreed on: catch 8 each." in played.transcript.of("prompt", seat="c")[-1].data["text"]
    )
    assert any("nobody" in event.data["why"] for event in played.transcript.of("malformed"))


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


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    st.booleans(), st.lists(st.lists(st.integers(0, 40), min_size=4, max_size=4), min_size=1, max_size=6), st.data()
)
def test_the_batched_rules_are_the_plain_rules(harmful: bool, season: list[list[int]], data: st.DataObject) -> None:
    jax = pytest.importorskip("jax")
    import numpy as np

    from pytest_collab.core.games import commons as twin

    nature = rules.Nature(40, 2, 5, 10, 16) if harmful else rules.Nature(40, 2, 5)
    constants = {"capacity": 40, "growth": 2, "threshold": 5, "effort": nature.effort, "floor": nature.floor}
    step = _compiled(jax, twin, tuple(constants.items()))
    state, batched = rules.State(20 if harmful else 40, 0, (0,) * 4), twin.initial(20 if harmful else 40, 4)
    over = 0
    for wishes in season:
        if state.collapsed:
            break
        limit = min(state.pool, nature.effort) if harmful else state.pool
        wishes = [min(wish, limit) for wish in wishes]
        draws = data.draw(st.lists(st.integers(0, rules.DRAWS - 1), min_size=40, max_size=40))
        fair = rules.share(state.pool, 4, nature)
        assert int(twin.share(state.pool, 4, 2, harmful)) == fair
        state = rules.harvest(state, wishes, draws, nature)
        over += sum((take < fair) if harmful else (take > fair) for take in state.takes)
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

    params = Commons(inverse=True)
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
        FAMILY, [Commons(seats=3, rounds=3, newcomer=2), Commons(seats=3, rounds=3, inverse=True)], seeds=(0,)
    )
