"""This process's side of a session; the same in workers and without xdist."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from pytest_collab.episode.run import RunDirectory
from pytest_collab.errors import RunError
from pytest_collab.plugin.collected import Collected
from pytest_collab.plugin.options import Settings
from pytest_collab.plugin.resuming import leave_word, set_tasks_aside
from pytest_collab.plugin.roster import Roster
from pytest_collab.plugin.stage import Stage


class CollabSession:
    """What this process needs to play episodes: its agents, what is collected, what is played.

    Args:
        shared: a folder that all processes of the session share while it lasts.
        worker: this process's name.

    Attributes:
        run: the run directory; None where nothing is played (`--collect-only`).
    """

    def __init__(self, config: pytest.Config, settings: Settings, shared: Path, worker: str = "main") -> None:
        self.config = config
        self.settings = settings
        self.shared = shared
        self.worker = worker
        self.run: RunDirectory | None = None
        self.agents = Roster(config, settings, shared)
        self.collected = Collected(settings, self.agents)
        self.stage = Stage(config, settings, self.agents, self.collected, shared, worker)

    def take_up(self, run: RunDirectory) -> None:
        """Play into `run`, after what it holds where it is resumed."""
        self.run = self.stage.run = run
        if self.settings.resume:
            self.collected.played = self.stage.resume(run)

    def settled_outcomes(self) -> dict[str, str]:
        """What solo episodes of the run settled failures to that were unsettled when they were played, by id."""
        from pytest_collab.measure.frame import OUTCOMES
        from pytest_collab.measure.reader import read_frame
        from pytest_collab.measure.settling import settle

        if self.run is None:
            return {}
        try:
            frame = read_frame(self.run.path)
        except RunError:
            return {}
        settled = settle(frame)
        return {frame.id[row]: str(OUTCOMES[settled.outcomes[row]]) for row in settled.by_solo.nonzero()[0].tolist()}

    def shown_path(self, name: str) -> Path:
        """A file of the run as the user would type it."""
        if self.run is None:
            return Path(name)
        path = (self.run.path / name).absolute()
        with contextlib.suppress(ValueError):
            return Path(os.path.relpath(path, self.config.invocation_params.dir))
        return path

    def anew(self) -> None:
        """Set aside what was played of tasks that have changed; a worker, which is not alone, leaves word of them."""
        changed = self.collected.changed
        self.stage.forget(changed)
        if not changed or self.run is None:
            return
        if hasattr(self.config, "workerinput"):
            leave_word(self.shared, self.worker, changed)
        else:
            self.collected.notes += set_tasks_aside(self.run, changed)

    def close(self) -> None:
        """Stop what plays; close agents' clients."""
        self.stage.close()
