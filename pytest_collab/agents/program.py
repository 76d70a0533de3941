"""Programs of agents: started in a session of their own, and seen out with everything that they started."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from pytest_collab.errors import ProviderError
from pytest_collab.sandbox import afterwards

LINE_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of the longest line that is read from a program."""

TEMPFAIL: Final = 75
"""The exit status (EX_TEMPFAIL of sysexits.h) by which a program says: not my doing, try again."""


def located(command: Sequence[str]) -> tuple[str, ...]:
    """The command with each word that begins with `./` made a path from here: programs are started elsewhere."""
    return tuple(os.path.abspath(word) if word.startswith("./") else word for word in command)


async def spawn(command: Sequence[str], *, name: str, **rest: Any) -> asyncio.subprocess.Process:
    """Start a program as the head of a process group of its own.

    Raises:
        ProviderError: it could not be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(*command, start_new_session=True, limit=LINE_LIMIT, **rest)
        afterwards.end_group(process.pid)
        return process
    except OSError as error:
        why = error.strerror or error
        raise ProviderError(f"agent {name!r}: {command[0]!r} could not be started: {why}") from None


async def end(process: asyncio.subprocess.Process, grace_s: float = 0.0) -> None:
    """See the program out, and everything it started."""
    if grace_s and process.returncode is None:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), grace_s)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    afterwards.group_ended(process.pid)
