"""This process's side of a session: agents, run directory, executor; the same in workers and without xdist."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_collab import families
from pytest_collab.agents.builtin import BuiltinAgent
from pytest_collab.agents.registry import Registry
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.executor import Executor, Finished
from pytest_collab.episode.limits import BudgetSpent, OpenPurse, Purse
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import CollabError, RunError, TaskError, UsageError
from pytest_collab.families.task import Task
from pytest_collab.plugin import attachments, outcomes, upcoming
from pytest_collab.plugin.cases import Case, case_of
from pytest_collab.plugin.collection import register_families
from pytest_collab.plugin.options import Settings, settings
from pytest_collab.plugin.preparation import prepare_tasks, refuse_items
from pytest_collab.plugin.progress import tell_in_play
from pytest_collab.plugin.state import EPISODE, SESSION

if TYPE_CHECKING:
    from pytest_collab.episode.agent import Agent
    from pytest_collab.episode.family import Family
    from pytest_collab.plugin.following import Follower


DEFAULT_AGENTS_FILE: Final = "collab-agents.yaml"


def configure(config: pytest.Config) -> None:
    """Set up the session of this process and register the plugins of its side."""
    try:
        register_families(config)
        session = CollabSession(config, settings(config))
        config.stash[SESSION] = session
        config.pluginmanager.register(outcomes, "collab-outcomes")
        attachments.register(config)
        side: Any
        if hasattr(config, "workerinput"):
            from pytest_collab.plugin.worker import Worker

            side = Worker(session, config.workerinput)
        else:
            from pytest_collab.plugin.controller import Controller

            side = Controller(session)
        session.check_agents()
        side.begin()
        if session.settings.stop_when_decided:
            from pytest_collab.plugin.following import Follower

            session.follower = Follower(session)
            config.pluginmanager.register(session.follower, "collab-follower")
        config.pluginmanager.register(side, f"collab-{type(side).__name__.lower()}")
    except CollabError as error:
        raise pytest.UsageError(str(error)) from None


class CollabSession:
    """What this process needs to play episodes.

    Attributes:
        run: the run directory; set by the worker's or the controller's side before collection.
        shared: a directory that all processes of the session share while it lasts (rate limits, money).
        follower: follows the gates, with --collab-stop-when-decided.
        refused: why nothing may be played, found out after collection.
        tasks: tasks seen in collection, by family and name.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.run: RunDirectory | None = None
        self.worker = "main"
        self.shared: Path | None = None
        self.tasks: dict[tuple[str, str], Task] = {}
        self.attempts: dict[Any, int] = {}
        self.stored: dict[Any, Episode] = {}
        self.follower: Follower | None = None
        self.refused: str | None = None
        self.notes: list[str] = []
        self._configured: set[str] = set()
        self._upcoming = upcoming.Upcoming(config)

    # Agents.

    @cached_property
    def registry(self) -> Registry:
        def make(name: str) -> Agent | None:
            made: Agent | None = self.config.hook.pytest_collab_make_agent(config=self.config, name=name)
            return made

        cast = {name for family in families.registered() for name in family.cast}
        return Registry(
            [make],
            cast,
            agents_file=self._agents_file(),
            shared=self.shared,
            record=self.settings.record,
            replay=self.settings.replay,
        )

    def _agents_file(self) -> Path | None:
        named = self.settings.agents_file
        if named is not None:
            return named
        for folder in (self.config.invocation_params.dir, self.config.rootpath):
            if (folder / DEFAULT_AGENTS_FILE).is_file():
                return folder / DEFAULT_AGENTS_FILE
        return None

    def check_agents(self) -> None:
        """Make every agent that was named, so that a wrong name is told before anything runs."""
        names = [*self.settings.agents, *(name for team in self.settings.teams for name in team)]
        for condition in self.settings.conditions or ():
            if condition.kind == "with":
                names.append(condition.argument)
        for name in dict.fromkeys(names):
            self.registry.get(name)
        _ = self.grader
        if self.settings.max_cost is not None:
            self.registry.refuse_unpriced(self.settings.max_cost)

    @cached_property
    def grader(self) -> Agent | None:
        """Who reads free-form dialogue; None for the families' own rules.

        Raises:
            UsageError: nobody knows the name, or it is a built-in player's.
        """
        name = self.settings.grader
        if name == "rules":
            return None
        try:
            agent = self.registry.get(name)
        except UsageError as error:
            raise UsageError(f"--collab-grader={name}: {error}") from None
        if isinstance(agent, BuiltinAgent) or agent.autonomous:
            what = "is a built-in player" if isinstance(agent, BuiltinAgent) else "works on its own"
            raise UsageError(
                f"--collab-grader={name}: {name!r} {what} and cannot read a dialogue. Give `rules`, or an agent that "
                "answers questions, such as claude or openai/MODEL."
            )
        return agent

    # Collection.

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
        for condition in task.conditions:
            if condition.kind == "with":
                try:
                    self.registry.get(condition.argument)
                except CollabError as error:
                    raise TaskError(
                        f"{str(condition)!r}: {error}", file=task.file, line=task.line or None, key="conditions"
                    ) from None

    def possible(self, case: Case) -> Case:
        """The case, skipped with the reason where the family casts no such built-in player."""
        if case.skip is not None:
            return case
        family, condition = case.task.family, case.condition
        for name in (*case.team, *([condition.argument] if condition.kind == "with" else [])):
            agent = self.registry.get(name)
            if isinstance(agent, BuiltinAgent) and agent.character not in family.cast:
                cast = ", ".join(family.cast)
                return replace(case, skip=f"family {family.name!r} casts no {agent.character!r}; it has {cast}")
        return case

    def collected(self, session: pytest.Session) -> None:
        """Everything is collected: let families do their batch work, and write down the tasks."""
        self._upcoming.know(session.items)
        self._check_plan(session.items)
        wanted: dict[tuple[str, str], tuple[Task, dict[int, None]]] = {}
        for item in session.items:
            case = case_of(item)
            if case is not None and case.skip is None and case.key not in self.stored:
                wanted.setdefault((case.task.params.family, case.task.name), (case.task, {}))[1][case.seed] = None
        refused = prepare_tasks([(task, list(seeds)) for task, seeds in wanted.values()], self._configure)
        refuse_items(session, refused)
        wanted = {key: one for key, one in wanted.items() if key not in refused}
        if self.run is not None and wanted:
            from pytest_collab.plugin.runinfo import add_tasks

            add_tasks(self.run, [task for task, _ in wanted.values()], self.notes)

    def _configure(self, family: Family[Any]) -> None:
        """Tell a family what the session was asked for, and keep what people must see."""
        if family.name not in self._configured:
            self._configured.add(family.name)
            self.notes += family.configure({"sandbox": self.settings.sandbox})

    def _check_plan(self, items: Sequence[pytest.Item]) -> None:
        if self.settings.gate is None and self.settings.baseline is None:
            return
        from pytest_collab.plugin.planned import check_plan

        try:
            cases = [case for case in map(case_of, items) if case is not None and case.skip is None]
            check_plan(self, items, cases)
        except CollabError as error:
            raise pytest.UsageError(str(error)) from None

    # Playing.

    @cached_property
    def purse(self) -> Purse:
        """The session's money, one for all its processes."""
        if self.shared is None:
            return OpenPurse()
        from pytest_collab.agents.purse import SessionPurse

        return SessionPurse(self.shared, self.settings.max_cost)

    @cached_property
    def executor(self) -> Executor:
        return Executor(
            self.settings.in_flight,
            keep=self._keep,
            purse=self.purse,
            worker=self.worker,
            watch=partial(tell_in_play, self.shared, self.worker),
        )

    def _keep(self, episode: Episode, transcript: Transcript) -> None:
        if self.run is not None:
            self.run.add(episode, transcript)
        self.config.hook.pytest_collab_episode_finished(episode=episode, transcript=transcript)

    def play_item(self, item: pytest.Item, case: Case) -> Finished:
        """The item's episode: played now, in play already, or finished by the run that is resumed.

        Raises:
            InfrastructureFailure: the infrastructure failed.
            pytest.skip.Exception: the case cannot be played, or the session's money is spent.
        """
        if case.skip is not None:
            pytest.skip(case.skip)
        if self.refused is not None:
            pytest.skip(self.refused)
        stored = self.stored.pop(case.key, None)
        if stored is not None and self.run is not None and stored.task_hash == case.task.hash:
            finished = Finished(stored, self.run.transcript(stored))
        else:
            with self._told():
                plan = self.plan(case)
                unneeded = None if self.executor.knows(plan) else self.unneeded(case)
                if unneeded is not None:
                    pytest.skip(unneeded)
                self.executor.start(self._ahead(item))
                finished = self.executor.result(plan)
            self.attempts[case.key] = self.attempts.get(case.key, 0) + 1
        return self._attach(item, finished)

    def unneeded(self, case: Case) -> str | None:
        """Why no gate needs a case any more; None when it is to be played."""
        return None if self.follower is None else self.follower.unneeded(case)

    def play_now(
        self,
        item: pytest.Item,
        params: Any,
        team: Sequence[str] | None,
        condition: str,
        seed: int,
        name: str | None,
    ) -> Finished:
        """Play an episode that was not collected as an item (fixtures `team` and `run_episode`)."""
        from pytest_collab.families.task import make_task

        own = getattr(item, "originalname", None) or item.name
        task = make_task(name or own.removeprefix("test_"), params, conditions=[condition], file=str(item.path))
        names = tuple(team) if team else self.settings.teams[0]
        case = Case(task, Condition.parse(condition), names, seed, 0, 1)
        with self._told():
            self._configure(task.family)
            task.family.prepare([(params, [seed])])
            finished = self.executor.result(self.plan(case))
        self.attempts[case.key] = self.attempts.get(case.key, 0) + 1
        return self._attach(item, finished)

    def _attach(self, item: pytest.Item, finished: Finished) -> Finished:
        item.stash[EPISODE] = finished
        episode = finished.episode
        outcomes.attach_properties(item, episode, str(self.shown_path(episode.transcript)))
        if episode.outcome is Outcome.INFRASTRUCTURE:
            raise outcomes.failure_of(episode)
        return finished

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what ends a session, rather than an episode, into pytest's own words."""
        try:
            yield
        except BudgetSpent as error:
            pytest.skip(str(error))
        except RunError as error:
            self._upcoming.stop(f"the run cannot be written: {error}")
            raise pytest.fail.Exception(f"the run cannot be written: {error}", pytrace=False) from None
        except CollabError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None

    def plan(self, case: Case) -> Plan:
        """The plan of a case, with its agents made."""
        task = case.task
        condition = case.condition
        return Plan(
            family=task.family,
            params=task.params,
            task=task.name,
            task_hash=task.hash,
            condition=condition,
            team=case.team,
            agents=tuple(self.registry.get(name) for name in case.team),
            others=self.registry.get(condition.argument) if condition.kind == "with" else None,
            seed=case.seed,
            epoch=case.epoch,
            attempt=self.attempts.get(case.key, 0) + 1,
            grader=self.grader,
            limits=task.limits or task.family.limits(task.params),
        )

    def _ahead(self, item: pytest.Item) -> Iterator[Plan]:
        """Plans of the items that come after `item` in this process, as many as may be in flight."""
        for following in self._upcoming.after(item, self.settings.in_flight):
            case = case_of(following)
            if case is None or case.skip is not None or case.key in self.stored:
                continue
            if following is not item and self.attempts.get(case.key):
                continue
            if following is item or self.unneeded(case) is None:
                yield self.plan(case)

    def shown_path(self, name: str) -> Path:
        """A file of the run as the user would type it."""
        if self.run is None:
            return Path(name)
        path = (self.run.path / name).absolute()
        with contextlib.suppress(ValueError):
            return Path(os.path.relpath(path, self.config.invocation_params.dir))
        return path

    def close(self) -> None:
        """Stop the executor; close agents' clients."""
        executor = self.__dict__.get("executor")
        if executor is None:
            return
        try:
            for agent in self.registry.all():
                with contextlib.suppress(Exception):
                    executor.call(agent.aclose(), timeout=5)
        finally:
            executor.close()
