"""Many mazes at once: one 32-bit word holds the same cell of 32 mazes.

Attempts to find the maze of a seed come in blocks of 32; attempt number 32 b + l is bit l, its *lane*, of
every word of block b. A *plane* is an array of uint32 of shape (size, size, blocks): rows, columns,
blocks. In this layout a step of breadth-first search in 32 mazes costs five word operations per cell,
with no bit that is not a cell of some maze; rows of bits would leave 26 of 32 bits idle at size 6.

Every function is pure and works on any number of blocks; sizes and numbers of seats are static.
"""

from __future__ import annotations

from functools import reduce
from operator import add, and_, or_
from typing import Final, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from pytest_collab.core.maze.rng import Key, Purpose, below, bernoulli_bits, block_key, draw
from pytest_collab.core.maze.spec import DENSITY_BITS

LANES = 32
_STRIDE = 4  # moves between two looks at whether a search still gets anywhere
_COMPARED_AT_ONCE = 32


class MazePlanes(NamedTuple):
    """Blocks of 32 mazes; three planes of shape (size, size, blocks)."""

    free: jax.Array
    start: jax.Array
    goal: jax.Array


class _Walk(NamedTuple):
    """Where a search stands: the cells reached, who is at the goal, the moves made by those who were not."""

    reached: jax.Array
    at_goal: jax.Array
    moves: tuple[jax.Array, ...]


Pins = tuple[int, int]
"""Cell numbers of start and goal; -1 for an end that is drawn."""

UNPINNED: Final = (-1, -1)


def generate(size: int, key: Key, threshold: int | jax.Array, pins: Pins = UNPINNED) -> MazePlanes:
    """The mazes of the blocks with these keys, solvable or not.

    Start and goal are distinct and uniform over the cells; every other cell is a wall with probability
    threshold / 2^16, independently.

    Args:
        pins: static; where the ends are to be.
    """
    start, goal = pinned(*ends(size, key), pins)
    index = jnp.arange(size * size, dtype=jnp.uint32).reshape(size, size, 1)
    walls = bernoulli_bits(draw(key, Purpose.WALLS, index), threshold, DENSITY_BITS)
    return MazePlanes(~walls | start | goal, start, goal)


def ends(size: int, key: Key) -> tuple[jax.Array, jax.Array]:
    """The planes of start and goal: two distinct cells per lane, each pair equally likely."""
    cells = size * size
    places = jnp.arange((size - 1).bit_length(), dtype=jnp.uint32)[:, None]

    def add_lane(lane: jax.Array, digits: jax.Array) -> jax.Array:
        start = below(draw(key, Purpose.ENDS, lane), cells)
        goal = below(draw(key, Purpose.ENDS, lane + LANES), cells - 1)
        goal = goal + (goal >= start).astype(jnp.uint32)
        numbers = jnp.stack([start // size, start % size, goal // size, goal % size])
        return digits | (((numbers[:, None] >> places) & 1) << lane)

    # A loop over lanes, not one large expression: XLA would compute each draw anew for every use of it.
    none = jnp.zeros((4, places.shape[0], *key.left.shape), jnp.uint32)
    digits = lax.fori_loop(jnp.uint32(0), jnp.uint32(LANES), add_lane, none)
    start_row, start_column, goal_row, goal_column = (_one_hot_words(number, size) for number in digits)
    return start_row[:, None] & start_column, goal_row[:, None] & goal_column


def pinned(start: jax.Array, goal: jax.Array, pins: Pins) -> tuple[jax.Array, jax.Array]:
    """The planes of start and goal with pinned ends in their cells.

    Where the end that is drawn was drawn into the pinned cell, it goes where the other end was drawn: so it is
    uniform over all other cells.
    """
    if pins == UNPINNED:
        return start, goal
    number = jnp.arange(start.shape[0] * start.shape[1], dtype=jnp.int32).reshape(*start.shape[:2], 1)
    every_lane = jnp.uint32(0xFFFFFFFF)
    at_start, at_goal = (
        jnp.broadcast_to(jnp.where(number == pin, every_lane, jnp.uint32(0)), start.shape) for pin in pins
    )
    start_meets, goal_meets = any_cell(start & at_goal), any_cell(goal & at_start)
    moved_goal = (goal & ~goal_meets) | (start & goal_meets)
    moved_start = (start & ~start_meets) | (goal & start_meets)
    return (
        at_start if pins[0] >= 0 else moved_start,
        at_goal if pins[1] >= 0 else moved_goal,
    )


def step(reached: jax.Array, free: jax.Array) -> jax.Array:
    """The cells reached, and their free neighbours."""
    no_row, no_column = jnp.zeros_like(reached[:1]), jnp.zeros_like(reached[:, :1])
    below_, above = jnp.concatenate([reached[1:], no_row]), jnp.concatenate([no_row, reached[:-1]])
    right = jnp.concatenate([reached[:, 1:], no_column], axis=1)
    left = jnp.concatenate([no_column, reached[:, :-1]], axis=1)
    return (reached | above | below_ | left | right) & free


def any_cell(plane: jax.Array) -> jax.Array:
    """Per block a word whose bit tells whether any cell of that lane is set; shape (blocks,)."""
    # Written as a chain, not as a reduction: XLA's CPU back end vectorises the chain over blocks.
    rows = reduce(or_, [plane[row] for row in range(plane.shape[0])])
    found: jax.Array = reduce(or_, [rows[column] for column in range(plane.shape[1])])
    return found


def in_window(mazes: MazePlanes, lo: int | jax.Array, hi: int | jax.Array) -> jax.Array:
    """Per block a word whose bit tells whether that lane's shortest path has lo to hi moves (lo >= 1)."""

    def walk(reached: jax.Array, moves: int | jax.Array) -> jax.Array:
        walked: jax.Array = lax.fori_loop(0, moves, lambda _, now: step(now, mazes.free), reached)
        return walked

    nearer = walk(mazes.start, lo - 1)
    within = walk(nearer, hi - lo + 1)
    return any_cell(within & mazes.goal) & ~any_cell(nearer & mazes.goal)


def path_lengths(mazes: MazePlanes) -> jax.Array:
    """Moves from start to goal per lane: int32 of shape (lanes, blocks), -1 where there is no path.

    Runs until no lane reaches anything new.
    """
    size = mazes.free.shape[0]
    digits = (size * size - 1).bit_length()
    nobody = jnp.zeros_like(mazes.free[0, 0])

    def move(_: int, walk: _Walk) -> _Walk:
        # A counter per lane, spread over words by binary digit: add 1 where the goal was not yet reached.
        carry, moves = ~walk.at_goal, []
        for digit in walk.moves:
            moves.append(digit ^ carry)
            carry = carry & digit
        further = step(walk.reached, mazes.free)
        return _Walk(further, any_cell(further & mazes.goal), tuple(moves))

    def stride(state: tuple[_Walk, jax.Array]) -> tuple[_Walk, jax.Array]:
        before = lax.fori_loop(0, _STRIDE - 1, move, state[0])
        after = move(0, before)
        return after, jnp.any(any_cell(after.reached ^ before.reached) != 0)

    standing = _Walk(mazes.start, nobody, (nobody,) * digits)
    walk, _ = lax.while_loop(lambda state: state[1], stride, (standing, jnp.bool_(True)))
    lane = jnp.arange(LANES, dtype=jnp.uint32)[:, None]
    moves = reduce(or_, [((digit >> lane) & 1) << place for place, digit in enumerate(walk.moves)])
    return jnp.where((walk.at_goal >> lane) & 1, moves.astype(jnp.int32), -1)


def owners(size: int, seats: int, key: Key) -> jax.Array:
    """A uniformly random balanced split: planes of shape (seats, size, size, blocks), one bit per cell set.

    The cells are ranked at random per block, cut into groups of `seats` consecutive ranks, and each group
    dealt to the seats from a random first seat per lane. Every balanced split is equally likely for each
    lane: permuting the cells permutes equally likely rankings. Shares differ by at most one cell.
    """
    index = jnp.arange(size * size, dtype=jnp.uint32)[:, None]
    ranks = cell_ranks(draw(key, Purpose.RANKS, index))
    group, place = ranks // seats, ranks % seats
    first = _uniform_choice(key, group, seats)
    dealt = [
        reduce(or_, [jnp.where(place == (seat - turn) % seats, first[turn], 0) for turn in range(seats)])
        for seat in range(seats)
    ]
    return jnp.stack(dealt).reshape(seats, size, size, -1)


def cell_ranks(draws: jax.Array) -> jax.Array:
    """The rank, from 0, of each of up to 1024 draws along the first axis; equal draws rank by index."""
    cells = draws.shape[0]
    index = jnp.arange(cells, dtype=jnp.uint32).reshape(-1, *[1] * (draws.ndim - 1))
    keys = (draws & jnp.uint32(0xFFFFFC00)) | index
    # Counting the smaller keys is quadratic, yet faster than XLA's sort up to 1024 cells, and it vectorises.
    blocks = -(-cells // _COMPARED_AT_ONCE)
    filling = jnp.full((blocks * _COMPARED_AT_ONCE - cells, *keys.shape[1:]), 0xFFFFFFFF, jnp.uint32)
    filled = jnp.concatenate([keys, filling])

    def count(block: jax.Array, ranks: jax.Array) -> jax.Array:
        others = lax.dynamic_slice_in_dim(filled, block * _COMPARED_AT_ONCE, _COMPARED_AT_ONCE)
        smaller = [(others[i] < keys).astype(jnp.uint32) for i in range(_COMPARED_AT_ONCE)]
        counted: jax.Array = reduce(add, smaller, ranks)
        return counted

    ranks: jax.Array = lax.fori_loop(0, blocks, count, jnp.zeros_like(keys))
    return ranks


def lane_of(plane: jax.Array, lane: jax.Array) -> jax.Array:
    """The cells of one lane per block: bool of shape (..., blocks) from words of that shape."""
    bit: jax.Array = (plane >> lane.astype(jnp.uint32)) & 1
    return bit.astype(bool)


def rows_of(plane: jax.Array) -> jax.Array:
    """From cells of 32 mazes per word to rows of bits: (size, size, blocks) to uint32 (lanes, size, blocks)."""
    lane = jnp.arange(LANES, dtype=jnp.uint32)[:, None, None]
    columns = range(plane.shape[1])
    rows: jax.Array = reduce(or_, [((plane[:, column] >> lane) & 1) << column for column in columns])
    return rows


def block_keys(seeds: jax.Array, blocks: jax.Array) -> Key:
    """Keys for `generate` and `owners`; see `rng.block_key` for the shapes."""
    return block_key(seeds, blocks)


def _uniform_choice(key: Key, group: jax.Array, options: int) -> list[jax.Array]:
    """Per lane one of `options`, all equally likely, as one word each, of which exactly one has the bit."""
    undecided = jnp.full_like(group, 0xFFFFFFFF)
    chosen = []
    for option in range(options - 1):
        base = draw(key, Purpose.OWNERS, group + jnp.uint32(option << 12))
        coin = bernoulli_bits(base, round((1 << DENSITY_BITS) / (options - option)), DENSITY_BITS)
        chosen.append(undecided & coin)
        undecided = undecided & ~coin
    return [*chosen, undecided]


def _one_hot_words(digits: jax.Array, values: int) -> jax.Array:
    """Per value a word whose lanes tell whether their number is that value: (values, blocks).

    `digits` is (digits, blocks): per binary digit of the numbers, lowest first, a word with every lane's.
    """
    value = jnp.arange(values, dtype=jnp.uint32)[:, None]
    agrees = [digit ^ (((value >> place) & 1) - jnp.uint32(1)) for place, digit in enumerate(digits)]
    words: jax.Array = reduce(and_, agrees)
    return words
