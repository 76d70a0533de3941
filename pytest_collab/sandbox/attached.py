"""A command in a container, over the engine's connection: bytes in, two streams out."""

from __future__ import annotations

import io
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import anyio

_CHUNK = 1 << 16
_HEADER = struct.Struct(">BxxxL")
STDOUT, STDERR = 1, 2


class Attached:
    """The connection that `exec_start(socket=True)` of the docker SDK gives.

    Args:
        stream: what it returned.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._socket: socket.socket = stream if isinstance(stream, socket.socket) else stream._sock
        self._socket.setblocking(False)
        self._early = _already_read(stream)

    async def send(self, data: bytes) -> None:
        """Write to the command's stdin, and end it. A command that does not read it all is no error."""
        view = memoryview(data)
        try:
            while view:
                await anyio.wait_writable(self._socket)
                view = view[self._socket.send(view[:_CHUNK]) :]
            self._socket.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            return

    async def receive(self) -> AsyncIterator[tuple[int, bytes]]:
        """Pairs of STDOUT or STDERR and bytes, until nobody holds either stream any more."""
        waiting = bytearray(self._early)
        missing = 0
        stream = STDOUT
        while True:
            while waiting and (missing or len(waiting) >= _HEADER.size):
                if not missing:
                    stream, missing = _HEADER.unpack_from(waiting)
                    del waiting[: _HEADER.size]
                    continue
                part = bytes(waiting[:missing])
                del waiting[: len(part)]
                missing -= len(part)
                yield stream, part
            await anyio.wait_readable(self._socket)
            try:
                chunk = self._socket.recv(_CHUNK)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                return
            if not chunk:
                return
            waiting += chunk

    def close(self) -> None:
        """Hang up. The command goes on."""
        # The response first: it flushes a reader that lies over the stream.
        for part in (getattr(self._stream, "_response", None), self._stream, self._socket):
            if part is not None:
                part.close()


def _already_read(stream: Any) -> bytes:
    """What came in the same packet as the response's head, and so waits in the reader that parsed it."""
    response = getattr(stream, "_response", None)
    reader = getattr(getattr(getattr(response, "raw", None), "_fp", None), "fp", None)
    return reader.peek() if isinstance(reader, io.BufferedReader) else b""
