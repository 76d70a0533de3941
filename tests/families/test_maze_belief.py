"""The seats, asked apart when the dialogue has ended, say what was agreed on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab import families
from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.families.maze import Maze
from pytest_collab.families.maze.reading.belief import believed
from pytest_collab.families.maze.rules import Cell, solve
from pytest_collab.testing import play_episode

MAZE = Maze(size=4, walls=0.2, path=(4, 6), turns=6)


def _maze() -> MazeRecord:
    family = families.get("maze")
    family.prepare([(MAZE, [0])])
    found: MazeRecord = family._maze(MAZE, 0)  # type: ignore[attr-defined]
    return found


class Speaker(Agent):
    """Talks in words that no rule reads, and answers in the form when it is asked for the path."""

    def __init__(self, path: tuple[Cell, ...] | None) -> None:
        self.name = "speaker"
        self.path = path
        self.asked = 0
        self.said = 0

    async def reply(self, request: Request) -> Reply:
        if request.phase != "belief":
            self.said += 1
            return Reply(("Gehen wir dort entlang.", "Ja, genau so.", "Wie besprochen, weiter.")[self.said % 3])
        self.asked += 1
        if self.path is None:
            return Reply("We went along nicely.")
        last = MAZE.size - 1
        cells = " ".join(f"({col + 1},{last - row + 1})" for row, col in self.path)
        return Reply(f"ORIGIN: bottom-left 1\nORDER: column,row\nPATH: {cells}")


def test_what_all_seats_name_is_the_agreed_path() -> None:
    way = solve(_maze())
    team = [Speaker(way), Speaker(way)]
    episode = play_episode(MAZE, team, grader="seats").episode
    assert episode.success
    assert episode.metrics["seats_agree"] == 1.0
    assert [agent.asked for agent in team] == [1, 1]


def test_where_the_seats_part_the_agreed_path_ends_and_nobody_is_blamed() -> None:
    way = solve(_maze())
    episode = play_episode(MAZE, [Speaker(way), Speaker(way[:2])], grader="seats").episode
    assert not episode.success
    assert episode.metrics["agreed_moves"] == 1
    assert episode.metrics["seats_agree"] == 0.0
    assert episode.failures[0].ungraded
    assert episode.failures[0].seats == ()


def test_a_seat_that_answers_in_no_form_leaves_it_to_the_rules() -> None:
    way = solve(_maze())
    episode = play_episode(MAZE, [Speaker(way), Speaker(None)], grader="seats").episode
    assert episode.metrics["agreed_moves"] == 0
    assert episode.failures[0].ungraded


def test_nobody_is_asked_where_the_rules_read() -> None:
    team = [Speaker(None), Speaker(None)]
    play_episode(MAZE, team)
    assert [agent.asked for agent in team] == [0, 0]


def test_what_a_seat_is_asked_costs_what_it_costs_and_is_no_turn() -> None:
    way = solve(_maze())
    episode = play_episode(MAZE, [Speaker(way), Speaker(way)], grader="seats").episode
    assert episode.turns == MAZE.turns
    assert sum(usage.calls for usage in episode.usage.values()) == MAZE.turns + 2


ORIGINS = [f"{y}-{x}" for y in ("top", "bottom") for x in ("left", "right")]


@given(st.sampled_from(ORIGINS), st.sampled_from([0, 1]), st.sampled_from(["row,column", "column,row"]))
def test_every_way_of_naming_cells_is_put_right(origin: str, base: int, order: str) -> None:
    maze = _maze()
    way, last = solve(maze), maze.size - 1

    def named(cell: Cell) -> str:
        row, col = cell
        row = (last - row if origin.startswith("bottom") else row) + base
        col = (last - col if origin.endswith("right") else col) + base
        return f"({row}, {col})" if order.startswith("row") else f"({col}, {row})"

    text = f"Sure.\n**ORIGIN:** {origin} {base}\nORDER: {order}\nPATH: {' -> '.join(map(named, way))}"
    found = believed(maze, "a", text)
    assert found is not None
    assert found.path == way


@pytest.mark.parametrize("text", ["", "PATH: (0,0)", "ORIGIN: top-left 0\nORDER: row,column\nPATH: (9,9) (9,8)"])
def test_what_is_not_in_the_form_is_no_belief(text: str) -> None:
    assert believed(_maze(), "a", text) is None
