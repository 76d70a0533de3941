"""The mounts of one sandbox in its pod: laid at the start, kept like the host's from command to command."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.base import SandboxSpec
from pytest_collab.sandbox.kubernetes import mirror, script
from pytest_collab.sandbox.kubernetes.cluster import Cluster
from pytest_collab.sandbox.kubernetes.exec import STDOUT, Exec, run
from pytest_collab.sandbox.kubernetes.mirror import Tree
from pytest_collab.sandbox.kubernetes.pod import FILES

_MEGABYTE: Final = 1024 * 1024
_IN_MEMORY: Final = 8 * _MEGABYTE
_SLACK: Final = 16 * _MEGABYTE  # what an archive takes beyond its files


class OverQuota(Exception):
    """A command has added more to writable mounts than it may. Nothing of it was brought to the host."""


class Files:
    """Moves files between the host and one pod. Its methods block, and are called one at a time.

    Args:
        cluster: the cluster.
        spec: whose mounts these are.
    """

    def __init__(self, cluster: Cluster, spec: SandboxSpec) -> None:
        self._cluster = cluster
        self._spec = spec
        self._pod = ""
        self._gnu = True
        self._roots = {str(index): Path(mount.host).resolve() for index, mount in enumerate(spec.mounts)}
        self._without = {str(index): _inner(spec, index) for index in range(len(spec.mounts))}
        self._writable = [str(index) for index, mount in enumerate(spec.mounts) if mount.writable]
        self._here: dict[str, Tree] = {}
        self._there: dict[str, Tree] = {}
        self._before = (0, 0)

    def look(self) -> int:
        """See what the mounts hold; bytes in all."""
        self._here = {key: mirror.scan(root, self._without[key]) for key, root in self._roots.items()}
        return sum(int(str(stamp[2])) for tree in self._here.values() for stamp in tree.values() if len(stamp) > 2)

    def lay(self, pod: str) -> None:
        """Send everything to a pod whose container `files` runs, and let its seat begin.

        Raises:
            SandboxError: it cannot be sent.
        """
        self._pod = pod
        code, _, _ = run(self._cluster, pod, FILES, ["/bin/sh", "-c", script.GNU])
        self._gnu = code == 0
        self._put({"launch": b"", "stdin": b""}, {key: sorted(tree) for key, tree in self._here.items()})
        self._run(["/bin/sh", "-c", script.LAY], "let its seat begin")
        self._there, self._before = self._list()

    def send(self, control: Mapping[str, bytes]) -> None:
        """Send the next command, and what has changed on the host in writable mounts.

        Args:
            control: files of our own for the command.

        Raises:
            SandboxError: it cannot be sent.
        """
        now = {key: mirror.scan(self._roots[key], self._without[key]) for key in self._writable}
        changes = {key: mirror.changed(self._here[key], tree) for key, tree in now.items()}
        gone = [
            f"mounts/{key}/{name}" for key, tree in now.items() for name in mirror.vanished(self._here[key], tree)
        ]
        if gone:
            listed = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in gone)
            self._run(["/bin/sh", "-c", script.REMOVE, "sh", str(len(listed))], "remove files", [listed])
        self._put(control, changes)
        self._here.update(now)
        if gone or any(changes.values()):
            self._there, _ = self._list()

    def fetch(self) -> None:
        """Bring what a command has changed in writable mounts to the host.

        Raises:
            OverQuota: it is too much.
            SandboxError: it cannot be brought.
        """
        if not self._writable:
            return
        now, taken = self._list()
        if self._too_much(taken):
            raise OverQuota
        changes = {key: mirror.changed(self._there[key], now[key]) for key in self._writable}
        gone = {key: mirror.vanished(self._there[key], now[key]) for key in self._writable}
        if not any(changes.values()) and not any(gone.values()):
            return
        for key, names in gone.items():
            mirror.remove(self._roots[key], names)
        if any(changes.values()):
            with self._get(changes) as archive:
                mirror.unpack(archive, self._roots, {key: set(names) for key, names in changes.items()})
        self._there = now
        for key in self._writable:  # and no more: what the host has changed meanwhile goes to the pod next time
            here = mirror.scan(self._roots[key], self._without[key])
            for name in {*changes[key], *gone[key]}:
                self._here[key].pop(name, None)
                if name in here:
                    self._here[key][name] = here[name]

    def over(self) -> bool:
        """Whether a command that still runs has added more than it may."""
        try:
            return self._too_much(self._list()[1])
        except OverQuota:
            return True

    def _too_much(self, taken: tuple[int, int]) -> bool:
        size, entries = taken[0] - self._before[0], taken[1] - self._before[1]
        return size > self._spec.disk_mb * _MEGABYTE or entries > self._spec.entries

    def _list(self) -> tuple[dict[str, Tree], tuple[int, int]]:
        """What the writable mounts of the pod hold, but for what other mounts lie over; bytes and entries in all."""
        if not self._writable:
            return {}, (0, 0)
        if self._gnu:
            said = self._run(["/bin/sh", "-c", script.LIST, "sh", *self._writable], "list its files")
            trees, taken = script.listing(said, self._writable)
        else:
            with self._archive(["/bin/sh", "-c", script.GET_ALL, "sh", *self._writable], None) as archive:
                trees = mirror.contents(archive, self._writable)
                taken = archive.seek(0, os.SEEK_END)
        for key, tree in trees.items():
            for left in self._without[key]:
                for name in [name for name in tree if name == left or name.startswith(f"{left}/")]:
                    del tree[name]
        return trees, (taken, sum(map(len, trees.values())))

    def _get(self, changes: Mapping[str, Sequence[str]]) -> IO[bytes]:
        if not self._gnu:
            return self._archive(["/bin/sh", "-c", script.GET_ALL, "sh", *self._writable], None)
        names = [f"{key}/{name}" if name else key for key, changed in changes.items() for name in changed]
        listed = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in names)
        return self._archive(["/bin/sh", "-c", script.GET, "sh", str(len(listed))], listed)

    def _archive(self, words: Sequence[str], stdin: bytes | None) -> IO[bytes]:
        """What a command prints, in a file of which only this process knows."""
        most = self._before[0] + self._spec.disk_mb * _MEGABYTE + self._spec.entries * 2048 + _SLACK
        file = tempfile.TemporaryFile()  # noqa: SIM115  (given back open)
        command = Exec(self._cluster, self._pod, FILES, words, stdin=stdin is not None)

        def feed(stream: int, chunk: bytes) -> None:
            if stream == STDOUT:
                file.write(chunk)
                if file.tell() > most:
                    command.hang_up()

        try:
            command.follow(feed, [] if stdin is None else [stdin])  # exit code: some files may be locked even to tar
        except BaseException as error:
            over = file.tell() > most
            file.close()
            if over:
                raise OverQuota from error
            raise
        finally:
            command.close()
        file.seek(0)
        return file

    def _put(self, control: Mapping[str, bytes], changes: Mapping[str, Sequence[str]]) -> None:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for name, content in control.items():
                    entry = tarfile.TarInfo(f"run/{name}")
                    entry.size, entry.mode = len(content), 0o600
                    tar.addfile(entry, io.BytesIO(content))
                for key, names in changes.items():
                    mirror.pack(self._roots[key], names, f"mounts/{key}", tar)
            size = file.tell()
            words = ["/bin/sh", "-c", script.PUT, "sh", str(size)]
            self._run(words, "take files", mirror.blocks(file))

    def _run(self, words: Sequence[str], what: str, stdin: object = None) -> bytes:
        code, said, told = run(self._cluster, self._pod, FILES, words, stdin=stdin)  # type: ignore[arg-type]
        if code:
            why = told.decode("utf-8", "replace").strip()[-500:] or f"exit code {code}"
            raise SandboxError(f"pod {self._pod} of {self._cluster.place} cannot {what}: {why}")
        return said


def _inner(spec: SandboxSpec, index: int) -> frozenset[str]:
    """Paths below a mount that other mounts lie over."""
    outer = spec.mounts[index].inside
    return frozenset(
        mount.inside.removeprefix(f"{outer}/") for mount in spec.mounts if mount.inside.startswith(f"{outer}/")
    )
