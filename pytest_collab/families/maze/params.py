"""Params of a maze: what a task says about it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from pytest_collab.core.maze.spec import MazeSpec
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Params
from pytest_collab.errors import TaskError
from pytest_collab.families.maze import paper
from pytest_collab.families.maze.hearers import Talk
from pytest_collab.families.maze.layout import View


class Maze(Params):
    """A maze task: what the mazes are like, among how many seats they are split, and how long the talk may be."""

    family: ClassVar[str] = "maze"
    as_published: ClassVar[str] = "`rules: paper` plays The Collaboration Gap's game and tells what it tells."

    size: int = Field(6, ge=3, le=32, description="cells along each side, 3 to 32")
    walls: float = Field(
        0.30, ge=0.0, le=1.0, allow_inf_nan=False, description="share of cells that are walls, 0 to 1"
    )
    path: tuple[int, int] = Field(
        (7, 9), description="least and greatest number of moves of the shortest path, as in [7, 9]"
    )
    seats: int = Field(2, ge=2, le=4, description="how many seats the maze is split among, 2 to 4")
    turns: int = Field(
        30,
        ge=1,
        le=1000,
        description="messages of all seats after which the dialogue ends (50 where `rules` is `paper`)",
    )
    crossing: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        allow_inf_nan=False,
        description="share of the steps along the shortest path at which the next cell is another seat's to see, "
        "0 to 1; leave it out for a random split",
    )
    show_ends: bool = Field(True, description="whether every seat sees start and goal")
    rules: Literal["house", "paper"] = Field(
        "house", description="`paper`: the game of The Collaboration Gap, under every condition"
    )
    start: tuple[int, int] | None = Field(
        None, description="row and column of the start, from 0 at the top left; leave it out for any cell"
    )
    goal: tuple[int, int] | None = Field(None, description="row and column of the goal; leave it out for any cell")
    talk: Talk = Field(
        "all", description="who hears whom: `all`, or only neighbours in a `ring`, a `chain` or a `star`"
    )
    view: View = Field("ascii", description="how the maze is shown: drawn, as JSON, or as a list of cells")

    @model_validator(mode="before")
    @classmethod
    def _turns_of_the_paper(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("rules") == paper.NAME and "turns" not in given:
            return {**given, "turns": paper.TURNS}
        return given

    @model_validator(mode="after")
    def _possible(self) -> Maze:
        try:
            self.spec()
        except TaskError as error:
            raise ValueError(f"{error.key}: {error.problem}; {error.remedy}") from None
        return self

    def spec(self) -> MazeSpec:
        """The distribution that the mazes are drawn from."""
        return MazeSpec(
            size=self.size,
            walls=self.walls,
            path=self.path,
            seats=self.seats,
            crossing=self.crossing,
            show_ends=self.show_ends,
            start=self.start,
            goal=self.goal,
        )

    def plays_paper(self, condition: Condition) -> bool:
        """Whether it is the paper's game that is played."""
        return self.rules == paper.NAME or (condition.kind == "protocol" and condition.argument == paper.NAME)

    def last_turn(self, condition: Condition) -> int:
        """Messages after which the dialogue ends."""
        if not self.plays_paper(condition):
            return self.turns
        if condition.solo:
            return paper.ALONE_TURNS
        return self.turns if self.rules == paper.NAME else paper.TURNS
