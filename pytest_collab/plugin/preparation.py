"""Batch work before the first episode, and what becomes of tasks for which it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pytest_collab.episode.family import Family
from pytest_collab.errors import CollabError
from pytest_collab.families.task import Task
from pytest_collab.plugin.cases import case_of

Key = tuple[str, str]
"""(family, task)"""


def prepare_tasks(
    wanted: Sequence[tuple[Task, Sequence[int]]], configure: Callable[[Family[Any]], None]
) -> dict[Key, CollabError]:
    """Let families do their batch work for the tasks and seeds of a session, all of a family's in one go.

    Returns:
        The tasks that cannot be played, and why. A mistake in one of them does not keep the others from it.
    """
    by_family: dict[str, list[tuple[Task, Sequence[int]]]] = {}
    for task, seeds in wanted:
        by_family.setdefault(task.family.name, []).append((task, seeds))
    refused: dict[Key, CollabError] = {}
    for own in by_family.values():
        family = own[0][0].family
        try:
            configure(family)
            family.prepare([(task.params, seeds) for task, seeds in own])
        except CollabError as error:
            refused |= _one_by_one(family, own, error)
    return refused


def _one_by_one(
    family: Family[Any], own: Sequence[tuple[Task, Sequence[int]]], error: CollabError
) -> Mapping[Key, CollabError]:
    """Which of a family's tasks it was; all of them where each alone seems right."""
    refused: dict[Key, CollabError] = {}
    for task, seeds in own:
        try:
            family.prepare([(task.params, seeds)])
        except CollabError as alone:
            refused[task.family.name, task.name] = alone
    return refused or {(task.family.name, task.name): error for task, _ in own}


def refuse_items(session: pytest.Session, refused: Mapping[Key, CollabError]) -> None:
    """Tell of the tasks as of errors in collection, and take their items out.

    An xdist worker has no other way to say so: an exception at this point ends it without a word.
    """
    if not refused:
        return
    told: set[Key] = set()
    for item in list(session.items):
        case = case_of(item)
        if case is None or case.skip is not None:
            continue
        key = (case.task.family.name, case.task.name)
        if key not in refused:
            continue
        session.items.remove(item)
        if key not in told:
            told.add(key)
            text = f"task {case.task.name!r} cannot be played: {refused[key]}"
            report = pytest.CollectReport(item.nodeid.split("::")[0], "failed", text, [])
            session.config.hook.pytest_collectreport(report=report)


def refuse_misplaced(session: pytest.Session, misplaced: Mapping[str, str]) -> None:
    """Tell of agents that can take no seat in anything that was collected, as of errors in collection.

    Where an agent can be seated somewhere, the cases in which it cannot are skipped, and that is all.
    """
    cases = [(case, item) for item in session.items if (case := case_of(item)) is not None]
    seats = [(case, case.condition.at_table(case.team), item) for case, item in cases]
    placed = {name for case, names, _ in seats if case.skip is None for name in names}
    for name, why in misplaced.items():
        first = next((item for _, names, item in seats if name in names), None)
        if name not in placed and first is not None:
            report = pytest.CollectReport(first.nodeid.split("::")[0], "failed", why, [])
            session.config.hook.pytest_collectreport(report=report)
