"""Sets up the session of this process, and registers the plugins of its side: the only module that knows both."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.errors import CollabError, TaskError, UsageError
from pytest_collab.plugin import attachments, engines, families, outcomes, reasons
from pytest_collab.plugin.options import asked_on_the_command_line, settings
from pytest_collab.plugin.session import CollabSession
from pytest_collab.plugin.state import REFUSED, SESSION
from pytest_collab.sandbox import afterwards


def configure(config: pytest.Config) -> None:
    """Set up the session of this process and register the plugins of its side.

    Agents that only the ini file names are no reason to stop tests that need none: what is wrong with them is told
    where a collaboration task is collected.

    Raises:
        pytest.UsageError: something is wrong with what the command line says.
    """
    told = getattr(config, "workerinput", {}).get("collab_refused")
    if told is not None:
        config.stash[REFUSED] = told
        return
    host = config.pluginmanager.get_plugin("collab-player")
    if host is not None:
        from pytest_collab.plugin import player

        player.take_part(config, host)
        return
    try:
        _configure(config)
    except CollabError as error:
        session = config.stash.get(SESSION, None)
        if session is not None:
            shutil.rmtree(session.shared, ignore_errors=True)
            afterwards.folder_removed(session.shared)
            del config.stash[SESSION]
        if asked_on_the_command_line(config) or not isinstance(error, UsageError | TaskError):
            raise pytest.UsageError(str(error)) from None
        config.stash[REFUSED] = f"{error} (agents of {config.inipath or 'the ini file'})"
        config.pluginmanager.register(_Refusal(config.stash[REFUSED]), "collab-refusal")


class _Refusal:
    """Lets xdist's workers know what the controller knows."""

    def __init__(self, why: str) -> None:
        self._why = why

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["collab_refused"] = self._why


def _configure(config: pytest.Config) -> None:
    families.register(config)
    side, session = _worker(config) if hasattr(config, "workerinput") else _controller(config)
    config.stash[SESSION] = session
    config.pluginmanager.register(outcomes, "collab-outcomes")
    config.pluginmanager.register(reasons, "collab-reasons")
    attachments.register(config)
    if not hasattr(config, "workerinput"):
        engines.check(config, session.settings, session.agents)
    session.agents.check()
    side.begin()
    if session.settings.plan:
        _plan_only(config, session)
    if session.settings.gate is not None or session.settings.baseline is not None:
        from pytest_collab.plugin import planned

        config.pluginmanager.register(planned, "collab-planned")
    if session.settings.stop_when_decided:
        from pytest_collab.plugin.following import Follower

        follower = Follower(session)
        session.stage.unneeded = follower.unneeded
        config.pluginmanager.register(follower, "collab-follower")
    config.pluginmanager.register(side, f"collab-{type(side).__name__.lower()}")


def _plan_only(config: pytest.Config, session: CollabSession) -> None:
    """Nothing is handed out to xdist's workers: they would have nothing to do."""
    from pytest_collab.plugin.planning import Planner

    config.option.dist, config.option.tx = "no", []
    config.pluginmanager.register(Planner(session), "collab-planner")


def _worker(config: Any) -> tuple[Any, CollabSession]:
    from pytest_collab.plugin.worker import Worker

    given = config.workerinput
    session = CollabSession(config, settings(config), Path(given["collab_shared"]), given["workerid"])
    return Worker(session, Path(given["collab_run_dir"])), session


def _controller(config: pytest.Config) -> tuple[Any, CollabSession]:
    from pytest_collab.plugin.controller import Controller
    from pytest_collab.plugin.signals import Endings

    asked = settings(config)
    shared = Path(tempfile.mkdtemp(prefix="collab-session-"))
    afterwards.remove_folder(shared)
    config.pluginmanager.register(Endings(), "collab-endings")
    session = CollabSession(config, asked, shared)
    return Controller(session), session
