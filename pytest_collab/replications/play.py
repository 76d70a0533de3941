"""Playing a study: its tasks as files, its teams, and pytest with the plugin as any session has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from pytest_collab.episode.run import DEFAULT_BASE, RunDirectory
from pytest_collab.errors import RunError, TaskError, UsageError
from pytest_collab.families.taskfile import SUFFIX
from pytest_collab.replications.study import Played, Scale, Study

RECORD: Final = "replication.json"
TASKS: Final = "tasks"
_QUIET: Final = ("-q", "--no-header", "--tb=no", "-rN", "-p", "no:cacheprovider")
_UNSET: Final = ("gate", "baseline", "conditions", "seeds", "epochs", "seed", "settle", "shard", "stop_when_decided")
"""Options that a project's ini file must not bring into a study."""

_PLAN: Final = "collaboration plan"


class Record(BaseModel):
    """replication.json: what a run directory is a replication of.

    Attributes:
        cast: teams of the built-in cast that were played beside the agents.
        agents: teams under test.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    study: str
    scale: Scale
    cast: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """One pytest session of a replication: tasks that are played by the same teams.

    Attributes:
        files: task files.
        teams: as `--collab-teams` has them.
    """

    files: tuple[Path, ...]
    teams: tuple[str, ...]


def teams_of(study: Study, agents: Sequence[str]) -> tuple[str, ...]:
    """The teams that agents under test make; one name takes all seats."""
    cross = ["+".join(pair) for pair in permutations(agents, 2)] if study.teams == "all" else []
    return (*agents, *cross)


def record_of(study: Study, scale: Scale, agents: Sequence[str]) -> Record:
    """What will be played by whom; a player of the cast that is under test is no cast."""
    tested = teams_of(study, agents)
    cast = dict.fromkeys(team for task in _played(study, scale) for team in _cast(study, task))
    return Record(
        study=study.name,
        scale=scale,
        cast=tuple(team for team in cast if team not in tested),
        agents=tested,
    )


def sessions(study: Study, record: Record, folder: Path) -> list[Session]:
    """Write the study's tasks below `folder` and say what has to be played.

    Raises:
        TaskError: a shipped task is not there.
        RunError: the folder cannot be written.
    """
    grouped: dict[tuple[str, ...], list[Path]] = {}
    for task in _played(study, record.scale):
        teams = tuple(dict.fromkeys((*_cast(study, task), *record.agents)))
        grouped.setdefault(teams, []).append(_write(task, record.scale, folder))
    return [Session(tuple(paths), teams) for teams, paths in grouped.items()]


def shipped(name: str) -> Path:
    """A task file of the shipped suite: in the wheel it lies in the package, in a checkout beside it.

    Raises:
        TaskError: it is in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    for root in (package / "suite", package.parent):
        if (root / TASKS / name).is_file():
            return root / TASKS / name
    raise TaskError(f"the shipped task {name} is not there", remedy="Install pytest-collab from its wheel.")


def plan(study: Study, record: Record, folder: Path, extra: Sequence[str] = ()) -> str:
    """What playing comes to, as `--collab-plan` tells it: episodes, calls, dollars, minutes.

    Args:
        folder: where task files may be written.
        extra: further options of pytest.

    Raises:
        UsageError: pytest refuses: its own words.
    """
    told = []
    for session in sessions(study, record, folder):
        done = subprocess.run(
            [*_command(session), "--collab-plan", *extra], capture_output=True, text=True, env=_environment(False)
        )
        if done.returncode not in (0, 5) or _PLAN not in done.stdout:
            raise UsageError(_refusal(done.stderr + "\n" + done.stdout))
        lines = done.stdout.partition(_PLAN)[2].splitlines()[1:]
        told += [line for line in lines if not line.startswith(("no tests ran", "=")) and line.strip()]
    return "\n".join(told)


def play(study: Study, record: Record, run_dir: Path | None, *, resume: bool, extra: Sequence[str] = ()) -> Path:
    """Play a study into a run directory; what the sessions print goes to standard error.

    Args:
        run_dir: a new one, or with `resume` one that was begun; None for `.collab/runs/<time>`.
        extra: further options of pytest.

    Raises:
        RunError: the directory cannot be used, or a session broke off: says how to go on.
        UsageError: the run is of another study or scale.
    """
    run = _begun(run_dir, record) if resume else RunDirectory.create(run_dir)
    (run.path / RECORD).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for session in sessions(study, record, run.path / TASKS):
        options = [f"--collab-run-dir={run.path.absolute()}", "--collab-resume", *extra]
        done = subprocess.run([*_command(session), *options], stdout=2, env=_environment(True))
        if done.returncode not in (0, 1):
            raise RunError(
                f"pytest ended with exit status {done.returncode} (it says why above). What was played is "
                f"kept; go on with the same command and --run-dir={run.path} --resume"
            )
    return run.path


def recorded(run: Path) -> Record | None:
    """What a run directory says that it is a replication of; None where it says nothing.

    Raises:
        RunError: it is no run directory, or its record cannot be read.
    """
    RunDirectory.open(run)
    try:
        return Record.model_validate_json((run / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise RunError(f"{run / RECORD} cannot be read: {error}") from error


def _begun(run_dir: Path | None, record: Record) -> RunDirectory:
    if run_dir is None:
        raise UsageError(f"--resume needs --run-dir=DIR, the run to finish; runs are in {DEFAULT_BASE}")
    before = recorded(run_dir)
    if before is None or (before.study, before.scale) != (record.study, record.scale):
        was = f"{before.study} at {before.scale} scale" if before else "no replication"
        raise UsageError(
            f"{run_dir} is {was}, not {record.study} at {record.scale} scale; name the run that was begun"
        )
    return RunDirectory.open(run_dir)


def _played(study: Study, scale: Scale) -> Iterator[Played]:
    return (task for task in study.tasks if scale in task.at)


def _cast(study: Study, task: Played) -> tuple[str, ...]:
    return study.cast if task.cast is None else task.cast


def _write(task: Played, scale: Scale, folder: Path) -> Path:
    seeds = task.seeds.at(scale)
    said: dict[str, Any] = {
        **({"like": str(shipped(task.shipped))} if task.shipped else {"family": task.family}),
        "params": task.params_at(scale),
        **({} if seeds is None else {"seeds": list(seeds) if isinstance(seeds, tuple) else seeds}),
        "conditions": list(task.conditions),
    }
    if task.limits is not None:
        said["limits"] = task.limits
    path = folder / f"{task.name}{SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")  # JSON is YAML
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def _command(session: Session) -> list[str]:
    unset = [part for key in _UNSET for part in ("-o", f"collab_{key}=")]
    files = [str(path.absolute()) for path in session.files]
    return [
        *(sys.executable, "-m", "pytest", *files),
        f"--collab-teams={','.join(session.teams)}",
        *_QUIET,
        f"--confcutdir={_project()}",
        *unset,
    ]


def _project() -> Path:
    """The folder that the user's conftest files are looked for from: the project's, or this one."""
    here = Path.cwd()
    marks = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
    return next(
        (folder for folder in (here, *here.parents) if any((folder / mark).is_file() for mark in marks)), here
    )


def _environment(playing: bool) -> dict[str, str]:
    """The session's own; a plan is read by a program and has no colours."""
    return dict(os.environ) if playing else {**os.environ, "PY_COLORS": "0", "COLUMNS": "200"}


def _refusal(printed: str) -> str:
    lines = [line.removeprefix("ERROR: ") for line in printed.splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("usage:", "pytest: error", "no tests ran", "inifile"))]
    return "\n".join(kept) or "pytest refuses to play this, and does not say why"
