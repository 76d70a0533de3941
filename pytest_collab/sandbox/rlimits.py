"""Limits that the kernel keeps for each process, inherited by its children."""

from __future__ import annotations

import resource
import shutil

from pytest_collab.sandbox.base import SandboxSpec

OPEN_FILES = 4096
_MEGABYTE = 1024 * 1024

Rlimits = dict[str, int]
"""From the name of a limit, as prlimit(1) writes it, to soft and hard value."""


def rlimits(spec: SandboxSpec, *, memory: bool, processes: bool) -> Rlimits:
    """What is set for each process.

    Args:
        memory: limit private writable memory too, where nothing limits the sum. (Not the address space:
            node and Go reserve far more of that than they use.)
        processes: limit processes of the same user too. Only in a user namespace of its own does that
            count the sandbox alone.
    """
    limits = {"core": 0, "fsize": spec.file_bytes, "nofile": OPEN_FILES}
    if memory:
        limits["data"] = spec.memory_mb * _MEGABYTE
    if processes:
        limits["nproc"] = spec.pids
    return limits


def apply(pid: int, limits: Rlimits) -> None:
    """Set them for a process that is held back, so that its children inherit them.

    Raises:
        OSError: there is no such process.
    """
    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name.upper()}")
        _, hard = resource.prlimit(pid, kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.prlimit(pid, kind, (value, value))


def prefix(limits: Rlimits) -> list[str]:
    """Words to put before a command, so that it runs under the limits; none where prlimit(1) is missing."""
    program = shutil.which("prlimit")
    if program is None:
        return []
    words = [program]
    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name.upper()}")
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        words.append(f"--{name}={value}:{value}")
    return words
