"""Limits that no kernel keeps for us here, kept by looking: writable mounts, memory, processes.

Looking has gaps: a fast command can overshoot by what it manages within one interval. So this is the
second line; where a cgroup or a sized file system can hold the limit, that does.
"""

from __future__ import annotations

import time

import anyio

from pytest_collab.sandbox.base import KilledBy, SandboxSpec
from pytest_collab.sandbox.disk import DiskQuota
from pytest_collab.sandbox.tree import descendants, resident_bytes, threads

_MEGABYTE = 1024 * 1024
_INTERVAL = 0.05
_PROCESS_INTERVAL = 0.02


class Watchdog:
    """Watches one command.

    Args:
        spec: the limits.
        quota: counts what is written to the host.
        limited: cgroup controllers that keep their limits, so that only the rest is watched.
    """

    def __init__(self, spec: SandboxSpec, quota: DiskQuota, limited: frozenset[str]) -> None:
        self._spec = spec
        self._quota = quota
        self._memory = "memory" not in limited
        self._pids = "pids" not in limited

    @property
    def needed(self) -> bool:
        """Whether there is anything to watch."""
        return self._memory or self._pids or self._quota.watched

    async def watch(self, root: int | None) -> KilledBy:
        """Look until a limit is broken, and say which.

        Args:
            root: the process whose descendants count, with itself; None if none can be seen from here.
        """
        next_disk = time.monotonic() + _INTERVAL
        while True:
            # The first look comes after a pause: most commands are over by then.
            await anyio.sleep(_PROCESS_INTERVAL if self._pids else _INTERVAL)
            if self._memory or self._pids:
                members = _members(root)
                if self._memory and resident_bytes(members) > self._spec.memory_mb * _MEGABYTE:
                    return "memory"
                if self._pids and threads(members) > self._spec.pids:
                    return "processes"
            if self._quota.watched and time.monotonic() >= next_disk:
                if await self._quota.exceeded(_members(root)):
                    return "disk"
                next_disk = time.monotonic() + _INTERVAL


def _members(root: int | None) -> list[int]:
    return [] if root is None else [root, *descendants(root)]
