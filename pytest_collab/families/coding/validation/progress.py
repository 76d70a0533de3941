"""Progress of a long check: what has just been done, in one line, and a beat where nothing has."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio

BEAT_SECONDS: Final = 15.0
"""A line at least so often: people and CI systems take silence for a hang."""


class Tell:
    """Tells what has been done, and how long it all has taken so far.

    Attributes:
        now: what goes on.
    """

    def __init__(self, name: str, progress: Callable[[str], None]) -> None:
        self.now = ""
        self.at = self._started = time.monotonic()
        self._name, self._progress = name, progress

    def __call__(self, text: str) -> None:
        self.at = time.monotonic()
        self._progress(f"[{self.at - self._started:4.0f} s] {self._name}: {text}")


@asynccontextmanager
async def telling(name: str, progress: Callable[[str], None]) -> AsyncIterator[Tell]:
    """Tell what is done in the block, and every `BEAT_SECONDS` what still goes on."""
    tell = Tell(name, progress)

    async def beat() -> None:
        while True:
            await anyio.sleep(max(tell.at + BEAT_SECONDS - time.monotonic(), 0.05))
            if time.monotonic() - tell.at >= BEAT_SECONDS:
                tell(f"still at it ({tell.now})")

    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beat)
        try:
            yield tell
        except Exception as error:
            failure = error  # out of the group, which would wrap it
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
