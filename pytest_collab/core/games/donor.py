"""The donor game in batches: the twin of `families.donor.rules` in JAX.

Only what resources come to: everyone begins every game with the endowment, so games of players that do not learn know
nothing of each other but the pairs, whose roles every other game of a generation exchanges.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp


def schedule(order: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The donors and recipients of a generation's rounds, each of shape (seats, seats / 2).

    Args:
        order: (seats,) the seats as they were shuffled.
    """
    half = order.shape[0] // 2
    first, second = order[:half], order[half:]
    i = jnp.arange(half)[:, None]
    partner = second[(jnp.arange(half) - i) % half]
    own = jnp.broadcast_to(first, partner.shape)
    turned = i % 2 == 1
    donors, recipients = jnp.where(turned, partner, own), jnp.where(turned, own, partner)
    return jnp.concatenate([donors, recipients]), jnp.concatenate([recipients, donors])


def play(
    resources: jax.Array,
    donors: jax.Array,
    recipients: jax.Array,
    amounts: jax.Array,
    punished: jax.Array,
    *,
    gain: float,
    loss: float,
) -> jax.Array:
    """One round, all donors at once.

    Args:
        resources: (seats,) float.
        amounts: (pairs,) units that each donor gives or, where `punished`, spends.
        gain, loss: what a recipient gets, or loses, per unit.
    """
    after = resources.at[donors].add(-amounts)
    got = jnp.where(
        punished, jnp.maximum(0.0, after[recipients] - loss * amounts), after[recipients] + gain * amounts
    )
    return after.at[recipients].set(got)


@partial(jax.jit, static_argnames=("count", "generations", "games", "seats", "rounds"))
def give_at_random(
    seed: int, count: int, generations: int, games: int, seats: int, rounds: int, endowment: float, gain: float
) -> tuple[jax.Array, jax.Array]:
    """Societies in which every donor gives any part, each as likely.

    Returns:
        What each seat had after each generation, the mean of its games, (count, generations, seats), and the mean
        share given, (count,).
    """

    def generation(key: Any) -> tuple[jax.Array, jax.Array]:
        shuffled, luck = jax.random.split(key)
        donors, recipients = schedule(jax.random.permutation(shuffled, seats))
        shares = jax.random.uniform(luck, (games, rounds, seats // 2))

        def round_(held: jax.Array, step: tuple[jax.Array, ...]) -> tuple[jax.Array, None]:
            giving, getting, share = step
            none = jnp.zeros(share.shape, bool)
            return play(held, giving, getting, share * held[giving], none, gain=gain, loss=0.0), None

        def game(number: int) -> jax.Array:
            roles = (recipients, donors) if number % 2 else (donors, recipients)
            steps = (roles[0][:rounds], roles[1][:rounds], shares[number])
            had: jax.Array = jax.lax.scan(round_, jnp.full(seats, endowment), steps)[0]
            return had

        return jnp.stack([game(number) for number in range(games)]).mean(axis=0), shares.mean()

    keys = jax.random.split(jax.random.key(seed), (count, generations))
    finals, shares = jax.vmap(jax.vmap(generation))(keys)
    return finals, shares.mean(axis=1)
