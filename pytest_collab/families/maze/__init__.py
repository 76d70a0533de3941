"""Mazes that nobody sees whole: seats must tell, check and agree to get from start to goal.

The problem is that of The Collaboration Gap (arXiv 2511.02687).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.agent import Agent, Seat
from pytest_collab.episode.condition import GUIDE, Condition
from pytest_collab.episode.examiner import Examiner
from pytest_collab.episode.family import Family, Picture
from pytest_collab.episode.game import Game
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.maze import cast as _cast
from pytest_collab.families.maze import paper
from pytest_collab.families.maze.params import Maze
from pytest_collab.families.maze.seats import PROTOCOLS, SEAT_NAMES

__all__ = ["Maze", "MazeFamily"]


_ADDED: Final[Mapping[str, Any]] = {
    name: Maze.model_fields[name].default for name in ("rules", "start", "goal", "talk", "view")
}
"""Params of later versions, with what leaves a task as it was."""


class MazeFamily(Family[Maze]):
    """Find a way through a maze of which every seat sees only a part."""

    name = "maze"
    summary = "partial-information mazes: tell what you see, agree on a path"
    params_type = Maze
    cast: ClassVar = {name: line for name, (_, line) in _cast.CAST.items()}
    codes: ClassVar[frozenset[str] | None] = frozenset(
        {
            "agreement_loop",
            "broken_commitment",
            "disagreement",
            "false_claim",
            "free_riding",
            "illegal_move",
            "malformed_action",
            "malformed_message",
            "premature",
            "repetition",
            "split_up",
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
        if kind == GUIDE:
            return "family 'maze' has no guide: a path counts by being said, so who may say it all would play alone"
        if kind == "incentive":
            return "family 'maze' has no incentive: all seats win or lose together, there is no payoff to change"
        if kind == "protocol":
            known = (*PROTOCOLS, paper.NAME)
            if argument in known:
                return None
            return f"family 'maze' has no protocol {argument!r}; it has {', '.join(known)}"
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

        turns = params.last_turn(condition)
        return MazeGame(
            self._maze(params, seed),
            turns,
            condition,
            as_paper=params.plays_paper(condition),
            layout=params.view,
            talk=params.talk,
        )

    def verdict(self, params: Maze, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        from pytest_collab.families.maze.verdict import judged

        return judged(self._maze(params, seed), condition, transcript, paper=params.plays_paper(condition))

    def closing(self, params: Maze, seed: int, condition: Condition, transcript: Transcript, seat: str) -> str | None:
        from pytest_collab.families.maze.reading.belief import QUESTION

        return QUESTION

    async def grade(
        self, params: Maze, seed: int, condition: Condition, transcript: Transcript, examiner: Examiner
    ) -> Mapping[str, Any] | None:
        from pytest_collab.families.maze.reading.grader import graded

        return await graded(self._maze(params, seed), transcript, examiner, paper=params.plays_paper(condition))

    def player(self, name: str, seat: Seat) -> Agent:
        if name not in _cast.CAST:
            return super().player(name, seat)
        return _cast.seated(name, seat)

    def about(self, params: Maze, seed: int) -> str:
        return f"{params.size} x {params.size}"

    def draw(
        self, params: Maze, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture:
        from pytest_collab.families.maze.draw import drawn

        return drawn(self._maze(params, seed), condition, transcript, upto)

    def identity(self, params: Maze) -> dict[str, Any]:
        """Without what later versions have added, where it is not used: a task keeps its hash."""
        whole = params.model_dump(mode="json")
        return {name: value for name, value in whole.items() if name not in _ADDED or value != _ADDED[name]}

    @staticmethod
    def _maze(params: Maze, seed: int) -> MazeRecord:
        from pytest_collab.core.maze import cache

        return cache.mazes(params.spec(), [seed])[seed]
