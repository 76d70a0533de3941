"""Building a report from a run directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from pytest_collab.episode.run import RunDirectory, RunInfo
from pytest_collab.errors import CollabError, RunError
from pytest_collab.measure.change import compare_runs
from pytest_collab.measure.frame import OUTCOMES, Frame
from pytest_collab.measure.gatereport import GateReport
from pytest_collab.measure.plan import PlannedEpisode, planned_of, unplayed
from pytest_collab.measure.reader import read_frame
from pytest_collab.measure.records import Records
from pytest_collab.measure.settling import settle
from pytest_collab.measure.standin import stand_ins
from pytest_collab.report.advice import advice
from pytest_collab.report.answer import answer
from pytest_collab.report.lost import losses
from pytest_collab.report.matrix import matrix
from pytest_collab.report.model import (
    AgentStory,
    Baseline,
    Complaint,
    Example,
    Missing,
    Report,
    TaskFigures,
    TeamMatrix,
)
from pytest_collab.report.quotes import with_quotes

if TYPE_CHECKING:
    from pytest_collab.measure.attribution import Decomposition, FaultRate
    from pytest_collab.measure.figures import DifficultyCurves
    from pytest_collab.measure.ordering import OrderingEffect
    from pytest_collab.measure.summary import Cell, Summary

MATRIX_CONDITIONS: Final = ("team", "mute", "shared")
MOST_EXAMPLES: Final = 3


def read_report(run: RunDirectory, baseline: Path | None = None) -> Report:
    """Build the report of a run.

    Args:
        run: the run; it may still be in progress.
        baseline: an earlier run; the one that the session was given (`--collab-baseline`) when left out.

    Raises:
        RunError: the run cannot be read.
    """
    from pytest_collab.measure.judging import read_plan, summarise_run

    info = run.info()
    frame = read_frame(run.path)
    records = Records(run, frame)
    summary = summarise_run(run.path, frame)
    gates = _gates(run.path)
    if gates is not None and gates.infrastructure.episodes != len(frame):
        gates = None  # judged before the run was gone on with
    against = _baseline(frame, baseline or _named(info), stand_ins_of(info))
    early = read_plan(run.path)
    planned = _planned(info) if early is None else len(early)
    stories = agent_stories(records, {} if against is None else against.faults)
    shown = [one for story in stories for complaint in story.complaints for one in complaint.examples[:1]]
    return Report(
        name=run.path.name or str(run.path),
        info=info,
        finished=info.finished is not None,
        episodes=records,
        bad=frame.bad,
        summary=summary,
        gates=gates,
        baseline=against,
        answer=answer(gates, against, frame, info, planned, early=early is not None),
        agents=with_quotes(stories, [one for name in shown if (one := records.named(name.episode))], run.transcript),
        decomposition=_decomposition(frame),
        matrices=_matrices(frame),
        orderings=_orderings(frame),
        tasks=_tasks(frame, summary, info),
        lost=losses(run.path, frame),
        path=str(_from_here(run.path)),
        planned=planned,
        missing=() if early is not None else _missing(frame),
        matrix=matrix(frame, *(() if against is None else (against.outcomes, against.comparison))),
    )


def stand_ins_of(info: RunInfo) -> dict[str, str]:
    """What the session was told of agents under new names (`--collab-as`)."""
    told = info.options.get("as")
    return {str(new): str(old) for new, old in told.items()} if isinstance(told, dict) else {}


def _named(info: RunInfo) -> Path | None:
    named = info.options.get("baseline")
    return Path(named) if isinstance(named, str) and named else None


def _gates(path: Path) -> GateReport | None:
    file = path / "gates.json"
    try:
        return GateReport.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise RunError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error


def _baseline(frame: Frame, path: Path | None, given: Mapping[str, str]) -> Baseline | None:
    if path is None:
        return None
    try:
        before = read_frame(path)
        comparison = compare_runs(before, frame, given=given)
        names = {old: new for new, old in stand_ins(before, frame, given).of.items()}
        keys = _as_now(before, names)
        came_to = (str(OUTCOMES[code]) for code in settle(before).outcomes.tolist())
        return Baseline(
            str(path),
            comparison,
            outcomes=dict(zip(keys, came_to, strict=True)),
            ids=dict(zip(keys, before.id, strict=True)),
            faults=_faults(before, names),
        )
    except CollabError as error:
        return Baseline(str(path), None, str(error))


def _as_now(before: Frame, names: Mapping[str, str]) -> list[PlannedEpisode]:
    """What each episode of the earlier run was planned as, under the names that the agents have now, by old name."""
    return [one._replace(team=tuple(names.get(agent, agent) for agent in one.team)) for one in planned_of(before)]


def _faults(before: Frame, names: Mapping[str, str]) -> dict[str, FaultRate]:
    from pytest_collab.measure.attribution import agent_faults

    return {names.get(fault.name, fault.name): fault for fault in agent_faults(before)}


def _planned(info: RunInfo) -> int | None:
    """How many episodes the session meant to play; None where that was not kept."""
    return sum(one.episodes for one in info.planned) or None


def _missing(frame: Frame) -> tuple[Missing, ...]:
    """By task and condition, all teams together."""
    cells: dict[tuple[str, str, str], list[int]] = {}
    for one, lacking in unplayed(frame):
        cell = cells.setdefault((one.family, one.task, one.condition), [0, 0])
        cell[0] += one.episodes - lacking
        cell[1] += one.episodes
    return tuple(Missing(*place, there, of) for place, (there, of) in cells.items() if there < of)


def agent_stories(records: Records, before: Mapping[str, FaultRate] | None = None) -> tuple[AgentStory, ...]:
    """What there is to tell the agents' developers, those most often at fault first.

    Args:
        before: who was at fault in the baseline, by the names that agents have now.
    """
    from pytest_collab.measure.attribution import agent_faults

    examples = _examples(records)
    stories = []
    for fault in agent_faults(records.frame):
        earlier = (before or {}).get(fault.name)
        known = {} if earlier is None else dict(earlier.codes)
        complaints = tuple(
            Complaint(
                code,
                advice(code),
                n,
                tuple(examples.get((fault.name, code), ())),
                None if earlier is None else (known.get(code, 0), earlier.rate.n),
            )
            for code, n in fault.codes
        )
        stories.append(AgentStory(fault.name, fault, complaints))
    stories.sort(key=lambda story: -(story.fault.rate.value if story.fault.rate.known else 0.0))
    return tuple(stories)


def _examples(records: Records) -> dict[tuple[str, str], list[Example]]:
    """Team episodes that show a code of an agent, those with the code as headline first: some of each."""
    frame = records.frame
    wanted = frame.condition.among(["team"]) & frame.evidence
    places: dict[tuple[str, str], dict[int, int]] = {}
    for row, faults in frame.faults.items():
        if not wanted[row]:
            continue
        seated = dict(frame.seating[row])
        for place, fault in enumerate(faults):
            for seat in fault.seats:
                if agent := seated.get(seat):
                    places.setdefault((agent, fault.code), {}).setdefault(row, place)
    found = {}
    for key, rows in places.items():
        chosen = sorted(rows, key=lambda row: (rows[row], row))[:MOST_EXAMPLES]
        found[key] = [
            Example(one.id, failure.events[0] if failure.events else None, failure.note)
            for row, one in zip(chosen, records.of(chosen), strict=True)
            for failure in [one.failures[rows[row]]]
        ]
    return found


def _decomposition(frame: Frame) -> Decomposition | None:
    from pytest_collab.measure.attribution import decompose

    return decompose(frame)


def _matrices(frame: Frame) -> tuple[TeamMatrix, ...]:
    from pytest_collab.measure.attribution import agent_matrix

    found = []
    scopes: list[str | None] = (
        [None, *frame.family.values] if len(frame.family.values) > 1 else [*frame.family.values]
    )
    for family in scopes:
        rows = None if family is None else frame.family.among([family])
        for condition in MATRIX_CONDITIONS:
            matrix = agent_matrix(frame, condition, rows)
            if matrix.cells:
                found.append(TeamMatrix(family, condition, matrix))
    return tuple(found)


def _orderings(frame: Frame) -> tuple[OrderingEffect, ...]:
    from pytest_collab.measure.figures import orderings

    return orderings(frame)


def _tasks(frame: Frame, summary: Summary, info: RunInfo) -> tuple[TaskFigures, ...]:
    known = {task.name: task for task in info.tasks}
    cells: dict[tuple[str, str], list[Cell]] = {}
    for cell in summary.tasks:
        cells.setdefault((cell.family, cell.task or ""), []).append(cell)
    return tuple(
        TaskFigures(
            name=task,
            family=family,
            params=known[task].params if task in known else {},
            file=_shown(known[task].file) if task in known else "",
            cells=tuple(own),
            gaps=summary.task_gaps.get(task, ()),
            curves=_curves(frame, family, task),
        )
        for (family, task), own in cells.items()
    )


def _shown(file: str) -> str:
    """A task's file as seen from here; only its name where it lies elsewhere."""
    found = _from_here(Path(file))
    return found.name if found.is_absolute() else str(found)


def _from_here(path: Path) -> Path:
    """The same path as seen from here; whole where it lies elsewhere."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _curves(frame: Frame, family: str, task: str) -> DifficultyCurves | None:
    from pytest_collab.measure.figures import difficulty_curves

    rows = frame.family.among([family]) & frame.task.among([task])
    try:
        found = difficulty_curves(frame, rows=rows)
    except CollabError:
        return None
    return found if found is not None and len(found.solo) > 1 else None  # one bucket makes no curve
