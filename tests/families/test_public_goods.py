"""The public good: payoffs, the solver of equilibria, and who rides free."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.public_goods import PublicGoods, PublicGoodsFamily, rules
from pytest_collab.testing import check_family, play_episode

FAMILY = PublicGoodsFamily()
REDESIGNED = PublicGoods(protocol="sequential", payoff="redesigned")
PARTIAL = PublicGoods(
    seats=3, protocol="sequential", payoff="redesigned", observation="partial", prompts="as_published"
)
GOODS = st.builds(
    rules.Good,
    seats=st.just(3),
    endowment=st.sampled_from([1, 2]),
    multiplier=st.sampled_from([1.2, 1.6, 2.0, 2.9, 3.0]),
    bonus=st.sampled_from([0.0, 0.3, 1.0, 2.0]),
    penalty=st.sampled_from([0.0, 0.4, 1.0, 5.0]),
    threshold=st.integers(0, 3),
    sequential=st.just(True),
    least=st.just(0),
    convexity=st.sampled_from([0.0, 0.1, 0.6]),
).map(lambda good: replace(good, least=good.endowment - 1))  # two things to choose from: brute force tries all


def by_brute_force(good: rules.Good) -> set[int]:
    """Totals of all pure subgame-perfect equilibria: every strategy for every history, tried."""
    choices = range(good.least, good.endowment + 1)
    histories = [h for n in range(good.seats) for h in product(choices, repeat=n)]
    found = set()
    for choice in product(choices, repeat=len(histories)):
        strategy = dict(zip(histories, choice, strict=True))

        def outcome(history: tuple[int, ...], strategy: dict[tuple[int, ...], int] = strategy) -> tuple[int, ...]:
            while len(history) < good.seats:
                history = (*history, strategy[history])
            return history

        def best(history: tuple[int, ...], strategy: dict[tuple[int, ...], int] = strategy) -> bool:
            mover = len(history)
            paid = {own: rules.pay(outcome((*history, own)), good)[mover] for own in choices}
            return paid[strategy[history]] >= max(paid.values()) - 1e-9

        if all(best(history) for history in histories):
            found.add(sum(outcome(())))
    return found


@settings(max_examples=60, deadline=None)
@given(GOODS)
def test_the_solver_finds_exactly_the_subgame_perfect_equilibria(good: rules.Good) -> None:
    assert rules.equilibria(good) == by_brute_force(good)


@given(st.lists(st.integers(0, 20), min_size=4, max_size=4), st.integers(0, 3))
def test_giving_costs_the_giver_and_helps_the_group(contributions: list[int], who: int) -> None:
    good = PublicGoods().good
    if contributions[who] == 20:
        contributions[who] = 19
    more = [c + (i == who) for i, c in enumerate(contributions)]
    before, after = rules.pay(contributions, good), rules.pay(more, good)
    assert after[who] < before[who]
    assert sum(after) - sum(before) == pytest.approx(0.6)


def test_under_the_redesigned_payoff_effort_that_reaches_the_threshold_is_the_only_equilibrium() -> None:
    assert REDESIGNED.good.threshold == 64
    assert rules.equilibria(REDESIGNED.good) == {64}
    assert rules.equilibria(PublicGoods(protocol="sequential").good) == {0}
    assert rules.equilibria(PublicGoods().good) == {0}


def test_it_is_the_bonus_that_moves_the_equilibrium_and_the_penalty_that_holds_it_at_the_threshold() -> None:
    good = REDESIGNED.good
    assert rules.equilibria(replace(good, bonus=0.0)) == {4 * good.least}  # everyone gives as little as can be
    assert max(rules.equilibria(replace(good, penalty=0.0))) < good.threshold
    assert good.least > 0  # what the theorem asks for: a lower bound above zero, and a strictly convex cost
    marginal = [good.cost(c + 1) - good.cost(c) for c in range(good.least, good.endowment)]
    assert 0 < marginal[0] < marginal[-1]
    assert marginal == sorted(marginal)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"multiplier": 1.0}, "raise multiplier"),
        ({"payoff": "redesigned"}, "use protocol: sequential"),
        ({"equilibrium": "effort"}, "in equilibrium 0 of 80 units"),
        ({"equilibrium": "free_riding", "multiplier": 6}, "in equilibrium 80 of 80 units"),
        ({"protocol": "sequential", "payoff": "redesigned", "penalty": 0}, "raise bonus, penalty or threshold"),
        ({"protocol": "sequential", "payoff": "redesigned", "bonus": 0}, "4 of 80 units"),
        ({"protocol": "sequential", "payoff": "redesigned", "equilibrium": "free_riding"}, "64 of 80 units"),
        ({"protocol": "sequential", "payoff": "redesigned", "least": 20}, "lower least"),
        ({"observation": "partial"}, "use protocol: sequential"),
        ({"prompts": "as_published", "aim": "group"}, "leave aim out"),
        ({"multiplier": float("nan")}, "multiplier"),
    ],
)
def test_a_task_that_claims_another_equilibrium_than_it_has_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        PublicGoods(**wrong)


PLANTED = {
    "free_rider": {"free_riding"},
    "stubborn": {"free_riding"},
    "nop": {"free_riding"},
    "repeater": {"repetition"},
    "confabulator": {"false_claim"},
    "promise_breaker": {"broken_commitment"},
    "quitter": {"unresponsive"},
}


def test_a_planted_fault_comes_back_under_its_own_name_at_its_own_seat(capsys: pytest.CaptureFixture[str]) -> None:
    confusion: Counter[tuple[str, str]] = Counter()
    goods = (PublicGoods(rounds=8), PublicGoods(rounds=6, protocol="sequential", seats=3), REDESIGNED, PARTIAL)
    for player, codes in PLANTED.items():
        failed = found = 0
        for params in goods:
            for team in ([player, "partner"], ["partner", player, "partner"]):
                guilty = "ab"[team.index(player)]
                episode = play_episode(params, team, family=FAMILY).episode
                if episode.success:
                    continue
                failed += 1
                confusion[player, episode.failures[0].code] += 1
                found += any(f.code in codes and guilty in f.seats for f in episode.failures)
                assert {seat for f in episode.failures for seat in f.seats} == {guilty}, (team, params)
        assert failed >= 4, player
        assert found >= 0.95 * failed, player
    with capsys.disabled():
        print(
            "\npublic goods, planted fault and headline:",
            *(f"\n  {p} -> {c}: {n}" for (p, c), n in confusion.items()),
        )


def test_who_moves_later_sees_what_was_given_before() -> None:
    played = play_episode(REDESIGNED, ["partner"], family=FAMILY)
    last = played.transcript.of("prompt", seat="d")[-1].data["text"]
    assert "So far: a gave 20, b gave 20, c gave 20." in last
    assert "a gave" not in play_episode(PublicGoods(rounds=1), ["partner"]).transcript.of("prompt")[-1].data["text"]


def test_with_partial_observation_each_sees_its_predecessor_and_its_own_payoff_only() -> None:
    params = PublicGoods(protocol="sequential", payoff="redesigned", observation="partial", rounds=2)
    played = play_episode(params, ["partner", "free_rider"], family=FAMILY)
    last = played.transcript.of("prompt", seat="d")[-1].data["text"]
    assert "Just before you: c gave 1." in last
    assert "a gave" not in last
    talked = played.transcript.of("prompt", seat="d")[-2].data["text"]
    assert "d gave 1 and was paid" in talked
    assert "a gave" not in talked


def test_each_is_told_to_want_its_own_payoff_unless_the_task_says_otherwise() -> None:
    for params, own in (
        (PublicGoods(rounds=1), True),
        (PublicGoods(rounds=1, equilibrium="free_riding"), True),
        (PublicGoods(rounds=1, aim="group"), False),
    ):
        brief = play_episode(params, ["partner"], family=FAMILY).transcript.of("brief")[0].data["text"]
        assert ("for yourself" in brief) is own
        assert ("The group is judged" in brief) is not own


def test_as_published_every_round_is_a_game_of_its_own() -> None:
    params = PublicGoods(
        seats=3, rounds=2, talk=0, protocol="sequential", payoff="redesigned", prompts="as_published"
    )
    played = play_episode(params, ["partner"], family=FAMILY)
    told = [event.data["text"] for kind in ("brief", "prompt") for event in played.transcript.of(kind)]
    assert not [text for text in told if "ound " in text or "rounds" in text]
    first = [event.data["text"] for event in played.transcript.of("prompt", seat="a")]
    assert first[0] == first[1] == "How much do you contribute?"


def test_one_agent_on_all_seats_fails_by_its_own_fault() -> None:
    for params in (PublicGoods(rounds=2), PublicGoods(rounds=2, protocol="sequential")):
        episode = play_episode(params, ["free_rider"], "solo").episode
        assert episode.outcome is Outcome.COMPETENCE
        assert (episode.failures[0].code, episode.failures[0].seats) == ("own_part_failed", ("a",))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 20), min_size=4, max_size=4), min_size=3, max_size=3),
    st.sampled_from([PublicGoods().good, REDESIGNED.good]),
)
def test_the_batched_payoffs_are_the_plain_ones(rounds: list[list[int]], good: rules.Good) -> None:
    np = pytest.importorskip("numpy")
    pytest.importorskip("jax")
    from pytest_collab.core.games import public_goods as twin

    names = ("endowment", "multiplier", "bonus", "penalty", "threshold", "convexity")
    batch = twin.pay(np.asarray(rounds, np.int32), **{name: getattr(good, name) for name in names})
    # The batch is float32: a payoff near zero is a difference of terms of up to a hundred, good to a few 1e-6.
    plain = np.asarray([rules.pay(one, good) for one in rounds])
    assert np.asarray(batch) == pytest.approx(plain, rel=1e-5, abs=1e-5)


@pytest.mark.slow
def test_the_reference_scale_is_what_the_engine_plays() -> None:
    pytest.importorskip("jax")
    from pytest_collab.families.public_goods.scale import reference_scale

    scale = reference_scale(REDESIGNED, groups=200)
    for player in ("partner", "nop"):
        metrics = play_episode(REDESIGNED, [player], family=FAMILY).episode.metrics
        assert scale[player]["payoff"] == pytest.approx(metrics["payoff"])
        assert scale[player]["score"] == pytest.approx(metrics["contribution_share"])
    assert scale["random"]["score"] == pytest.approx(0.525, abs=0.02)  # from one unit to twenty of twenty


@pytest.mark.slow
def test_the_family_keeps_its_promises() -> None:
    sequential = PublicGoods(seats=3, rounds=2, protocol="sequential", payoff="redesigned")
    check_family(FAMILY, [PublicGoods(seats=3, rounds=2), sequential], seeds=(0,))
