"""The `process` sandbox: no isolation at all, only order. Commands run as the user who runs pytest."""

from __future__ import annotations

import contextlib
import os
import posixpath
import secrets
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox import afterwards
from pytest_collab.sandbox.base import (
    NOT_EXECUTABLE,
    SYSTEM_PATH,
    Command,
    Completed,
    Probe,
    Sandbox,
    SandboxSpec,
    environment,
)
from pytest_collab.sandbox.cgroup import Cgroup
from pytest_collab.sandbox.child import Child, Ending
from pytest_collab.sandbox.disk import DiskQuota
from pytest_collab.sandbox.rlimits import prefix, rlimits
from pytest_collab.sandbox.tree import kill_marked
from pytest_collab.sandbox.watchdog import Watchdog

MARK = "PYTEST_COLLAB_COMMAND"
"""The environment variable by which a command's stray descendants are found."""


class ProcessSandbox(Sandbox):
    """Runs commands as plain children of this process, with limits, a clean environment and an empty home.

    Paths inside are paths of the host: `inside()` gives them back unchanged, and a `cwd` that names a
    mount's path inside is translated. Read-only mounts are not kept read-only.
    """

    name: ClassVar[str] = "process"
    isolating: ClassVar[bool] = False
    warning: ClassVar[str] = (
        "the process sandbox isolates nothing: agents' and graders' commands run as you, see your files and "
        "keys, and reach the network. Install bubblewrap or docker, or run this on a machine you can lose."
    )

    def __init__(self, spec: SandboxSpec) -> None:
        super().__init__(spec)
        self._scratch: Path | None = None
        self._quota = DiskQuota((), 0, 0)

    @classmethod
    async def probe(cls) -> Probe:
        """See the base class."""
        return Probe(cls.name, True, "runs commands as you, without any isolation")

    async def start(self) -> None:
        """See the base class."""
        if self._scratch is not None:
            raise SandboxError("the process sandbox has been started already")
        self.check_mounts()
        if self.spec.needs_image:
            raise SandboxError("the process sandbox cannot use an image; choose docker")
        self._scratch = Path(tempfile.mkdtemp(prefix="collab-process-"))
        afterwards.remove_folder(self._scratch)
        for name in ("home", "tmp", "work"):
            (self._scratch / name).mkdir()
        self._quota = DiskQuota(
            [self._scratch, *(mount.host for mount in self.spec.writable)],
            self.spec.disk_mb * 1024 * 1024,
            self.spec.entries,
        )
        await self._quota.start()

    async def close(self) -> None:
        """See the base class."""
        if self._scratch is not None:
            scratch, self._scratch = self._scratch, None
            remove_tree(scratch)

    def inside(self, host_path: Path) -> str:
        """See the base class. The path itself."""
        super().inside(host_path)
        return str(host_path)

    async def execute(self, command: Command) -> Completed:
        """See the base class."""
        scratch = self._require_started()
        directory = self._host_path(command.cwd, scratch)
        token = secrets.token_hex(8)
        variables = environment(
            self.spec,
            command.env,
            home=str(scratch / "home"),
            tmp=str(scratch / "tmp"),
            path=os.environ.get("PATH", SYSTEM_PATH),
        )
        variables[MARK] = token
        group = Cgroup.make(self.spec)
        watchdog = Watchdog(self.spec, self._quota, group.controllers if group is not None else frozenset())
        limits = rlimits(self.spec, memory=False, processes=False)
        try:
            child = Child(
                [
                    *_launcher(group, directory),
                    *prefix(limits),
                    *command.words,
                ],
                env=variables,
                cwd="/",
                stdin=command.stdin,
                output_limit=command.output_limit,
            )

            async def kill() -> None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, 9)
                if group is not None:
                    await group.kill()
                else:
                    await kill_marked(child.pid, token)

            ending = await child.finish(
                timeout=command.timeout,
                output_bytes=self.spec.output_mb * 1024 * 1024,
                kill=kill,
                watch=lambda: watchdog.watch(child.pid),
            )
            return completed(ending, child, group)
        finally:
            if group is not None:
                await group.close()

    def _require_started(self) -> Path:
        if self._scratch is None:
            raise SandboxError("the process sandbox is not started; use it as `async with`")
        return self._scratch

    def _host_path(self, path: str, scratch: Path) -> str:
        mount = self.spec.mount_of(path)
        if mount is not None:
            return posixpath.join(str(mount.host), posixpath.relpath(path, mount.inside))
        if path == self.spec.workdir or path.startswith(self.spec.workdir + "/"):
            return posixpath.join(str(scratch / "work"), posixpath.relpath(path, self.spec.workdir))
        return path


def _launcher(group: Cgroup | None, directory: str) -> list[str]:
    """A shell that joins the group before anything foreign runs, and becomes the command."""
    entrances = group.entrances if group is not None else []
    join = "".join(f"echo 0 > {shlex.quote(str(path))} || exit {NOT_EXECUTABLE}\n" for path in entrances)
    script = f'{join}cd -- "$1" || exit {NOT_EXECUTABLE}\nshift\nexec "$@"'
    return ["/bin/sh", "-c", script, "sh", directory]


def completed(ending: Ending, child: Child, group: Cgroup | None, exit_code: int | None = None) -> Completed:
    """What a finished child came to; `exit_code` where a wrapper knows it better than the wait status."""
    code = ending.returncode if exit_code is None else exit_code
    code = 128 - code if code < 0 else code
    killed_by = ending.killed_by
    if killed_by is None and code != 0 and group is not None and group.out_of_memory_kills():
        killed_by = "memory"
    return Completed(
        exit_code=code if ending.killed_by is None else None,
        stdout=child.stdout.text(),
        stderr=child.stderr.text(),
        timed_out=killed_by == "timeout",
        killed_by=killed_by,
        duration_s=ending.duration_s,
    )


def remove_tree(path: Path) -> None:
    """Remove a directory in which foreign code may have taken away permissions; follows no links.

    Folders in folders, thousands deep, are left to `rm`, which needs no stack for them.
    """

    def retry(function: object, name: str, _: object) -> None:
        with contextlib.suppress(OSError):
            os.chmod(os.path.dirname(name), 0o700)
            if not os.path.islink(name):
                os.chmod(name, 0o700)
        with contextlib.suppress(OSError):
            if os.path.isdir(name) and not os.path.islink(name):
                shutil.rmtree(name, ignore_errors=True)
            else:
                os.unlink(name)

    with contextlib.suppress(RecursionError):
        shutil.rmtree(path, onerror=retry)
    if os.path.lexists(path):
        for words in (["chmod", "-R", "u+rwX", "--"], ["rm", "-rf", "--one-file-system", "--"]):
            subprocess.run([*words, path], capture_output=True, check=False)
