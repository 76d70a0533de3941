"""Cases: what a task comes to under the session's settings; each becomes one pytest item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_collab.episode.condition import RELAYS, Condition
from pytest_collab.episode.text import counted
from pytest_collab.plugin.options import Settings

if TYPE_CHECKING:
    from pytest_collab.families.task import Task

CaseKey = tuple[str, str, str, tuple[str, ...], int, int]
"""Family, task, condition, team, seed, epoch: what an episode's record has, too."""


@dataclass(frozen=True, slots=True)
class Case:
    """One episode to be played, by name.

    Attributes:
        skip: why it cannot be played; None when it can.
    """

    task: Task
    condition: Condition
    team: tuple[str, ...]
    seed: int
    epoch: int
    skip: str | None = None

    def __repr__(self) -> str:
        """As the test is called: plugins show parameters, and Allure makes a test's history id of this."""
        return f"{self.task.name}[{self.label}]"

    @property
    def label(self) -> str:
        """The part in brackets of the test's name."""
        epoch = f"-e{self.epoch}" if self.epoch else ""  # the first is called as it is without --collab-epochs
        return f"{self.condition}-{'+'.join(self.team)}-s{self.seed}{epoch}".replace("[", "(").replace("]", ")")

    @property
    def key(self) -> CaseKey:
        return (self.task.params.family, self.task.name, str(self.condition), self.team, self.seed, self.epoch)


def cases(task: Task, settings: Settings) -> Iterator[Case]:
    """All cases of a task, conditions outermost, epochs innermost."""
    family = task.family
    conditions = settings.conditions if settings.conditions is not None else task.conditions
    seeds = task.seed_list(settings.seeds, settings.seed)
    seats = len(family.seats(task.params))
    missing = family.missing(task.params)
    for condition in conditions:
        refusal = family.refuses(condition, task.params) or missing
        for team in _teams(condition, settings):
            skip = refusal
            places = seats * (condition.teams or 1)
            if skip is None and len(team) > places and not condition.solo:
                skip = f"team {'+'.join(team)} has {counted(len(team), 'agent')} for {counted(places, 'seat')}"
            if refusal is not None:
                yield Case(task, condition, team, seeds[0], 0, skip)
                continue
            for seed in seeds:
                for epoch in range(settings.epochs):
                    yield Case(task, condition, team, seed, epoch, skip)


def _teams(condition: Condition, settings: Settings) -> list[tuple[str, ...]]:
    if condition.takes_one_agent:
        return [(agent,) for agent in settings.agents]
    if condition.kind in RELAYS:
        return [team for team in settings.teams if len(team) == 2 and team[0] != team[1]]
    return list(settings.teams)


def case_of(item: pytest.Item) -> Case | None:
    """The case of an item that plays one episode, known before it runs."""
    case = getattr(item, "case", None)
    if isinstance(case, Case):
        return case
    callspec: Any = getattr(item, "callspec", None)
    if callspec is None or "episode" not in getattr(item, "fixturenames", ()):
        return None
    found = callspec.params.get("_collab_case")
    return found if isinstance(found, Case) else None
