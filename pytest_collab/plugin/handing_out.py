"""How xdist hands out items where every worker plays many episodes at once."""

from __future__ import annotations

from typing import Any, Final

import pytest
from xdist.scheduler import LoadScheduling

from pytest_collab.plugin.options import Settings
from pytest_collab.plugin.stage import AHEAD

DEEP: Final = 16
"""A worker has so many times what it plays at once, or its share of what is left where that is less. It reports in
order: behind a slow episode it needs so much to go on with."""


class HandingOut:
    """Registered on the controller's side."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Nothing for other ways to share items out: there they are taken away again, or go by their file."""
        places = self._settings.in_flight
        if places == 1 or config.getoption("dist") != "load":
            return None
        return Handing(config, log, places * (AHEAD if self._settings.stop_when_decided else DEEP))


class Handing(LoadScheduling):  # type: ignore[misc]
    """xdist's own sharing out of load, which sees to it that no worker has fewer items than it can play.

    Left to itself, xdist hands out a quarter of a worker's share at first, and a few items at a time at the end.

    Args:
        most: items that a worker has, where its share of what is left is not less.
    """

    def __init__(self, config: pytest.Config, log: Any, most: int) -> None:
        super().__init__(config, log)
        self._most = most

    def check_schedule(self, node: Any, duration: float = 0) -> None:
        """Fill up what a worker has, after one of its items has ended."""
        if self.pending and not node.shutting_down and self._missing(node) > 0:
            self._send_tests(node, self._missing(node))
        super().check_schedule(node, duration)

    def _send_tests(self, node: Any, num: int) -> None:
        """Hand out at least so many: all that a worker can begin at once has to come at once."""
        super()._send_tests(node, max(num, self._missing(node)))

    def _missing(self, node: Any) -> int:
        """How many items a worker has too few."""
        left = len(self.pending) + sum(map(len, self.node2pending.values()))
        return min(self._most, left // len(self.node2pending)) - len(self.node2pending[node])
