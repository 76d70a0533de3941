"""What is played: this process's executor, its money, and which plays there have been of each case."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.executor import Executor, Finished, LocalExecutor, NoPlayers
from pytest_collab.episode.journal import Journals
from pytest_collab.episode.limits import BudgetSpent, Purse
from pytest_collab.episode.plan import Plan, Prefix
from pytest_collab.episode.preparing import listen
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import FLAT, RunDirectory
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import CollabError, RunError
from pytest_collab.plugin import engines
from pytest_collab.plugin.cases import Case, CaseKey, case_of
from pytest_collab.plugin.collected import Collected
from pytest_collab.plugin.options import Settings
from pytest_collab.plugin.resuming import TaskKey
from pytest_collab.plugin.roster import Roster
from pytest_collab.plugin.shared import tell_in_play, tell_planned, tell_preparing
from pytest_collab.plugin.upcoming import Upcoming

if TYPE_CHECKING:
    from pytest_collab.measure.forecast import Forecaster
    from pytest_collab.measure.played import Played


UNPAID: Final = "not begun"
"""How the reason of an item begins that the session's money did not cover."""

AHEAD: Final = 4
"""Under `--collab-stop-when-decided` no episode begins further ahead than so many times what is in flight: one slow
episode holds up the verdict, and what is played beyond it may not be wanted."""


class Stage:
    """Plays the session's episodes in this process.

    Args:
        shared: the folder that all processes of the session share.
        worker: this process's name.

    Attributes:
        run: where plays are kept; set before collection.
        before: what the resumed run has played; None where none is resumed.
        attempts: how often each case has been played in this session.
        refused: why nothing may be played, found out after collection.
        unneeded: why no gate needs a case any more; None when it is to be played.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        agents: Roster,
        collected: Collected,
        shared: Path,
        worker: str,
    ) -> None:
        self._config = config
        self._settings = settings
        self._agents = agents
        self._collected = collected
        self._shared = shared
        self._worker = worker
        self._upcoming = Upcoming(config, AHEAD * settings.in_flight if settings.stop_when_decided else None)
        self.run: RunDirectory | None = None
        self.attempts: dict[Any, int] = {}
        self.before: Played | None = None
        self._taken: set[CaseKey] = set()
        self._changed: Mapping[TaskKey, str] = {}
        self.refused: str | None = None
        self._expected: set[CaseKey] = set()
        self._held: dict[CaseKey, list[Case]] = {}
        self._ready: deque[Case] = deque()
        self._seeds: dict[TaskKey, dict[int, None]] = {}
        self.unneeded: Callable[[Case], str | None] = lambda case: None

    def resume(self, run: RunDirectory) -> dict[TaskKey, set[str]]:
        """Take over what a resumed run has finished: only infrastructure errors are played again.

        Returns:
            The contents that its tasks had.
        """
        from pytest_collab.measure.played import Played

        self.before = Played.of(run, self._shared)
        return self.before.hashes

    def forget(self, changed: Mapping[TaskKey, str]) -> None:
        """Let go of what a resumed run has played of tasks that have changed since."""
        self._changed = changed

    def has(self, case: Case) -> bool:
        """Whether the resumed run has finished this case, and it has not been told in this session."""
        return case.key not in self._taken and self._stands(case.key, case.task.hash)

    def _stands(self, key: CaseKey, content: str) -> bool:
        """Whether the resumed run has finished an episode of a task of that content."""
        if self.before is None or key not in self.before:
            return False
        if key[:2] not in self._changed:
            return True
        played = self.before.standing(key)
        return played is not None and played.task_hash == content

    def finished(self) -> Iterator[CaseKey]:
        """What the resumed run has finished, read anew: its table knows an episode only when it is asked for it."""
        from pytest_collab.measure.plan import planned_of
        from pytest_collab.measure.reader import read_frame

        if self.before is None or self.run is None:
            return
        frame = read_frame(self.run.path)
        for key, content, evidence in zip(planned_of(frame), frame.task_hash, frame.evidence.tolist(), strict=True):
            if evidence and self._changed.get(key[:2], content) == content:
                yield key

    def _take(self, case: Case) -> Episode | None:
        """What the resumed run has of a case, once."""
        stored = self.before.standing(case.key) if self.before is not None and self.has(case) else None
        self._taken.add(case.key)
        return stored if stored is not None and stored.task_hash == case.task.hash else None

    def expect(self, items: list[pytest.Item]) -> None:
        """The collected items, in the order of play."""
        self._upcoming.know(items)
        cases = [case for item in items if (case := case_of(item)) is not None and case.skip is None]
        self._expected = {case.key for case in cases}
        for case in cases:
            self._seeds.setdefault((case.task.family.name, case.task.name), {})[case.seed] = None
        tell_planned(self._shared, self._worker, len(cases))
        if self.run is not None:
            self.run.spread = len(cases) > FLAT

    @cached_property
    def purse(self) -> Purse:
        """The session's money, one for all its processes."""
        from pytest_collab.agents.purse import SessionPurse

        return SessionPurse(self._shared, self._settings.max_cost)

    @cached_property
    def executor(self) -> Executor:
        watch = partial(tell_in_play, self._shared, self._worker)
        if self._settings.executor != engines.LOCAL:
            return engines.executor(self._config, self._settings, self._agents, self._shared, self._own_side(), watch)
        listen(partial(tell_preparing, self._shared, self._worker))
        return LocalExecutor(
            self._settings.in_flight,
            keep=self._keep,
            reread=None if self.run is None else self.run.transcript,
            purse=self.purse,
            likely=self._likely,
            worker=self._worker,
            watch=watch,
            journals=self._journals,
        )

    def _own_side(self) -> engines.OwnSide:
        return engines.OwnSide(
            run=self.run,
            seeds=lambda plan: tuple(self._seeds.get((plan.family.name, plan.task), ())),
            likely=self._likely,
            keep=self._keep,
        )

    @cached_property
    def _journals(self) -> Journals | None:
        return None if self.run is None else Journals(self.run.path, self._worker)

    @cached_property
    def _forecaster(self) -> Forecaster:
        from pytest_collab.plugin.forecasting import forecaster

        return forecaster(self._agents, self._config, runs=False)

    def _likely(self, plan: Plan) -> float:
        """What an episode is likely to cost; asked only where there is a budget to keep."""
        if self._settings.max_cost is None:
            return 0.0
        return self._forecaster.of(plan, play=False).cost_usd or 0.0

    def _hopeless(self, case: Case) -> str | None:
        """Why an episode with these agents cannot come to anything; None while there is hope."""
        names = case.condition.at_table(case.team)
        return next(filter(None, map(self._agents.registry.trouble.given_up, names)), None)

    def _keep(self, episode: Episode, transcript: Transcript) -> Episode:
        if self._settings.max_cost is not None:
            self._forecaster.learn(episode)
        if self.run is not None:
            name = episode.id
            episode = self.run.add(episode, transcript)
            if self._journals is not None:
                self._journals.end(name)
        self._config.hook.pytest_collab_episode_finished(episode=episode, transcript=transcript)
        return episode

    def play_item(self, item: pytest.Item, case: Case) -> Finished:
        """The item's episode: played now, in play already, or finished by the run that is resumed.

        Raises:
            pytest.skip.Exception: the case cannot be played, or the session's money is spent.
        """
        if case.skip is not None:
            pytest.skip(case.skip)
        if self.refused is not None:
            pytest.skip(self.refused)
        hopeless = self._hopeless(case)
        if hopeless is not None:
            pytest.skip(f"not played: {hopeless}")
        stored = self._take(case)
        if stored is not None and self.run is not None:
            finished = Finished(stored, partial(self.run.transcript, stored))
        else:
            with self._told():
                plan = self.plan(case)
                unneeded = None if self.executor.knows(plan) else self.unneeded(case)
                if unneeded is not None:
                    pytest.skip(unneeded)
                finished = self.executor.result(plan, partial(self._fill, item))
            self._count(case)
        return finished

    def _fill(self, item: pytest.Item) -> None:
        """Begin what comes after `item` in the places that are free."""
        self.executor.start(islice(chain(self._held_back(), self._ahead(item)), self.executor.free))

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
        names = tuple(team) if team else self._settings.teams[0]
        case = Case(task, Condition.parse(condition), names, seed, 0)
        with self._told():
            self._collected.configure(task.family)
            task.family.prepare([(params, [seed])])
            finished = self.executor.result(self.plan(case))
        self._count(case)
        return finished

    def _count(self, case: Case) -> None:
        """A case has been played: what goes on with it may begin."""
        self.attempts[case.key] = self.attempts.get(case.key, 0) + 1
        self._ready += self._held.pop(case.key, ())

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what ends a session, rather than an episode, into pytest's own words."""
        try:
            yield
        except BudgetSpent as error:
            pytest.skip(f"{UNPAID}: {error}")
        except RunError as error:
            self._upcoming.stop(f"the run cannot be written: {error}")
            raise pytest.fail.Exception(f"the run cannot be written: {error}", pytrace=False) from None
        except CollabError as error:
            if isinstance(error, NoPlayers):
                self._upcoming.stop(str(error))
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
            agents=tuple(self._agents.registry.get(name) for name in case.team),
            others=self._agents.registry.get(condition.others) if condition.others else None,
            seed=case.seed,
            epoch=case.epoch,
            attempt=self.attempts.get(case.key, 0) + (self.before.plays(case.key) if self.before else 0) + 1,
            grader=self._agents.grader,
            gradings=self._agents.gradings,
            asks_seats=self._agents.asks_seats(case),
            limits=task.limits or task.family.limits(task.params),
            prefix=self._prefix(case),
        )

    def _prefix(self, case: Case) -> Prefix | None:
        """The frozen beginning of a relay by turns: the `team` episode of those who begin, where the run has it."""
        turns = case.condition.relay_after_turns
        key = self._beginning(case)
        if turns is None or key is None or self.run is None:
            return None
        if key not in self._beginnings:
            self._beginnings.update()
        found = self._beginnings.standing(key)
        if found is None or found.task_hash != case.task.hash:
            return None
        return Prefix.of(found.id, self.run.transcript(found), turns)

    @cached_property
    def _beginnings(self) -> Played:
        """What the run has played by now, in all processes of the session."""
        from pytest_collab.measure.played import Played

        assert self.run is not None
        return Played(self.run)

    def _beginning(self, case: Case) -> CaseKey | None:
        """Which episode a relay by turns goes on with; None for other conditions."""
        if case.condition.relay_after_turns is None:
            return None
        first, second = case.team
        begins = (second, second) if case.condition.recovers else (first, second)
        return (*case.key[:2], "team", begins, case.seed, case.epoch)

    def _ahead(self, item: pytest.Item) -> Iterator[Plan]:
        """Plans of the items that come after `item` in this process; whether one is still wanted is asked last."""
        for following in self._upcoming.after(item):
            case = case_of(following)
            if case is None or case.skip is not None or self.has(case) or self.attempts.get(case.key):
                continue
            beginning = self._beginning(case)
            if beginning is not None and beginning in self._expected and not self._begun(case):
                self._held.setdefault(beginning, []).append(case)
            elif self._wanted(case):
                yield self.plan(case)

    def _held_back(self) -> Iterator[Plan]:
        """Plans of relays that had to wait for the episode that they go on with."""
        while self._ready:
            case = self._ready.popleft()
            if not self.attempts.get(case.key) and self._wanted(case):
                yield self.plan(case)

    def _begun(self, case: Case) -> bool:
        """Whether there is the episode that a relay goes on with, or none to wait for."""
        key = self._beginning(case)
        return key is None or bool(self.attempts.get(key)) or self._stands(key, case.task.hash)

    def _wanted(self, case: Case) -> bool:
        return self.unneeded(case) is None and self._hopeless(case) is None

    def close(self) -> None:
        """Stop the executor; close agents' clients."""
        executor: Executor | None = self.__dict__.pop("executor", None)
        if executor is None:
            return
        try:
            for agent in self._agents.registry.all():
                with contextlib.suppress(Exception):
                    executor.call(agent.aclose(), timeout=5)
        finally:
            executor.close()
            if self._journals is not None:
                self._journals.close()


def unpaid(report: Any) -> bool:
    """Was this report's item left out because the session's money did not cover it?"""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    return str(reason).startswith(f"Skipped: {UNPAID}")
