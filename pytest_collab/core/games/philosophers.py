"""Dining philosophers in batches: the twin of `families.philosophers.rules` in JAX.

The same rules on arrays, so that ten thousand dinners are one call. One dinner is a scan over its steps; a batch is
a `vmap` over keys. Actions are numbers in the order of `ACTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

ACTIONS: Final = ("grab_left", "grab_right", "release", "wait")
GRAB_LEFT, GRAB_RIGHT, RELEASE, WAIT = range(4)
FREE: Final = -1


class Table(NamedTuple):
    """One table; all arrays have shape (seats,). `forks` holds the number of the holder or -1."""

    eating: jax.Array
    meals: jax.Array
    left: jax.Array
    right: jax.Array
    forks: jax.Array


_Carry = tuple[Table, Any, Any, Any]
"""Table, steps, deadlocks, over."""

Policy = Callable[[Table, jax.Array, jax.Array], jax.Array]
"""(table, moment, key) -> actions of shape (seats,)."""


class Dinner(NamedTuple):
    """What became of one dinner.

    Attributes:
        meals: (seats,) int32.
        steps: steps played.
        deadlocks: how often the table was deadlocked; at most 1 when a deadlock ends the dinner.
    """

    meals: jax.Array
    steps: jax.Array
    deadlocks: jax.Array


def initial(seats: int) -> Table:
    """All hungry, all forks on the table."""
    no = jnp.zeros(seats, bool)
    return Table(no, jnp.zeros(seats, jnp.int32), no, no, jnp.full(seats, FREE, jnp.int32))


def simultaneous(table: Table, actions: jax.Array) -> Table:
    """All act at once. `actions`: (seats,) int32.

    The plain rules let eaters put their forks back in the order of their numbers, while the others look at their
    hands; what that comes to is computed here for all at once.
    """
    n = table.meals.shape[0]
    me = jnp.arange(n)
    letting_go = actions == RELEASE
    # Fork f is released by its left user f and by its right user f - 1.
    freed = (letting_go & table.left) | jnp.roll(letting_go & table.right, 1)
    forks = jnp.where(freed, FREE, table.forks)
    from_left, from_right = actions == GRAB_LEFT, jnp.roll(actions == GRAB_RIGHT, 1)
    neighbour = (me - 1) % n
    first = jnp.minimum(jnp.where(from_left, me, n), jnp.where(from_right, neighbour, n))
    forks = jnp.where((forks == FREE) & (first < n), first, forks)
    before, after = jnp.roll(table.eating, 1), jnp.roll(table.eating, -1)
    # An eater with a lower number has emptied the shared fork's place before i looks: i - 1, and for the last one 0.
    gone_left = before & (me > 0)
    gone_right = after & (me == n - 1)
    left = (forks == me) & ~gone_left & ~table.eating
    right = (jnp.roll(forks, -1) == me) & ~gone_right & ~table.eating
    eating = left & right
    forks = jnp.where(table.eating | before, FREE, forks)
    return Table(eating, table.meals + eating, left, right, forks)


def alone(table: Table, i: jax.Array, action: jax.Array) -> Table:
    """Philosopher i acts; one step of the sequential protocol."""
    n = table.meals.shape[0]
    own, other = i, (i + 1) % n
    takes_left = (action == GRAB_LEFT) & (table.forks[own] == FREE)
    takes_right = (action == GRAB_RIGHT) & (table.forks[other] == FREE)
    lets_go = action == RELEASE
    was = table.eating[i]
    drop_left = (lets_go & table.left[i]) | was
    drop_right = (lets_go & table.right[i]) | was
    left = (table.left[i] | takes_left) & ~drop_left
    right = (table.right[i] | takes_right) & ~drop_right
    forks = table.forks.at[own].set(jnp.where(drop_left, FREE, jnp.where(takes_left, i, table.forks[own])))
    forks = forks.at[other].set(jnp.where(drop_right, FREE, jnp.where(takes_right, i, forks[other])))
    eats = left & right & ~was
    return Table(
        table.eating.at[i].set(eats),
        table.meals.at[i].add(eats.astype(jnp.int32)),
        table.left.at[i].set(left),
        table.right.at[i].set(right),
        forks,
    )


def is_deadlock(table: Table) -> jax.Array:
    """Everyone is hungry and holds exactly one fork. A bool scalar."""
    return ~table.eating.any() & (table.left != table.right).all()


def play(policy: Policy, key: jax.Array, seats: int, rounds: int, *, sequential: bool, terminal: bool) -> Dinner:
    """One dinner in which `policy` acts for everyone.

    Args:
        rounds: steps, or when `sequential` rounds of `seats` steps each; there the policy is asked before each single
            action, and only the acting philosopher's entry counts.
        terminal: whether a deadlock ends the dinner; otherwise all forks go back on the table.
    """

    def one_round(carry: _Carry, moment: jax.Array) -> tuple[_Carry, None]:
        table, steps, deadlocks, over = carry
        now = jax.random.fold_in(key, moment)
        if sequential:

            def act(i: jax.Array, before: Table) -> Table:
                return alone(before, i, policy(before, moment, jax.random.fold_in(now, i))[i])

            after = jax.lax.fori_loop(0, seats, act, table)
        else:
            after = simultaneous(table, policy(table, moment, now))
        stuck = is_deadlock(after)
        if not terminal:
            clean = initial(seats)._replace(meals=after.meals)
            after = jax.tree.map(lambda a, b: jnp.where(stuck, a, b), clean, after)
        kept = jax.tree.map(lambda a, b: jnp.where(over, a, b), table, after)
        steps = steps + jnp.where(over, 0, seats if sequential else 1)
        deadlocks = deadlocks + (stuck & ~over)
        return (kept, steps, deadlocks, over | (stuck & terminal)), None

    start = (initial(seats), jnp.int32(0), jnp.int32(0), jnp.asarray(False))
    (table, steps, deadlocks, _), _ = jax.lax.scan(one_round, start, jnp.arange(rounds))
    return Dinner(table.meals, steps, deadlocks)


@partial(jax.jit, static_argnames=("policy", "count", "seats", "rounds", "sequential", "terminal"))
def play_many(
    policy: Policy, seed: int, count: int, seats: int, rounds: int, *, sequential: bool = False, terminal: bool = True
) -> Dinner:
    """`count` dinners at once; every array of the result has `count` as its first axis."""
    keys = jax.random.split(jax.random.key(seed), count)
    one = partial(play, policy, seats=seats, rounds=rounds, sequential=sequential, terminal=terminal)
    return jax.vmap(lambda key: one(key))(keys)


def random_policy(table: Table, moment: jax.Array, key: jax.Array) -> jax.Array:
    """All four actions alike."""
    return jax.random.randint(key, table.meals.shape, 0, len(ACTIONS))
