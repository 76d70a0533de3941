"""The `bubblewrap` sandbox: fresh Linux namespaces for every command, without root and without an engine."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, Self

import anyio

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox import rlimits, seccomp
from pytest_collab.sandbox.base import (
    HOME,
    NOT_EXECUTABLE,
    SYSTEM_PATH,
    Command,
    Completed,
    Probe,
    Sandbox,
    SandboxSpec,
    environment,
)
from pytest_collab.sandbox.cgroup import Cgroup, hierarchies
from pytest_collab.sandbox.child import Child, chunks, exited, readable_bytes
from pytest_collab.sandbox.disk import DiskQuota
from pytest_collab.sandbox.process import completed
from pytest_collab.sandbox.root import HeldRoot
from pytest_collab.sandbox.system import GID, UID, system_arguments
from pytest_collab.sandbox.watchdog import Watchdog

OLDEST = (0, 8, 0)
"""The first bubblewrap with sized tmpfs and without known ways around `--disable-userns`."""

_INSTALL = "install bubblewrap 0.8 or newer (apt-get install bubblewrap, dnf install bubblewrap)"
_ADMIT_SECONDS = 20.0
_IN_MEMORY = ("/tmp", HOME, "/dev/shm")
_LEAST_MEMORY_MB = 64
# The shell is the namespace's first process. It stays, to reap orphans; and bubblewrap, its parent, reaps it.
# (Left to bubblewrap's own first process, a zombie per command would wait for the host's init to notice.)
_LAUNCH = f'cd -- "$1" || exit {NOT_EXECUTABLE}\nshift\n(exec "$@")\nexit $?'


class BubblewrapSandbox(Sandbox):
    """Runs each command in user, mount, PID, IPC, UTS, network and cgroup namespaces of its own.

    The system's programs are there read-only, /etc holds no secrets, home and /tmp are a sized tmpfs that
    lasts as long as the sandbox. Inside, the user is an ordinary one without capabilities; files it makes in
    writable mounts belong to the user who runs pytest. When a command ends, its PID namespace ends, and with
    it every process in there.
    """

    name: ClassVar[str] = "bubblewrap"
    isolating: ClassVar[bool] = True

    def __init__(self, spec: SandboxSpec) -> None:
        super().__init__(spec)
        self._root: HeldRoot | None = None
        self._quota = DiskQuota((), 0, 0)

    @classmethod
    async def probe(cls) -> Probe:
        """See the base class."""
        try:
            tools()
            async with cls(SandboxSpec()) as sandbox:
                done = await sandbox.run(["true"], timeout=20)
        except SandboxError as error:
            return Probe(cls.name, False, str(error), _remedy())
        if not done.ok:
            return Probe(cls.name, False, f"`true` ended with {done.exit_code}: {done.stderr.strip()}", _remedy())
        limited = {name: hierarchy.version for hierarchy in hierarchies() for name in hierarchy.controllers}
        keeper = f"cgroup v{limited['memory']}" if "memory" in limited else "rlimits and watching"
        number = ".".join(map(str, version()))
        return Probe(cls.name, True, f"bubblewrap {number}, memory limited by {keeper}")

    async def start(self) -> None:
        """See the base class."""
        if self._root is not None:
            raise SandboxError("the bubblewrap sandbox has been started already")
        if self.spec.needs_image:
            raise SandboxError("the bubblewrap sandbox cannot use an image; choose docker")
        self.check_mounts()
        bwrap, nsenter = tools()
        root = HeldRoot(bwrap, nsenter, network=self.spec.network)
        with contextlib.ExitStack() as descriptors:
            system, passed = system_arguments(descriptors, network=self.spec.network)
            await root.start([*system, *self._root_arguments()], passed)
        self._root = root
        self._quota = DiskQuota(
            (mount.host for mount in self.spec.writable), self.spec.disk_mb * 1024 * 1024, self.spec.entries
        )
        await self._quota.start()

    async def close(self) -> None:
        """See the base class."""
        if self._root is not None:
            root, self._root = self._root, None
            await root.close()

    async def execute(self, command: Command) -> Completed:
        """See the base class."""
        if self._root is None:
            raise SandboxError("the bubblewrap sandbox is not started; use it as `async with`")
        variables = environment(self.spec, command.env, home=HOME, path=SYSTEM_PATH, tmp="/tmp")
        arguments = [*self._command_arguments(), "--clearenv"]
        for name, value in variables.items():
            arguments += ["--setenv", name, value]
        spec = self._left()
        group = Cgroup.make(spec)
        try:
            with contextlib.ExitStack() as descriptors:
                status, status_inside = _pipe(descriptors)
                gate_inside, gate = _pipe(descriptors)
                options = descriptors.enter_context(readable_bytes("\0".join(arguments).encode() + b"\0"))
                passed = [status_inside.fileno(), gate_inside.fileno(), options]
                fixed = ["--json-status-fd", str(passed[0]), "--block-fd", str(passed[1])]
                if filters := seccomp.program():
                    passed.append(descriptors.enter_context(readable_bytes(filters)))
                    fixed += ["--seccomp", str(passed[-1])]
                child = Child(
                    [
                        *self._root.enter(),
                        # Through a descriptor: arguments would show the host's paths in /proc/1/cmdline.
                        *(tools()[0], "--args", str(options), *fixed),
                        *("--", "/bin/sh", "-c", _LAUNCH, "sh", command.cwd, *command.words),
                    ],
                    env={"PATH": SYSTEM_PATH},
                    cwd="/",
                    stdin=command.stdin,
                    output_limit=command.output_limit,
                    pass_fds=passed,
                )
                status_inside.close()
                gate_inside.close()
                return await self._supervise(child, status, gate, group, command.timeout, spec)
        finally:
            if group is not None:
                with anyio.CancelScope(shield=True):
                    await group.close()

    def _left(self) -> SandboxSpec:
        """The limits of the next command: what files in memory hold by now is memory that it does not have.

        A little is left in any case, or nobody could delete anything.
        """
        assert self._root is not None
        held = self._root.held_bytes(_IN_MEMORY) // (1024 * 1024)
        least = min(self.spec.memory_mb, _LEAST_MEMORY_MB)
        return dataclasses.replace(self.spec, memory_mb=max(self.spec.memory_mb - held, least))

    async def _supervise(
        self,
        child: Child,
        status: io.FileIO,
        gate: io.FileIO,
        group: Cgroup | None,
        timeout: float,
        spec: SandboxSpec,
    ) -> Completed:
        try:
            with anyio.fail_after(_ADMIT_SECONDS):
                first = await self._admit(child, status, gate, group)
        except TimeoutError:
            await _abandon(child)
            raise SandboxError(f"bubblewrap was not ready within {_ADMIT_SECONDS:g} s") from None
        except BaseException:
            await _abandon(child)
            raise
        watchdog = Watchdog(spec, self._quota, group.controllers if group is not None else frozenset())
        with first:
            ending = await child.finish(
                timeout=timeout,
                output_bytes=self.spec.output_mb * 1024 * 1024,
                kill=first.kill,
                watch=(lambda: watchdog.watch(first.pid)) if watchdog.needed else None,
            )
        exit_code = _exit_code(status)
        if exit_code is None and ending.killed_by is None:
            if group is not None and group.out_of_memory_kills():
                exit_code = 128 + signal.SIGKILL
            else:
                raise SandboxError(f"bubblewrap could not run the command: {child.stderr.text().strip()}")
        return completed(ending, child, group, exit_code)

    async def _admit(self, child: Child, status: io.FileIO, gate: io.FileIO, group: Cgroup | None) -> _FirstProcess:
        """Set the limits of the namespace's first process, which waits for that, and let it go on."""
        said = b""
        async for chunk in chunks(status.fileno()):
            said += chunk
            if b"\n" in said:
                break
        else:
            await child.finish(timeout=_ADMIT_SECONDS, output_bytes=1 << 20, kill=_nothing)
            reason = child.stderr.text().strip() or "it said nothing"
            raise SandboxError(f"bubblewrap could not start: {reason}")
        first = _FirstProcess(json.loads(said.partition(b"\n")[0])["child-pid"])
        try:
            counted = group is not None and "memory" in group.controllers
            rlimits.apply(first.pid, rlimits.rlimits(self.spec, memory=not counted, processes=True))
            if group is not None:
                group.add(first.pid)
            gate.write(b"1")
        except OSError as error:
            first.close()
            raise SandboxError(f"bubblewrap's limits could not be set: {error}") from error
        return first

    def _root_arguments(self) -> list[str]:
        """What the file system is made of, besides the system. /proc is the host's until a command starts."""
        words = ["--bind", "/proc", "/proc", "--dev", "/dev"]
        words += ["--dir", "/run", "--symlink", "/tmp", "/var/tmp"]
        size = str(self.spec.disk_mb * 1024 * 1024)
        words += ["--perms", "1777", "--size", size, "--tmpfs", "/tmp", "--size", size, "--tmpfs", HOME]
        words += ["--perms", "1777", "--size", size, "--tmpfs", "/dev/shm"]
        if self.spec.mount_of(self.spec.workdir) is None:
            words += ["--size", size, "--tmpfs", self.spec.workdir]
        for mount in sorted(self.spec.mounts, key=lambda mount: mount.inside.count("/")):
            words += ["--bind" if mount.writable else "--ro-bind", str(mount.host), mount.inside]
        # These two are file systems without a size.
        return [*words, "--remount-ro", "/", "--remount-ro", "/dev", "--chdir", "/"]

    def _command_arguments(self) -> list[str]:
        """What each command is given of its own."""
        words = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
        words += ["--unshare-cgroup", "--as-pid-1", "--die-with-parent", "--new-session"]
        words += ["--hostname", "sandbox", "--uid", str(UID), "--gid", str(GID)]
        if not seccomp.program():  # which else forbids it, for less
            words += ["--disable-userns"]
        # Where pytest runs as root, the user inside is still root to the kernel, and so the owner of files
        # like /proc/sys/kernel/core_pattern: without capabilities, but able to write them. Hence read-only.
        return [*words, "--dev-bind", "/", "/", "--proc", "/proc", "--remount-ro", "/proc", "--chdir", "/"]


class _FirstProcess:
    """The first process of a PID namespace, seen from the host: when it dies, all others do."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._descriptor: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._descriptor = None

    async def kill(self) -> None:
        """Kill it, and wait until the whole namespace is empty."""
        if self._descriptor is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
            await anyio.wait_readable(self._descriptor)

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@functools.cache
def tools() -> tuple[str, str]:
    """Paths of bwrap and nsenter.

    Raises:
        SandboxError: one is missing or too old, or this is not Linux.
    """
    if sys.platform != "linux":
        raise SandboxError(f"bubblewrap needs Linux; this is {sys.platform}")
    bwrap, nsenter = shutil.which("bwrap"), shutil.which("nsenter")
    if bwrap is None:
        raise SandboxError(f"bubblewrap is not installed: there is no bwrap on PATH; {_INSTALL}")
    if nsenter is None:
        raise SandboxError("nsenter is not on PATH; install util-linux")
    if version() < OLDEST:
        raise SandboxError(f"bubblewrap {'.'.join(map(str, version()))} is too old; {_INSTALL}")
    return bwrap, nsenter


@functools.cache
def version() -> tuple[int, ...]:
    """Version of the bwrap on PATH; empty if it does not say."""
    said = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, timeout=20).stdout
    return tuple(int(number) for number in re.findall(r"\d+", said))


def _remedy() -> str:
    """What most likely stands in the way of user namespaces here, as something to do about it."""
    switches = (
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("user.max_user_namespaces", "0", "15000"),
    )
    for name, bad, good in switches:
        with contextlib.suppress(OSError):
            if Path("/proc/sys", name.replace(".", "/")).read_text().strip() == bad:
                return f"sudo sysctl -w {name}={good}"
    if shutil.which("bwrap") is None:
        return _INSTALL
    unconfined = "--security-opt seccomp=unconfined --security-opt systempaths=unconfined"
    return f"allow user namespaces (in a docker container: {unconfined})"


def _exit_code(status: io.FileIO) -> int | None:
    """The code bubblewrap reports, which it does only for a command that really ran."""
    said = b""
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(status.fileno(), 4096):
            said += chunk
    for line in said.splitlines():
        if b"exit-code" in line:
            return int(json.loads(line)["exit-code"])
    return None


async def _abandon(child: Child) -> None:
    if child.process.poll() is None:
        child.process.kill()
    with anyio.CancelScope(shield=True):
        await exited(child.process)
    child.close()


async def _nothing() -> None:
    return


def _pipe(descriptors: contextlib.ExitStack) -> tuple[io.FileIO, io.FileIO]:
    reading, writing = os.pipe()
    return descriptors.enter_context(io.FileIO(reading)), descriptors.enter_context(io.FileIO(writing, "w"))
