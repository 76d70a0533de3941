"""The partner among players who name cells in other ways, in large mazes, and where nobody hears anybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest

from pytest_collab.episode.agent import Agent, Reply, Request, Seat
from pytest_collab.families.maze import Maze, MazeFamily
from pytest_collab.families.maze.cast.partner import FRAME, Partner
from pytest_collab.families.maze.reading.message import read_message
from pytest_collab.testing import play_episode

FAMILY = MazeFamily()
SIX = Maze()
SEEDS = range(4)
CELL = re.compile(r"\((\d+), (\d+)\)")
DIRECTIONS = {(0, 1): "right", (1, 0): "down", (0, -1): "left", (-1, 0): "up"}

Style = Callable[[str], str]


def _named(announced: str, name: Callable[[int, int], str]) -> Style:
    """The partner's words, with its frame announced and its cells named in another way."""
    return lambda text: CELL.sub(lambda cell: name(int(cell[1]), int(cell[2])), text.replace(FRAME, announced))


def _by_directions(text: str) -> str:
    def told(chain: re.Match[str]) -> str:
        cells = [(int(row), int(column)) for row, column in CELL.findall(chain[0])]
        moves = pairwise(cells)
        return ", ".join(DIRECTIONS[to[0] - at[0], to[1] - at[1]] for at, to in moves)

    return re.sub(r"\(\d+, \d+\)(?: -> \(\d+, \d+\))+", told, text)


STYLES: Mapping[str, Style] = {
    "x, y from 1": _named("I use (x,y) from 1, (1,1) is the top-left corner.", lambda r, c: f"({c + 1},{r + 1})"),
    "x, y from 0": _named("I use (x, y), x to the right and y downwards, from 0.", lambda r, c: f"({c},{r})"),
    "rows in words": _named("Rows and columns are numbered from 1.", lambda r, c: f"row {r + 1}, column {c + 1}"),
    "letters": _named("Columns are letters A-F, rows are 1-6 from the top.", lambda r, c: f"{'ABCDEF'[c]}{r + 1}"),
    "from the bottom": _named("I use (x,y) with (0,0) at the bottom left, y up.", lambda r, c: f"({c},{5 - r})"),
    "directions": _by_directions,
}


class Styled(Agent):
    """The partner, in other words."""

    name = "styled"

    def __init__(self, style: Style) -> None:
        self.style = style

    def seated(self, seat: Seat) -> Agent:
        self.partner = Partner(seat)
        return self

    async def reply(self, request: Request) -> Reply:
        return Reply(self.style((await self.partner.reply(request)).text))


@pytest.mark.parametrize("style", list(STYLES))
def test_the_partner_gets_there_with_one_who_names_cells_in_another_way(style: str) -> None:
    FAMILY.prepare([(SIX, SEEDS)])
    for seed in SEEDS:
        for team in ([Styled(STYLES[style]), "partner"], ["partner", Styled(STYLES[style])]):
            played = play_episode(SIX, team, "team", seed)
            said = [event.data["text"] for event in played.transcript.of("message")]
            assert played.episode.success, (seed, said, played.episode.failures)


def test_every_wall_of_a_long_list_is_read() -> None:
    cells = [f"({row}, {column})" for row in range(12) for column in range(32)]
    for text in (f"In my copy these cells are walls: {', '.join(cells)}.", f"{' and '.join(cells)} are walls"):
        assert len(read_message(text, 32).stated) == len(cells)


def test_the_largest_maze_is_no_harder_to_talk_about() -> None:
    largest = Maze(size=32, walls=0.30, path=(50, 70))
    FAMILY.prepare([(largest, SEEDS)])
    for seed in SEEDS:
        played = play_episode(largest, ["partner", "partner"], "team", seed)
        assert played.episode.success
        assert played.episode.metrics["wrong_claims"] == 0


def test_players_who_cannot_talk_meet_on_the_way_that_suggests_itself() -> None:
    open_field = Maze(walls=0.0)
    FAMILY.prepare([(open_field, SEEDS), (SIX, SEEDS)])
    assert all(play_episode(open_field, ["partner", "partner"], "mute", seed).episode.success for seed in SEEDS)
    walled = [play_episode(SIX, ["partner", "partner"], "mute", seed).episode for seed in SEEDS]
    assert not all(episode.success for episode in walled)
