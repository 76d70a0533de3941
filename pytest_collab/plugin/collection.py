"""Collection: `*.collab.yaml` files, `@task` functions, and errors that fit on a few lines."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_collab.errors import CollabError, TaskError, UsageError
from pytest_collab.plugin import families, options
from pytest_collab.plugin.cases import case_of
from pytest_collab.plugin.state import REFUSED, SESSION

if TYPE_CHECKING:
    from pytest_collab.plugin.session import CollabSession

SUFFIX = ".collab.yaml"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name.endswith(SUFFIX):
        return TaskFile.from_parent(parent, path=file_path)
    return None


def _session(config: pytest.Config) -> CollabSession | None:
    """This process's session; None where no agents were named.

    Raises:
        UsageError: agents were named in the ini file, and cannot be had.
    """
    if REFUSED in config.stash:
        raise UsageError(config.stash[REFUSED])
    return config.stash.get(SESSION, None)


class TaskFile(pytest.File):
    """A `*.collab.yaml` file: one task, one item per case."""

    def collect(self) -> Iterable[pytest.Item]:
        from pytest_collab.families.taskfile import read_task
        from pytest_collab.plugin.items import EpisodeItem, NoAgentsItem

        try:
            families.register(self.config)
            task = read_task(self.path)
            session = _session(self.config)
            if session is None:
                yield NoAgentsItem.from_parent(self, name=task.name)
                return
            for case in session.collected.cases(task):
                yield EpisodeItem.from_parent(self, name=f"{task.name}[{case.label}]", case=case)
        except CollabError as error:
            raise self.CollectError(_relative(error, self.config)) from None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep this shard's episodes. Which they are depends on their names alone, so that all shards agree."""
    session = config.stash.get(SESSION, None)
    if session is None or session.settings.shard is None:
        return
    place, parts = session.settings.shard
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        ours = item.get_closest_marker("collab") is None or shard_of(_name(item), parts) == place
        (kept if ours else left_out).append(item)
    if left_out:
        items[:] = kept
        config.hook.pytest_deselected(items=left_out)


def _name(item: pytest.Item) -> str:
    """What an item is called wherever pytest is started: ids begin at the root, which depends on that."""
    case = case_of(item)
    return f"{item.path.name}::{item.name}" if case is None else f"{case.task.params.family}/{case!r}"


def shard_of(name: str, parts: int) -> int:
    """Which part (from 1) an item belongs to: the same on every machine."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") % parts + 1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    declared = getattr(metafunc.function, "__collab_task__", None)
    if declared is None and not {"_collab_team", "_collab_session"} & set(metafunc.fixturenames):
        return
    session = _session(metafunc.config)
    if declared is not None:
        _parametrize_task(metafunc, declared, session)
    elif "_collab_team" in metafunc.fixturenames:
        if session is None:
            _without_agents(metafunc, "_collab_team")
        else:
            teams = session.settings.teams
            metafunc.parametrize("_collab_team", teams, ids=["+".join(team) for team in teams], indirect=True)
    elif "_collab_session" in metafunc.fixturenames and session is None:
        _without_agents(metafunc, "_collab_session")


def _parametrize_task(metafunc: pytest.Metafunc, declared: Any, session: CollabSession | None) -> None:
    if "_collab_case" not in metafunc.fixturenames:
        raise TaskError(
            f"{metafunc.function.__name__} is decorated with @task and takes none of its fixtures",
            remedy="Let it take `episode` (the played episode) or `team` (to drive the agents itself).",
            file=metafunc.function.__code__.co_filename,
            line=metafunc.function.__code__.co_firstlineno,
        )
    if session is None:
        _without_agents(metafunc, "_collab_case")
        return
    task = declared.build()
    found = list(session.collected.cases(task))
    metafunc.parametrize(
        "_collab_case",
        [pytest.param(case, id=case.label, marks=pytest.mark.collab) for case in found],
        indirect=True,
    )


def _without_agents(metafunc: pytest.Metafunc, fixture: str) -> None:
    marks = [pytest.mark.collab, pytest.mark.skip(reason=options.NO_AGENTS)]
    metafunc.parametrize(fixture, [pytest.param(None, id="no-agents", marks=marks)], indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A wrong task in a Python file is told in a few lines, like one in YAML."""
    report = yield
    call: Any = getattr(report, "call", None)
    error = call.excinfo.value if call is not None and call.excinfo is not None else None
    while error is not None and not isinstance(error, CollabError):
        error = error.__cause__
    if error is not None:
        report.longrepr = _relative(error, collector.config)
    return report


def _relative(error: CollabError, config: pytest.Config) -> str:
    """The message, with paths as the user would type them."""
    text = str(error)
    for folder in (config.invocation_params.dir, config.rootpath):
        text = text.replace(f"{folder}/", "")
    return text


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Before the terminal and xdist tell that collection is over: what families say goes with it."""
    collab = session.config.stash.get(SESSION, None)
    if collab is not None and not collab.agents.unasked:
        collab.stage.expect(session.items)
        collab.anew()
        collab.collected.prepare(session, collab.run, collab.stage.has)
