"""The worker's side of xdist: takes the run directory that the controller made."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_collab.episode.run import RunDirectory

if TYPE_CHECKING:
    from pytest_collab.plugin.session import CollabSession


class Worker:
    """Registered in xdist workers."""

    def __init__(self, session: CollabSession, workerinput: dict[str, Any]) -> None:
        self._session = session
        session.worker = workerinput["workerid"]
        session.shared = Path(workerinput["collab_shared"])
        self._run_dir = Path(workerinput["collab_run_dir"])

    def begin(self) -> None:
        """Take up the run."""
        self._session.run = RunDirectory(self._run_dir)
        resume(self._session)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        self._session.close()
        yield


def resume(session: CollabSession) -> None:
    """Take over what the resumed run has finished: only infrastructure errors are played again."""
    if not session.settings.resume or session.run is None:
        return
    record = session.run.record()
    for play in record.plays:
        session.attempts[play.key] = session.attempts.get(play.key, 0) + 1
    for episode in record.episodes():
        if episode.outcome != "infrastructure_error":
            session.stored[episode.key] = episode
