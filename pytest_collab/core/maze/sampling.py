"""Rejection sampling: the maze of a seed is its first attempt, counted from 0, within all windows of a spec.

Attempts are tested for their path length in planes, 32 to a word; only those that pass are looked at
one by one. How they are grouped into calls changes nothing but the speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from pytest_collab.core.maze.batch import Difficulty, Maze, Views, describe, generate_and_solve, search, seed_words
from pytest_collab.core.maze.planes import LANES
from pytest_collab.core.maze.spec import MAX_ATTEMPTS, MazeSpec, fixed_point, longest_path

_BLOCKS_AT_ONCE, _MAZES_AT_ONCE = 1024, 256
"""How much is given to a kernel in one call: one shape each, so that it is compiled once per size."""


class Sample(NamedTuple):
    """The mazes of B seeds, as numpy arrays. Where `attempt` is -1 none was found, and the rest is void."""

    attempt: np.ndarray
    maze: Maze
    views: Views
    difficulty: Difficulty


def sample(spec: MazeSpec, seeds: Sequence[int], max_attempts: int = MAX_ATTEMPTS) -> Sample:
    """The maze of each seed: its first attempt within all windows of the spec.

    Args:
        spec: what is asked for.
        seeds: any number, in any order; repeats are allowed.
        max_attempts: per seed; rounded up to whole blocks of 32.

    Returns:
        One entry per seed, in the order given; `attempt` is -1 where every attempt failed.

    Raises:
        TaskError: a seed is out of range.
    """
    words = seed_words(seeds)
    count = len(seeds)
    last_block = -(-max_attempts // LANES)
    attempt = np.full(count, -1, np.int64)
    pending = np.arange(count)
    next_block = 0
    while pending.size and next_block < last_block:
        # The fewer seeds are left, the more attempts of each are made in one round.
        blocks = min(max(_BLOCKS_AT_ONCE // pending.size, 1), last_block - next_block)
        for some in np.array_split(pending, -(-pending.size // _BLOCKS_AT_ONCE)):
            owner = np.repeat(some, blocks)
            block = np.tile(np.arange(next_block, next_block + blocks), some.size)
            candidates, found = _candidates(spec, words, owner, block)
            candidates, found = _first_within(spec, words, candidates, found)
            attempt[candidates] = found
        pending = pending[attempt[pending] < 0]
        next_block += blocks
    return Sample(attempt, *describe_attempts(spec, words, np.maximum(attempt, 0)))


def path_length_histogram(spec: MazeSpec, seeds: Sequence[int]) -> np.ndarray:
    """How often each path length came up in the first 32 attempts of each seed.

    Entry 0 counts unsolvable mazes. What a user is told whose window was not met.
    """
    words = seed_words(seeds)
    blocks = np.zeros(len(seeds), np.uint32)
    threshold = np.uint32(fixed_point(spec.walls))
    length = generate_and_solve(spec.size, words, blocks, threshold, pins=spec.pins)
    return np.bincount(np.maximum(np.asarray(length).ravel(), 0))


def _candidates(
    spec: MazeSpec, words: np.ndarray, owner: np.ndarray, block: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The attempts among these blocks whose path is in the window: their seeds' indices, their numbers."""
    lo, hi = spec.path[0], min(spec.path[1], longest_path(spec.size, spec.walls))
    padding = (0, _BLOCKS_AT_ONCE - owner.size)
    accepted = search(
        spec.size,
        np.pad(words[:, owner], ((0, 0), padding)),
        np.pad(block.astype(np.uint32), padding),
        np.uint32(fixed_point(spec.walls)),
        np.int32(lo),
        np.int32(hi),
        pins=spec.pins,
    )
    lanes = np.arange(LANES, dtype=np.uint32)
    which, lane = np.nonzero(np.asarray(accepted)[: owner.size, None] >> lanes & 1)
    return owner[which], block[which] * LANES + lane


def _first_within(
    spec: MazeSpec, words: np.ndarray, owner: np.ndarray, attempt: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of each seed the first candidate that is in the other windows, too; candidates come in order."""
    if spec.dead_ends or spec.shortest_paths:
        _, _, difficulty = describe_attempts(spec, words[:, owner], attempt)
        fits = np.ones(attempt.size, bool)
        for window, value in (
            (spec.dead_ends, difficulty.dead_ends),
            (spec.shortest_paths, difficulty.shortest_paths),
        ):
            if window:
                fits &= (value >= window[0]) & (value <= window[1])
        owner, attempt = owner[fits], attempt[fits]
    first_owner, first = np.unique(owner, return_index=True)
    return first_owner, attempt[first]


def describe_attempts(spec: MazeSpec, words: np.ndarray, attempts: np.ndarray) -> tuple[Maze, Views, Difficulty]:
    """`describe` any number of attempts in chunks of one shape, so that it is compiled once.

    Args:
        spec: size, walls, seats, crossing and show_ends are used.
        words: uint32 (2, B), see `seed_words`.
        attempts: integers (B,).

    Returns:
        As numpy arrays: the mazes, in the windows of the spec or not, their views and their difficulty.
    """
    crossing = -1 if spec.crossing is None else fixed_point(spec.crossing)
    parts = []
    for begin in range(0, max(attempts.size, 1), _MAZES_AT_ONCE):
        some = attempts[begin : begin + _MAZES_AT_ONCE]
        padding = (0, _MAZES_AT_ONCE - some.size)
        part = describe(
            spec.size,
            spec.seats,
            np.pad(words[:, begin : begin + _MAZES_AT_ONCE], ((0, 0), padding)),
            np.pad(some.astype(np.int32), padding),
            np.uint32(fixed_point(spec.walls)),
            np.int32(crossing),
            np.bool_(spec.show_ends),
            pins=spec.pins,
        )
        parts.append(jax.tree_util.tree_map(lambda array, n=some.size: np.asarray(array)[:n], part))
    whole: tuple[Maze, Views, Difficulty] = jax.tree_util.tree_map(lambda *pieces: np.concatenate(pieces), *parts)
    return whole
