"""Public goods in batches: the twin of `families.public_goods.rules` in JAX."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp


def pay(
    contributions: jax.Array,
    *,
    endowment: int,
    multiplier: float,
    bonus: float = 0.0,
    penalty: float = 0.0,
    threshold: int = 0,
    convexity: float = 0.0,
) -> jax.Array:
    """Payoffs of one round; `contributions` and the result have shape (..., seats), seats in the order of moving."""
    seats = contributions.shape[-1]
    total = contributions.sum(axis=-1, keepdims=True)
    before = jnp.cumsum(contributions, axis=-1) - contributions
    cost = contributions + convexity * contributions * contributions / endowment
    paid = endowment - cost + multiplier * total / seats
    paid = paid + bonus * contributions * before / ((seats - 1) * endowment)
    return paid - jnp.where(total < threshold, penalty, 0.0)


@partial(jax.jit, static_argnames=("count", "seats", "rounds", "endowment"))
def contribute_at_random(seed: int, count: int, seats: int, rounds: int, endowment: int, least: int = 0) -> jax.Array:
    """Contributions of `count` random groups: (count, rounds, seats), int32."""
    return jax.random.randint(jax.random.key(seed), (count, rounds, seats), least, endowment + 1)
