"""Coding together: each seat builds a feature in its own tree of one base; the merge and hidden tests decide.

The problem is CooperBench's (arXiv 2601.13295); pools of its dataset can be imported.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_collab.episode.agent import Agent, Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Family, Picture, worded
from pytest_collab.episode.game import Game
from pytest_collab.episode.limits import Limits, SeatLimits
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import TaskError
from pytest_collab.families.coding import rules
from pytest_collab.families.coding.cast import PLAYERS, SUMMARIES
from pytest_collab.families.coding.pool import published
from pytest_collab.families.coding.pool.pool import Base, EnvironmentSpec, Feature

if TYPE_CHECKING:
    from pytest_collab.families.coding.workspace.bench import Bench

from pytest_collab.families.coding.params import Coding

__all__ = ["Base", "Coding", "CodingFamily", "EnvironmentSpec", "Feature"]

CONDITIONS = ("solo", "team", "mute", "shared", "git", "lead", "sequential", "relay", "with")


TOOLCHAINS = {"go": "go", "rust": "rust", "typescript": "node", "javascript": "node"}
"""What a machine must have for pools of a language; Python is there."""


class CodingFamily(Family[Coding]):
    """Coding pairs, and larger teams."""

    name = "coding"
    desks = True
    summary = "build features side by side in one repository; the merge and hidden tests decide"
    params_type = Coding
    cast: ClassVar[Mapping[str, str]] = SUMMARIES
    codes: ClassVar[frozenset[str] | None] = frozenset(
        {
            "broken_commitment",
            "divergent_design",
            "false_claim",
            "free_riding",
            "gamed_tests",
            "merge_conflict",
            "own_part_failed",
            "repetition",
            "unresponsive",
            "vague",
            "work_overlap",
            "wrong_solution",
        }
    )

    def __init__(self) -> None:
        self._sandbox = "auto"
        self._benches: dict[tuple[str, str, str], Bench] = {}

    def seats(self, params: Coding) -> tuple[str, ...]:
        return rules.seat_names(params.size)

    def seeds(self, params: Coding) -> int | None:
        return len(params.deals)

    def configure(self, settings: Mapping[str, str]) -> Sequence[str]:
        """Take the sandbox that was asked for, and say loudly when it isolates nothing."""
        import anyio

        from pytest_collab.sandbox import choose

        self._sandbox = settings.get("sandbox", "auto")
        choice = anyio.run(choose, self._sandbox)
        lines = [f"collab sandbox: {choice.name} ({choice.reason})"]
        return [*lines, f"WARNING: {choice.warning}"] if choice.warning else lines

    def refuses(self, condition: Condition, params: Coding) -> str | None:
        if params.prompts == "as_published" and condition.kind in published.REFUSED:
            instead = published.REFUSED[condition.kind]
            return f"prompts: as_published has no {str(condition)!r} ({instead}); take prompts: plain"
        if condition.kind in CONDITIONS or str(condition) == "protocol:plan_first":
            return None
        if condition.kind == "protocol":
            return f"family 'coding' knows the protocol plan_first, not {condition.argument!r}"
        if condition.kind == "incentive":
            return "family 'coding' has no payoffs to add an incentive to"
        return f"family 'coding' has no condition {str(condition)!r}"

    def limits(self, params: Coding) -> Limits:
        if params.prompts == "as_published":  # CooperBench's
            return Limits(seconds=1500.0, seat=SeatLimits(turns=100, answer_seconds=600.0))
        return Limits(seconds=3600.0, seat=SeatLimits(turns=200, answer_seconds=600.0))

    def needs(self, params: Coding) -> frozenset[str]:
        if params.environment.named_image:
            return frozenset({"docker"})
        return frozenset({TOOLCHAINS[params.language]} if params.language in TOOLCHAINS else ())

    def prepare(self, requests: Sequence[tuple[Coding, Sequence[int]]]) -> None:
        for params, _ in requests:
            params.check()

    def prepare_to_judge(self, requests: Sequence[tuple[Coding, Sequence[int]]]) -> None:
        """Nothing: tests have been run, and are in the transcript. The pool may lie elsewhere, or be gone."""

    def deal_of(self, params: Coding, seed: int, condition: Condition) -> rules.Deal:
        """Who builds what under a seed."""
        return params.deal_of(seed, condition)

    def deal(self, params: Coding, seed: int, condition: Condition) -> Game:
        from pytest_collab.families.coding.seats import CodingGame

        told = params.prompts == "as_published"
        return CodingGame(self.bench(params), params.deal_of(seed, condition), condition, as_published=told)

    def bench(self, params: Coding) -> Bench:
        """The bench of a pool in this process."""
        from pytest_collab.families.coding.workspace.bench import Bench

        key = (str(params.folder), params.model_dump_json(), self._sandbox)
        if key not in self._benches:
            if not self._benches:
                atexit.register(self.close)
            self._benches[key] = Bench(params, self._sandbox)
        return self._benches[key]

    def close(self) -> None:
        """Remove what grading keeps on the disk while the process lasts."""
        import anyio

        while self._benches:
            anyio.run(self._benches.popitem()[1].close)

    def verdict(self, params: Coding, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        from pytest_collab.families.coding.verdict import assess

        return assess(params.deal_of(seed, condition), condition, transcript)

    def player(self, name: str, seat: Seat) -> Agent:
        if name not in PLAYERS:
            raise TaskError(
                f"family 'coding' has no built-in player {name!r}", remedy=f"It has {', '.join(PLAYERS)}."
            )
        return PLAYERS[name](seat)

    def tell(self, action: Any) -> str:
        return f"uses {', '.join(action['tools'])}" if "tools" in action else f"does {worded(action)}"

    def about(self, params: Coding, seed: int) -> str:
        group = params.deals[seed % len(params.deals)]
        return " + ".join(group)

    def draw(
        self, params: Coding, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.coding.draw import picture

        return picture(params.deal_of(seed, condition), transcript, upto)

    def identity(self, params: Coding) -> dict[str, Any]:
        """Absolute paths and addresses say where files lie; what is in them is part of `content`."""
        return {key: _relative(value, key) for key, value in params.model_dump(mode="json").items()}

    def content(self, params: Coding) -> str:
        return params.content()


def _relative(data: Any, key: str = "") -> Any:
    if isinstance(data, dict):
        return {name: _relative(value, name) for name, value in data.items()}
    if isinstance(data, list):
        return [_relative(one) for one in data]
    if key == "repository" and data is not None:
        return ""
    return PurePosixPath(data).name if isinstance(data, str) and data.startswith("/") else data
