"""What must not outlive this process: programs and folders that a watcher of its own ends if we are killed.

A process that dies of SIGKILL cleans nothing up. So a small program waits for the end of a pipe that only this
process holds open; when it comes, the programs are killed, with their process groups, and the folders removed.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import Final

_WATCHER: Final = """
import os, shutil, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
groups, folders = set(), set()
for line in sys.stdin.buffer:
    sign, kind, name = line[:1], line[1:2], line[2:-1]
    held = groups if kind == b"g" else folders
    (held.add if sign == b"+" else held.discard)(name)
for name in groups:
    try:
        os.killpg(int(name), signal.SIGKILL)
    except OSError:
        pass
for name in folders:
    shutil.rmtree(name, ignore_errors=True)
"""

_lock: Final = threading.Lock()
_pipe: int | None = None
_owner: int | None = None


def end_group(pid: int) -> None:
    """See that the process group of this number ends with us."""
    _tell(f"+g{pid}")


def group_ended(pid: int) -> None:
    """It has ended: its number may soon be somebody else's."""
    _tell(f"-g{pid}")


def remove_folder(path: Path) -> None:
    """See that this folder goes with us."""
    _tell(f"+f{path}")


def folder_removed(path: Path) -> None:
    """It is gone."""
    _tell(f"-f{path}")


def _tell(line: str) -> None:
    with (
        _lock,
        contextlib.suppress(OSError, NotImplementedError),
    ):  # without a watcher all is as it was before there was one
        os.write(_watcher(), os.fsencode(line) + b"\n")


def _watcher() -> int:
    """The pipe to the watcher, which is started when there is something to watch; a forked child has its own."""
    global _pipe, _owner
    if _pipe is None or _owner != os.getpid():
        theirs, ours = os.pipe()  # not inherited by any program that is started
        try:
            os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", "-c", _WATCHER],
                {},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,  # what a terminal sends is not for it
            )
        finally:
            os.close(theirs)
        _pipe, _owner = ours, os.getpid()
    return _pipe
