"""Sets up the session of this process, and registers the plugins of its side: the only module that knows both."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.errors import CollabError
from pytest_collab.plugin import attachments, families, outcomes
from pytest_collab.plugin.options import settings
from pytest_collab.plugin.session import CollabSession
from pytest_collab.plugin.state import SESSION


def configure(config: pytest.Config) -> None:
    """Set up the session of this process and register the plugins of its side."""
    try:
        families.register(config)
        side, session = _worker(config) if hasattr(config, "workerinput") else _controller(config)
        config.stash[SESSION] = session
        config.pluginmanager.register(outcomes, "collab-outcomes")
        attachments.register(config)
        session.agents.check()
        side.begin()
        if session.settings.gate is not None or session.settings.baseline is not None:
            from pytest_collab.plugin import planned

            config.pluginmanager.register(planned, "collab-planned")
        if session.settings.stop_when_decided:
            from pytest_collab.plugin.following import Follower

            follower = Follower(session)
            session.stage.unneeded = follower.unneeded
            config.pluginmanager.register(follower, "collab-follower")
        config.pluginmanager.register(side, f"collab-{type(side).__name__.lower()}")
    except CollabError as error:
        raise pytest.UsageError(str(error)) from None


def _worker(config: Any) -> tuple[Any, CollabSession]:
    from pytest_collab.plugin.worker import Worker

    given = config.workerinput
    session = CollabSession(config, settings(config), Path(given["collab_shared"]), given["workerid"])
    return Worker(session, Path(given["collab_run_dir"])), session


def _controller(config: pytest.Config) -> tuple[Any, CollabSession]:
    from pytest_collab.plugin.controller import Controller

    asked = settings(config)
    session = CollabSession(config, asked, Path(tempfile.mkdtemp(prefix="collab-session-")))
    return Controller(session), session
