"""Mazes that nobody sees whole: seats must tell, check and agree to get from start to goal.

The problem is that of The Collaboration Gap (arXiv 2511.02687).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field, model_validator

from pytest_collab.core.maze.spec import MazeRecord, MazeSpec
from pytest_collab.episode.agent import Agent, Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.examiner import Examiner
from pytest_collab.episode.family import Family, Params, Picture
from pytest_collab.episode.game import Game
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import TaskError
from pytest_collab.families.maze import cast as _cast
from pytest_collab.families.maze.seats import PROTOCOLS, SEAT_NAMES

__all__ = ["Maze", "MazeFamily"]


class Maze(Params):
    """A maze task: what the mazes are like, among how many seats they are split, and how long the talk may be."""

    family: ClassVar[str] = "maze"

    size: int = Field(6, ge=3, le=32, description="cells along each side, 3 to 32")
    walls: float = Field(
        0.30, ge=0.0, le=1.0, allow_inf_nan=False, description="share of cells that are walls, 0 to 1"
    )
    path: tuple[int, int] = Field(
        (7, 9), description="least and greatest number of moves of the shortest path, as in [7, 9]"
    )
    seats: int = Field(2, ge=2, le=4, description="how many seats the maze is split among, 2 to 4")
    turns: int = Field(30, ge=1, le=1000, description="messages of all seats after which the dialogue ends")
    crossing: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        allow_inf_nan=False,
        description="share of the steps along the shortest path at which the next cell is another seat's to see, "
        "0 to 1; leave it out for a random split",
    )
    show_ends: bool = Field(True, description="whether every seat sees start and goal")

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
        )


class MazeFamily(Family[Maze]):
    """Find a way through a maze of which every seat sees only a part."""

    name = "maze"
    summary = "partial-information mazes: tell what you see, agree on a path"
    params_type = Maze
    cast: ClassVar = {name: line for name, (_, line) in _cast.CAST.items()}
    codes: ClassVar[frozenset[str] | None] = frozenset(
        {
            "broken_commitment",
            "disagreement",
            "false_claim",
            "free_riding",
            "illegal_move",
            "malformed_action",
            "malformed_message",
            "repetition",
            "ungrounded",
            "unresponsive",
            "unverified_claim",
            "vague",
            "withholding",
            "wrong_solution",
        }
    )
    version = 1

    def seats(self, params: Maze) -> tuple[str, ...]:
        return tuple(SEAT_NAMES[: params.seats])

    def refuses(self, condition: Condition, params: Maze) -> str | None:
        kind, argument = condition.kind, condition.argument
        if kind == "incentive":
            return "family 'maze' has no incentive: all seats win or lose together, there is no payoff to change"
        if kind == "protocol":
            return (
                None
                if argument in PROTOCOLS
                else f"family 'maze' has no protocol {argument!r}; it has {', '.join(PROTOCOLS)}"
            )
        if kind == "solo" and argument not in ("", "views"):
            return f"family 'maze' has solo (the whole maze) and solo:views (every seat's copy), not solo:{argument}"
        if kind in ("team", "mute", "shared") and argument:
            return f"condition {kind!r} takes no argument, got {argument!r}"
        return super().refuses(condition, params)

    def prepare(self, requests: Sequence[tuple[Maze, Sequence[int]]]) -> None:
        from pytest_collab.core.maze import cache

        cache.prepare([(params.spec(), seeds) for params, seeds in requests])

    def deal(self, params: Maze, seed: int, condition: Condition) -> Game:
        from pytest_collab.families.maze.game import MazeGame

        return MazeGame(self._maze(params, seed), params.turns, condition)

    def verdict(self, params: Maze, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        from pytest_collab.families.maze.verdict import judged

        return judged(self._maze(params, seed), condition, transcript)

    async def grade(
        self, params: Maze, seed: int, condition: Condition, transcript: Transcript, examiner: Examiner
    ) -> Mapping[str, Any] | None:
        from pytest_collab.families.maze.reading.grader import graded

        return await graded(self._maze(params, seed), transcript, examiner)

    def player(self, name: str, seat: Seat) -> Agent:
        if name not in _cast.CAST:
            return super().player(name, seat)
        return _cast.seated(name, seat)

    def draw(
        self, params: Maze, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture:
        from pytest_collab.families.maze.draw import drawn

        return drawn(self._maze(params, seed), condition, transcript, upto)

    @staticmethod
    def _maze(params: Maze, seed: int) -> MazeRecord:
        from pytest_collab.core.maze import cache

        return cache.mazes(params.spec(), [seed])[seed]
