"""One command in a container, over the API server's websocket: bytes in, two streams and an exit code out."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.kubernetes.cluster import Cluster, Json

STDIN, STDOUT, STDERR, ERROR = range(4)
_CHUNK: Final = 30_000
_QUIET_SECONDS: Final = 15.0  # between pings, so that no balancer takes a quiet command for a dead one

Feed = Callable[[int, bytes], None]
"""Takes STDOUT or STDERR, and bytes."""


class Exec:
    """A command that has been started. Its methods block; `hang_up` may be called from another thread.

    Args:
        cluster: the cluster.
        pod: its name.
        container: one of its containers.
        words: program and arguments. They are part of a URL, which servers log: nothing secret, nothing long.
        stdin: whether it is given any. In version 4 of the protocol stdin has no end: the command has to know when.

    Raises:
        Refused, SandboxError: it cannot be started.
    """

    def __init__(self, cluster: Cluster, pod: str, container: str, words: Iterable[str], *, stdin: bool) -> None:
        self._socket: Any = cluster.attach(pod, container, words, stdin=stdin)
        self._name = f"{pod}/{container}"

    def follow(self, feed: Feed, stdin: Iterable[bytes] = ()) -> int:
        """Send stdin, take what comes, and give the exit code.

        Raises:
            SandboxError: the connection broke off, or the container's runtime could not run it.
        """
        import websocket

        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended early; how, is told below
                for block in stdin:
                    for at in range(0, len(block), _CHUNK):
                        self._socket.send_binary(bytes([STDIN]) + block[at : at + _CHUNK])
            return self._receive(feed)
        except (websocket.WebSocketException, OSError, AttributeError, ValueError) as error:
            raise SandboxError(
                f"the connection to {self._name} broke off: {error or type(error).__name__}"
            ) from error

    def hang_up(self) -> None:
        """End the connection, and `follow` with it. The command goes on."""
        with contextlib.suppress(OSError, AttributeError):
            # Not TLS' own shutdown: another thread may be reading.
            socket.socket.shutdown(self._socket.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection back. Nobody may be following."""
        self._socket.shutdown()

    def _receive(self, feed: Feed) -> int:
        import websocket

        self._socket.settimeout(_QUIET_SECONDS)
        status = bytearray()
        while True:
            try:
                kind, data = self._socket.recv_data()
            except websocket.WebSocketTimeoutException:
                self._socket.ping()
                continue
            except websocket.WebSocketConnectionClosedException:
                break
            if kind == websocket.ABNF.OPCODE_CLOSE:
                break
            if data and data[0] in (STDOUT, STDERR) and len(data) > 1:
                feed(data[0], data[1:])
            elif data and data[0] == ERROR:
                status += data[1:]
        if not status:
            raise SandboxError(f"the connection to {self._name} broke off before the command's end")
        return _exit_code(json.loads(status), self._name)


def run(
    cluster: Cluster, pod: str, container: str, words: Iterable[str], *, stdin: Iterable[bytes] | None = None
) -> tuple[int, bytes, bytes]:
    """A command of our own, from start to end: its exit code and both streams.

    Raises:
        Refused, SandboxError: as `Exec`.
    """
    streams = {STDOUT: bytearray(), STDERR: bytearray()}
    command = Exec(cluster, pod, container, words, stdin=stdin is not None)
    try:
        code = command.follow(lambda stream, data: streams[stream].extend(data), stdin or ())
    finally:
        command.close()
    return code, bytes(streams[STDOUT]), bytes(streams[STDERR])


def _exit_code(status: Json, name: str) -> int:
    """What the status of the error channel says (`k8s.io/client-go/tools/remotecommand`, version 4)."""
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise SandboxError(f"no command could be run in {name}: {status.get('message', 'it is not said why')}")
