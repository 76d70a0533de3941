"""What a resumed run holds, and what of it still stands: nothing is mixed that was not played alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory, RunInfo
from pytest_collab.episode.text import counted, plural
from pytest_collab.errors import UsageError
from pytest_collab.measure.circumstances import unlike, unlike_agents

CHANGED: Final = "changed-tasks"
"""Where xdist workers leave word, in the session's shared folder, of tasks that have changed since."""

TaskKey = tuple[str, str]
"""(family, task)"""

REMEDY: Final = (
    "Pass --collab-resume=anew to set those episodes aside and play them again, or name another --collab-run-dir."
)


def set_apart(run: RunDirectory, before: RunInfo, after: RunInfo, *, anew: bool) -> list[str]:
    """See that a run is gone on with as it was begun.

    Args:
        before: what the run's record says.
        after: what this session would play with; tasks are looked at when they are collected.
        anew: set aside what was played otherwise.

    Returns:
        Lines for people: what was set aside, and why.

    Raises:
        UsageError: plays of the run were made otherwise; names what differs.
    """
    after = after.model_copy(update={"tasks": before.tasks})
    found = unlike(before, after)
    if not found:
        return []
    names = set(unlike_agents(before, after))
    everything = any(one.kind not in ("model", "agent") for one in found)

    def concerned(play: Episode) -> bool:
        return everything or bool(names & {*play.team, *(seat.agent for seat in play.usage.values())})

    told = "; ".join(str(one) for one in found)
    if anew:
        return _told(run.set_aside(concerned), told)
    plays = sum(map(concerned, run.mentioning("")))
    if plays:
        raise UsageError(
            f"--collab-resume: {counted(plays, 'episode')} of {run.path} {plural(plays, 'was', 'were')} "
            f"played otherwise: {told}. {REMEDY}"
        )
    return []


def set_tasks_aside(run: RunDirectory, hashes: dict[TaskKey, str]) -> list[str]:
    """Set aside plays of tasks whose content is not that of `hashes` any more. Returns lines for people."""

    def stale(play: Episode) -> bool:
        return bool(play.task_hash) and hashes.get((play.family, play.task), play.task_hash) != play.task_hash

    names = ", ".join(sorted(task for _, task in hashes))
    return _told(run.set_aside(stale), f"task {names} changed")


def leave_word(shared: Path, worker: str, hashes: dict[TaskKey, str]) -> None:
    """Tell the controller, which alone may set plays aside, which tasks a worker has found changed."""
    lines = [[family, task, content] for (family, task), content in hashes.items()]
    (shared / f"{CHANGED}.{worker}").write_text(json.dumps(lines), encoding="utf-8")


def words(shared: Path) -> dict[TaskKey, str]:
    """What the workers have left word of so far."""
    found: dict[TaskKey, str] = {}
    for path in shared.glob(f"{CHANGED}.*"):
        found |= {(family, task): content for family, task, content in json.loads(path.read_text(encoding="utf-8"))}
    return found


def _told(count: int, why: str) -> list[str]:
    return [f"collab resume: {counted(count, 'episode')} set aside, to be played anew: {why}"] if count else []
