"""The worker's side of xdist: takes the run directory that the controller made."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_collab.episode.run import RunDirectory
from pytest_collab.plugin.settling import settle

if TYPE_CHECKING:
    from pytest_collab.plugin.session import CollabSession


class Worker:
    """Registered in xdist workers."""

    def __init__(self, session: CollabSession, run_dir: Path) -> None:
        self._session = session
        self._run_dir = run_dir

    def begin(self) -> None:
        """Take up the run."""
        self._session.take_up(RunDirectory(self._run_dir))

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, exitstatus: int) -> Generator[None]:
        """Settle before the controller is told that this worker has finished: its summary has it all."""
        settle(self._session, exitstatus)
        self._session.close()
        yield
