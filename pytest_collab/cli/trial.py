"""Playing one case again and again, within a budget of episodes and of dollars."""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_collab.agents.builtin import BuiltinAgent
from pytest_collab.agents.registry import Registry
from pytest_collab.agents.replay import ReplayAgent
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.engine import play
from pytest_collab.episode.executor import Finished
from pytest_collab.episode.family import Family, Params
from pytest_collab.episode.judge import judge, record
from pytest_collab.episode.limits import Limits
from pytest_collab.episode.plan import Plan
from pytest_collab.errors import TaskError, UsageError


class Spent(Exception):
    """The budget is used up."""


@dataclass
class Trial:
    """A team under test.

    Attributes:
        budget: episodes that may be played in all.
        max_cost_usd: dollars that may be spent in all; None for no bound.
        limits: of every episode; None for the family's.
    """

    family: Family[Any]
    registry: Registry
    team: tuple[str, ...]
    condition: Condition
    budget: int
    max_cost_usd: float | None = None
    limits: Limits | None = None
    played: int = 0
    cost_usd: float = 0.0
    _prepared: set[str] = field(default_factory=set)

    @property
    def repeats_itself(self) -> bool:
        """Whether one play says all: the built-in cast and recordings answer the same every time."""
        agents = [self.registry.get(name) for name in self._names()]
        return all(isinstance(agent, BuiltinAgent | ReplayAgent) for agent in agents)

    def prepare(self, params: Params, seeds: Sequence[int]) -> None:
        """Make several problems of a case at once, which costs little more than one; `once` tells what is amiss."""
        if self.played < self.budget:
            with contextlib.suppress(TaskError):
                self.family.prepare([(params, list(seeds))])

    def once(self, params: Params, seed: int) -> Finished:
        """Play one episode.

        Raises:
            Spent: nothing is left to play it with.
            TaskError: there is no such problem.
            UsageError: an agent's price is not known, and dollars are bounded.
        """
        if self.played >= self.budget or (self.max_cost_usd is not None and self.cost_usd >= self.max_cost_usd):
            raise Spent
        self.family.prepare([(params, [seed])])
        self.played += 1
        plan = Plan(
            family=self.family,
            params=params,
            task="smallest",
            task_hash="",
            condition=self.condition,
            team=self.team,
            agents=tuple(self.registry.get(name) for name in self.team),
            others=self.registry.get(self.condition.others) if self.condition.others else None,
            seed=seed,
            attempt=self.played,
            limits=self.limits or self.family.limits(params),
        )
        transcript = asyncio.run(self._played(plan))
        verdict = judge(self.family, params, seed, self.condition, transcript)
        episode = record(transcript, verdict, episode_id=plan.id)
        if episode.cost_usd is None and self.max_cost_usd is not None:
            raise UsageError(f"--max-cost={self.max_cost_usd}: the price of {'+'.join(self.team)} is not known")
        self.cost_usd += episode.cost_usd or 0.0
        return Finished(episode, transcript)

    def failing(
        self,
        params: Params,
        seed: int,
        fails: Callable[[Finished], bool],
        shows: Callable[[Iterable[bool]], bool | None],
    ) -> Finished | None:
        """A play of the case that fails, if it does so by the test `shows`; None if it does not, or cannot be played.

        Raises:
            Spent: nothing is left before that is settled.
        """
        seen: list[bool] = []
        failed: Finished | None = None
        while True:
            try:
                finished = self.once(params, seed)
            except TaskError:
                return None
            seen.append(fails(finished))
            failed = finished if seen[-1] else failed
            settled = seen[-1] if self.repeats_itself else shows(seen)
            if settled is not None:
                return failed if settled else None

    def _names(self) -> tuple[str, ...]:
        return self.condition.at_table(self.team)

    async def _played(self, plan: Plan) -> Any:
        try:
            return await play(plan)
        finally:
            for agent in self.registry.all():
                await agent.aclose()


@contextlib.contextmanager
def searching() -> Iterator[None]:
    """Let hypothesis search outside of a test session.

    Its pytest plugin is loaded with the project's configuration and waits for a session to begin: until then it warns
    of every strategy.
    """
    from hypothesis.errors import HypothesisSideeffectWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisSideeffectWarning)
        yield


def task_file(family: str, params: Params, condition: Condition, seed: int, limits: Limits | None) -> str:
    """A task file with the one case."""
    import yaml

    said = {name: value for name, value in params.model_dump(mode="json").items() if value is not None}
    task: dict[str, Any] = {"family": family, "params": said, "seeds": [seed], "conditions": [str(condition)]}
    if limits is not None:
        task["limits"] = limits.model_dump(mode="json", exclude_defaults=True)
    return str(yaml.safe_dump(task, sort_keys=False, default_flow_style=None))
