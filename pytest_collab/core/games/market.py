"""The market in batches: the twin of `families.market.rules` in JAX.

The same rules on arrays, so that ten thousand markets are one call; nobody alters values here. One market is a scan
over the turns of its rounds; a batch is a map over chunks of markets. Shapes use n seats, P pieces, T open tasks per
seat and D tasks to draw from. Where the plain rules name tasks, the twin knows their slots: which task sits in which
slot means nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

Order = Literal["random", "in_turn", "at_once"]
Known = Literal["asked", "answered"]
"""What asking does: the holder knows of it, or it is answered automatically."""


class Deal(NamedTuple):
    """What does not change during a market.

    Attributes:
        dealt: (n, P) bool, who was dealt which piece.
        tasks: (n, D, P) bool, the pieces that each seat's tasks need, in the order in which they are drawn.
    """

    dealt: jax.Array
    tasks: jax.Array


class Market(NamedTuple):
    """Where a market stands.

    Attributes:
        held: (n, P) bool.
        slot: (n, T) int32, the number of the open task in each slot; -1 for an empty one.
        opened: (n, T) int32, the round in which it opened.
        drawn, done, expired, sent: (n,) int32.
        asked: (n, P, n) bool, whether a request for the piece by the last-named seat has reached the first.
        round: int32.
    """

    held: jax.Array
    slot: jax.Array
    opened: jax.Array
    drawn: jax.Array
    done: jax.Array
    expired: jax.Array
    sent: jax.Array
    asked: jax.Array
    round: jax.Array


class Acts(NamedTuple):
    """What one seat does in its turn.

    Attributes:
        submit: (T,) bool, by slot.
        send: (P, n) bool, piece to recipient.
        ask: (P, n) bool, piece from holder.
    """

    submit: jax.Array
    send: jax.Array
    ask: jax.Array


Policy = Callable[[Market, Deal, Any, Any], Acts]
"""(market, deal, seat, key) -> what the seat does."""


def begin(deal: Deal, open_tasks: int) -> Market:
    """Round 0: everyone holds what was dealt, and has its first tasks."""
    n, pieces = deal.dealt.shape
    none = jnp.zeros(n, jnp.int32)
    slots = jnp.tile(jnp.arange(open_tasks, dtype=jnp.int32), (n, 1))
    asked = jnp.zeros((n, pieces, n), bool)
    return Market(deal.dealt, slots, jnp.zeros_like(slots), none + open_tasks, none, none, none, asked, jnp.int32(0))


def needs(market: Market, deal: Deal, i: Any) -> jax.Array:
    """(T, P) bool: what each open task of seat i needs; nothing where the slot is empty."""
    slot = market.slot[i]
    return deal.tasks[i][jnp.maximum(slot, 0)] & (slot >= 0)[:, None]


def lacks(market: Market, deal: Deal, i: Any) -> jax.Array:
    """(P,) bool: what seat i's open tasks need and it has not got."""
    return needs(market, deal, i).any(axis=0) & ~market.held[i]


def ready(market: Market, deal: Deal, i: Any) -> jax.Array:
    """(T,) bool: open tasks of seat i with all their pieces at hand."""
    return (market.slot[i] >= 0) & ~(needs(market, deal, i) & ~market.held[i]).any(axis=1)


def submit(market: Market, deal: Deal, i: Any, slots: jax.Array) -> Market:
    """Submit the tasks in some slots of seat i; what is not ready stays."""
    done = slots & ready(market, deal, i)
    return market._replace(
        slot=market.slot.at[i].set(jnp.where(done, -1, market.slot[i])), done=market.done.at[i].add(done.sum())
    )


def hand_over(market: Market, i: Any, send: jax.Array) -> Market:
    """Let recipients take what seat i holds and sends them, and they have not got.

    Args:
        send: (P, n) bool.
    """
    n = market.held.shape[0]
    taken = send & market.held[i][:, None] & ~market.held.T & (jnp.arange(n) != i)
    return market._replace(held=market.held | taken.T, sent=market.sent.at[i].add(taken.sum()))


def request(market: Market, deal: Deal, i: Any, ask: jax.Array) -> Market:
    """Let seat i's requests reach the holders in `ask`."""
    others = jnp.arange(market.held.shape[0]) != i
    heard = (ask & lacks(market, deal, i)[:, None] & others).T
    return market._replace(asked=market.asked.at[:, :, i].set(market.asked[:, :, i] | heard))


def answer(market: Market, deal: Deal, i: Any, ask: jax.Array) -> Market:
    """Answer seat i's requests automatically: the first asked seat that holds a piece sends it."""
    n = market.held.shape[0]
    able = ask & market.held.T & (jnp.arange(n) != i) & lacks(market, deal, i)[:, None]
    found = able.any(axis=1)
    senders = (jax.nn.one_hot(able.argmax(axis=1), n, dtype=jnp.int32) * found[:, None]).sum(axis=0)
    return market._replace(held=market.held.at[i].set(market.held[i] | found), sent=market.sent + senders)


def next_round(market: Market, deadline: int | None) -> Market:
    """Close the round: late tasks expire, and as many new ones open as have gone."""
    now = market.round + 1
    live = market.slot >= 0
    late = live & (now - market.opened >= deadline) if deadline is not None else jnp.zeros_like(live)
    empty = ~live | late
    fresh = market.drawn[:, None] + jnp.cumsum(empty, axis=1) - 1
    return market._replace(
        slot=jnp.where(empty, fresh, market.slot).astype(jnp.int32),
        opened=jnp.where(empty, now, market.opened),
        drawn=market.drawn + empty.sum(axis=1),
        expired=market.expired + late.sum(axis=1),
        round=now,
    )


def play_round(
    market: Market,
    deal: Deal,
    policy: Policy,
    key: Any,
    *,
    order: Order,
    known: Known,
    deadline: int | None,
    turns: jax.Array | None = None,
) -> Market:
    """One round: everyone in turn, or all at once on what was so before.

    Args:
        turns: (n,) int32, the seats in the order in which they act when `random`; drawn with `key` if none.
    """
    n = market.held.shape[0]
    seats, keys = jnp.arange(n), jax.random.split(key, n)
    ask = answer if known == "answered" else request

    def in_turn(at: Market, turn: tuple[jax.Array, jax.Array]) -> tuple[Market, None]:
        i, key_ = turn
        acts = policy(at, deal, i, key_)
        at = submit(at, deal, i, acts.submit)
        at = hand_over(at, i, acts.send)
        return ask(at, deal, i, acts.ask), None

    if order == "random":
        drawn = jax.random.permutation(jax.random.fold_in(key, n), n) if turns is None else turns
        market, _ = jax.lax.scan(in_turn, market, (drawn, keys))
        return next_round(market, deadline)
    if order == "in_turn":
        market, _ = jax.lax.scan(in_turn, market, (seats, keys))
        return next_round(market, deadline)

    before = market
    acts = jax.vmap(lambda i, key_: policy(before, deal, i, key_))(seats, keys)

    def submits(at: Market, i: jax.Array) -> tuple[Market, None]:
        return submit(at, deal, i, acts.submit[i]), None

    def sends(at: Market, i: jax.Array) -> tuple[Market, None]:
        return hand_over(at, i, acts.send[i] & before.held[i][:, None]), None

    def asks(at: Market, i: jax.Array) -> tuple[Market, None]:
        return ask(at, deal, i, acts.ask[i]), None

    for step in (submits, sends, asks):
        market, _ = jax.lax.scan(step, market, seats)
    return next_round(market, deadline)


def deal_out(key: Any, *, seats: int, pieces: int, needs: int, draws: int) -> Deal:
    """Deal evenly and at random; each task needs pieces dealt to others."""
    hands, tasks = jax.random.split(key)
    owner = jnp.zeros(pieces, jnp.int32).at[jax.random.permutation(hands, pieces)].set(jnp.arange(pieces) % seats)
    dealt = jnp.arange(seats)[:, None] == owner
    luck = jnp.where(dealt[:, None, :], -1.0, jax.random.uniform(tasks, (seats, draws, pieces)))
    chosen = jax.lax.top_k(luck, needs)[1]
    drawn = jax.nn.one_hot(chosen, pieces, dtype=jnp.bool_).any(axis=2)
    return Deal(dealt, drawn)


def everything(market: Market, deal: Deal, i: Any, key: Any) -> Acts:
    """Submits all it can, sends all it was asked for, asks everybody for all it lacks: the study's ceiling."""
    n, pieces = market.held.shape
    return Acts(jnp.ones(market.slot.shape[1], bool), market.asked[i], jnp.ones((pieces, n), bool))


def chance(market: Market, deal: Deal, i: Any, key: Any) -> Acts:
    """As the built-in `random` player: a piece, a task, a question, each to a seat at random; or fewer of these."""
    n, pieces = market.held.shape
    piece, task, lack, to, whom, how = jax.random.split(key, 6)
    lacking = lacks(market, deal, i)
    amount = jax.random.randint(how, (), 0, 3)
    sent = jax.nn.one_hot(_any_of(piece, market.held[i]), pieces, dtype=bool)
    asked = jax.nn.one_hot(_any_of(lack, lacking), pieces, dtype=bool) & lacking
    tasks = market.slot.shape[1]
    return Acts(
        (jnp.arange(tasks) == jax.random.randint(task, (), 0, tasks)) & (amount < 2),
        sent[:, None] & (jnp.arange(n) == jax.random.randint(to, (), 0, n)) & (amount < 1),
        asked[:, None] & (jnp.arange(n) == jax.random.randint(whom, (), 0, n)),
    )


def nothing(market: Market, deal: Deal, i: Any, key: Any) -> Acts:
    """Does nothing."""
    n, pieces = market.held.shape
    none = jnp.zeros((pieces, n), bool)
    return Acts(jnp.zeros(market.slot.shape[1], bool), none, none)


class Result(NamedTuple):
    """What became of a batch of markets; all shapes (count,), int32."""

    tasks: jax.Array
    sent: jax.Array
    expired: jax.Array


@partial(
    jax.jit,
    static_argnames=("policy", "count", "seats", "rounds", "pieces", "tasks", "needs", "deadline", "order", "known"),
)
def play_many(
    policy: Policy,
    seed: int,
    count: int,
    *,
    seats: int,
    rounds: int,
    pieces: int,
    tasks: int,
    needs: int,
    deadline: int | None,
    order: Order,
    known: Known,
) -> Result:
    """Play `count` markets, each with a deal of its own; a seed deals the same whatever the policy."""

    def one(key: Any) -> Result:
        dealt, played = jax.random.split(key)
        deal = deal_out(dealt, seats=seats, pieces=pieces, needs=needs, draws=tasks * (rounds + 1))

        def round_(at: Market, key_: Any) -> tuple[Market, None]:
            return play_round(at, deal, policy, key_, order=order, known=known, deadline=deadline), None

        end, _ = jax.lax.scan(round_, begin(deal, tasks), jax.random.split(played, rounds))
        return Result(end.done.sum(), end.sent.sum(), end.expired.sum())

    keys = jax.random.split(jax.random.key(seed), count)
    result: Result = jax.lax.map(one, keys, batch_size=min(count, 64))
    return result


def _any_of(key: Any, mask: jax.Array) -> jax.Array:
    """The index of a true entry, each with the same chance; 0 where there is none."""
    return jnp.argmax(jnp.where(mask, jax.random.uniform(key, mask.shape), -1.0))
