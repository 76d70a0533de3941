"""Batches of mazes: generate, solve, split among seats, measure, and search for a path of the right length.

A maze is a pure function of (seed, attempt, size, wall density), its split of these and of what is asked
of the split, so that nothing depends on batch, device or version of JAX. Attempts are made 32 at a time
(see `planes`); `sampling` picks among them.

All functions are pure and may be jitted and vmapped; sizes and numbers of seats are static. JAX's own
configuration decides the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from pytest_collab.core.maze import grid, planes, views
from pytest_collab.core.maze.planes import LANES, UNPINNED, Pins
from pytest_collab.core.maze.rng import Key
from pytest_collab.core.maze.spec import check_seeds


class Maze(NamedTuple):
    """A batch of B mazes. Cells are numbered row by row.

    Attributes:
        free: uint32 (B, size), rows of bits of the cells that are no walls.
        start: int32 (B,), cell number.
        goal: int32 (B,), cell number, never equal to `start`.
    """

    free: jax.Array
    start: jax.Array
    goal: jax.Array


class Solution(NamedTuple):
    """What a search from both ends finds.

    Attributes:
        from_start: int32 (B, size, size), moves from start, -1 where no path leads.
        to_goal: int32 (B, size, size), moves to the goal, -1 where no path leads.
        shortest_paths: uint32 (B,), how many shortest paths there are; 0 if unsolvable, exact below 2^32 - 1.
        path: the canonical shortest path; see `grid.Path`.
        path_rows: uint32 (B, size), the cells on it.
    """

    from_start: jax.Array
    to_goal: jax.Array
    shortest_paths: jax.Array
    path: grid.Path
    path_rows: jax.Array


class Views(NamedTuple):
    """Who knows what.

    Attributes:
        owner: int32 (B, size, size), the seat, counted from 0, that each cell was dealt to.
        visible: uint32 (B, seats, size), rows of the cells whose content each seat knows.
    """

    owner: jax.Array
    visible: jax.Array


class Difficulty(NamedTuple):
    """How hard a maze is to solve together; int32 (B,), `shortest_paths` uint32.

    Attributes:
        path_length: moves of a shortest path, -1 if unsolvable.
        shortest_paths: how many there are.
        passes: steps along the canonical path at which the next cell is known to another seat.
        steps: steps along it between cells that not everybody knows; passes / steps is the crossing.
        dead_ends: dead ends within `grid.NEAR_PATH` moves of it.
    """

    path_length: jax.Array
    shortest_paths: jax.Array
    passes: jax.Array
    steps: jax.Array
    dead_ends: jax.Array


def seed_words(seeds: Sequence[int]) -> np.ndarray:
    """Seeds, 0 to 2^64 - 1, as the uint32 array of shape (2, B) that the kernels take.

    Raises:
        TaskError: a seed is out of range.
    """
    check_seeds(seeds)
    whole = np.array([int(seed) for seed in seeds], dtype=np.uint64)
    return np.stack([whole & np.uint64(0xFFFFFFFF), whole >> np.uint64(32)]).astype(np.uint32)


def generate(
    size: int, seeds: jax.Array, attempts: jax.Array, threshold: int | jax.Array, pins: Pins = UNPINNED
) -> Maze:
    """One maze per (seed, attempt), solvable or not.

    Args:
        size: cells along each side.
        seeds: uint32 (2, B), see `seed_words`.
        attempts: int32 or uint32 (B,).
        threshold: wall density in units of 2^-16, 0 to 2^16.
        pins: static; see `planes.generate`.
    """
    blocks, lane = _block_and_lane(attempts)
    drawn = planes.generate(size, planes.block_keys(seeds, blocks), threshold, pins)
    free, start, goal = (jnp.moveaxis(planes.lane_of(plane, lane), -1, 0) for plane in drawn)
    number = jnp.arange(size * size, dtype=jnp.int32).reshape(size, size)

    def cell(plane: jax.Array) -> jax.Array:
        return jnp.sum(jnp.where(plane, number, 0), axis=(1, 2), dtype=jnp.int32)

    return Maze(jax.vmap(grid.to_rows)(free), cell(start), cell(goal))


def solve(maze: Maze) -> Solution:
    """Search from both ends, count shortest paths, and follow the canonical one."""

    def solve_one(free: jax.Array, start: jax.Array, goal: jax.Array) -> Solution:
        size = free.shape[0]
        from_start = grid.distances(free, grid.cell_rows(start, size))
        to_goal = grid.distances(free, grid.cell_rows(goal, size))
        counts = grid.count_shortest_paths(from_start)
        path = grid.canonical_path(to_goal, start)
        rows = grid.to_rows(grid.path_grid(path, size) >= 0)
        return Solution(from_start, to_goal, counts.reshape(-1)[goal], path, rows)

    return jax.vmap(solve_one)(*maze)


def split(
    maze: Maze,
    solution: Solution,
    seats: int,
    seeds: jax.Array,
    attempts: jax.Array,
    crossing: int | jax.Array,
    show_ends: bool | jax.Array,
) -> Views:
    """Deal the cells of each maze to the seats.

    Args:
        maze: B mazes.
        solution: what `solve` says of them.
        seats: 2 to 4.
        seeds: uint32 (2, B), as in `generate`.
        attempts: (B,), as in `generate`.
        crossing: in units of 2^-16 (see `MazeSpec`), or -1 to split without a look at the path.
        show_ends: whether every seat sees start and goal.
    """
    size = maze.free.shape[1]
    blocks, lane = _block_and_lane(attempts)
    keys = planes.block_keys(seeds, blocks)
    crossing, show_ends = jnp.asarray(crossing, jnp.int32), jnp.asarray(show_ends, bool)

    dealt = planes.lane_of(planes.owners(size, seats, keys), lane)
    at_random = jnp.moveaxis(jnp.argmax(dealt, axis=0), -1, 0).astype(jnp.int32)

    def along(path: grid.Path, left: jax.Array, right: jax.Array, lane: jax.Array) -> jax.Array:
        owner = views.owners_along_path(path, Key(left, right), lane, seats, crossing, show_ends)
        return owner.reshape(size, size)

    on_purpose = jax.vmap(along)(solution.path, *keys, lane)
    owner = jnp.where(crossing < 0, at_random, on_purpose)

    def seen(owner: jax.Array, start: jax.Array, goal: jax.Array) -> jax.Array:
        ends = grid.cell_rows(start, size) | grid.cell_rows(goal, size)
        shown = jnp.where(show_ends, ends, jnp.uint32(0))
        return jnp.stack([grid.to_rows(owner == seat) | shown for seat in range(seats)])

    return Views(owner, jax.vmap(seen)(owner, maze.start, maze.goal))


def measure(maze: Maze, solution: Solution, split_: Views, show_ends: bool | jax.Array) -> Difficulty:
    """How hard the mazes are, split like this."""
    show_ends = jnp.asarray(show_ends, bool)

    def measure_one(maze: Maze, solution: Solution, owner: jax.Array) -> Difficulty:
        size = maze.free.shape[0]
        ends = grid.cell_rows(maze.start, size) | grid.cell_rows(maze.goal, size)
        passes, steps = views.count_passes(owner.reshape(-1), solution.path, show_ends)
        dead_ends = grid.dead_ends_near_path(maze.free, solution.path_rows, ends)
        return Difficulty(solution.path.length, solution.shortest_paths, passes, steps, dead_ends)

    return jax.vmap(measure_one)(maze, solution, split_.owner)


@partial(jax.jit, static_argnums=(0, 1), static_argnames="pins")
def describe(
    size: int,
    seats: int,
    seeds: jax.Array,
    attempts: jax.Array,
    threshold: jax.Array,
    crossing: jax.Array,
    show_ends: jax.Array,
    *,
    pins: Pins = UNPINNED,
) -> tuple[Maze, Views, Difficulty]:
    """`generate`, `solve`, `split` and `measure` in one; see there."""
    maze = generate(size, seeds, attempts, threshold, pins)
    solution = solve(maze)
    dealt = split(maze, solution, seats, seeds, attempts, crossing, show_ends)
    return maze, dealt, measure(maze, solution, dealt, show_ends)


@partial(jax.jit, static_argnums=0, static_argnames="pins")
def search(
    size: int,
    seeds: jax.Array,
    blocks: jax.Array,
    threshold: jax.Array,
    lo: jax.Array,
    hi: jax.Array,
    *,
    pins: Pins = UNPINNED,
) -> jax.Array:
    """Which attempts have a shortest path of lo to hi moves.

    Args:
        size: cells along each side.
        seeds: uint32 (2, B).
        blocks: uint32 (B,); block b holds attempts 32 b to 32 b + 31.
        threshold: wall density in units of 2^-16.
        lo, hi: the window, lo >= 1.

    Returns:
        uint32 (B,): bit l speaks of attempt 32 b + l.
    """
    drawn = planes.generate(size, planes.block_keys(seeds, blocks), threshold, pins)
    return planes.in_window(drawn, lo, hi)


@partial(jax.jit, static_argnums=0, static_argnames="pins")
def generate_and_solve(
    size: int, seeds: jax.Array, blocks: jax.Array, threshold: jax.Array, *, pins: Pins = UNPINNED
) -> jax.Array:
    """Moves from start to goal of whole blocks of mazes: int32 (32, B); see `generate_split_and_solve`."""
    return planes.path_lengths(planes.generate(size, planes.block_keys(seeds, blocks), threshold, pins))


@partial(jax.jit, static_argnums=(0, 1))
def generate_split_and_solve(
    size: int, seats: int, seeds: jax.Array, blocks: jax.Array, threshold: jax.Array
) -> tuple[planes.MazePlanes, jax.Array, jax.Array]:
    """Whole blocks of mazes at full speed, in planes, as data for training or statistics.

    Args:
        size: cells along each side.
        seats: 2 to 4.
        seeds: uint32 (2, B).
        blocks: uint32 (B,).
        threshold: wall density in units of 2^-16.

    Returns:
        The mazes; the cells' owners, split at random, as planes of shape (seats, size, size, B); and
        the moves from start to goal, int32 (32, B), -1 where there is no path. Lane l of block b is
        attempt 32 b + l, the same maze with the same owners as from `describe` with crossing -1.
    """
    keys = planes.block_keys(seeds, blocks)
    drawn = planes.generate(size, keys, threshold)
    return drawn, planes.owners(size, seats, keys), planes.path_lengths(drawn)


def _block_and_lane(attempts: jax.Array) -> tuple[jax.Array, jax.Array]:
    attempts = jnp.asarray(attempts)
    return (attempts // LANES).astype(jnp.uint32), (attempts % LANES).astype(jnp.int32)
