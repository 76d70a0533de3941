"""Judging a run directory by a gates file: the same for a session at its end and for a run played long ago."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pytest_collab.errors import RunError, UsageError
from pytest_collab.measure.baseline import BASELINE, baselines_named
from pytest_collab.measure.bulk import summarise_frame
from pytest_collab.measure.frame import Frame, mixed_tasks
from pytest_collab.measure.gate import GateFile, read_gates
from pytest_collab.measure.gatereport import GateReport
from pytest_collab.measure.plan import PlannedEpisode, listed, planned_in
from pytest_collab.measure.reader import plan_of, read_frame
from pytest_collab.measure.stopped import corrected_summary
from pytest_collab.measure.stopping import judge_followed
from pytest_collab.measure.summary import Summary
from pytest_collab.measure.verdicts import judge_run

GATES_JSON: Final = "gates.json"


def judge_directory(file: GateFile, run: Path, baselines: Mapping[str, Frame]) -> GateReport:
    """Judge what a run directory holds, by its sequence where the run was stopped when decided.

    Raises:
        RunError: it cannot be read.
        UsageError: it holds episodes of one task in two versions.
    """
    frame = read_frame(run)
    mixed = mixed_tasks(frame)
    if mixed:
        raise UsageError(
            f"{run} has played task {', '.join(mixed)} with more than one content; its figures would mix them. "
            "Play the task as it is now into another directory, or resume with --collab-resume=anew."
        )
    plan = planned_in(frame)
    return judge_run(file, frame, baselines) if plan is None else judge_followed(file, frame, plan, baselines)


def summarise_run(run: Path, frame: Frame) -> Summary:
    """A run's summary; that of one that was stopped when decided says so, and has corrected figures.

    Args:
        run: the run directory.
        frame: its episodes.

    Raises:
        RunError: its plan cannot be read.
    """
    return corrected_summary(summarise_frame(frame), replace(frame, plan=plan_of(run)))


def plan_json(file: GateFile | None, plan: Sequence[PlannedEpisode]) -> dict[str, Any]:
    """What plan.json holds: the order of play, and the gates that it is followed by."""
    gates = None if file is None else file.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return _plan(plan, gates)


def merged_plan(runs: Sequence[Path]) -> dict[str, Any] | None:
    """The plan of runs that are put together; None where none was stopped when decided.

    Raises:
        RunError: a plan cannot be read.
    """
    plans = [plan for run in runs if (plan := plan_of(run)) is not None]
    if not plans:
        return None
    gates = next((plan.gates for plan in plans if plan.gates is not None), None)
    episodes = list(dict.fromkeys(one for plan in plans for one in plan.episodes))
    return _plan(episodes, gates)


def _plan(episodes: Sequence[tuple[Any, ...]], gates: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"schema_version": 1, "episodes": episodes, "gates": gates}


def read_gates_file(path: Path, *, option: str = "--collab-gate") -> GateFile:
    """`read_gates`, for a path from the command line.

    Raises:
        UsageError: there is no such file, or it has a mistake.
    """
    if not path.is_file():
        raise UsageError(f"{option}={path}: there is no such file")
    return read_gates(path)


def read_baselines(file: GateFile, given: Path | None, base: Path, run: Path | None = None) -> dict[str, Frame]:
    """The runs that a gates file compares with.

    Args:
        file: the gates.
        given: the run that they call `baseline`; None when none was given.
        base: what relative run directories in the file are relative to.
        run: the run that is to be judged; None where it is not known yet.

    Raises:
        UsageError: one is needed and not given, cannot be read, or is the run itself.
    """
    found = {}
    for name in baselines_named(file):
        if name == BASELINE and given is None:
            raise UsageError(
                "a gate compares with `baseline`: pass --collab-baseline=DIR (`collab gate`: --baseline DIR), "
                "the run it stands for"
            )
        path = given if name == BASELINE and given is not None else base / name
        if run is not None and path.resolve() == run.resolve():
            raise UsageError(f"a gate compares with {name!r}, which is {path}, the run itself. Name an earlier run.")
        try:
            found[name] = read_frame(path)
        except RunError as error:
            raise UsageError(f"a gate compares with {name!r}: {error}") from None
    return found


def read_plan(run: Path) -> list[PlannedEpisode] | None:
    """The plan of a run that was stopped when decided; None for any other run. Raises RunError: it cannot be read."""
    plan = plan_of(run)
    return None if plan is None else listed(plan)
