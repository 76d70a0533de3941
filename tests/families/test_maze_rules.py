"""Rules and seats of the maze family: what a path is worth, and who is shown what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab import families
from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.condition import Condition
from pytest_collab.families.maze import Maze
from pytest_collab.families.maze.rules import (
    Cell,
    adjacent,
    cheapest_path,
    distances,
    inside,
    neighbours,
    progress,
    solve,
    walk,
)
from pytest_collab.families.maze.seats import (
    HIDDEN,
    PROTOCOLS,
    WALL,
    brief,
    cells_of,
    content,
    copies,
    copy_of,
    prompt,
)

SIZES = (Maze(), Maze(size=4, walls=0.2, path=(4, 6), seats=3, show_ends=False))
"""What is drawn from in these tests: the main setting, and three seats of whom some do not see start or goal."""


def mazes() -> st.SearchStrategy[MazeRecord]:
    """Mazes of both settings."""
    return st.sampled_from(_made)


_made: list[MazeRecord] = []


@pytest.fixture(scope="module", autouse=True)
def _make() -> None:
    family = families.get("maze")
    family.prepare([(params, range(40)) for params in SIZES])
    _made.extend(family._maze(params, seed) for params in SIZES for seed in range(40))  # type: ignore[attr-defined]


any_maze = st.deferred(mazes)
cells = st.tuples(st.integers(-2, 7), st.integers(-2, 7))


def grid(maze: MazeRecord) -> list[Cell]:
    return [(row, column) for row in range(maze.size) for column in range(maze.size)]


# ---------------------------------------------------------------- rules


@given(any_maze)
def test_the_solution_is_a_shortest_legal_path_to_the_goal(maze: MazeRecord) -> None:
    way = solve(maze)
    walked = walk(maze, way)
    assert walked.reached
    assert walked.legal == way
    assert len(way) - 1 == maze.path_length == distances(maze)[maze.start]


@given(any_maze, st.lists(cells, max_size=12))
def test_a_walk_ends_at_the_first_cell_that_cannot_be_entered(maze: MazeRecord, further: list[Cell]) -> None:
    walked = walk(maze, (maze.start, *further))
    for before, cell in zip(walked.legal, walked.legal[1:], strict=False):
        assert adjacent(before, cell)
        assert inside(maze.size, cell)
        assert not maze.is_wall(*cell)
    if walked.breach is not None:
        cell, last = walked.breach.cell, walked.legal[-1]
        assert walked.breach.index == len(walked.legal)
        why = "outside" if not inside(maze.size, cell) else "jump" if not adjacent(last, cell) else "wall"
        assert walked.breach.why == why
        assert not walked.reached
    else:
        assert walked.reached == (maze.goal in further)


@given(any_maze)
def test_a_path_that_begins_elsewhere_has_no_legal_part(maze: MazeRecord) -> None:
    walked = walk(maze, solve(maze)[1:])
    assert walked.legal == ()
    assert walked.breach is not None
    assert walked.breach.why == "jump"


@given(any_maze)
def test_progress_rises_along_the_solution_from_nothing_to_all(maze: MazeRecord) -> None:
    along = [progress(maze, cell) for cell in solve(maze)]
    assert along[0] == 0.0
    assert along[-1] == 1.0
    assert along == sorted(along)
    assert all(0.0 <= progress(maze, cell) <= 1.0 for cell in grid(maze))


@given(any_maze)
def test_neighbours_differ_by_one_in_their_distance_or_are_cut_off_together(maze: MazeRecord) -> None:
    far = distances(maze)
    for cell in grid(maze):
        for near in neighbours(maze.size, cell):
            if not maze.is_wall(*cell) and not maze.is_wall(*near):
                assert (cell in far) == (near in far)
                assert cell not in far or abs(far[cell] - far[near]) <= 1


@given(any_maze, st.dictionaries(cells, st.floats(0.1, 50), max_size=6))
def test_doubts_are_avoided_for_as_many_moves_as_they_cost(maze: MazeRecord, doubts: dict[Cell, float]) -> None:
    walls = {cell for cell in grid(maze) if maze.is_wall(*cell)}
    path = cheapest_path(maze.size, maze.start, maze.goal, walls, doubts)
    assert path is not None
    assert walk(maze, path).reached

    def cost(way: tuple[Cell, ...]) -> float:
        return len(way) - 1 + sum(doubts.get(cell, 0.0) for cell in way[1:])

    assert cost(path) <= cost(solve(maze)) + 1e-6


def test_there_is_no_path_through_a_closed_ring() -> None:
    assert cheapest_path(3, (0, 0), (2, 2), {(0, 1), (1, 0)}) is None


# ---------------------------------------------------------------- seats


@given(any_maze)
def test_a_copy_is_read_back_as_it_was_drawn(maze: MazeRecord) -> None:
    for seat in (None, *range(len(maze.visible))):
        rows = copy_of(maze, seat)
        assert [len(row) for row in rows] == [maze.size] * maze.size
        seen = cells_of(rows)
        for cell in grid(maze):
            visible = seat is None or maze.sees(seat, *cell)
            assert (cell in seen) == visible
            assert not visible or seen[cell] == content(maze, cell)


@given(any_maze)
def test_every_cell_is_shown_to_somebody_and_hidden_from_somebody(maze: MazeRecord) -> None:
    shown = [cells_of(copy_of(maze, seat)) for seat in range(len(maze.visible))]
    ends = {maze.start, maze.goal} if maze.size == 6 else set()  # with show_ends everybody sees these
    for cell in grid(maze):
        seers = [cell in copy for copy in shown]
        assert any(seers)
        assert all(seers) if cell in ends else not all(seers)


@given(any_maze)
def test_a_seat_is_told_its_own_copy_and_nobody_elses(maze: MazeRecord) -> None:
    seats = "abcd"[: len(maze.visible)]
    for kind in ("team", "mute", "relay:2", "with:partner", "protocol:coordinates"):
        for index, seat in enumerate(seats):
            text = brief(maze, seat, seats, 30, Condition.parse(kind))
            drawn = [line for line in text.splitlines() if len(line) == maze.size and set(line) <= set("@*.#?")]
            assert tuple(drawn) == copy_of(maze, index)


@given(any_maze)
def test_solo_and_shared_show_everything_and_views_every_copy(maze: MazeRecord) -> None:
    whole = {"everyone": copy_of(maze, None)}
    assert copies(maze, "a", Condition.parse("solo")) == whole
    assert copies(maze, "b", Condition.parse("shared")) == whole
    views = copies(maze, "a", Condition.parse("solo:views"))
    assert list(views.values()) == [copy_of(maze, seat) for seat in range(len(maze.visible))]
    known: dict[Cell, str] = {}
    for rows in views.values():
        known |= cells_of(rows)
    assert known == cells_of(whole["everyone"])
    text = brief(maze, "a", ("a",), 30, Condition.parse("solo:views"))
    assert text.count(HIDDEN) >= sum(row.count(HIDDEN) for rows in views.values() for row in rows)


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_a_protocol_is_added_word_for_word_and_changes_nothing_else(protocol: str) -> None:
    maze = _made[0]
    plain = brief(maze, "a", "ab", 30, Condition.parse("team"))
    assert brief(maze, "a", "ab", 30, Condition.parse(f"protocol:{protocol}")) == f"{plain}\n\n{PROTOCOLS[protocol]}"


def test_a_muted_seat_is_told_that_nobody_hears_it() -> None:
    maze = _made[0]
    assert "nobody hears what you write" in brief(maze, "a", "ab", 30, Condition.parse("mute"))
    assert "propose" in prompt("a", "ab", (), 0, 30, Condition.parse("mute"))
    assert "player b" in prompt("a", "ab", (), 0, 30, Condition.parse("team"))


def test_no_prompt_speaks_of_walls_that_the_seat_cannot_see() -> None:
    maze = _made[0]
    hidden = {cell for cell in grid(maze) if maze.is_wall(*cell) and not maze.sees(0, *cell)}
    assert hidden
    assert not hidden & {cell for cell, what in cells_of(copies(maze, "a", Condition.parse("team"))["a"]).items()}
    assert brief(maze, "a", "ab", 30, Condition.parse("team")).count(WALL) == 1 + sum(
        row.count(WALL) for row in copy_of(maze, 0)
    )
