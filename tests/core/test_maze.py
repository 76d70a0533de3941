"""The kernels against networkx, and the promise that a seed's maze depends on nothing but the seed."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from itertools import pairwise
from pathlib import Path

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from pytest_collab.core.maze import batch as maze
from pytest_collab.core.maze import grid, planes, sampling
from pytest_collab.core.maze.generate import records
from pytest_collab.core.maze.spec import MazeRecord, MazeSpec, fixed_point
from tests.core import oracle

GOLDEN = Path(__file__).with_name("golden_mazes.txt")

generate = jax.jit(maze.generate, static_argnums=0)
solve = jax.jit(maze.solve)


def drawn(size: int, density: float, count: int, first_seed: int = 0) -> tuple[maze.Maze, maze.Solution]:
    """A batch of unfiltered mazes with their solutions, as numpy arrays."""
    seeds = maze.seed_words(range(first_seed, first_seed + count))
    batch = generate(size, seeds, np.arange(count) % 64, np.uint32(fixed_point(density)))
    return jax.tree_util.tree_map(np.asarray, (batch, solve(batch)))


@pytest.mark.parametrize(
    ("size", "density", "count"),
    [(3, 0.4, 600), (6, 0.0, 600), (6, 0.3, 600), (6, 0.5, 600), (6, 1.0, 600), (13, 0.35, 120), (32, 0.2, 6)],
)
def test_distances_solvability_and_path_counts_agree_with_networkx(size: int, density: float, count: int) -> None:
    batch, solution = drawn(size, density, count)
    solvable = 0
    for i in range(count):
        start, goal = int(batch.start[i]), int(batch.goal[i])
        truth = oracle.graph(map(int, batch.free[i]), size)
        assert start != goal
        assert {start, goal} <= set(truth)
        np.testing.assert_array_equal(solution.from_start[i], oracle.distances(truth, start, size))
        np.testing.assert_array_equal(solution.to_goal[i], oracle.distances(truth, goal, size))
        paths = oracle.count_shortest_paths(truth, start, goal)
        assert int(solution.shortest_paths[i]) == min(paths, grid.MOST_PATHS)
        assert (solution.path.length[i] >= 0) == (paths > 0)
        if paths:
            solvable += 1
            path = [int(cell) for cell in solution.path.cells[i] if cell >= 0]
            assert nx.is_simple_path(truth, path)
            assert (path[0], path[-1]) == (start, goal)
            assert len(path) - 1 == solution.path.length[i] == nx.shortest_path_length(truth, start, goal)
            on_path = {cell for cell in range(size**2) if solution.path_rows[i][cell // size] >> cell % size & 1}
            assert on_path == set(path)
    assert solvable
    assert solvable == count or density > 0


def test_the_canonical_path_goes_up_else_right_else_down_else_left() -> None:
    _, solution = drawn(6, 0.3, 600)
    for i in np.flatnonzero(solution.path.length > 0):
        distance = solution.to_goal[i].ravel()
        path = [int(cell) for cell in solution.path.cells[i] if cell >= 0]
        for here, taken in pairwise(path):
            row, column = divmod(here, 6)
            choices = [(row - 1, column), (row, column + 1), (row + 1, column), (row, column - 1)]
            on_grid = [r * 6 + c for r, c in choices if 0 <= r < 6 and 0 <= c < 6]
            assert taken == next(cell for cell in on_grid if distance[cell] == distance[here] - 1)


def test_path_counts_are_exact_up_to_the_largest_uint32_and_stay_there() -> None:
    open_rows = jnp.full((32,), 0xFFFFFFFF, jnp.uint32)
    corner = jnp.zeros((32,), jnp.uint32).at[0].set(1)
    counts = np.asarray(jax.jit(grid.count_shortest_paths)(grid.distances(open_rows, corner)), dtype=object)
    truth = [[1] * 32]
    for _ in range(31):
        row = [1]
        for above in truth[-1][1:]:
            row.append(row[-1] + above)
        truth.append(row)
    expected = [[min(paths, grid.MOST_PATHS) for paths in row] for row in truth]
    assert truth[-1][-1] > grid.MOST_PATHS
    assert counts.tolist() == expected


@pytest.mark.slow
@pytest.mark.parametrize("seats", [2, 3])
def test_the_fast_path_makes_the_same_mazes_splits_and_lengths_as_the_slow_one(seats: int) -> None:
    size, blocks = 6, 20
    seeds = maze.seed_words(range(7, 7 + blocks))
    threshold = np.uint32(fixed_point(0.3))
    fast, owners, length = maze.generate_split_and_solve(
        size, seats, seeds, np.arange(blocks, dtype=np.uint32), threshold
    )
    attempts = (np.arange(blocks)[:, None] * 32 + np.arange(32)).ravel()
    spec = MazeSpec(size, 0.3, path=(1, 9), seats=seats)
    slow, views, difficulty = sampling.describe_attempts(spec, np.repeat(seeds, 32, axis=1), attempts)

    def cells(plane: jax.Array) -> np.ndarray:
        """From (size, size, blocks) to bools of (mazes, size, size), lane by lane."""
        bits = np.asarray(plane)[..., None] >> np.arange(32, dtype=np.uint32) & 1
        return np.moveaxis(bits.reshape(size, size, -1), -1, 0).astype(bool)

    rows = np.asarray(slow.free)[..., None] >> np.arange(size, dtype=np.uint32) & 1
    np.testing.assert_array_equal(cells(fast.free), rows.astype(bool))
    by_lane = np.asarray(planes.rows_of(fast.free))
    np.testing.assert_array_equal(np.moveaxis(by_lane, 2, 0).reshape(-1, size), slow.free)
    for plane, number in ((fast.start, slow.start), (fast.goal, slow.goal)):
        assert (cells(plane).sum(axis=(1, 2)) == 1).all()
        np.testing.assert_array_equal(cells(plane).reshape(-1, 36).argmax(axis=1), number)
    for seat in range(seats):
        np.testing.assert_array_equal(cells(owners[seat]), np.asarray(views.owner) == seat)
    np.testing.assert_array_equal(np.asarray(length).T.ravel(), difficulty.path_length)


def test_search_finds_exactly_the_attempts_whose_path_is_in_the_window() -> None:
    seeds, blocks = maze.seed_words(range(40)), np.arange(40, dtype=np.uint32)
    threshold = np.uint32(fixed_point(0.3))
    _, _, length = maze.generate_split_and_solve(6, 2, seeds, blocks, threshold)
    for lo, hi in ((1, 1), (7, 9), (4, 23)):
        found = maze.search(6, seeds, blocks, threshold, np.int32(lo), np.int32(hi))
        bits = np.asarray(found)[None] >> np.arange(32, dtype=np.uint32)[:, None] & 1
        np.testing.assert_array_equal(bits.astype(bool), (np.asarray(length) >= lo) & (np.asarray(length) <= hi))


def test_the_kernels_give_the_same_under_vmap_and_with_a_static_or_a_traced_density() -> None:
    seeds, attempts = maze.seed_words(range(8)), np.arange(8)
    static = partial(maze.generate, 6, threshold=fixed_point(0.3))
    batch = jax.jit(static)(seeds, attempts)
    one = jax.vmap(lambda seed, attempt: static(seed[:, None], attempt[None]), in_axes=(1, 0))
    one_by_one = jax.tree_util.tree_map(lambda array: array[:, 0], jax.jit(one)(seeds, attempts))
    traced = generate(6, seeds, attempts, np.uint32(fixed_point(0.3)))
    for other in (one_by_one, traced):
        for mine, theirs in zip(batch, other, strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("seats", [2, 3])
def test_a_seeds_maze_does_not_depend_on_the_batch_it_was_made_in(seats: int) -> None:
    spec = MazeSpec(size=6, walls=0.3, path=(7, 9), seats=seats, crossing=0.5)
    seeds = [*range(1100), 2**64 - 1]  # more than one chunk
    together = records(spec, seeds)
    backwards = records(spec, seeds[::-1])
    alone = [record for seed in (0, 5, 1099, 2**64 - 1) for record in records(spec, [seed])]
    assert [record.seed for record in together] == seeds
    assert together == backwards[::-1]
    assert alone == [together[i] for i in (0, 5, 1099, 1100)]


def test_the_maze_of_a_seed_is_its_first_attempt_in_the_windows() -> None:
    spec = MazeSpec(size=6, walls=0.3, path=(7, 9), dead_ends=(2, 3), shortest_paths=(1, 1))
    sample = sampling.sample(spec, range(20))
    for i in range(20):
        attempts = np.arange(sample.attempt[i] + 1)
        seeds = np.repeat(maze.seed_words([i]), attempts.size, axis=1)
        _, _, tried = sampling.describe_attempts(spec, seeds, attempts)
        fits = (
            (tried.path_length >= 7)
            & (tried.path_length <= 9)
            & (tried.dead_ends >= 2)
            & (tried.dead_ends <= 3)
            & (tried.shortest_paths == 1)
        )
        assert np.flatnonzero(fits).tolist() == [sample.attempt[i]]


@pytest.mark.slow
def test_windows_are_exact_and_measures_agree_with_networkx() -> None:
    spec = MazeSpec(size=13, walls=0.35, path=(18, 20), dead_ends=(1, 6), shortest_paths=(2, 9))
    made = records(spec, range(60))
    assert len(made) == 60
    for record in made:
        truth = oracle.graph((~bits & (1 << 13) - 1 for bits in record.walls), 13)
        start, goal = (row * 13 + column for row, column in (record.start, record.goal))
        assert 18 <= record.path_length == nx.shortest_path_length(truth, start, goal) <= 20
        assert 2 <= record.shortest_paths == oracle.count_shortest_paths(truth, start, goal) <= 9
        assert 1 <= record.dead_ends <= 6


def test_dead_ends_are_counted_near_the_canonical_path() -> None:
    count = 120
    spec = MazeSpec(size=13, walls=0.35, path=(1, 9))
    batch, _, difficulty = sampling.describe_attempts(spec, maze.seed_words(range(count)), np.zeros(count, np.int64))
    solution = jax.tree_util.tree_map(np.asarray, solve(batch))
    for i in np.flatnonzero(np.asarray(difficulty.path_length) >= 0):
        truth = oracle.graph(map(int, batch.free[i]), 13)
        path = [int(cell) for cell in solution.path.cells[i] if cell >= 0]
        assert difficulty.dead_ends[i] == oracle.dead_ends_near(truth, path, grid.NEAR_PATH)


def test_a_window_that_is_never_met_is_reported_per_seed() -> None:
    spec = MazeSpec(size=6, walls=0.3, path=(22, 23))
    sample = sampling.sample(spec, range(5), max_attempts=64)
    assert sample.attempt.tolist() == [-1] * 5
    assert records(spec, range(5), max_attempts=64) == []


@pytest.mark.slow
def test_the_extremes_of_size_and_density_work() -> None:
    for spec in (
        MazeSpec(size=3, walls=0.0, path=(4, 4)),
        MazeSpec(size=3, walls=1.0, path=(1, 1)),
        MazeSpec(size=32, walls=0.3, path=(60, 65), seats=4),
    ):
        (record,) = records(spec, [2**63])
        assert spec.path[0] <= record.path_length <= spec.path[1]


@pytest.mark.slow
def test_the_mazes_of_known_seeds_never_change() -> None:
    """Golden data: whoever changes the algorithm on purpose raises ALGORITHM_VERSION and writes it anew."""
    assert GOLDEN.read_text() == "".join(
        drawing(spec, record) for spec in GOLDEN_SPECS for record in records(spec, GOLDEN_SEEDS)
    )


GOLDEN_SEEDS = [0, 1, 2**64 - 1]
GOLDEN_SPECS = [
    MazeSpec(size=6, walls=0.3, path=(7, 9)),
    MazeSpec(size=6, walls=0.3, path=(7, 9), seats=3, crossing=0.5, show_ends=False),
    MazeSpec(size=13, walls=0.35, path=(20, 25), crossing=0.0, shortest_paths=(1, 2)),
]


def drawing(spec: MazeSpec, record: MazeRecord) -> str:
    """The maze and each seat's share of it side by side, `#` wall, `@` start, `*` goal, `?` hidden."""

    def cell(row: int, column: int) -> str:
        ends = {record.start: "@", record.goal: "*"}
        return ends.get((row, column), "#" if record.is_wall(row, column) else ".")

    asked = {field.name: getattr(spec, field.name) for field in fields(spec)}
    asked = {name: value for name, value in asked.items() if value is not None}
    lines = [f"{asked}", f"{record.seed=} {record.path_length=} {record.shortest_paths=} {record.dead_ends=}"]
    for row in range(record.size):
        whole = "".join(cell(row, column) for column in range(record.size))
        views = [
            "".join(cell(row, column) if record.sees(seat, row, column) else "?" for column in range(record.size))
            for seat in range(spec.seats)
        ]
        lines.append("  ".join([whole, *views]))
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    GOLDEN.write_text(
        "".join(drawing(spec, record) for spec in GOLDEN_SPECS for record in records(spec, GOLDEN_SEEDS))
    )
