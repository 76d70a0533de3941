"""`--collab-settle`: at the end of a session, play just the `solo` episodes that settle what failures left open."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import pytest

from pytest_collab.episode.condition import SETTLING, Condition
from pytest_collab.episode.limits import BudgetSpent
from pytest_collab.errors import CollabError, RunError
from pytest_collab.plugin import runinfo
from pytest_collab.plugin.cases import Case

if TYPE_CHECKING:
    from pytest_collab.episode.run import RunDirectory
    from pytest_collab.measure.settling import Missing
    from pytest_collab.plugin.session import CollabSession

ENDED: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
"""A session that ends otherwise was interrupted or is broken: nothing more is played in it."""


def settle(session: CollabSession, exit_status: int) -> None:
    """With `--collab-settle`, play what is missing, as many episodes at a time as the session plays.

    Every process does this when it has played its own episodes, and takes from the run directory what is open then
    and nobody else has taken: whatever a process leaves open, that process sees at the latest. What cannot be played
    stays unsettled, and the run's notes say why.
    """
    run = session.run
    if not session.settings.settle or run is None or not session.collected.tasks:
        return
    if exit_status not in ENDED or session.stage.refused is not None:
        return
    with contextlib.suppress(RunError):  # a run that cannot be written any more has been told of by then
        _settle(session, run)


def _settle(session: CollabSession, run: RunDirectory) -> None:
    from pytest_collab.measure.reader import read_frame
    from pytest_collab.measure.settling import missing_solos

    notes: dict[str, None] = {}
    cases = [_case(session, missing, notes) for missing in missing_solos(read_frame(run.path))]
    _play(session, [case for case in cases if case is not None and _taken(session, case)], notes)
    if notes:
        runinfo.add_tasks(run, [], list(notes))


def _case(session: CollabSession, missing: Missing, notes: dict[str, None]) -> Case | None:
    """The episode to play; None, with the reason noted, where it cannot be played here."""
    task = session.collected.tasks.get((missing.family, missing.task))
    if task is None:
        why: str | None = "this session does not collect the task"
    elif task.hash != missing.task_hash:
        why = "the task has changed since"
    else:
        solo = Condition("solo")
        case = Case(task, solo, (missing.agent,), missing.seed, 0, task.family.refuses(solo, task.params))
        try:
            case = session.agents.possible(case)
        except CollabError as error:
            case = replace(case, skip=str(error))
        if case.skip is None:
            return replace(case, condition=Condition.parse(SETTLING))
        why = case.skip
    notes[f"not settled: {missing.task}, {missing.agent} alone: {why}"] = None
    return None


def _taken(session: CollabSession, case: Case) -> bool:
    """Take an episode for this process; False where another one of this session has it."""
    name = sha256(repr(case.key).encode()).hexdigest()[:24]
    try:
        (session.shared / f"settling.{name}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _play(session: CollabSession, cases: list[Case], notes: dict[str, None]) -> None:
    by_task: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        by_task.setdefault((case.task.family.name, case.task.name), []).append(case)
    stage, plans = session.stage, []
    for own in by_task.values():
        task = own[0].task
        try:
            session.collected.configure(task.family)
            task.family.prepare([(task.params, [case.seed for case in own])])
            plans += [stage.plan(case) for case in own]
        except CollabError as error:
            notes[f"not settled: {task.name}: {error}"] = None
    stage.executor.start(plans)
    for plan in plans:
        try:
            stage.executor.result(plan)
        except BudgetSpent as error:
            notes[f"not settled: {error}"] = None
