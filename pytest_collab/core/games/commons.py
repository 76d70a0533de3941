"""Commons in batches: the twin of `families.commons.rules` in JAX.

The same rules on arrays, so that ten thousand seasons are one call. One season is a scan over its months, a contested
harvest a scan over the units of the pool; a batch is a `vmap` over keys.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

DRAWS: Final = 1 << 16


class Season(NamedTuple):
    """What became of one season.

    Attributes:
        pool: units before the next harvest.
        months: months played.
        gains: (seats,) int32.
        over: harvests above the sustainable share (below it, where the pool is a harm).
        collapsed: whether the pool did.
    """

    pool: jax.Array
    months: jax.Array
    gains: jax.Array
    over: jax.Array
    collapsed: jax.Array


Policy = Callable[[Any, Any, Any], jax.Array]
"""(pool, share, key) -> wishes of shape (seats,), int32."""


def share(pool: Any, seats: int, growth: int, harmful: bool, increment: int = 0) -> jax.Array:
    """The sustainable share of a pool, in whole-number arithmetic."""
    if increment:
        return jnp.full_like(jnp.asarray(pool), -(-increment // seats))
    excess = jnp.asarray(pool) * (growth - 1)
    return -(-excess // (growth * seats)) if harmful else excess // (growth * seats)


def deal_out(pool: Any, wishes: jax.Array, draws: jax.Array) -> jax.Array:
    """Who gets how many units; `draws`: (capacity,) int32, of which the first `pool` count."""

    def one(takes: jax.Array, unit: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        k, draw = unit
        wanting = takes < wishes
        rank = jnp.cumsum(wanting) - 1
        lucky = wanting & (rank == draw % jnp.maximum(1, wanting.sum())) & (k < pool)
        return takes + lucky, None

    units = (jnp.arange(draws.shape[0]), draws)
    dealt, _ = jax.lax.scan(one, jnp.zeros_like(wishes), units)
    return jnp.where(wishes.sum() <= pool, wishes, dealt)


def harvest(
    season: Season,
    wishes: jax.Array,
    draws: jax.Array,
    *,
    capacity: int,
    growth: int,
    threshold: int,
    effort: int,
    floor: int,
    increment: int = 0,
) -> Season:
    """One month. A season that has collapsed stays as it is."""
    seats, harmful = wishes.shape[0], effort > 0
    takes = deal_out(season.pool, wishes, draws)
    left = season.pool - takes.sum()
    more = left + increment if increment else jnp.maximum(floor, left * growth)
    grown = jnp.minimum(capacity, more)
    won = left > capacity - threshold if increment else grown >= capacity
    fair = share(season.pool, seats, growth, harmful, increment)
    after = Season(
        grown,
        season.months + 1,
        season.gains + (effort - takes if harmful else takes),
        season.over + (takes < fair if harmful else takes > fair).sum(),
        won if harmful else left < threshold,
    )
    kept: Season = jax.tree.map(lambda old, new: jnp.where(season.collapsed, old, new), season, after)
    return kept


def initial(start: int, seats: int) -> Season:
    """Before the first harvest."""
    zero = jnp.int32(0)
    return Season(jnp.int32(start), zero, jnp.zeros(seats, jnp.int32), zero, jnp.asarray(False))


@partial(
    jax.jit,
    static_argnames=(
        "policy",
        "count",
        "seats",
        "rounds",
        "start",
        "capacity",
        "growth",
        "threshold",
        "effort",
        "floor",
        "increment",
    ),
)
def play_many(
    policy: Policy,
    seed: int,
    count: int,
    *,
    seats: int,
    rounds: int,
    start: int,
    capacity: int,
    growth: int,
    threshold: int,
    effort: int,
    floor: int,
    increment: int = 0,
) -> Season:
    """`count` seasons at once; every array of the result has `count` as its first axis."""

    def month(season: Season, key: jax.Array) -> tuple[Season, None]:
        wish, luck = jax.random.split(key)
        wishes = policy(season.pool, share(season.pool, seats, growth, effort > 0, increment), wish)
        draws = jax.random.randint(luck, (capacity,), 0, DRAWS)
        after = harvest(
            season,
            wishes,
            draws,
            capacity=capacity,
            growth=growth,
            threshold=threshold,
            effort=effort,
            floor=floor,
            increment=increment,
        )
        return after, None

    def play(key: jax.Array) -> Season:
        return jax.lax.scan(month, initial(start, seats), jax.random.split(key, rounds))[0]

    return jax.vmap(play)(jax.random.split(jax.random.key(seed), count))
