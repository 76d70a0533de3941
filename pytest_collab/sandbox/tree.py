"""Which processes belong to a command, from /proc."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import anyio

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclasses.dataclass(frozen=True, slots=True)
class ProcessInfo:
    """One line of the process table."""

    pid: int
    parent: int
    session: int
    zombie: bool


def descendants(root: int) -> list[int]:
    """Children, their children and so on; without `root`. Those that were orphaned have left the tree,
    except in a PID namespace, where they become children of its first process."""
    found: list[int] = []
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                text = Path(f"/proc/{pid}/task/{task}/children").read_text()
                children = [int(word) for word in text.split()]
                found += children
                waiting += children
        except OSError:
            continue
    return found


def resident_bytes(pids: list[int]) -> int:
    """Memory that the processes hold and do not share, in bytes, summed."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
            total += (int(resident) - int(shared)) * PAGE
    return total


def threads(pids: list[int]) -> int:
    """Processes and threads alive among `pids`."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += len(os.listdir(f"/proc/{pid}/task"))
    return total


async def kill_marked(root: int, token: str) -> None:
    """Kill what a command left behind, wherever it has detached itself to.

    Found are descendants of `root`, members of its session and of sessions those have opened, and every
    process whose first environment holds `token`: a daemon that forks twice, opens a session and closes
    its streams still carries that. Not found is one that also cleared its environment.
    """
    sessions = {root}
    with anyio.move_on_after(5):
        while True:
            members = _members(root, sessions, token)
            if not members:
                return
            for pid in members:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            await anyio.sleep(0.001)


def _members(root: int, sessions: set[int], token: str) -> set[int]:
    table = list(_table())
    children: defaultdict[int, list[int]] = defaultdict(list)
    for info in table:
        children[info.parent].append(info.pid)
    mark = token.encode()
    members = {
        info.pid
        for info in table
        if not info.zombie and (info.session in sessions or info.pid == root or _carries(info.pid, mark))
    }
    waiting = list(members)
    while waiting:
        for child in children[waiting.pop()]:
            if child not in members:
                members.add(child)
                waiting.append(child)
    alive = {info.pid for info in table if not info.zombie}
    sessions |= {info.session for info in table if info.pid in members and info.session == info.pid}
    return (members & alive) - {os.getpid()}


def _table() -> Iterator[ProcessInfo]:
    own = os.getuid()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if own != 0 and os.stat(f"/proc/{name}").st_uid != own:
                continue
            text = Path(f"/proc/{name}/stat").read_text()
        except OSError:
            continue
        # The command's name stands in parentheses and may hold anything.
        state, parent, _, session, *_ = text[text.rindex(")") + 2 :].split()
        yield ProcessInfo(int(name), int(parent), int(session), state in "ZX")


def _carries(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
