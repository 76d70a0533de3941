"""A process of the host: started, fed, read and watched without threads, and ended with all it started."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

import anyio
import anyio.to_thread

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox import afterwards
from pytest_collab.sandbox.base import KilledBy
from pytest_collab.sandbox.output import BoundedOutput

_CHUNK = 1 << 16
_SETTLE_SECONDS = 1.0
_REAP_SECONDS = 10.0
_DRAIN_SECONDS = 2.0

Watch = Callable[[], Awaitable[KilledBy]]
"""Returns when a limit is broken, with its name; cancelled when the command has ended."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended: its wait status as Python gives it (-N for signal N), or the limit that ended it."""

    returncode: int
    killed_by: KilledBy | None
    duration_s: float


class Child:
    """A running child with captured output.

    Args:
        argv: program and arguments, on the host.
        env: its whole environment.
        cwd: host directory.
        stdin: what it can read, followed by end of file.
        output_limit: bytes kept of each stream.
        pass_fds: descriptors it inherits.

    Raises:
        SandboxError: the program cannot be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None,
        stdin: bytes,
        output_limit: int,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self._started = time.monotonic()
        self.stdout = BoundedOutput(output_limit)
        self.stderr = BoundedOutput(output_limit)
        with readable_bytes(stdin) as source:
            try:
                # Not in a thread: bubblewrap dies with its parent, and that is the thread that forks.
                self.process = subprocess.Popen(
                    argv,
                    env=dict(env),
                    cwd=cwd,
                    stdin=source,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                    pass_fds=tuple(pass_fds),
                )
            except OSError as error:
                raise SandboxError(f"cannot start {argv[0]}: {error.strerror or error}") from error
        afterwards.end_group(self.process.pid)

    @property
    def pid(self) -> int:
        """Its process id, which is also its session and process group."""
        return self.process.pid

    async def finish(
        self,
        *,
        timeout: float,
        output_bytes: int,
        kill: Callable[[], Awaitable[None]],
        watch: Watch | None = None,
    ) -> Ending:
        """Wait for its end or bring it about; in any case `kill` is called, and nothing is left running.

        Args:
            timeout: seconds.
            output_bytes: it is ended once it has written more than this.
            kill: ends whatever is left of it, descendants included. Called also after a normal end, since
                children may have stayed in the background.
            watch: reports other broken limits.
        """
        killed_by: KilledBy | None = None
        done = anyio.Event()

        def end(reason: KilledBy | None) -> None:
            nonlocal killed_by
            if not done.is_set():
                killed_by = reason
                done.set()

        async def wait() -> None:
            await exited(self.process)
            end(None)

        async def pump(stream: int, output: BoundedOutput) -> None:
            async for chunk in chunks(stream):
                output.feed(chunk)
                if self.stdout.total + self.stderr.total > output_bytes:
                    end("output")

        async def read_both() -> None:
            async with anyio.create_task_group() as readers:
                for stream, output in zip(self._streams(), (self.stdout, self.stderr), strict=True):
                    readers.start_soon(pump, stream, output)
            read.set()

        async def watch_limits(watching: Watch) -> None:
            end(await watching())

        read = anyio.Event()
        failure: SandboxError | None = None
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                tasks.start_soon(read_both)
                if watch is not None:
                    tasks.start_soon(watch_limits, watch)
                try:
                    with anyio.move_on_after(timeout) as clock:
                        await done.wait()
                    if clock.cancelled_caught:
                        end("timeout")
                finally:
                    with anyio.CancelScope(shield=True):
                        try:
                            await self._put_down(kill)
                        except SandboxError as error:  # raised below: a task group would wrap it
                            failure = error
                # A pipe can outlive its writers only if it was handed to somebody else: do not wait for ever.
                with anyio.move_on_after(_DRAIN_SECONDS):
                    await read.wait()
                tasks.cancel_scope.cancel()
        finally:
            self.close()
            if self.process.returncode is not None:
                afterwards.group_ended(self.pid)
        if failure is not None:
            raise failure
        return Ending(self.process.returncode, killed_by, time.monotonic() - self._started)

    async def _put_down(self, kill: Callable[[], Awaitable[None]]) -> None:
        await kill()
        with anyio.move_on_after(_SETTLE_SECONDS):
            await exited(self.process)
        if self.process.poll() is None:
            self.process.kill()
            with anyio.move_on_after(_REAP_SECONDS):
                await exited(self.process)
            if self.process.poll() is None:
                raise SandboxError(f"process {self.pid} could not be killed; it may hang in the kernel")

    def close(self) -> None:
        """Close this side of its pipes."""
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None and not stream.closed:
                stream.close()

    def _streams(self) -> tuple[int, int]:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        return self.process.stdout.fileno(), self.process.stderr.fileno()


async def chunks(descriptor: int) -> AsyncIterator[bytes]:
    """The bytes that can be read from a pipe, as they come, to its end."""
    os.set_blocking(descriptor, False)
    while True:
        await anyio.wait_readable(descriptor)
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            continue
        if not chunk:
            return
        yield chunk


async def exited(process: subprocess.Popen[bytes]) -> None:
    """Wait until a child of ours has ended, and reap it."""
    if process.poll() is not None:
        return
    if sys.platform == "linux":
        await gone(process.pid)
        process.wait()
    else:
        await anyio.to_thread.run_sync(process.wait, abandon_on_cancel=True)


async def gone(pid: int) -> None:
    """Wait until a process, a child of ours or not, has ended. Returns at once if there is none."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def readable_bytes(data: bytes) -> Iterator[int]:
    """A descriptor from which `data` can be read, and then end of file: no writer that could block."""
    if not data:
        descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    elif sys.platform == "linux":
        descriptor = os.memfd_create("stdin", os.MFD_CLOEXEC)
        _write_all(descriptor, data)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
        _write_all(descriptor, data)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
