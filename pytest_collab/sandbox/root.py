"""The root file system of a bubblewrap sandbox, put together once and kept between commands.

Nobody but root may mount anything, except in a user namespace, and what is mounted there ends with the last
process in it. So one process stays: `bwrap` puts the tree together around it, with tmpfs of a fixed size for
scratch space, and each command's own bubblewrap is started from within (`nsenter`) and takes over that tree
whole. Scratch space lasts, and a command costs a handful of mounts instead of thirty.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable, Sequence

import anyio

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.base import SYSTEM_PATH
from pytest_collab.sandbox.child import chunks, exited

_START_SECONDS = 20.0
_END_SECONDS = 2.0


class HeldRoot:
    """A process that sleeps in a mount namespace.

    Args:
        bwrap: path of bubblewrap.
        nsenter: path of util-linux' nsenter.
        network: leave commands in the host's network. Otherwise all commands share one empty one, since
            making it takes longer than all other namespaces together.
    """

    def __init__(self, bwrap: str, nsenter: str, *, network: bool) -> None:
        # As any other user than 0, bubblewrap would end in a second user namespace, from which the owner of the
        # mounts cannot be reached.
        as_owner = ["--unshare-user", "--uid", "0", "--gid", "0", *([] if network else ["--unshare-net"])]
        self._command = [bwrap, *as_owner, "--die-with-parent"]
        self._nsenter = [nsenter, "--preserve-credentials", "-U", "-m", *([] if network else ["-n"]), "-t"]
        self._holder: subprocess.Popen[bytes] | None = None
        self._pid = 0

    async def start(self, arguments: Sequence[str], descriptors: Sequence[int]) -> None:
        """Put the tree together.

        Args:
            arguments: for bwrap: what it is made of.
            descriptors: that those name.

        Raises:
            SandboxError: bubblewrap may not make namespaces here, or cannot mount what it is to mount.
        """
        self._holder = subprocess.Popen(
            [*self._command, *arguments, "--", "/bin/sh", "-c", "echo $$ && exec cat"],
            env={"PATH": SYSTEM_PATH},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=tuple(descriptors),
        )
        try:
            with anyio.fail_after(_START_SECONDS):
                self._pid = await self._read_pid(self._holder)
        except TimeoutError:
            await self.close()
            raise SandboxError(f"bubblewrap was not ready within {_START_SECONDS:g} s") from None
        except BaseException:
            await self.close()
            raise

    def enter(self) -> list[str]:
        """Words to put before a command so that it starts where the tree is.

        Raises:
            SandboxError: the process is gone.
        """
        if self._holder is None or self._holder.poll() is not None:
            raise SandboxError("the bubblewrap sandbox is not running; something killed the process that holds it")
        return [*self._nsenter, str(self._pid), "--"]

    def held_bytes(self, places: Iterable[str]) -> int:
        """Bytes of the files in these folders of the tree, each a file system of its own; 0 where nobody may look."""
        total = 0
        for place in places:
            with contextlib.suppress(OSError):
                status = os.statvfs(f"/proc/{self._pid}/root{place}")
                total += (status.f_blocks - status.f_bfree) * status.f_frsize
        return total

    async def close(self) -> None:
        """Let go of it; what was written to scratch space is lost."""
        if self._holder is None:
            return
        holder, self._holder = self._holder, None
        assert holder.stdin is not None
        with anyio.CancelScope(shield=True):
            # At the end of its input it ends by itself, and bubblewrap can reap it.
            holder.stdin.close()
            with anyio.move_on_after(_END_SECONDS):
                await exited(holder)
            holder.kill()
            await exited(holder)
        for pipe in (holder.stdout, holder.stderr):
            if pipe is not None:
                pipe.close()

    async def _read_pid(self, holder: subprocess.Popen[bytes]) -> int:
        assert holder.stdout is not None
        assert holder.stderr is not None
        said = b""
        async for chunk in chunks(holder.stdout.fileno()):
            said += chunk
            if said.endswith(b"\n"):
                return int(said)
        errors = b"".join([chunk async for chunk in chunks(holder.stderr.fileno())])
        raise SandboxError(f"bubblewrap could not start: {errors.decode(errors='replace').strip()}")
