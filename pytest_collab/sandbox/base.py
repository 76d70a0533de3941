"""The interface that every sandbox keeps: what it is given, what a command came to, what it promises."""

from __future__ import annotations

import dataclasses
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import ClassVar, Literal, Self

import anyio

from pytest_collab.errors import SandboxError, UsageError

KilledBy = Literal["timeout", "memory", "output", "disk", "processes"]

OUTPUT_LIMIT = 64 * 1024
"""Bytes of stdout, and of stderr, that are kept of one command unless the caller says otherwise."""

HOME = "/home/agent"
"""Home directory inside an isolating sandbox: empty at the start, kept between commands, gone at the end."""

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

NOT_EXECUTABLE = 126
NOT_FOUND = 127
_RESERVED = ("/", "/proc", "/dev", "/sys", "/tmp", HOME)


@dataclasses.dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the host that commands may see.

    Args:
        host: absolute path on the host; must exist when the sandbox starts.
        inside: absolute POSIX path in the sandbox.
        writable: what commands change there is changed on the host.
    """

    host: Path
    inside: str
    writable: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What one sandbox is made of. Nothing of the host is visible that is not named here.

    Args:
        mounts: what of the host can be seen; later ones may lie inside earlier ones.
        workdir: where commands start, as a path inside. Scratch space if no mount covers it.
        env: the whole environment besides PATH, HOME, LANG and TMPDIR, which are set sanely and can be
            overridden here. Nothing is inherited from the host.
        network: reach the network; otherwise there is only an empty loopback.
        memory_mb: megabytes of memory of a command and all its descendants together.
        cpus: processors' worth of time; None for no limit. Kept where cgroups can be used, and by docker.
        pids: processes and threads alive at once.
        disk_mb: megabytes that may be added, in scratch space (/tmp, home) and in writable mounts each.
        entries: files and folders that may be added in writable mounts together.
        file_mb: megabytes of the largest file a command may write; None for `disk_mb`.
        output_mb: a command that has written more than this is killed (`killed_by="output"`).
        shell: what runs a command that is given as one line; called as `shell -c LINE`.
        image: docker: name of an image the engine has; kubernetes: of one that nodes have or can pull.
        image_tar: docker: a local tarball, of `docker save` or of a root file system.
        dockerfile: docker: the Dockerfile to build; its folder is the build context.

    Raises:
        UsageError: a path inside is not absolute, is taken twice or is the system's; a limit is not positive.
    """

    mounts: tuple[Mount, ...] = ()
    workdir: str = "/work"
    env: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    network: bool = False
    memory_mb: int = 2048
    cpus: float | None = None
    pids: int = 256
    disk_mb: int = 1024
    entries: int = 200_000
    file_mb: int | None = None
    output_mb: int = 64
    shell: str = "/bin/sh"
    image: str | None = None
    image_tar: Path | None = None
    dockerfile: Path | None = None

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for mount in self.mounts:
            _check_inside(mount.inside, "mount")
            if mount.inside in _RESERVED or mount.inside.startswith(("/proc/", "/sys/", "/dev/")):
                raise UsageError(f"no mount can take the place of {mount.inside!r}; choose another path")
            if mount.inside in seen:
                raise UsageError(f"two mounts want the path {mount.inside!r} inside; give each its own")
            if not mount.host.is_absolute():
                raise UsageError(f"mount {str(mount.host)!r} is no absolute path; resolve() it first")
            seen.add(mount.inside)
        _check_inside(self.workdir, "workdir")
        for name in ("memory_mb", "pids", "disk_mb", "entries", "output_mb", "cpus", "file_mb"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UsageError(f"sandbox limit {name}={value} must be more than 0")
        if sum(source is not None for source in (self.image, self.image_tar, self.dockerfile)) > 1:
            raise UsageError("give one of image, image_tar and dockerfile, not several")

    @property
    def needs_image(self) -> bool:
        """Whether an image is named, so that only docker gives commands what they expect."""
        return any(source is not None for source in (self.image, self.image_tar, self.dockerfile))

    @property
    def file_bytes(self) -> int:
        """Largest file, in bytes."""
        return (self.file_mb or self.disk_mb) * 1024 * 1024

    @property
    def writable(self) -> tuple[Mount, ...]:
        """The mounts whose changes reach the host."""
        return tuple(mount for mount in self.mounts if mount.writable)

    def mount_of(self, inside: str) -> Mount | None:
        """The innermost mount that covers the path `inside`; None where scratch space or the system does."""
        covering = [mount for mount in self.mounts if _covers(mount.inside, inside)]
        return max(covering, key=lambda mount: len(mount.inside), default=None)


@dataclasses.dataclass(frozen=True, slots=True)
class Completed:
    """What a command came to.

    Attributes:
        exit_code: 0..255, 128 + N for a death by signal N; None if the sandbox ended it.
        stdout: decoded as UTF-8 with replacement; beyond the limit head and tail are kept, with a line
            between them that says how many bytes were left out. Control characters are left as they are.
        stderr: the same.
        timed_out: the time limit ended it.
        killed_by: which limit ended it; None if it ended by itself. With `memory`, the exit code is kept
            where the kernel killed one process and the command went on to exit by itself.
        duration_s: seconds from start to the end of its last process.
    """

    exit_code: int | None
    stdout: str
    stderr: str
    timed_out: bool
    killed_by: KilledBy | None
    duration_s: float

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return self.exit_code == 0 and self.killed_by is None


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """Whether a sandbox works on this machine.

    Attributes:
        name: the sandbox.
        works: a command was really run in it.
        reason: one line: what it was found to do, or why it does not work.
        fix: what to install or set; empty if it works.
    """

    name: str
    works: bool
    reason: str
    fix: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """One command that a sandbox is to run.

    Attributes:
        words: program and arguments.
        cwd: an absolute, normalised path inside.
        env: variables on top of the spec's.
        stdin: what it can read; end of file follows.
        timeout: seconds until every process of it is killed.
        output_limit: bytes kept of stdout, and of stderr.
    """

    words: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    stdin: bytes
    timeout: float
    output_limit: int


class Sandbox(ABC):
    """One set of mounts, limits and environment, in which many commands run.

    Use it as an async context manager. Scratch space lasts from start to close; processes do not outlive
    the command that started them. Commands of one sandbox may be run at the same time unless it says
    otherwise.

    Attributes:
        name: what `--collab-sandbox` calls it.
        isolating: whether foreign code is kept from the host.
        imaged: whether commands find what an image holds, and nothing that is installed on the host.
        warning: the sentence to show at the start of a run; empty for isolating ones.
    """

    name: ClassVar[str]
    isolating: ClassVar[bool]
    imaged: ClassVar[bool] = False
    warning: ClassVar[str] = ""

    def __init__(self, spec: SandboxSpec) -> None:
        self.spec = spec

    @classmethod
    @abstractmethod
    async def probe(cls) -> Probe:
        """Try it: never raises."""

    @abstractmethod
    async def start(self) -> None:
        """Make it ready.

        Raises:
            SandboxError: it cannot be made here, or a mount's host path does not exist.
        """

    @abstractmethod
    async def close(self) -> None:
        """End every process and remove scratch space. Safe to call twice."""

    async def run(
        self,
        argv: Sequence[str] | str,
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float,
        output_limit: int = OUTPUT_LIMIT,
    ) -> Completed:
        """Run one command to its end, or to the end of its time.

        Args:
            argv: program and arguments, or one line for the shell.
            cwd: a path inside, absolute or relative to the workdir; the workdir if None.
            env: variables on top of the spec's, for this command.
            stdin: what it can read; end of file follows.
            timeout: seconds; then every process of the command is killed, daemons too.
            output_limit: bytes kept of stdout, and of stderr.

        Returns:
            What it came to. A program that does not exist is exit code 127, a cwd that does not, 126.

        Raises:
            SandboxError: the sandbox itself failed. Nothing is known about the command then.
            UsageError: no such command can be: it is empty, or holds a NUL byte.
        """
        words = tuple(self.command(argv))
        return await self.execute(Command(words, self.resolve(cwd), dict(env or {}), stdin, timeout, output_limit))

    async def execute(self, command: Command) -> Completed:
        """What `run` does once it knows what is asked for: every sandbox has its own way.

        Raises:
            SandboxError: it is not started, or failed itself.
        """
        raise NotImplementedError(f"{type(self).__name__} must say how it executes a command")

    def inside(self, host_path: Path) -> str:
        """Where a path of the host is found by commands.

        Raises:
            SandboxError: no mount covers it.
        """
        mounts = [mount for mount in self.spec.mounts if host_path.is_relative_to(mount.host)]
        if not mounts:
            raise SandboxError(f"{host_path} is not in the {self.name} sandbox; add a Mount that covers it")
        mount = max(mounts, key=lambda mount: len(mount.host.parts))
        relative = host_path.relative_to(mount.host).as_posix()
        return posixpath.normpath(posixpath.join(mount.inside, relative))

    def resolve(self, cwd: str | None) -> str:
        """The absolute, normalised path inside that a caller's `cwd` stands for."""
        return posixpath.normpath(posixpath.join(self.spec.workdir, cwd or "."))

    def command(self, argv: Sequence[str] | str) -> list[str]:
        """Program and arguments, with a line handed to the shell.

        Raises:
            UsageError: it is empty, or holds a NUL byte.
        """
        words = [self.spec.shell, "-c", argv] if isinstance(argv, str) else list(argv)
        if not words:
            raise UsageError("a command needs at least a program to run; argv is empty")
        if any("\0" in word for word in words):
            raise UsageError("a command cannot hold a NUL byte; pass binary data through stdin")
        return words

    def check_mounts(self) -> None:
        """Raise SandboxError for a mount whose host path does not exist."""
        for mount in self.spec.mounts:
            if not mount.host.exists():
                raise SandboxError(f"the {self.name} sandbox cannot mount {mount.host}: it does not exist")

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:  # cancelled, above all: nobody else knows of what has been started by then
            with anyio.CancelScope(shield=True):
                await self.close()
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()


def environment(
    spec: SandboxSpec, extra: Mapping[str, str] | None, *, home: str, path: str | None, tmp: str
) -> dict[str, str]:
    """The whole environment of a command: sane basics, then the spec's, then the command's own.

    Args:
        path: None where an image has a PATH of its own.

    Raises:
        UsageError: a name or value cannot be an environment variable.
    """
    result = {
        **({} if path is None else {"PATH": path}),
        "HOME": home,
        "TMPDIR": tmp,
        "LANG": "C.UTF-8",
        "USER": "agent",
        **spec.env,
        **(extra or {}),
    }
    for name, value in result.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise UsageError(f"{name!r} cannot be an environment variable: no '=' in names, no NUL")
    return result


def _check_inside(path: str, what: str) -> None:
    if not path.startswith("/") or "\0" in path or posixpath.normpath(path) != path:
        raise UsageError(f"{what} {path!r} must be an absolute path without '..', '//' or a slash at its end")


def _covers(outer: str, path: str) -> bool:
    return path == outer or path.startswith(outer.rstrip("/") + "/")
