"""Whose a container or pod is: what a killed run left can be told from what another run still uses."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def owner() -> str:
    """Host, process and the time it was started: what no later process can be mistaken for."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def gone(owner: str) -> bool:
    """Whether it was a process of this host that lives no more; of other hosts nothing is known."""
    rest, _, started = owner.rpartition(":")
    host, _, pid = rest.rpartition(":")
    return host == socket.gethostname() and pid.isdigit() and _started(int(pid)) != started


def _started(pid: int) -> str:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text[text.rindex(")") + 2 :].split()[19]
