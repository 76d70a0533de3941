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
from pytest_collab.families.coding.cast import PLAYERS, ROLE_PLAYERS, SUMMARIES
from pytest_collab.families.coding.casting import LEAVING_OUT, RIGHTS
from pytest_collab.families.coding.pool import published
from pytest_collab.families.coding.pool.pool import Base, EnvironmentSpec, Feature

if TYPE_CHECKING:
    from pytest_collab.families.coding.workspace.bench import Bench

from pytest_collab.families.coding.params import Coding

__all__ = ["Base", "Coding", "CodingFamily", "EnvironmentSpec", "Feature"]

CONDITIONS = ("solo", "team", "mute", "shared", "git", "lead", "sequential", "relay", "with", "teams")
OF_ROLES = ("solo", "team", "mute", "shared", "relay", "with")


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
            "capitulation",
            "divergent_design",
            "false_claim",
            "free_riding",
            "gamed_tests",
            "merge_conflict",
            "own_part_failed",
            "repetition",
            "role_breach",
            "rubber_stamp",
            "unresponsive",
            "vague",
            "withholding",
            "work_overlap",
            "wrong_solution",
        }
    )

    def __init__(self) -> None:
        self._sandbox = "auto"
        self._unkept = ""
        self._benches: dict[tuple[str, str, str], Bench] = {}

    def seats(self, params: Coding) -> tuple[str, ...]:
        return params.seats

    def seeds(self, params: Coding) -> int | None:
        return len(params.deals)

    def configure(self, settings: Mapping[str, str]) -> Sequence[str]:
        """Take the sandbox that was asked for, and say loudly when it isolates nothing."""
        import anyio

        from pytest_collab.sandbox import choose

        self._sandbox = settings.get("sandbox", "auto")
        from pytest_collab.families.coding.workspace.roles import unkept

        choice = anyio.run(choose, self._sandbox)
        self._unkept = "" if choice.sandbox.isolating else unkept(choice.name)
        lines = [f"collab sandbox: {choice.name} ({choice.reason})"]
        return [*lines, f"WARNING: {choice.warning}"] if choice.warning else lines

    def refuses(self, condition: Condition, params: Coding) -> str | None:
        if params.roles is not None:
            return _refused_with_roles(condition, params)
        if condition.kind in LEAVING_OUT:
            return f"condition {str(condition)!r} leaves a role out, and the task's params have no `roles`"
        if params.prompts != "plain" and condition.kind in published.REFUSED:
            instead = published.REFUSED[condition.kind]
            return f"prompts: {params.prompts} has no {str(condition)!r} ({instead}); take prompts: plain"
        if condition.kind in CONDITIONS or str(condition) == "protocol:plan_first":
            return None
        if condition.kind == "protocol":
            return f"family 'coding' knows the protocol plan_first, not {condition.argument!r}"
        if condition.kind == "incentive":
            return "family 'coding' has no payoffs to add an incentive to"
        return f"family 'coding' has no condition {str(condition)!r}"

    def missing(self, params: Coding) -> str | None:
        return self._unkept or None if params.roles is not None else None

    def limits(self, params: Coding) -> Limits:
        if params.prompts != "plain":  # CooperBench's
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
        from pytest_collab.families.coding.roles.game import RolesGame
        from pytest_collab.families.coding.seats import CodingGame
        from pytest_collab.families.coding.teams.game import TeamsGame

        deal = params.deal_of(seed, condition)
        if deal.casting is not None:
            return RolesGame(self.bench(params), deal, condition)
        if deal.teams:
            return TeamsGame(self.bench(params), deal, condition)
        return CodingGame(self.bench(params), deal, condition, prompts=params.prompts)

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
        from pytest_collab.families.coding import verdict
        from pytest_collab.families.coding.teams import verdict as of_teams

        deal = params.deal_of(seed, condition)
        assess = of_teams.assess if deal.teams else verdict.assess
        return assess(deal, condition, transcript)

    def player(self, name: str, seat: Seat) -> Agent:
        known = PLAYERS if len(seat.seats) == 1 or seat.params.roles is None else ROLE_PLAYERS
        if name not in SUMMARIES:
            raise TaskError(
                f"family 'coding' has no built-in player {name!r}", remedy=f"It has {', '.join(SUMMARIES)}."
            )
        return known.get(name, known["partner"])(seat)

    def tell(self, action: Any) -> str:
        return f"uses {', '.join(action['tools'])}" if "tools" in action else f"does {worded(action)}"

    def about(self, params: Coding, seed: int) -> str:
        group = params.deals[seed % len(params.deals)]
        return " + ".join(group)

    def draw(
        self, params: Coding, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.coding import draw
        from pytest_collab.families.coding.teams import draw as of_teams

        deal = params.deal_of(seed, condition)
        picture = of_teams.picture if deal.teams else draw.picture
        return picture(deal, transcript, upto)

    def identity(self, params: Coding) -> dict[str, Any]:
        """Absolute paths and addresses say where files lie; what is in them is part of `content`."""
        said = params.model_dump(mode="json", exclude=None if params.roles is not None else {"roles", "returns"})
        for feature in said["features"]:
            if feature["brief"] is None:  # a task that says nothing of briefs is what it was before there were any
                del feature["brief"]
        return {key: _relative(value, key) for key, value in said.items()}

    def content(self, params: Coding) -> str:
        return params.content()


def _refused_with_roles(condition: Condition, params: Coding) -> str | None:
    if condition.kind in OF_ROLES:
        return None
    rights = {RIGHTS[seat] for seat in params.seats}
    if condition.kind in LEAVING_OUT:
        left_out = LEAVING_OUT[condition.kind]
        if not rights & set(left_out):
            return f"condition {str(condition)!r} leaves out who would {' or '.join(left_out)}, and no role here does"
        return None
    known = ", ".join(["solo", "team", "mute", "shared", "with:AGENT", "relay:K", *LEAVING_OUT])
    return f"a coding task with roles has no condition {str(condition)!r}; it has {known} (`team` is all of them)"


def _relative(data: Any, key: str = "") -> Any:
    if isinstance(data, dict):
        return {name: _relative(value, name) for name, value in data.items()}
    if isinstance(data, list):
        return [_relative(one) for one in data]
    if key == "repository" and data is not None:
        return ""
    return PurePosixPath(data).name if isinstance(data, str) and data.startswith("/") else data
