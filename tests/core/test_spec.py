"""What may be asked for, and which windows can be refused without a search."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.core.maze.spec import MazeSpec, longest_path, window_is_possible
from pytest_collab.errors import TaskError

GOOD = {"size": 6, "walls": 0.3, "path": (7, 9)}


def longest_induced_path(size: int) -> int:
    """By trying all: moves of the longest path none of whose cells touches another but its neighbours on it."""
    neighbours = {
        (row, column): [
            (r, c)
            for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
            if 0 <= r < size and 0 <= c < size
        ]
        for row in range(size)
        for column in range(size)
    }

    def extend(path: list[tuple[int, int]], closed: frozenset[tuple[int, int]]) -> int:
        here = path[-1]
        return max(
            (
                extend([*path, cell], closed | set(neighbours[here]) | {here})
                for cell in neighbours[here]
                if cell not in closed
            ),
            default=len(path) - 1,
        )

    return max(extend([cell], frozenset([cell])) for cell in neighbours)


@pytest.mark.parametrize("size", [3, 4, 5])
def test_no_path_is_longer_than_the_bound(size: int) -> None:
    longest = longest_induced_path(size)
    assert longest <= longest_path(size, 0.3) <= longest + size
    assert window_is_possible(size, 0.3, longest, longest)


@given(size=st.integers(3, 32))
def test_a_serpentine_fits_under_the_bound(size: int) -> None:
    lanes, gaps = (size + 1) // 2, (size - 1) // 2
    assert lanes * size + gaps - 1 <= longest_path(size, 0.5) < size * size


@given(size=st.integers(3, 32), walls=st.floats(0, 1), lo=st.integers(-3, 900), hi=st.integers(-3, 900))
def test_a_window_is_possible_just_where_a_path_of_the_bound_could_lie(
    size: int, walls: float, lo: int, hi: int
) -> None:
    expected = any(lo <= length <= hi for length in range(1, longest_path(size, walls) + 1))
    assert window_is_possible(size, walls, max(lo, 1), hi) == expected


def test_without_walls_and_with_nothing_but_walls_the_bound_is_exact() -> None:
    assert longest_path(6, 0.0) == 10
    assert longest_path(6, 1.0) == 1
    assert longest_path(6, 2**-17 / 2) == 10  # rounds to no walls at all


def test_a_path_that_no_grid_allows_is_refused_with_the_longest_there_is() -> None:
    with pytest.raises(TaskError, match=r"(?s)path is \[30, 40\].*size 6 with walls=0.3.*more than 26 moves.*lower"):
        MazeSpec(size=6, walls=0.3, path=(30, 40))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", 2),
        ("size", 33),
        ("size", 6.0),
        ("size", True),
        ("walls", -0.1),
        ("walls", 1.5),
        ("walls", float("nan")),
        ("walls", "0.3"),
        ("path", (9, 7)),
        ("path", (0, 7)),
        ("path", (7,)),
        ("path", (7, 8.0)),
        ("path", 7),
        ("seats", 1),
        ("seats", 5),
        ("crossing", 1.01),
        ("crossing", True),
        ("dead_ends", (-1, 2)),
        ("shortest_paths", (0, 2)),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_and_value(key: str, value: object) -> None:
    with pytest.raises(TaskError) as caught:
        MazeSpec(**{**GOOD, key: value})  # type: ignore[arg-type]
    assert caught.value.key == key
    assert repr(value) in caught.value.problem
    assert caught.value.remedy


def test_equal_specs_share_a_key_and_different_ones_do_not() -> None:
    different = [
        GOOD,
        {**GOOD, "size": 7},
        {**GOOD, "walls": 0.31},
        {**GOOD, "path": (7, 8)},
        {**GOOD, "seats": 3},
        {**GOOD, "crossing": 0},
        {**GOOD, "crossing": 1},
        {**GOOD, "show_ends": False},
        {**GOOD, "dead_ends": (0, 9)},
        {**GOOD, "shortest_paths": (1, 9)},
    ]
    keys = [MazeSpec(**content).content_key() for content in different]  # type: ignore[arg-type]
    assert len(set(keys)) == len(keys)
    assert MazeSpec(size=6, walls=0.3, path=[7, 9]).content_key() == keys[0]  # type: ignore[arg-type]


def test_a_spec_and_its_windows_are_checked_without_jax_or_numpy() -> None:
    code = (
        "import sys; from pytest_collab.core.maze.cache import MazeSpec; MazeSpec(6, 0.3, (7, 9)).content_key(); "
        "sys.exit(bool({'jax', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nan_never_reaches_the_integers() -> None:
    with pytest.raises(TaskError):
        MazeSpec(size=6, walls=np.nan, path=(7, 9))
