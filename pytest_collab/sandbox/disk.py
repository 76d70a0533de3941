"""How much a sandbox has written into directories of the host, which carry no quota of their own."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import anyio.to_thread

_BLOCK = 512
_LONGEST_WITHOUT_COUNT = 2.0
_COST_SHARE = 0.05


class DiskQuota:
    """How many bytes, and how many files and folders, have been added to some directories since `start`.

    Counting means walking, which for a large tree costs more than most commands do. So it is done only
    when the file system has lost as much free space as would be needed to break the quota, and now and
    then during long commands, since somebody else may free what the sandbox takes.

    Args:
        places: host directories or files; symbolic links in them are not followed.
        limit: bytes that may be added to them together.
        entries: files and folders that may be.
    """

    def __init__(self, places: Iterable[Path], limit: int, entries: int) -> None:
        self._places = tuple(places)
        self._limit = (limit, entries)
        self._before = (0, 0)
        self._added = (0, 0)
        self._free_at_count = (0, 0)
        self._counted_at = 0.0
        self._pause = _LONGEST_WITHOUT_COUNT

    @property
    def watched(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self._places)

    async def start(self) -> None:
        """Count what is there already."""
        if self._places:
            self._before = await self._count(())

    async def exceeded(self, pids: Iterable[int]) -> bool:
        """Whether more than the limit has been added. Almost always one statvfs per file system.

        Args:
            pids: processes that may hold files open which they have unlinked.
        """
        lost = [before - now for before, now in zip(self._free_at_count, self._free(), strict=True)]
        left = [limit - added for limit, added in zip(self._limit, self._added, strict=True)]
        due = time.monotonic() - self._counted_at > self._pause
        if due or any(gone > rest // 2 for gone, rest in zip(lost, left, strict=True)):
            size, entries = await self._count(tuple(pids))
            self._added = size - self._before[0], entries - self._before[1]
        return self._added[0] > self._limit[0] or self._added[1] > self._limit[1]

    async def _count(self, pids: tuple[int, ...]) -> tuple[int, int]:
        started = time.monotonic()
        self._free_at_count = self._free()
        devices = {os.lstat(place).st_dev for place in self._places if os.path.lexists(place)}
        places = self._places

        def walk() -> tuple[int, int]:
            found = [tree_usage(place) for place in places]
            return sum(size for size, _ in found) + unlinked_bytes(pids, devices), sum(count for _, count in found)

        total = await anyio.to_thread.run_sync(walk)
        self._counted_at = time.monotonic()
        self._pause = max(_LONGEST_WITHOUT_COUNT, (self._counted_at - started) / _COST_SHARE)
        return total

    def _free(self) -> tuple[int, int]:
        free: dict[int, tuple[int, int]] = {}
        for place in self._places:
            with contextlib.suppress(OSError):
                status = os.statvfs(place)
                free[status.f_fsid] = status.f_bfree * status.f_frsize, status.f_ffree
        return sum(size for size, _ in free.values()), sum(count for _, count in free.values())


def tree_usage(root: Path) -> tuple[int, int]:
    """Bytes allocated below `root`, and entries; links not followed, files that vanish meanwhile not counted."""
    total = count = 0
    waiting = [os.fspath(root)]
    while waiting:
        place = waiting.pop()
        try:
            status = os.lstat(place)
            total += status.st_blocks * _BLOCK
            count += 1
            if stat.S_ISDIR(status.st_mode):
                with os.scandir(place) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                        else:
                            total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                            count += 1
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return _deep_usage(root)
    return total, count


def _deep_usage(root: Path) -> tuple[int, int]:
    """The same where names of paths have grown too long for the kernel: `du` goes down step by step."""
    found = []
    for words in (["--block-size=1"], ["--inodes"]):
        done = subprocess.run(["du", "-s", *words, "--", root], capture_output=True, text=True, check=False)
        found.append(int(done.stdout.split()[0]) if done.stdout.strip() else 0)
    return found[0], found[1]


def unlinked_bytes(pids: Iterable[int], devices: set[int]) -> int:
    """Bytes in files on `devices` that the processes hold open and no directory shows any more."""
    found: dict[tuple[int, int], int] = {}
    for pid in pids:
        try:
            descriptors = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                status = os.stat(f"/proc/{pid}/fd/{descriptor}")
                if status.st_nlink == 0 and stat.S_ISREG(status.st_mode) and status.st_dev in devices:
                    found[status.st_dev, status.st_ino] = status.st_blocks * _BLOCK
    return sum(found.values())
