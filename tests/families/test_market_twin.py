"""The batched market is the plain one."""

from __future__ import annotations

from functools import partial
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.families.market import Market, rules
from pytest_collab.families.market.scale import reference_scale
from pytest_collab.testing import play_episode

jax = pytest.importorskip("jax")
from pytest_collab.core.games import market as twin  # noqa: E402

SMALL = Market(agents=3, pieces=9, rounds=4, needs=2)
SEATS, PIECES, TASKS, ROUNDS = 3, 9, 2, 4
ORDERS: list[rules.Order] = ["random", "in_turn", "at_once"]
WAYS: list[tuple[rules.Order, twin.Known, int | None]] = [  # a compilation each
    ("random", "asked", None),
    ("in_turn", "asked", 2),
    ("random", "answered", 2),
    ("at_once", "asked", None),
]


def as_arrays(deal: rules.Deal) -> twin.Deal:
    dealt = np.array([[f"p{p + 1}" in own for p in range(PIECES)] for own in deal.pieces])
    drawn = [[rules.draw(deal, i, k, 0).needs for k in range(TASKS * (ROUNDS + 1))] for i in range(SEATS)]
    tasks = np.array([[[f"p{p + 1}" in needs for p in range(PIECES)] for needs in own] for own in drawn])
    return twin.Deal(jax.numpy.asarray(dealt), jax.numpy.asarray(tasks))


@partial(jax.jit, static_argnames=("order", "known", "deadline"))
def played(  # type: ignore[no-untyped-def]
    deal: twin.Deal, acts: twin.Acts, turns, order: rules.Order, known: twin.Known, deadline: int | None
):
    """All rounds by given acts, whose arrays begin with (rounds, seats), in given orders of turns."""

    def policy(market: twin.Market, deal_: twin.Deal, i: int, key: object) -> twin.Acts:
        return twin.Acts(*(part[market.round, i] for part in acts))

    def one(at: twin.Market, key: object) -> tuple[twin.Market, None]:
        way = {"order": order, "known": known, "deadline": deadline, "turns": turns[at.round]}
        return twin.play_round(at, deal_, policy, key, **way), None

    deal_ = deal
    keys = jax.random.split(jax.random.key(0), ROUNDS)
    return jax.lax.scan(one, twin.begin(deal, TASKS), keys)[0]


def turns_of(deal: rules.Deal, order: rules.Order) -> jax.Array:
    return jax.numpy.asarray([rules.turns(deal, order, number) for number in range(ROUNDS)])


def plainly(deal: rules.Deal, acts: twin.Acts, order: rules.Order, known: twin.Known) -> rules.State:
    """The same by the plain rules, as the game puts them together."""
    state = rules.begin(deal)
    ask = rules.answer if known == "answered" else rules.request
    names = [f"p{p + 1}" for p in range(PIECES)]

    def submits(at: rules.State, i: int) -> rules.State:
        slots = np.asarray(acts.submit)[at.round, i]
        chosen = [task.name for task in at.open[i] if slots[int(task.name[1:]) % TASKS]]
        return rules.submit(at, i, chosen)[0]

    def sends(at: rules.State, i: int, before: rules.State) -> rules.State:
        for p, piece in enumerate(names):
            for j, to in enumerate(deal.seats):
                if np.asarray(acts.send)[at.round, i, p, j] and piece in before.held[i]:
                    at = rules.hand_over(at, deal, i, piece, to)
        return at

    def asks(at: rules.State, i: int) -> rules.State:
        for p, piece in enumerate(names):
            to = [deal.seats[j] for j in range(SEATS) if j != i and np.asarray(acts.ask)[at.round, i, p, j]]
            at = ask(at, deal, i, [piece], to)
        return at

    for _ in range(ROUNDS):
        before = state
        if order != "at_once":
            for i in rules.turns(deal, order, state.round):
                state = submits(state, i)
                state = asks(sends(state, i, state), i)
        else:
            for i in range(SEATS):
                state = submits(state, i)
            for i in range(SEATS):
                state = sends(state, i, before)
            for i in range(SEATS):
                state = asks(state, i)
        state = rules.next_round(state, deal)
    return state


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from(WAYS),
    st.sampled_from([0.3, 0.8, 1.0]),
    st.integers(0, 2**31),
)
def test_the_batched_rules_are_the_plain_rules(
    seed: int, way: tuple[rules.Order, twin.Known, int | None], often: float, luck: int
) -> None:
    order, known, deadline = way
    deal = Market(**SMALL.model_dump() | {"deadline": deadline}).deal(seed)
    chance = np.random.default_rng(luck)
    shapes = ((TASKS,), (PIECES, SEATS), (PIECES, SEATS))
    arrays = [chance.random((ROUNDS, SEATS, *shape)) < often for shape in shapes]
    # Slots mean nothing, so what is submitted goes by the task: all of a seat's in a round, or none.
    arrays[0][:] = arrays[0][..., :1]
    acts = twin.Acts(*map(jax.numpy.asarray, arrays))
    plain = plainly(deal, acts, order, known)
    batched = played(as_arrays(deal), acts, turns_of(deal, order), order, known, deadline)
    for name in ("drawn", "done", "expired", "sent"):
        assert tuple(np.asarray(getattr(batched, name)).tolist()) == getattr(plain, name), name
    for i in range(SEATS):
        held = {f"p{p + 1}" for p in np.flatnonzero(np.asarray(batched.held[i]))}
        assert held == plain.held[i]
        numbers = {int(task.name[1:]) - 1 for task in plain.open[i]}
        assert set(np.asarray(batched.slot[i]).tolist()) == numbers
    if known == "asked":
        heard = {(i, f"p{p + 1}", j) for i, p, j in np.argwhere(np.asarray(batched.asked))}
        assert heard == {(i, piece, j) for i, own in enumerate(plain.asked) for piece, j in own}


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_play_on_request_without_fault_reaches_the_exact_optimum(order: rules.Order) -> None:
    for seed in range(5):
        deal = SMALL.deal(seed)
        at, turns = twin.begin(as_arrays(deal), TASKS), turns_of(deal, order)
        for number in range(ROUNDS):
            at = one_round(at, as_arrays(deal), turns[number], order)
        assert int(at.done.sum()) == rules.optimum(deal, order)


@partial(jax.jit, static_argnames="order")
def one_round(at: twin.Market, deal: twin.Deal, turns: jax.Array, order: rules.Order) -> twin.Market:
    """One round of flawless play on request."""
    key = jax.random.key(0)
    return twin.play_round(at, deal, twin.everything, key, order=order, known="asked", deadline=None, turns=turns)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["random", "in_turn"])
def test_the_reference_scale_is_what_the_engine_plays(order: rules.Order) -> None:
    params = Market(agents=4, pieces=8, rounds=10, needs=1, order=order)
    scale = reference_scale(params, markets=2000)
    assert (scale["partner"]["score"] == 1.0) is (order == "in_turn")
    assert scale["nop"]["tasks"] == 0.0
    episodes = {
        player: [play_episode(params, [player], "team", seed).episode for seed in range(24)]
        for player in ("partner", "random")
    }
    if order == "in_turn":
        assert all(episode.score == 1.0 for episode in episodes["partner"])
    for player, metric in (("random", "tasks"), ("random", "pieces_sent"), ("partner", "tasks")):
        found = [episode.metrics[metric] for episode in episodes[player]]
        error = np.std(found, ddof=1) / len(found) ** 0.5
        assert scale[player][metric] == pytest.approx(fmean(found), abs=4 * error)
        assert scale[player][metric] > 0
