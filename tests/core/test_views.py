"""Splitting a maze among seats: everything is known to somebody, nothing to everybody, and fairly."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import jax
import numpy as np
import pytest

from pytest_collab.core.maze import batch as maze
from pytest_collab.core.maze import grid, sampling
from pytest_collab.core.maze.generate import records
from pytest_collab.core.maze.spec import MazeRecord, MazeSpec, fixed_point

COUNT = 1024
KNOB = (0.0, 0.2, 0.5, 0.77, 1.0)
solve = jax.jit(maze.solve)


def split(spec: MazeSpec) -> tuple[maze.Maze, maze.Views, maze.Difficulty]:
    """The splits of 1024 unfiltered mazes, the unsolvable ones among them."""
    return sampling.describe_attempts(spec, maze.seed_words(range(COUNT)), np.arange(COUNT) % 40)


def seen(views: maze.Views) -> np.ndarray:
    """Bools of shape (mazes, seats, size, size)."""
    return np.asarray(jax.vmap(jax.vmap(grid.to_grid))(views.visible))


def numbered(batch: maze.Maze, cells: np.ndarray) -> np.ndarray:
    """A mask over (mazes, size, size) of the cells with these numbers."""
    size = batch.free.shape[1]
    return (np.arange(size * size) == cells[:, None]).reshape(-1, size, size)


@pytest.mark.parametrize("show_ends", [True, False])
@pytest.mark.parametrize("crossing", [None, 0.0, 0.5, 1.0])
@pytest.mark.parametrize(("size", "seats"), [(6, 2), (6, 3), (6, 4), (3, 2)])
def test_each_cell_is_visible_to_a_seat_and_hidden_from_another_in_equal_shares(
    size: int, seats: int, crossing: float | None, show_ends: bool
) -> None:
    spec = MazeSpec(size=size, walls=0.3, path=(1, 4), seats=seats, crossing=crossing, show_ends=show_ends)
    batch, views, _ = split(spec)
    visible = seen(views)
    known_to = visible.sum(axis=1)
    ends = numbered(batch, batch.start) | numbered(batch, batch.goal)
    assert (known_to[~ends] == 1).all()
    assert (known_to[ends] == (seats if show_ends else 1)).all()
    shares = np.stack([(views.owner == seat).sum(axis=(1, 2)) for seat in range(seats)])
    assert (shares.sum(axis=0) == size**2).all()
    assert (shares.max(axis=0) - shares.min(axis=0) <= 1).all()
    for seat in range(seats):
        np.testing.assert_array_equal(visible[:, seat], (views.owner == seat) | (ends & show_ends))


@pytest.mark.parametrize("show_ends", [True, False])
@pytest.mark.parametrize("seats", [2, 3, 4])
def test_crossing_sets_how_many_steps_of_the_path_pass_between_seats(seats: int, show_ends: bool) -> None:
    spec = MazeSpec(size=6, walls=0.3, path=(1, 4), seats=seats, show_ends=show_ends)
    at = [split(replace(spec, crossing=crossing))[2] for crossing in KNOB]
    steps = at[0].steps
    np.testing.assert_array_equal(steps, np.maximum(at[0].path_length - (2 if show_ends else 0), 0))
    roomy = steps + 1 <= 36 // seats  # no seat's share can run out along the path
    assert roomy.sum() > 500
    for crossing, difficulty in zip(KNOB, at, strict=True):
        wanted = [fixed_point(crossing) * int(n) + 2**15 >> 16 for n in steps[roomy]]
        assert difficulty.passes[roomy].tolist() == wanted
    for lower, higher in pairwise(at):
        assert (lower.passes <= higher.passes)[roomy].all()
    assert (at[0].passes[~roomy] < at[-1].passes[~roomy]).all()


def test_a_path_longer_than_a_share_passes_no_more_often_than_balance_demands() -> None:
    spec = MazeSpec(size=3, walls=0.3, path=(6, 6), crossing=0.0, show_ends=False)
    for record in records(spec, range(50)):
        assert record.crossing == 1 / 6  # seven cells, of which one seat can own at most five


def test_a_random_split_looks_at_no_path() -> None:
    difficulty = split(MazeSpec(size=6, walls=0.3, path=(1, 4)))[2]
    share = difficulty.passes.sum() / difficulty.steps.sum()
    # Of 36 cells 18 belong to the other seat: any two cells have different owners with probability 18/35.
    assert abs(share - 18 / 35) < 4 * 0.5 / np.sqrt(difficulty.steps.sum())


def test_seats_crossing_and_ends_split_the_same_maze() -> None:
    spec = MazeSpec(size=6, walls=0.3, path=(7, 9))
    others = [
        replace(spec, seats=3),
        replace(spec, crossing=0.5),
        replace(spec, crossing=1.0, show_ends=False),
    ]

    def of_maze(record: MazeRecord) -> tuple[object, ...]:
        return record.walls, record.start, record.goal, record.path_length, record.shortest_paths, record.dead_ends

    truth = records(spec, range(30))
    for other in others:
        made = records(other, range(30))
        assert [of_maze(record) for record in made] == [of_maze(record) for record in truth]
        assert all(mine.visible != theirs.visible for mine, theirs in zip(made, truth, strict=True))


@pytest.mark.parametrize("show_ends", [True, False])
def test_the_measured_crossing_can_be_read_off_the_views(show_ends: bool) -> None:
    spec = MazeSpec(size=6, walls=0.3, path=(7, 9), show_ends=show_ends)
    sample = sampling.sample(spec, range(40))
    paths = np.asarray(solve(sample.maze).path.cells)
    for record, cells in zip(records(spec, range(40)), paths, strict=True):
        places = [divmod(int(cell), 6) for cell in cells if cell >= 0]
        assert (places[0], places[-1]) == (record.start, record.goal)
        private = places[1:-1] if show_ends else places
        knowers = [[seat for seat in range(2) if record.sees(seat, *place)] for place in private]
        passes = [before != after for before, after in pairwise(knowers)]
        assert record.crossing == sum(passes) / len(passes)
