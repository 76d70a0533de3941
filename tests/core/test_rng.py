"""The random numbers: known values, and no bias that a few hundred thousand draws would show."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from pytest_collab.core.maze import planes, rng

BLOCKS = 4000


def keys(count: int = BLOCKS) -> rng.Key:
    seeds = jnp.stack([jnp.arange(count, dtype=jnp.uint32), jnp.zeros(count, jnp.uint32)])
    return rng.block_key(seeds, jnp.zeros(count, jnp.uint32))


def mix_in_python(word: int) -> int:
    word = (word ^ word >> 16) * 0x21F0AAAD % 2**32
    word = (word ^ word >> 15) * 0xD35A2D97 % 2**32
    return word ^ word >> 15


def assert_uniform(counts: np.ndarray) -> None:
    """Chi-square within six standard deviations; the draws are fixed, so this never fails by chance."""
    expected = counts.sum() / counts.size
    chi_square = ((counts - expected) ** 2 / expected).sum()
    freedom = counts.size - 1
    assert chi_square < freedom + 6 * np.sqrt(2 * freedom)


def test_draws_are_the_documented_integer_arithmetic() -> None:
    seed, block, purpose, index = 2**40 + 12345, 7, rng.Purpose.ENDS, 99
    left, right = 0x243F6A88, 0x85A308D3
    for word in (seed % 2**32, seed >> 32, block):
        left, right = (mix_in_python(((state ^ word) + 0x9E3779B9) % 2**32) for state in (left, right))
    expected = mix_in_python((left + mix_in_python(right ^ (purpose << 24 | index))) % 2**32)
    words = jnp.array([seed % 2**32, seed >> 32], jnp.uint32)
    drawn = rng.draw(rng.block_key(words, jnp.uint32(block)), purpose, jnp.uint32(index))
    assert int(drawn) == expected


@pytest.mark.parametrize("bound", [1, 3, 36, 1023, 1024, 65536])
def test_below_is_the_high_half_of_the_product(bound: int) -> None:
    words = np.concatenate([np.array([0, 1, 2**16, 2**31, 2**32 - 1]), np.asarray(keys().left)[:200]])
    assert rng.below(jnp.asarray(words, jnp.uint32), bound).tolist() == [int(word) * bound >> 32 for word in words]


@pytest.mark.parametrize("threshold", [0, 1, 0x4D29, 0x8000, 0xC000, 0xFFFF, 0x10000])
def test_each_coin_compares_a_number_with_the_threshold(threshold: int) -> None:
    base = keys(300).left
    words = [np.asarray(rng.nth_word(base, digit)) for digit in range(16)]
    lanes = np.arange(32)
    numbers = sum((word[:, None] >> lanes & 1) << digit for digit, word in enumerate(words))
    for given in (threshold, jnp.uint32(threshold)):
        coins = np.asarray(rng.bernoulli_bits(base, given, 16))
        np.testing.assert_array_equal(coins[:, None] >> lanes & 1, numbers < threshold)


def test_walls_have_the_density_asked_for_in_every_cell_and_lane_and_are_independent() -> None:
    drawn = planes.generate(6, keys(), round(0.3 * 2**16))
    bits = (np.asarray(~drawn.free)[..., None] >> np.arange(32)) & 1
    ends = (np.asarray(drawn.start | drawn.goal)[..., None] >> np.arange(32)) & 1
    cells = bits.reshape(36, -1).astype(np.int32)
    inner = 1 - ends.reshape(36, -1).astype(np.int32)
    density = cells.sum(axis=1) / inner.sum(axis=1)
    assert np.abs(density - 0.3).max() < 6 * np.sqrt(0.21 / inner.sum(axis=1).min())
    by_lane = bits.sum(axis=(0, 1, 2)) / (1 - ends).sum(axis=(0, 1, 2))
    assert np.abs(by_lane - 0.3).max() < 6 * np.sqrt(0.21 / (BLOCKS * 34))
    away = np.where(inner == 1, cells - 0.3, 0.0)
    correlation = away @ away.T / cells.shape[1]
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 6 * 0.21 / np.sqrt(cells.shape[1])


def test_every_pair_of_start_and_goal_is_equally_likely() -> None:
    start, goal = (
        ((np.asarray(plane)[..., None] >> np.arange(32)) & 1).reshape(9, -1).argmax(axis=0)
        for plane in planes.ends(3, keys())
    )
    pairs = np.bincount(start * 9 + goal, minlength=81).reshape(9, 9)
    assert (np.diag(pairs) == 0).all()
    assert_uniform(pairs[~np.eye(9, dtype=bool)])


def test_every_balanced_split_of_a_small_grid_is_equally_likely() -> None:
    dealt = (np.asarray(planes.owners(3, 2, keys()))[0].reshape(9, -1)[..., None] >> np.arange(32)) & 1
    first_lane = dealt[:, :, 0]
    assert set(first_lane.sum(axis=0)) == {4, 5}
    number = (first_lane << np.arange(9)[:, None]).sum(axis=0)
    splits, counts = np.unique(number, return_counts=True)
    assert splits.size == 252  # 9 choose 4, and 9 choose 5
    assert_uniform(counts)
    for lane in (1, 31):
        assert (dealt[:, :, lane] != first_lane).any(axis=0).mean() > 0.9


def test_ranks_are_a_permutation_ordered_like_the_draws() -> None:
    index = jnp.arange(100, dtype=jnp.uint32)[:, None]
    draws = rng.draw(keys(50), rng.Purpose.RANKS, index)
    ranks = np.asarray(planes.cell_ranks(draws))
    truth = np.argsort(np.argsort((np.asarray(draws) & 0xFFFFFC00) | np.arange(100)[:, None], axis=0), axis=0)
    np.testing.assert_array_equal(ranks, truth)
