"""Items of `*.collab.yaml` files: one item is one episode."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_collab.plugin import options
from pytest_collab.plugin.state import SESSION

if TYPE_CHECKING:
    from pytest_collab.episode.executor import Finished
    from pytest_collab.plugin.cases import Case


class EpisodeItem(pytest.Item):
    """Plays its episode in setup (so that a broken infrastructure is an ERROR) and passes judgement in the call."""

    finished: Finished | None = None

    def __init__(self, *, case: Case, parent: pytest.Collector, name: str, **kwargs: Any) -> None:
        # pytest would take the brackets for a part of the name; read from a string they are what they are in
        # parametrized functions, and --lf, which compares with ids it has stored as strings, finds the item again.
        super().__init__(name=name, parent=parent, nodeid=f"{parent.nodeid}::{name}", **kwargs)
        self.case = case
        self.add_marker(pytest.mark.collab)
        self.extra_keyword_matches.update({case.task.params.family, case.condition.kind})

    def setup(self) -> None:
        from pytest_collab.plugin.outcomes import attach

        self.finished = attach(self, self.config.stash[SESSION].stage.play_item(self, self.case))

    def runtest(self) -> None:
        from pytest_collab.plugin.outcomes import failure_of

        assert self.finished is not None
        episode = self.finished.episode
        if not episode.success:
            raise failure_of(episode)

    def teardown(self) -> None:
        self.finished = None

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """One line: the story of the episode takes its place, and a traceback of the plugin would tell nothing.

        Tracebacks are dear: pytest parses every module in them, which took 0.14 s for each failed episode.
        """
        from pytest_collab.plugin.outcomes import EpisodeFailed

        if isinstance(excinfo.value, EpisodeFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, 0, self.name


class NoAgentsItem(pytest.Item):
    """Stands for a whole task when no agents were named."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_marker(pytest.mark.collab)
        self.add_marker(pytest.mark.skip(reason=options.NO_AGENTS))

    def runtest(self) -> None:
        pytest.skip(options.NO_AGENTS)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, 0, self.name
