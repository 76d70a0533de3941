"""Random numbers that are the same everywhere: a counter-based hash on 32-bit words.

`jax.random` promises neither the same draws across versions of JAX nor across its own settings
(its default key-splitting scheme changed in 0.5). A maze has to be the same on every platform, device
and version, whatever batch it was made in, so every draw here is a pure function of
(seed, block of attempts, purpose, index), made of additions, exclusive ors, shifts and products modulo
2^32 alone. No state, no floating point, no 64-bit mode.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import jax
import jax.numpy as jnp

_GOLDEN = 0x9E3779B9
_LEFT, _RIGHT = 0x243F6A88, 0x85A308D3  # first digits of pi: two chains must not start alike


class Purpose(IntEnum):
    """What a draw is for; draws for different purposes are independent."""

    WALLS = 0
    ENDS = 1
    RANKS = 2
    OWNERS = 3
    PATH_STEPS = 4
    PATH_OWNERS = 5


class Key(NamedTuple):
    """64 bits of key per block of attempts, as two uint32 arrays of the same shape."""

    left: jax.Array
    right: jax.Array


def mix(word: jax.Array) -> jax.Array:
    """A bijection of uint32 in which each input bit flips each output bit with probability near 1/2.

    Two rounds of multiply and xor-shift with the constants that exhaustive search found least biased.
    """
    word = (word ^ (word >> 16)) * jnp.uint32(0x21F0AAAD)
    word = (word ^ (word >> 15)) * jnp.uint32(0xD35A2D97)
    return word ^ (word >> 15)


def block_key(seed: jax.Array, block: jax.Array) -> Key:
    """The key of a block of 32 attempts.

    Args:
        seed: uint32 of shape (2, ...): low and high half of the seed.
        block: uint32 of shape (...), the number of the block.
    """

    def chain(start: int) -> jax.Array:
        state: jax.Array = jnp.uint32(start)
        for word in (seed[0], seed[1], block):
            state = mix((state ^ word) + jnp.uint32(_GOLDEN))
        return state

    return Key(chain(_LEFT), chain(_RIGHT))


def draw(key: Key, purpose: Purpose, index: jax.Array) -> jax.Array:
    """A uniform uint32 for each index; `index` (below 2^24) and the key broadcast against each other."""
    counter = index.astype(jnp.uint32) | jnp.uint32(purpose << 24)
    return mix(key.left + mix(key.right ^ counter))


def nth_word(base: jax.Array, n: int | jax.Array) -> jax.Array:
    """The n-th of the further words that one draw is stretched into."""
    return mix(base + jnp.asarray(n, jnp.uint32) * jnp.uint32(_GOLDEN))


def below(word: jax.Array, bound: int) -> jax.Array:
    """Map a uniform uint32 to 0 .. bound - 1, for a bound of at most 2^16.

    The high half of the 48-bit product word * bound, so that no value is likelier than another by more
    than bound / 2^32.
    """
    n = jnp.uint32(bound)
    product: jax.Array = ((word >> 16) * n + (((word & jnp.uint32(0xFFFF)) * n) >> 16)) >> 16
    return product


def bernoulli_bits(base: jax.Array, threshold: int | jax.Array, bits: int) -> jax.Array:
    """32 independent coins per element, each set with probability threshold / 2^bits.

    Compares 32 uniform numbers with the threshold at once, a binary digit at a time from the lowest:
    number < threshold is decided by the highest digit in which the two differ.

    Args:
        base: uint32 draws of any shape.
        threshold: 0 .. 2^bits, a Python int (cheaper: its trailing zeros cost nothing) or a traced uint32.
        bits: how many binary digits the threshold has.

    Returns:
        uint32 of the shape of `base`; each bit is one coin.
    """
    if isinstance(threshold, int):
        if threshold >= 1 << bits:
            return jnp.full_like(base, 0xFFFFFFFF)
        less = jnp.zeros_like(base)
        for digit in range(bits):
            if threshold & ((2 << digit) - 1):
                number = ~nth_word(base, digit)
                less = (less | number) if threshold >> digit & 1 else (less & number)
        return less
    threshold = jnp.asarray(threshold, jnp.uint32)
    less = jnp.zeros_like(base)
    for digit in range(bits):
        number = ~nth_word(base, digit)
        is_set = jnp.uint32(0) - ((threshold >> digit) & jnp.uint32(1))
        less = (less & number) | (is_set & (less | number))
    always: jax.Array = jnp.uint32(0) - (threshold >> bits)
    return less | always
