"""The process of a player of the subprocess engine: `python -m pytest_collab.cluster.player`.

It is told everything through its standard input and answers through its standard output; what anybody prints goes
to its standard error. When its input ends, so does it.
"""

from __future__ import annotations

import asyncio
import os
import platform
import socket
import threading
from contextlib import suppress
from typing import Any, Final

import pytest_collab
from pytest_collab.cluster.boot import boot
from pytest_collab.cluster.hello import About, Batch, Hello
from pytest_collab.cluster.performer import Performer
from pytest_collab.cluster.spec import EpisodeSpec
from pytest_collab.cluster.wire import LONGEST_LINE, Wire

GRACE_S: Final = 5.0
"""How long plays and agents may take to clean up once the driver is gone."""


class Player:
    """Answers the driver."""

    def __init__(self) -> None:
        self._wire: Wire | None = None
        self._performer: Performer | None = None
        self.over = asyncio.Event()

    async def serve(self, reading: int, writing: int) -> None:
        """Until the driver says so or is gone.

        Args:
            reading, writing: descriptors of pipes.
        """
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=LONGEST_LINE)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb"))
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.streams.FlowControlMixin(loop), os.fdopen(writing, "wb")
        )
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        self._wire = Wire(reader, writer, self._answer)
        serving = asyncio.ensure_future(self._wire.serve())
        closing = asyncio.ensure_future(self.over.wait())
        await asyncio.wait([serving, closing], return_when=asyncio.FIRST_COMPLETED)
        if not self.over.is_set():  # the driver is gone: nobody waits for anything
            _end_later()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._close(), GRACE_S)
        closing.cancel()
        with suppress(ConnectionError):
            await writer.drain()

    async def _answer(self, name: str, arguments: list[Any]) -> Any:
        if name == "hello":
            assert self._wire is not None
            self._performer = await asyncio.to_thread(boot, Hello.model_validate(arguments[0]), self._wire)
            return about().model_dump()
        if name == "close":
            await self._close()
            asyncio.get_running_loop().call_soon(self.over.set)  # after the answer
            return None
        if name == "pulse":
            return None
        performer = self._performer
        assert performer is not None
        if name == "prepare":
            return await performer.prepare(Batch.model_validate(arguments[0]))
        if name == "play":
            played = await performer.play(EpisodeSpec.model_validate(arguments[0]), arguments[1])
            return played.model_dump()
        if name == "break_off":
            return performer.break_off(arguments[0])
        raise ValueError(f"a player has no {name!r}")

    async def _close(self) -> None:
        if self._performer is not None:
            await self._performer.close()


def about() -> About:
    """This process, as a player."""
    return About(
        version=pytest_collab.__version__,
        python=platform.python_version(),
        host=socket.gethostname(),
        pid=os.getpid(),
    )


def _end_later() -> None:
    """See that the process ends, whatever hangs in it."""
    last = threading.Timer(2 * GRACE_S, os._exit, [1])
    last.daemon = True
    last.start()


def main() -> None:
    """Talk through the standard streams, and leave others nothing of them but the error stream."""
    reading, writing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)

    async def serve() -> None:
        await Player().serve(reading, writing)

    asyncio.run(serve())
    _end_later()  # non-daemon threads of anybody's may be left


if __name__ == "__main__":
    main()
