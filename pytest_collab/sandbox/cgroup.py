"""Control groups, version 1 and 2: limits that count all of a command's processes together.

Where they can be used, they are better than rlimits in every way: memory is counted as it is used and over
all processes, forks are refused even for root, and the members are known however they detach themselves.
Groups are made beneath the group this process is in, so that limits set on us from outside still hold.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import os
import signal
from pathlib import Path

import anyio

from pytest_collab.sandbox.base import SandboxSpec

_SERIAL = itertools.count()
_PREFIX = "pytest-collab-"
_CPU_PERIOD_US = 100_000
_CONTROLLERS = ("memory", "pids", "cpu")


@dataclasses.dataclass(frozen=True, slots=True)
class Hierarchy:
    """A directory in which groups can be made.

    Attributes:
        parent: the directory of the group above ours.
        version: of the cgroup interface, 1 or 2.
        controllers: which limits can be set there.
    """

    parent: Path
    version: int
    controllers: frozenset[str]


class Cgroup:
    """One group per command, in every hierarchy that is ours to use."""

    __slots__ = ("_directories", "controllers")

    def __init__(self, directories: list[tuple[Path, Hierarchy]]) -> None:
        self._directories = directories
        self.controllers = frozenset(name for _, hierarchy in directories for name in hierarchy.controllers)

    @classmethod
    def make(cls, spec: SandboxSpec) -> Cgroup | None:
        """A new group with the spec's limits; None where neither memory nor processes can be limited."""
        name = f"{_PREFIX}{os.getpid()}-{next(_SERIAL)}"
        made: list[tuple[Path, Hierarchy]] = []
        group = None
        try:
            for hierarchy in hierarchies():
                if hierarchy.controllers == {"cpu"} and spec.cpus is None:
                    continue  # every group joined costs about a millisecond
                directory = hierarchy.parent / name
                directory.mkdir()
                made.append((directory, hierarchy))
            group = cls(made)
            group._limit(spec)
        except OSError:
            for directory, _ in made:
                with contextlib.suppress(OSError):
                    directory.rmdir()
            return None
        return group if made else None

    @property
    def entrances(self) -> list[Path]:
        """The files a process id is written to, to put that process into the group."""
        return [directory / "cgroup.procs" for directory, _ in self._directories]

    def add(self, pid: int) -> None:
        """Put a process in; what it forks from now on is in, too.

        Raises:
            OSError: there is no such process.
        """
        for entrance in self.entrances:
            entrance.write_text(str(pid))

    def members(self) -> set[int]:
        """Process ids of everything in it that has not been reaped."""
        found: set[int] = set()
        for entrance in self.entrances:
            with contextlib.suppress(OSError):
                found.update(int(word) for word in entrance.read_text().split())
        return found

    def out_of_memory_kills(self) -> int:
        """How many processes the kernel has killed for the memory limit."""
        for directory, hierarchy in self._directories:
            if "memory" in hierarchy.controllers:
                name = "memory.events" if hierarchy.version == 2 else "memory.oom_control"
                with contextlib.suppress(OSError):
                    for line in (directory / name).read_text().splitlines():
                        key, _, value = line.partition(" ")
                        if key == "oom_kill":
                            return int(value)
        return 0

    async def kill(self) -> None:
        """Kill every member and wait until none is left; forks of members are members."""
        with anyio.move_on_after(5):
            while members := self.members():
                for pid in members:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
                await anyio.sleep(0.001)

    async def close(self) -> None:
        """Remove it. Members must be dead; the kernel may take a moment to notice."""
        for directory, _ in self._directories:
            for attempt in range(50):
                try:
                    directory.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    await anyio.sleep(0.001 * (attempt + 1))

    def _limit(self, spec: SandboxSpec) -> None:
        for directory, hierarchy in self._directories:
            two = hierarchy.version == 2
            if "memory" in hierarchy.controllers:
                size = str(spec.memory_mb * 1024 * 1024)
                (directory / ("memory.max" if two else "memory.limit_in_bytes")).write_text(size)
                # Without this the rest goes to swap. Not every kernel accounts for swap.
                with contextlib.suppress(OSError):
                    if two:
                        (directory / "memory.swap.max").write_text("0")
                    else:
                        (directory / "memory.memsw.limit_in_bytes").write_text(size)
            if "pids" in hierarchy.controllers:
                (directory / "pids.max").write_text(str(spec.pids))
            if "cpu" in hierarchy.controllers and spec.cpus is not None:
                quota = str(int(spec.cpus * _CPU_PERIOD_US))
                if two:
                    (directory / "cpu.max").write_text(f"{quota} {_CPU_PERIOD_US}")
                else:
                    (directory / "cpu.cfs_quota_us").write_text(quota)


@functools.cache
def hierarchies() -> tuple[Hierarchy, ...]:
    """Where groups can be made, found out once by making one. Empty where we may not.

    Leftovers of processes that no longer live are removed on the way.
    """
    found = [*_version_one(), *_version_two()]
    usable = tuple(hierarchy for hierarchy in found if _can_make(hierarchy))
    for hierarchy in usable:
        _sweep(hierarchy.parent)
    controllers = {name for hierarchy in usable for name in hierarchy.controllers}
    return usable if controllers & {"memory", "pids"} else ()


def _version_one() -> list[Hierarchy]:
    found = []
    for mount_point, kind, options in _mounts():
        if kind != "cgroup":
            continue
        controllers = frozenset(options.split(",")) & set(_CONTROLLERS)
        if controllers:
            own = _own_group(controllers)
            if own is not None:
                found.append(Hierarchy(mount_point / own, 1, controllers))
    return found


def _version_two() -> list[Hierarchy]:
    """The nearest group above us that hands limits down: those with processes in them cannot."""
    for mount_point, kind, _ in _mounts():
        if kind != "cgroup2":
            continue
        own = _own_group(frozenset({""}))
        if own is None:
            continue
        group = mount_point / own
        while True:
            controllers = frozenset(_words(group / "cgroup.subtree_control")) & set(_CONTROLLERS)
            if controllers & {"memory", "pids"}:
                return [Hierarchy(group, 2, controllers)]
            if group == mount_point:
                break
            group = group.parent
    return []


def _mounts() -> list[tuple[Path, str, str]]:
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return []
    return [(Path(point), kind, options) for _, point, kind, options, *_ in (line.split() for line in lines)]


def _own_group(controllers: frozenset[str]) -> str | None:
    """Our group in the hierarchy of one of the controllers; version 2's has the empty name."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controllers & set(names.split(",")):
            return path.lstrip("/")
    return None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _can_make(hierarchy: Hierarchy) -> bool:
    trial = hierarchy.parent / f"{_PREFIX}{os.getpid()}-trial"
    try:
        trial.mkdir()
    except OSError:
        return False
    usable = os.access(trial / "cgroup.procs", os.W_OK)
    trial.rmdir()
    return usable


def _sweep(parent: Path) -> None:
    for directory in parent.glob(f"{_PREFIX}*-*"):
        owner = directory.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            with contextlib.suppress(OSError):
                directory.rmdir()
