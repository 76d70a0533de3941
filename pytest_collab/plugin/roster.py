"""The session's agents: who is under test, whom conditions name, and who reads dialogues."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_collab import families
from pytest_collab.agents.builtin import BuiltinAgent
from pytest_collab.agents.registry import Registry
from pytest_collab.errors import UsageError
from pytest_collab.plugin.cases import Case
from pytest_collab.plugin.options import Settings

if TYPE_CHECKING:
    from pytest_collab.agents.lane import Lanes
    from pytest_collab.agents.trouble import Trouble
    from pytest_collab.episode.agent import Agent

MOST_GRADINGS: Final = 25
"""Gradings of one episode at most."""

DEFAULT_AGENTS_FILE: Final = "collab-agents.yaml"


class Roster:
    """Makes the agents that the session names, each once.

    Args:
        shared: the folder that all processes of the session share.
        lanes, trouble: where rate limits are kept, and waits and lost calls told, if not there.

    Attributes:
        misplaced: agents that could not take a seat in some family, and why.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        shared: Path,
        *,
        lanes: Lanes | None = None,
        trouble: Trouble | None = None,
    ) -> None:
        self._lanes = lanes
        self._trouble = trouble
        self.config = config
        self.settings = settings
        self.shared = shared
        self.misplaced: dict[str, str] = {}

    @cached_property
    def registry(self) -> Registry:
        def make(name: str) -> Agent | None:
            made: Agent | None = self.config.hook.pytest_collab_make_agent(config=self.config, name=name)
            return made

        cast = {name for family in families.registered() for name in family.cast}
        return Registry(
            [make],
            cast,
            agents_file=self.agents_file(),
            shared=self.shared,
            lanes=self._lanes,
            trouble=self._trouble,
            record=None if self.unasked else self.settings.record,
            replay=None if self.unasked else self.settings.replay,
            keyless=self.unasked,
        )

    @property
    def unasked(self) -> bool:
        """Nothing will be played: agents are described and never asked, so they need no keys."""
        return self.settings.plan or bool(self.config.option.collectonly)

    def agents_file(self) -> Path | None:
        """The agents file; None where there is none."""
        named = self.settings.agents_file
        if named is not None:
            return named
        for folder in (self.config.invocation_params.dir, self.config.rootpath):
            if (folder / DEFAULT_AGENTS_FILE).is_file():
                return folder / DEFAULT_AGENTS_FILE
        return None

    def check(self) -> None:
        """Make every agent that was named, so that a wrong name is told before anything runs."""
        names = [*self.settings.agents, *(name for team in self.settings.teams for name in team)]
        for condition in self.settings.conditions or ():
            if condition.others is not None:
                names.append(condition.others)
        for name in dict.fromkeys(names):
            try:
                self.registry.get(name)
            except UsageError as error:
                hint = self._read_too_late() if str(error).startswith("unknown agent") else ""
                raise UsageError(f"{error}{hint}") from None
        _ = self.grader
        if self.settings.max_cost is not None and not self.unasked:
            self.registry.refuse_unpriced(self.settings.max_cost)

    def _read_too_late(self) -> str:
        """Which conftest files make agents, below what was named, and are only read when agents are made already."""
        late = []
        for named in self.config.args:
            folder = self.config.invocation_params.dir / named.partition("::")[0]
            for path in sorted(folder.rglob("conftest.py")):
                loaded = self.config.pluginmanager.get_plugin(str(path)) is not None
                if not loaded and "pytest_collab_make_agent" in path.read_text(encoding="utf-8", errors="replace"):
                    late.append(os.path.relpath(path, self.config.invocation_params.dir))
        if not late:
            return ""
        return (
            f" {', '.join(late)} makes agents and is read too late: at its start pytest reads the conftest.py of the "
            "root and of the folders on the command line. Move the hook there, or name the folder."
        )

    @property
    def gradings(self) -> int:
        """How often the grader reads each episode."""
        return self._grader[1]

    @cached_property
    def _grader(self) -> tuple[str, int]:
        """What `--collab-grader` names, and how often it reads.

        Raises:
            UsageError: it is to read less than once, or more often than anyone would pay for.
        """
        name, colon, times = self.settings.grader.rpartition(":")
        if not colon or not times.isdigit():
            return self.settings.grader, 1
        if name in ("", "rules", "seats") or not 1 <= int(times) <= MOST_GRADINGS:
            raise UsageError(
                f"--collab-grader={self.settings.grader}: {times} gradings by {name!r} are not possible. Give an "
                f"agent and 1 to {MOST_GRADINGS}, such as claude:3; rules and seats read once."
            )
        return name, int(times)

    @property
    def only_built_in(self) -> bool:
        """Whether all agents that the session names are built-in players."""
        named = [*self.settings.agents, *(name for team in self.settings.teams for name in team)]
        return all(isinstance(self.registry.get(name), BuiltinAgent) for name in named)

    def asks_seats(self, case: Case) -> bool:
        """Whether the seats are asked, when a dialogue has ended, what they agreed on.

        Left open on the command line, they are unless only built-in players sit there, who speak the rules'
        language.
        """
        name, _ = self._grader
        if name:
            return name == "seats"
        names = case.condition.at_table(case.team)
        return not all(isinstance(self.registry.get(name), BuiltinAgent) for name in names)

    @cached_property
    def grader(self) -> Agent | None:
        """Who reads free-form dialogue; None for the families' own rules.

        Raises:
            UsageError: nobody knows the name, or it is a built-in player's.
        """
        name, _ = self._grader
        if name in ("", "rules", "seats"):
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

    def possible(self, case: Case) -> Case:
        """The case, skipped with the reason where one of its agents cannot take a seat in the family."""
        if case.skip is not None:
            return case
        family, condition = case.task.family, case.condition
        for name in condition.at_table(case.team):
            agent = self.registry.get(name)
            if isinstance(agent, BuiltinAgent) and agent.character not in family.cast:
                cast = ", ".join(family.cast)
                return replace(case, skip=f"family {family.name!r} casts no {agent.character!r}; it has {cast}")
            misplaced = agent.refuses(family)
            if misplaced is not None:
                self.misplaced[name] = misplaced
                return replace(case, skip=misplaced)
        return case
