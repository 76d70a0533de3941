"""What of two runs can be held against one another, and what is left over.

Units of the later run are matched with those of the earlier one by task, condition, seed and team. What has no
partner is named, never averaged in: a run of other teams, tasks or seeds than its baseline is not the same run played
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict

from pytest_collab.episode.text import counted, plural
from pytest_collab.measure.standin import StandIns
from pytest_collab.measure.units import Place, Units

NOT_COMPARED: Final = "not compared: "
"""How a line of `Matching.told` begins that names what only one of the runs has."""

MOST_NAMES: Final = 4
"""Of each kind that a line names; the rest is counted."""


class Leftover(BaseModel):
    """Units that one of two runs has alone, counted by what the other run lacks.

    Attributes:
        units: all of them.
        teams, tasks, conditions: by name, those that the other run has not at all.
        cells: by task, condition and team, those whose combination it lacks.
        seeds: by task, condition and team, those of which it lacks some seeds.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    units: int = 0
    teams: dict[str, int] = {}
    tasks: dict[str, int] = {}
    conditions: dict[str, int] = {}
    cells: dict[str, int] = {}
    seeds: dict[str, tuple[int, ...]] = {}

    def __str__(self) -> str:
        parts = [
            *_named("team", self.teams),
            *_named("task", self.tasks),
            *_named("condition", self.conditions),
            *_named("combination", self.cells),
        ]
        shown = [
            f"{counted(len(seeds), 'seed')} of {cell} ({_some([str(seed) for seed in seeds])})"
            for cell, seeds in self.seeds.items()
        ]
        return "; ".join([*parts, *([_some(shown)] if shown else [])])


class Matching(BaseModel):
    """How two runs fit together.

    Attributes:
        pairs: units that both have a value of.
        teams: those that both played, as the later run names them.
        tasks: those that both played.
        seeds: how many different ones of a task both have.
        stand_ins: old name by new name; `assumed` when nobody said so.
        only_before, only_after: units that one of them has alone, lost ones not counted.
        lost_before, lost_after: episodes lost to the infrastructure, or unread.
        absent_before, absent_after: episodes that are evidence and have no value of the metric.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    pairs: int
    teams: tuple[str, ...]
    tasks: tuple[str, ...]
    seeds: int
    stand_ins: dict[str, str] = {}
    assumed: bool = False
    only_before: Leftover = Leftover()
    only_after: Leftover = Leftover()
    lost_before: int = 0
    lost_after: int = 0
    absent_before: int = 0
    absent_after: int = 0

    @property
    def complete(self) -> bool:
        """Whether each run played just what the other did."""
        return not self.only_before.units and not self.only_after.units

    def told(self, before: str, after: str) -> list[str]:
        """What a reader has to know of it, a line each.

        Args:
            before, after: what the runs are called.
        """
        lines = []
        if self.stand_ins:
            who = ", ".join(f"{new} stands in for {old}" for new, old in self.stand_ins.items())
            lines.append(f"note: {who}" + (" (assumed: the runs have no other agents)" if self.assumed else ""))
        for name, left in ((before, self.only_before), (after, self.only_after)):
            if left.units:
                lines.append(f"{NOT_COMPARED}{left.units} of {name} alone: {left}")
        if self.only_before.teams and self.only_after.teams:
            lines.append(
                "if an agent has a new name, say whose place it takes (--as NEW=OLD; in a gates file, as: {NEW: OLD})"
            )
        return lines


def matched(before: Units, after: Units, who: StandIns) -> Matching:
    """How the units of two runs fit together."""
    both = before.played & after.played
    pairs = [place for place in both if place in before.values and place in after.values]
    names = {who.old((new,))[0]: new for new in who.of}
    return Matching(
        pairs=len(pairs),
        teams=tuple(sorted({"+".join(names.get(agent, agent) for agent in place.team) for place in pairs})),
        tasks=tuple(sorted({f"{place.family}/{place.task}" for place in pairs})),
        seeds=len({(place.family, place.task, place.seed) for place in pairs}),
        stand_ins=dict(who.of),
        assumed=who.assumed,
        only_before=_leftover(before.played - both, after.played, {}),
        only_after=_leftover(after.played - both, before.played, names),
        lost_before=before.lost,
        lost_after=after.lost,
        absent_before=before.absent,
        absent_after=after.absent,
    )


def _leftover(alone: Iterable[Place], other: frozenset[Place], names: Mapping[str, str]) -> Leftover:
    teams = {place.team for place in other}
    tasks = {place[:2] for place in other}
    conditions = {place.condition for place in other}
    cells = {(*place[:3], place.team) for place in other}
    counts: dict[str, dict[str, int]] = {"teams": {}, "tasks": {}, "conditions": {}, "cells": {}}
    seeds: dict[str, list[int]] = {}
    total = 0
    for place in sorted(alone):
        total += 1
        team = "+".join(names.get(agent, agent) for agent in place.team)
        task = f"{place.family}/{place.task}"
        cell = f"{task} {place.condition} {team}"
        if place.team not in teams:
            kind, name = "teams", team
        elif place[:2] not in tasks:
            kind, name = "tasks", task
        elif place.condition not in conditions:
            kind, name = "conditions", place.condition
        elif (*place[:3], place.team) not in cells:
            kind, name = "cells", cell
        else:
            seeds.setdefault(cell, []).append(place.seed)
            continue
        counts[kind][name] = counts[kind].get(name, 0) + 1
    return Leftover(units=total, seeds={cell: tuple(found) for cell, found in seeds.items()}, **counts)


def _named(kind: str, counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return []
    return [f"{plural(len(counts), kind)} {_some([f'{name} ({count})' for name, count in counts.items()])}"]


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
