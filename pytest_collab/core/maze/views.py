"""Who knows what: splitting one maze among seats along its path. `jax.vmap` makes batches.

Each cell is owned by exactly one seat, and the seats' shares differ by at most one cell. A seat sees the
cells that it owns, and start and goal besides if the ends are shown to all. So, the ends apart, each
cell's content is visible to one seat and hidden from every other.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from pytest_collab.core.maze.grid import Path
from pytest_collab.core.maze.planes import cell_ranks
from pytest_collab.core.maze.rng import Key, Purpose, below, draw
from pytest_collab.core.maze.spec import DENSITY_BITS


def owners_along_path(
    path: Path, lanes: Key, lane: jax.Array, seats: int, crossing: jax.Array, show_ends: jax.Array
) -> jax.Array:
    """A balanced split in which a given share of the steps along the path passes between seats.

    The steps that pass are a uniformly random choice of the right number of steps. A seat whose share is
    used up hands on to the seat with most left, so that balance wins where the two conflict (a path
    longer than a seat's share, and a low `crossing`). Cells off the path are dealt at random.

    Args:
        path: the canonical shortest path of the maze.
        lanes: the key of the block that the maze came from; scalars.
        lane: the lane within the block, int32 scalar.
        seats: how many.
        crossing: the share of steps in units of 2^-16, int32 scalar.
        show_ends: bool scalar; if set, the path's first and last cell count as off the path.

    Returns:
        int32 of shape (size^2,): the owner of each cell, a seat counted from 0.
    """
    cells = path.cells.shape[0]
    index = jnp.arange(cells, dtype=jnp.int32)
    private = private_cells(path, show_ends)
    on_path = jnp.sum(private >= 0, dtype=jnp.int32)
    steps = jnp.maximum(on_path - 1, 0)
    passes = (crossing * steps + (1 << (DENSITY_BITS - 1))) >> DENSITY_BITS

    def draws(purpose: Purpose) -> jax.Array:
        return draw(lanes, purpose, index + (lane << 11))

    chance = jnp.where(index < steps, draws(Purpose.PATH_STEPS) >> 1, jnp.uint32(0xFFFFFFFF))
    passing = (cell_ranks(chance).astype(jnp.int32) < passes) & (index < steps)
    others = draws(Purpose.PATH_OWNERS)
    jump = jnp.where(passing, 1 + below(others, seats - 1).astype(jnp.int32), 0)
    extra = draw(lanes, Purpose.PATH_OWNERS, cells + jnp.arange(2, dtype=jnp.int32) + (lane << 11))
    first_seat, first_extra = (below(word, seats).astype(jnp.int32) for word in extra)

    seat_numbers = jnp.arange(seats, dtype=jnp.int32)
    share = cells // seats + ((seat_numbers - first_extra) % seats < cells % seats).astype(jnp.int32)

    def deal(place: jax.Array, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        wanted, left, owner_of = state
        owner = jnp.where(left[wanted] > 0, wanted, jnp.argmax(left).astype(jnp.int32))
        owner_of = owner_of.at[private[place]].set(owner)
        return (owner + jump[place]) % seats, left.at[owner].add(-1), owner_of

    nobody = jnp.full((cells,), -1, jnp.int32)
    _, left, owner_of = lax.fori_loop(0, on_path, deal, (first_seat, share, nobody))

    chance = jnp.where(owner_of < 0, draws(Purpose.RANKS) >> 1, jnp.uint32(0xFFFFFFFF))
    rank = cell_ranks(chance).astype(jnp.int32)
    dealt = jnp.sum(rank[:, None] >= jnp.cumsum(left)[None, :-1], axis=1, dtype=jnp.int32)
    return jnp.where(owner_of < 0, dealt, owner_of)


def private_cells(path: Path, show_ends: jax.Array) -> jax.Array:
    """The cells on the path that not everybody knows, in order: int32 of shape (size^2,), padded with -1."""
    cells = path.cells
    inner = jnp.concatenate([cells[1:], jnp.full((1,), -1, jnp.int32)])
    inner = jnp.where(jnp.arange(cells.shape[0]) < path.length - 1, inner, -1)
    return jnp.where(show_ends, inner, cells)


def count_passes(owner_of: jax.Array, path: Path, show_ends: jax.Array) -> tuple[jax.Array, jax.Array]:
    """How often knowledge of the path passes between seats, and out of how many steps: int32 scalars."""
    private = private_cells(path, show_ends)
    owner = jnp.where(private >= 0, owner_of[private], -1)
    between = (private[:-1] >= 0) & (private[1:] >= 0)
    passes = jnp.sum(between & (owner[:-1] != owner[1:]), dtype=jnp.int32)
    return passes, jnp.sum(between, dtype=jnp.int32)
