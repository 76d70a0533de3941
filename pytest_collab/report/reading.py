"""Building a report from a run directory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory, RunInfo
from pytest_collab.errors import CollabError, RunError
from pytest_collab.measure.change import compare_runs
from pytest_collab.measure.frame import OUTCOMES, Frame
from pytest_collab.measure.gatereport import GateReport
from pytest_collab.measure.plan import PlannedEpisode, planned_of
from pytest_collab.measure.reader import frame_of, plan_of, read_frame
from pytest_collab.measure.settling import as_settled, settle
from pytest_collab.measure.standin import stand_ins
from pytest_collab.report.advice import advice
from pytest_collab.report.answer import answer
from pytest_collab.report.lost import Loss, losses
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
    record = run.record()
    recorded = record.episodes()
    episodes = as_settled(recorded)
    frame = replace(frame_of(recorded), plan=plan_of(run.path))
    summary = summarise_run(run.path, frame)
    gates = _gates(run.path)
    against = _baseline(frame, baseline or _named(info), stand_ins_of(info))
    early = read_plan(run.path)
    planned = _planned(info) if early is None else len(early)
    stories = agent_stories(frame, episodes, {} if against is None else against.faults)
    return Report(
        name=run.path.name or str(run.path),
        info=info,
        finished=info.finished is not None,
        episodes=episodes,
        bad=record.bad,
        summary=summary,
        gates=gates,
        baseline=against,
        answer=answer(gates, against, episodes, info, planned, early=early is not None),
        agents=with_quotes(stories, episodes, run.transcript),
        decomposition=_decomposition(frame),
        matrices=_matrices(frame),
        orderings=_orderings(frame),
        tasks=_tasks(frame, summary, info),
        lost=losses(run.path, frame),
        path=str(run.path),
        planned=planned,
        missing=() if early is not None else _missing(info, episodes),
        matrix=matrix(frame, *(() if against is None else (against.outcomes, against.comparison))),
    )


def told_of(run: RunDirectory) -> tuple[Sequence[AgentStory], Sequence[Loss]]:
    """What there is to tell the agents' developers, and why episodes were lost. Raises RunError as reading does."""
    episodes = run.record().episodes()
    frame = frame_of(episodes)
    return agent_stories(frame, as_settled(episodes)), losses(run.path, frame)


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


def _missing(info: RunInfo, episodes: Sequence[Episode]) -> tuple[Missing, ...]:
    played = Counter(episode.key[:3] for episode in episodes)
    return tuple(
        Missing(one.family, one.task, one.condition, there, one.episodes)
        for one in info.planned
        if (there := played[one.family, one.task, one.condition]) < one.episodes
    )


def agent_stories(
    frame: Frame, episodes: Sequence[Episode], before: Mapping[str, FaultRate] | None = None
) -> tuple[AgentStory, ...]:
    """What there is to tell the agents' developers, those most often at fault first.

    Args:
        before: who was at fault in the baseline, by the names that agents have now.
    """
    from pytest_collab.measure.attribution import agent_faults

    examples = _examples(episodes)
    stories = []
    for fault in agent_faults(frame):
        earlier = (before or {}).get(fault.name)
        known = {} if earlier is None else dict(earlier.codes)
        complaints = tuple(
            Complaint(
                code,
                advice(code),
                n,
                tuple(examples.get((fault.name, code), ())[:MOST_EXAMPLES]),
                None if earlier is None else (known.get(code, 0), earlier.rate.n),
            )
            for code, n in fault.codes
        )
        stories.append(AgentStory(fault.name, fault, complaints))
    stories.sort(key=lambda story: -(story.fault.rate.value if story.fault.rate.known else 0.0))
    return tuple(stories)


def _examples(episodes: Sequence[Episode]) -> dict[tuple[str, str], list[Example]]:
    """Team episodes that show a code of an agent, those with the code as headline first."""
    found: dict[tuple[str, str], list[tuple[int, Example]]] = {}
    for episode in episodes:
        if episode.condition != "team" or episode.outcome is Outcome.INFRASTRUCTURE:
            continue
        for place, failure in enumerate(episode.failures):
            for seat in failure.seats:
                agent = episode.usage[seat].agent if seat in episode.usage else ""
                example = Example(episode.id, failure.events[0] if failure.events else None, failure.note)
                known = found.setdefault((agent, failure.code), [])
                if agent and all(example.episode != other.episode for _, other in known):
                    known.append((place, example))
    return {key: [example for _, example in sorted(known, key=lambda k: k[0])] for key, known in found.items()}


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
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name


def _curves(frame: Frame, family: str, task: str) -> DifficultyCurves | None:
    from pytest_collab.measure.figures import difficulty_curves

    rows = frame.family.among([family]) & frame.task.among([task])
    try:
        found = difficulty_curves(frame, rows=rows)
    except CollabError:
        return None
    return found if found is not None and len(found.solo) > 1 else None  # one bucket makes no curve
