"""run.json: written at the start, filled in after collection, closed at the end."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock

from pytest_collab import __version__
from pytest_collab.episode.condition import CONFEDERATES, Condition
from pytest_collab.episode.planned import PlannedCell, planned_counts
from pytest_collab.episode.run import DEFAULT_BASE, RunDirectory, RunInfo, TaskInfo
from pytest_collab.errors import CollabError, TaskError
from pytest_collab.plugin.resuming import set_apart

if TYPE_CHECKING:
    from pytest_collab.episode.agent import Agent
    from pytest_collab.families.task import Task
    from pytest_collab.plugin.options import Settings
    from pytest_collab.plugin.roster import Roster

PACKAGES: Final = ("pytest", "pytest-xdist", "jax", "jaxlib", "anthropic", "openai")
JAX_SETTINGS: Final = (
    "JAX_PLATFORMS",
    "JAX_THREEFRY_PARTITIONABLE",
    "JAX_DEFAULT_PRNG_IMPL",
    "JAX_ENABLE_X64",
    "JAX_ENABLE_CUSTOM_PRNG",
)
"""Where JAX computes and what its random numbers are; a family that draws with them is another game under others."""


def begin(run: RunDirectory, settings: Settings, agents: Roster, root: Path) -> list[str]:
    """Write what is known before collection.

    Returns:
        Lines for people: what of a resumed run was set aside.

    Raises:
        UsageError: the run that is resumed was played otherwise.
    """
    earlier = run.info()
    now = RunInfo(
        versions=_versions(),
        options=settings.as_options(),
        agents=[agent.describe() for agent in dict.fromkeys(_agents(run, settings, agents))],
        tasks=earlier.tasks,
        planned=earlier.planned,
        git_commit=_commit(root),
        started=earlier.started or _now(),
        sandbox=settings.sandbox,
        notes=[*_jax_settings(), *_tree(root)],
    )
    lines = set_apart(run, earlier, now, anew=settings.anew)
    names = {agent.get("name") for agent in now.agents}
    kept = [agent for agent in earlier.agents if agent.get("name") not in names]
    notes = list(dict.fromkeys([*earlier.notes, *now.notes, *lines]))
    run.write("run.json", now.model_copy(update={"agents": [*now.agents, *kept], "notes": notes}))
    return lines


def _agents(run: RunDirectory, settings: Settings, agents: Roster) -> Iterator[Agent]:
    """Who plays, then who reads, and whom conditions of a resumed run have seated."""
    yield from (agents.registry.get(name) for name in settings.agents)
    if agents.grader is not None:
        yield agents.grader
    for name in _seated_by_conditions(run, settings):
        with contextlib.suppress(CollabError):  # told where the condition is collected
            yield agents.registry.get(name)


def _seated_by_conditions(run: RunDirectory, settings: Settings) -> list[str]:
    """Agents that conditions such as `with:AGENT` seat, in what a run holds and may be asked for again."""
    played = {str(raw.get("condition", "")) for raw in run.raw("with:", CONFEDERATES)}
    held = {other for text in played if (other := _others(text)) is not None}
    asked = settings.conditions
    return sorted(held if asked is None else held & {condition.others for condition in asked})


def _others(text: str) -> str | None:
    try:
        return Condition.parse(text).others
    except TaskError:  # a condition of another version
        return None


def add_tasks(
    run: RunDirectory,
    tasks: Iterable[Task],
    notes: Iterable[str] = (),
    agents: Iterable[Agent] = (),
    planned: Mapping[PlannedCell, int] | None = None,
) -> None:
    """Add tasks that are about to be played, the agents that their conditions name, and what families had to say.

    Every worker does, and it is kept once.

    Args:
        planned: episodes by family, task, condition and team, those that a resumed run has already among them. A
            session that resumes a part of a run does not make its plan smaller.
    """
    with FileLock(run.path / ".run.json.lock"):
        info = run.info()
        known = {(task.family, task.name): task for task in info.tasks}
        for task in tasks:
            known[task.family.name, task.name] = TaskInfo(
                name=task.name,
                family=task.family.name,
                hash=task.hash,
                version=task.family.version,
                params=task.params.model_dump(mode="json"),
                file=task.file,
            )
        updated = sorted(known.values(), key=lambda task: (task.family, task.name))
        told = list(dict.fromkeys([*info.notes, *notes]))
        names = {agent.get("name") for agent in info.agents}
        named = [*info.agents, *(agent.describe() for agent in agents if agent.name not in names)]
        counts = {one.cell: one.episodes for one in info.planned}
        for cell, count in (planned or {}).items():
            counts[cell] = max(count, counts.get(cell, 0))
        wanted = planned_counts(counts)
        if (updated, told, named, wanted) != (info.tasks, info.notes, info.agents, info.planned):
            new = {"tasks": updated, "notes": told, "agents": named, "planned": wanted}
            run.write("run.json", info.model_copy(update=new))


def end(run: RunDirectory, exit_status: int) -> None:
    """Close the run's own record."""
    with FileLock(run.path / ".run.json.lock"):
        run.write("run.json", run.info().model_copy(update={"finished": _now(), "exit_status": exit_status}))


def discard_if_empty(run: RunDirectory) -> None:
    """A session that played nothing leaves nothing behind; neither folders that were made for it alone."""
    episodes = run.path / "episodes.jsonl"
    if episodes.is_file() and episodes.stat().st_size == 0 and not any((run.path / "transcripts").iterdir()):
        shutil.rmtree(run.path, ignore_errors=True)
        base = run.path.parent
        if base.parts[-2:] == DEFAULT_BASE.parts:
            with contextlib.suppress(OSError):
                base.rmdir()
                if [path.name for path in base.parent.iterdir()] == [".gitignore"]:
                    shutil.rmtree(base.parent, ignore_errors=True)


def _versions() -> dict[str, str]:
    found = {"pytest-collab": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _jax_settings() -> list[str]:
    """What the environment tells JAX; a line each, without importing it."""
    return [f"{name}={os.environ[name]}" for name in JAX_SETTINGS if name in os.environ]


def _commit(root: Path) -> str | None:
    """The commit that is checked out at `root`; None where there is none."""
    done = _git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    return None if done is None or done.returncode else done.stdout.strip() or None


def _tree(root: Path) -> list[str]:
    """A line where the working tree is not what the commit says."""
    done = _git(root, "diff", "--quiet", "HEAD", "--")
    changed = done is not None and done.returncode == 1
    return ["git: the working tree is not as its commit has it"] if changed else []


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str] | None:
    """What git says of `root`, and not of the repository whose hook pytest may be running in."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return subprocess.run(
            ["git", "--no-optional-locks", *words],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
