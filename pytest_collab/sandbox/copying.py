"""Taking files out of a directory that foreign code has written, without being led elsewhere by its links.

A file that an agent leaves in its tree may be a link to `/root/.ssh/id_rsa`, a FIFO that blocks whoever
opens it, or may become one between two system calls. So every component is opened relative to its parent
with `O_NOFOLLOW`, and what was opened is what is looked at.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import stat
from pathlib import Path, PurePosixPath

from pytest_collab.errors import SandboxError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class CopyReport:
    """What `copy_out` did.

    Attributes:
        files: relative paths copied.
        skipped: relative path to why it was left: a link, a special file, unreadable.
        bytes: copied in all.
    """

    files: tuple[str, ...]
    skipped: dict[str, str]
    bytes: int


def read_inside(root: Path, relative: str, *, limit: int) -> bytes:
    """The content of one file below `root`, which foreign code can write to.

    Args:
        root: a directory of the host, itself trusted.
        relative: POSIX path below it, without `..`.
        limit: bytes; a larger file is refused.

    Raises:
        SandboxError: the path leads out, passes through a link, is no regular file, is too large or missing.
    """
    *folders, name = _parts(relative)
    with contextlib.ExitStack() as stack:
        folder = _open(stack, os.fspath(root), _DIRECTORY, None, relative)
        for part in folders:
            folder = _open(stack, part, _DIRECTORY, folder, relative)
        file = _open(stack, name, _FILE, folder, relative)
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise SandboxError(f"{relative!r} in {root} is no regular file and was not read")
        content = bytearray()
        while chunk := os.read(file, min(_CHUNK, limit + 1 - len(content))):
            content += chunk
            if len(content) > limit:
                raise SandboxError(f"{relative!r} in {root} is larger than {limit} bytes and was not read")
        return bytes(content)


def copy_out(root: Path, target: Path, *, limit: int) -> CopyReport:
    """Copy a tree that foreign code has written: regular files and directories, nothing else.

    Permissions are reduced to the owner's execute bit; owners, times and set-id bits are not kept.

    Args:
        root: a directory of the host, itself trusted.
        target: a directory that does not exist yet.
        limit: bytes in all; also no more than one file or directory per 256 of them (at least 10,000).

    Raises:
        SandboxError: the tree is larger than the limit. `target` is removed then.
    """
    target.mkdir(parents=True)
    report = _Copying(limit)
    try:
        descriptor = os.open(root, _DIRECTORY)
        try:
            report.copy_directory(descriptor, target, PurePosixPath())
        finally:
            os.close(descriptor)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return CopyReport(tuple(report.files), report.skipped, report.bytes)


class _Copying:
    def __init__(self, limit: int) -> None:
        self.files: list[str] = []
        self.skipped: dict[str, str] = {}
        self.bytes = 0
        self._limit = limit
        self._entries = max(10_000, limit // 256)

    def copy_directory(self, source: int, target: Path, relative: PurePosixPath) -> None:
        for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
            place = relative / entry.name
            self._entries -= 1
            if self._entries < 0:
                raise SandboxError("the tree to copy holds too many files")
            if entry.is_symlink():
                self.skipped[str(place)] = "a symbolic link"
                continue
            is_directory = entry.is_dir(follow_symlinks=False)
            try:
                opened = os.open(entry.name, _DIRECTORY if is_directory else _FILE, dir_fd=source)
            except OSError as error:
                self.skipped[str(place)] = error.strerror or str(error)
                continue
            try:
                if is_directory:
                    (target / entry.name).mkdir()
                    self.copy_directory(opened, target / entry.name, place)
                else:
                    self._copy_file(opened, target / entry.name, place)
            finally:
                os.close(opened)

    def _copy_file(self, source: int, target: Path, place: PurePosixPath) -> None:
        status = os.fstat(source)
        if not stat.S_ISREG(status.st_mode):
            self.skipped[str(place)] = "a special file"
            return
        mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
            while chunk := os.read(source, _CHUNK):
                self.bytes += len(chunk)
                if self.bytes > self._limit:
                    raise SandboxError(f"the tree to copy is larger than {self._limit} bytes")
                file.write(chunk)
        self.files.append(str(place))


def _parts(relative: str) -> tuple[str, ...]:
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in relative:
        raise SandboxError(f"{relative!r} is not a path below the directory; name it without '..' or a leading '/'")
    return path.parts


def _open(stack: contextlib.ExitStack, name: str, flags: int, folder: int | None, relative: str) -> int:
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        raise SandboxError(f"{relative!r} was not read: {error.strerror} at {name!r}") from error
    stack.callback(os.close, descriptor)
    return descriptor
