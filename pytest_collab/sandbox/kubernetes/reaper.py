"""Pods do not outlive the process that made them: a small process of ours removes them should we be killed.

It waits for the end of a pipe that only this process holds open, and imports nothing before that.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from typing import Final

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.kubernetes.cluster import connected
from pytest_collab.sandbox.kubernetes.pod import OWNER_LABEL, labels
from pytest_collab.sandbox.kubernetes.starting import PODS, delete

_WATCH: Final = (
    "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); sys.stdin.buffer.read() and sys.exit(0); "
    "from pytest_collab.sandbox.kubernetes.reaper import reap; reap(sys.argv[1])"
)
_lock: Final = threading.Lock()
_count = 0
_watcher: subprocess.Popen[bytes] | None = None
_maker = 0


def hold() -> None:
    """One pod more: see that pods of this process end with it."""
    global _count, _watcher, _maker
    with _lock:
        if _maker != os.getpid():  # a forked child has pods of its own
            _count, _watcher, _maker = 0, None, os.getpid()
        _count += 1
        if _watcher is None:
            _watcher = subprocess.Popen(
                [sys.executable, "-c", _WATCH, labels()[OWNER_LABEL]],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # what a terminal sends is not for it
            )


def release() -> None:
    """One pod less; after the last, nobody has to watch."""
    global _count, _watcher
    with _lock:
        _count = max(0, _count - 1)
        if _count or _watcher is None:
            return
        watcher, _watcher = _watcher, None
    with contextlib.suppress(OSError):
        watcher.communicate(b"0")


def reap(owner: str) -> None:
    """Remove the pods of a process that is no more.

    Args:
        owner: the value of their label.
    """
    with connected() as cluster:
        for pod in cluster.call("GET", PODS, (("labelSelector", f"{OWNER_LABEL}={owner}"),)).get("items", ()):
            with contextlib.suppress(SandboxError):
                delete(cluster, pod["metadata"]["name"])
