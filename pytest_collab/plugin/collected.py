"""What is collected: tasks, their cases, and the batch work before the first of them is played."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_collab.errors import CollabError, TaskError
from pytest_collab.families.task import Task
from pytest_collab.plugin import runinfo
from pytest_collab.plugin.cases import Case, case_of, cases
from pytest_collab.plugin.options import Settings
from pytest_collab.plugin.preparation import prepare_tasks, refuse_items, refuse_misplaced
from pytest_collab.plugin.resuming import REMEDY, TaskKey
from pytest_collab.plugin.roster import Roster

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_collab.episode.agent import Agent
    from pytest_collab.episode.family import Family
    from pytest_collab.episode.planned import PlannedCell
    from pytest_collab.episode.run import RunDirectory


class Collected:
    """The tasks that this process has collected.

    Attributes:
        tasks: by family and name.
        named: agents that conditions name.
        notes: what families had to say when they heard what is to be played.
        played: the contents that tasks had when the resumed run played them.
        changed: tasks of which some of that is not so any more, with the content that they have now.
    """

    def __init__(self, settings: Settings, agents: Roster) -> None:
        self.tasks: dict[tuple[str, str], Task] = {}
        self.notes: list[str] = []
        self._settings = settings
        self._agents = agents
        self._configured: set[str] = set()
        self.named: dict[str, Agent] = {}
        self.played: dict[TaskKey, set[str]] = {}
        self.changed: dict[TaskKey, str] = {}

    def cases(self, task: Task) -> list[Case]:
        """The cases of a task that has been collected. Raises TaskError where it cannot stand beside the others."""
        self.know(task)
        return [self._agents.possible(case) for case in cases(task, self._settings)]

    def know(self, task: Task) -> None:
        """Remember a collected task, and check the agents that its conditions name.

        Raises:
            TaskError: another task has the same name, or a condition names an unknown agent.
        """
        known = self.tasks.setdefault((task.family.name, task.name), task)
        if known is not task and (known.file, known.line, known.hash) != (task.file, task.line, task.hash):
            raise TaskError(
                f"two tasks of family {task.family.name!r} are called {task.name!r}; the other is in {known.file}",
                remedy="Give one of them another `name`.",
                file=task.file,
                line=task.line or None,
                key="name",
            )
        self._alike(task)
        for condition in task.conditions:
            if condition.others is not None:
                try:
                    self.named[condition.others] = self._agents.registry.get(condition.others)
                except CollabError as error:
                    raise TaskError(
                        f"{str(condition)!r}: {error}", file=task.file, line=task.line or None, key="conditions"
                    ) from None

    def _alike(self, task: Task) -> None:
        """Refuse a task that is not what the resumed run played, unless that is to be played anew."""
        key = (task.family.name, task.name)
        before = self.played.get(key, set()) - {task.hash}
        if not before:
            return
        if not self._settings.anew:
            raise TaskError(
                f"task {task.name!r} is not what the resumed run has played (content {', '.join(sorted(before))} -> "
                f"{task.hash})",
                remedy=REMEDY,
                file=task.file,
                line=task.line or None,
            )
        self.changed[key] = task.hash

    def prepare(self, session: pytest.Session, run: RunDirectory | None, played: Callable[[Case], bool]) -> None:
        """Everything is collected: let families do their batch work, and write down the tasks.

        Args:
            played: whether a case need not be played again.
        """
        wanted: dict[tuple[str, str], tuple[Task, dict[int, None]]] = {}
        planned: dict[PlannedCell, set[Any]] = {}
        for item in session.items:
            case = case_of(item)
            if case is None or case.skip is not None:
                continue
            if not any(item.iter_markers("skip")) and not any(item.iter_markers("skipif")):
                planned.setdefault(case.key[:4], set()).add(case.key)
            if not played(case):
                wanted.setdefault((case.task.params.family, case.task.name), (case.task, {}))[1][case.seed] = None
        refused = prepare_tasks([(task, list(seeds)) for task, seeds in wanted.values()], self.configure)
        refuse_items(session, refused)
        refuse_misplaced(session, self._agents.misplaced)
        wanted = {key: one for key, one in wanted.items() if key not in refused}
        if run is not None and wanted:
            counts = {cell: len(keys) for cell, keys in planned.items() if cell[:2] not in refused}
            runinfo.add_tasks(run, [task for task, _ in wanted.values()], self.notes, self.named.values(), counts)

    def configure(self, family: Family[Any]) -> None:
        """Tell a family what the session was asked for, and keep what people must see."""
        if family.name not in self._configured:
            self._configured.add(family.name)
            self.notes += family.configure({"sandbox": self._settings.sandbox})
