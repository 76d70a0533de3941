"""One maze as rows of bits: distances, shortest paths and dead ends. `jax.vmap` makes batches.

`rows` is a uint32 array of shape (size,): bit `column` of word `row` stands for one cell. A *grid* is an
array of shape (size, size). Cell numbers count row by row: cell = row * size + column.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

NEAR_PATH = 3
"""A dead end counts as near the path if at most this many moves separate the two."""

_Wave = tuple[jax.Array, jax.Array, jax.Array, jax.Array]

MOST_PATHS = 2**32 - 1
"""Where the count of shortest paths stays once it gets there."""


class Path(NamedTuple):
    """The canonical shortest path: the one that goes up where it can, else right, else down, else left.

    Attributes:
        cells: int32 of shape (size^2,): cell numbers from start to goal, then -1; all -1 if unsolvable.
        length: int32 scalar, moves from start to goal; -1 if unsolvable.
    """

    cells: jax.Array
    length: jax.Array


def to_grid(rows: jax.Array) -> jax.Array:
    """Bits to bools of shape (size, size)."""
    return ((rows[:, None] >> jnp.arange(rows.shape[0], dtype=jnp.uint32)) & 1).astype(bool)


def to_rows(grid: jax.Array) -> jax.Array:
    """Bools of shape (size, size) to bits; the inverse of `to_grid`."""
    places = jnp.arange(grid.shape[0], dtype=jnp.uint32)
    return jnp.sum(grid.astype(jnp.uint32) << places, axis=1, dtype=jnp.uint32)


def cell_rows(cell: jax.Array, size: int) -> jax.Array:
    """Rows with one cell set, given by its number."""
    row, column = cell // size, cell % size
    here = jnp.arange(size, dtype=jnp.int32) == row
    return jnp.where(here, jnp.uint32(1) << column.astype(jnp.uint32), jnp.uint32(0))


def spread(rows: jax.Array, free: jax.Array) -> jax.Array:
    """The cells given and their neighbours, as far as they are free; all as rows."""
    nothing = jnp.zeros_like(rows[:1])
    above, below = jnp.concatenate([nothing, rows[:-1]]), jnp.concatenate([rows[1:], nothing])
    return (rows | above | below | (rows << 1) | (rows >> 1)) & free


def distances(free: jax.Array, source: jax.Array) -> jax.Array:
    """Moves from the nearest source cell to every cell: an int32 grid, -1 at walls and where none leads.

    Args:
        free: rows of the cells that may be entered.
        source: rows of the cells to start from.
    """

    def advance(state: _Wave) -> _Wave:
        reached, moves, grid, _ = state
        further = spread(reached, free)
        new = further & ~reached
        return further, moves + 1, jnp.where(to_grid(new), moves + 1, grid), jnp.any(new != 0)

    source = source & free
    at_source = jnp.where(to_grid(source), jnp.int32(0), jnp.int32(-1))
    state = (source, jnp.int32(0), at_source, jnp.any(source != 0))
    moves: jax.Array = lax.while_loop(lambda state: state[3], advance, state)[2]
    return moves


def count_shortest_paths(from_source: jax.Array) -> jax.Array:
    """How many shortest paths lead from the source to every cell.

    Args:
        from_source: an int32 grid as `distances` returns it.

    Returns:
        A uint32 grid, 0 where no path leads. Exact below 2^32 - 1, where the count stays.
    """

    def advance(moves: jax.Array, counts: jax.Array) -> jax.Array:
        last = jnp.pad(jnp.where(from_source == moves - 1, counts, 0), 1)
        total = _saturating_sum(last[:-2, 1:-1], last[2:, 1:-1], last[1:-1, :-2], last[1:-1, 2:])
        return jnp.where(from_source == moves, total, counts)

    at_source = (from_source == 0).astype(jnp.uint32)
    counts: jax.Array = lax.fori_loop(1, jnp.max(from_source) + 1, advance, at_source)
    return counts


def canonical_path(to_goal: jax.Array, start: jax.Array) -> Path:
    """Follow the distances to the goal down from the cell number `start`; see `Path` for ties."""
    size = to_goal.shape[0]
    padded = jnp.pad(to_goal, 1, constant_values=-1)
    # Up, right, down, left, in the padded grid whose rows are two cells longer.
    offsets = jnp.array([-(size + 2), 1, size + 2, -1], jnp.int32)
    flat = padded.reshape(-1)
    length = flat[(start // size + 1) * (size + 2) + start % size + 1]

    def advance(move: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        here, cells = state
        row, column = here // (size + 2) - 1, here % (size + 2) - 1
        cells = cells.at[move].set(row * size + column)
        nearer = flat[here + offsets] == length - move - 1
        return here + offsets[jnp.argmax(nearer)], cells

    start_padded = (start // size + 1) * (size + 2) + start % size + 1
    nowhere = jnp.full((size * size,), -1, jnp.int32)
    return Path(lax.fori_loop(0, length + 1, advance, (start_padded.astype(jnp.int32), nowhere))[1], length)


def path_grid(path: Path, size: int) -> jax.Array:
    """The moves from start at which the path visits each cell: an int32 grid, -1 off the path."""
    moves = jnp.arange(size * size, dtype=jnp.int32)
    # Padding entries (-1) are sent past the end, where mode="drop" discards them.
    where = jnp.where(path.cells >= 0, path.cells, size * size)
    return jnp.full((size * size,), -1, jnp.int32).at[where].set(moves, mode="drop").reshape(size, size)


def dead_ends_near_path(free: jax.Array, path: jax.Array, ends: jax.Array) -> jax.Array:
    """How many dead ends lie within `NEAR_PATH` moves of the path: int32 scalar.

    A dead end is a free cell with exactly one free neighbour that is neither start nor goal. Every
    wrong turn that a traveller can take without walking in a circle ends in one.

    Args:
        free: rows of the free cells.
        path: rows of the cells on the path.
        ends: rows with start and goal set.
    """
    near = path & free
    for _ in range(NEAR_PATH):
        near = spread(near, free)
    open_cells = jnp.pad(to_grid(free), 1).astype(jnp.int32)
    ways = open_cells[:-2, 1:-1] + open_cells[2:, 1:-1] + open_cells[1:-1, :-2] + open_cells[1:-1, 2:]
    return jnp.sum(to_grid(near & ~ends) & (ways == 1), dtype=jnp.int32)


def _saturating_sum(*counts: jax.Array) -> jax.Array:
    total = counts[0]
    for count in counts[1:]:
        wrapped = total + count
        total = jnp.where(wrapped < count, jnp.uint32(MOST_PATHS), wrapped)
    return total
