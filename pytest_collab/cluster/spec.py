"""An episode to play, by name: what a plan is when it goes to another process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

import pytest_collab
from pytest_collab import families
from pytest_collab.episode.agent import Agent
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.limits import Limits
from pytest_collab.episode.plan import Plan, Prefix
from pytest_collab.errors import UsageError
from pytest_collab.families.task import Task

_PACKAGE = Path(pytest_collab.__file__).parent


class Unlike(UsageError):
    """Another process would play something else than was planned here."""


class Place(BaseModel):
    """A folder that has another path elsewhere.

    Attributes:
        below: `root` (pytest's rootdir), `package` (pytest_collab as it is installed), or empty: the path is whole.
    """

    model_config = ConfigDict(frozen=True)

    below: str
    path: str

    @classmethod
    def of(cls, folder: Path, root: Path) -> Place:
        """Say where a folder is; `root` is pytest's rootdir here."""
        for below, start in (("root", root.resolve()), ("package", _PACKAGE)):
            if folder.resolve().is_relative_to(start):
                return cls(below=below, path=str(folder.resolve().relative_to(start)))
        return cls(below="", path=str(folder))

    def found(self, root: Path) -> Path:
        """Where it is here."""
        return {"root": root, "package": _PACKAGE, "": Path("/")}[self.below] / self.path


class TaskSpec(BaseModel):
    """A task by name.

    Attributes:
        folder: what paths in params are relative to, in families that have such paths.
    """

    model_config = ConfigDict(frozen=True)

    family: str
    name: str
    params: dict[str, Any]
    folder: Place | None = None
    limits: Limits
    hash: str

    @classmethod
    def of(cls, plan: Plan, root: Path) -> TaskSpec:
        """The task of a plan; `root` is pytest's rootdir."""
        folder = getattr(plan.params, "folder", None)
        return cls(
            family=plan.family.name,
            name=plan.task,
            params=plan.params.model_dump(mode="json"),
            folder=Place.of(folder, root) if isinstance(folder, Path) else None,
            limits=plan.limits,
            hash=plan.task_hash,
        )

    def task(self, root: Path) -> Task:
        """The task as it is here.

        Raises:
            Unlike: its content here is not what it was where it was planned.
            TaskError: there is no such family here, or it does not take these params.
        """
        model = families.get(self.family).params_type
        context = {"folder": self.folder.found(root)} if self.folder is not None else None
        task = Task(self.name, model.model_validate(self.params, context=context), limits=self.limits)
        if task.hash != self.hash:
            raise Unlike(
                f"task {self.name!r} of family {self.family!r} is another one here (content {task.hash}, planned as "
                f"{self.hash}): the files of the task or the version of its family differ"
            )
        return task


class _Frozen(BaseModel):
    """The first turns of another episode: (turn, seat, text, why it ended) of each reply."""

    episode: str
    turns: int
    replies: tuple[tuple[int, str, str, str], ...]


class EpisodeSpec(BaseModel):
    """One episode to play, by name, as JSON; everything that a `Plan` holds as objects is found again by name.

    Attributes:
        version: of pytest-collab, where it was planned.
        grader: name of the agent that reads the finished dialogue.
    """

    model_config = ConfigDict(frozen=True)

    version: str
    task: TaskSpec
    condition: str
    team: tuple[str, ...]
    seed: int
    epoch: int
    attempt: int
    grader: str | None
    gradings: int
    asks_seats: bool
    prefix: _Frozen | None

    @classmethod
    def of(cls, plan: Plan, root: Path) -> EpisodeSpec:
        """A plan by name; `root` is pytest's rootdir."""
        prefix = plan.prefix
        return cls(
            version=pytest_collab.__version__,
            task=TaskSpec.of(plan, root),
            condition=str(plan.condition),
            team=plan.team,
            seed=plan.seed,
            epoch=plan.epoch,
            attempt=plan.attempt,
            grader=None if plan.grader is None else plan.grader.name,
            gradings=plan.gradings,
            asks_seats=plan.asks_seats,
            prefix=None
            if prefix is None
            else _Frozen(
                episode=prefix.episode,
                turns=prefix.turns,
                replies=tuple((turn, seat, *said) for (turn, seat), said in prefix.replies.items()),
            ),
        )

    def plan(self, task: Task, agent: Callable[[str], Agent]) -> Plan:
        """The plan, made here.

        Args:
            task: what `TaskSpec.task` made.
            agent: finds an agent by its name.

        Raises:
            Unlike: it was planned by another version of pytest-collab.
            UsageError: an agent is not known here, or its key is missing.
        """
        if self.version != pytest_collab.__version__:
            raise Unlike(
                f"pytest-collab {pytest_collab.__version__} is installed here, and {self.version} planned it"
            )
        condition = Condition.parse(self.condition)
        frozen = self.prefix
        return Plan(
            family=task.family,
            params=task.params,
            task=task.name,
            task_hash=task.hash,
            condition=condition,
            team=self.team,
            agents=tuple(map(agent, self.team)),
            others=agent(condition.others) if condition.others else None,
            seed=self.seed,
            epoch=self.epoch,
            attempt=self.attempt,
            grader=None if self.grader is None else agent(self.grader),
            gradings=self.gradings,
            asks_seats=self.asks_seats,
            limits=self.task.limits,
            prefix=None
            if frozen is None
            else Prefix(
                frozen.episode,
                frozen.turns,
                {(turn, seat): (text, stop) for turn, seat, text, stop in frozen.replies},
            ),
        )
