"""How many episodes a session meant to play, as run.json keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

PlannedCell = tuple[str, str, str, tuple[str, ...]]
"""Family, task, condition and team: what a session's plan is counted by. Without a team, all of them."""


class PlannedCount(BaseModel):
    """How many episodes of a task under a condition a session meant to let a team play.

    Attributes:
        team: empty in runs of before it was kept, which counted all teams together.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    family: str
    task: str
    condition: str
    team: tuple[str, ...] = ()
    episodes: int

    @property
    def cell(self) -> PlannedCell:
        """Whose episodes of what these are: the first fields of `Episode.key`."""
        return self.family, self.task, self.condition, self.team


def played_counts(keys: Iterable[tuple[Any, ...]]) -> Counter[PlannedCell]:
    """How many episodes there are of every cell that a plan could count them by; `keys` begin as `Episode.key`."""
    teams = Counter((family, task, condition, team) for family, task, condition, team, *_ in keys)
    found = Counter(teams)
    for (family, task, condition, _), count in teams.items():
        found[family, task, condition, ()] += count
    return found


def planned_counts(counts: Mapping[PlannedCell, int]) -> list[PlannedCount]:
    """What run.json holds of a plan, in the order of its cells."""
    return [
        PlannedCount(family=family, task=task, condition=condition, team=team, episodes=count)
        for (family, task, condition, team), count in sorted(counts.items())
    ]
