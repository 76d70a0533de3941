"""Files between the host and a pod: what has changed on either side, packed and unpacked without following a link.

What comes out of a pod was written by foreign code. Every folder on the way is opened relative to its parent with
`O_NOFOLLOW`, names that lead out are refused, and nothing becomes set-id, a device or a hard link of another file.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Final

from pytest_collab.errors import SandboxError

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK: Final = 1 << 20

Tree = dict[str, tuple[object, ...]]
"""From a path below a mount ("" for itself) to what changes when it does; the first entry is its kind."""


def scan(root: Path, without: frozenset[str] = frozenset()) -> Tree:
    """What lies on the host, links not followed.

    Args:
        root: a folder or file, itself trusted.
        without: paths below it that are left out, with what is below them.
    """
    found: Tree = {}
    status = os.lstat(root)
    found[""] = _stamp(status)
    waiting = [(os.fspath(root), "")] if stat.S_ISDIR(status.st_mode) else []
    while waiting:
        place, prefix = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    name = prefix + entry.name
                    if name in without:
                        continue
                    found[name] = _stamp(entry.stat(follow_symlinks=False))
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, f"{name}/"))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue  # gone meanwhile, or not ours to read
    return found


def changed(before: Mapping[str, tuple[object, ...]], now: Mapping[str, tuple[object, ...]]) -> list[str]:
    """Paths that are new or other than they were, parents first."""
    return sorted(name for name, stamp in now.items() if before.get(name) != stamp)


def vanished(before: Mapping[str, tuple[object, ...]], now: Mapping[str, tuple[object, ...]]) -> list[str]:
    """Paths to remove, children first: gone, or of another kind now."""
    return sorted(
        (name for name, stamp in before.items() if name not in now or now[name][0] != stamp[0]), reverse=True
    )


def pack(root: Path, names: Iterable[str], prefix: str, tar: tarfile.TarFile) -> None:
    """Add files, folders and links to an archive; other kinds are left out.

    Args:
        prefix: what paths in the archive begin with, such as `mounts/0`.
    """
    for name in names:
        with contextlib.ExitStack() as stack:
            try:
                folder, last = _parent(stack, root, name)
                status = os.lstat(last) if folder is None else os.lstat(last, dir_fd=folder)
                entry = tarfile.TarInfo(f"{prefix}/{name}" if name else prefix)
                entry.mode, entry.mtime = stat.S_IMODE(status.st_mode) & 0o777, status.st_mtime
                if stat.S_ISDIR(status.st_mode):
                    entry.type, entry.mode = tarfile.DIRTYPE, entry.mode | 0o700
                    tar.addfile(entry)
                elif stat.S_ISLNK(status.st_mode):
                    entry.type = tarfile.SYMTYPE
                    entry.linkname = os.readlink(last, dir_fd=folder)
                    tar.addfile(entry)
                elif stat.S_ISREG(status.st_mode):
                    opened = os.open(last, _FILE, dir_fd=folder)
                    with open(opened, "rb") as file:
                        # What grows or shrinks meanwhile is taken as long as it was said to be.
                        entry.size = os.fstat(opened).st_size
                        tar.addfile(entry, _Exactly(file, entry.size))
            except (FileNotFoundError, NotADirectoryError):
                continue  # gone meanwhile
            except OSError as error:
                raise SandboxError(f"{root / name} cannot be sent to a pod: {error.strerror}") from error


def unpack(archive: IO[bytes], roots: Mapping[str, Path], wanted: Mapping[str, Collection[str]]) -> None:
    """Write what a pod sent into folders of the host.

    Args:
        archive: a tar archive whose names begin with a key of `roots`.
        roots: where each goes.
        wanted: the paths below each that are taken; others are passed over.

    Raises:
        SandboxError: it is no archive, or a name in it leads out.
    """
    modes: list[tuple[Path, str, int]] = []
    made: dict[str, tuple[Path, str]] = {}
    try:
        with tarfile.open(fileobj=archive, mode="r:") as tar:
            for entry in tar:
                key, name = _named(entry, roots)
                if name not in wanted.get(key, ()):
                    continue
                _write(tar, entry, roots[key], name, made)
                made[f"{key}/{name}"] = roots[key], name
                if entry.isdir():
                    modes.append((roots[key], name, entry.mode & 0o777))
    except tarfile.TarError as error:
        raise SandboxError(f"what a pod sent is no archive: {error}") from error
    for root, name, mode in reversed(modes):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            folder, last = _parent(stack, root, name)
            os.fchmod(_opened(stack, last, _DIRECTORY, folder), mode)


def contents(archive: IO[bytes], keys: Collection[str]) -> dict[str, Tree]:
    """What an archive holds, as `scan` tells of the host.

    Raises:
        SandboxError: as `unpack`.
    """
    found: dict[str, Tree] = {key: {} for key in keys}
    try:
        with tarfile.open(fileobj=archive, mode="r:") as tar:
            for entry in tar:
                key, name = _named(entry, found)
                more = () if entry.isdir() else (entry.size, entry.mtime, entry.linkname)
                found[key][name] = (b"0" if entry.islnk() else entry.type, entry.mode, *more)
    except tarfile.TarError as error:
        raise SandboxError(f"what a pod sent is no archive: {error}") from error
    return found


def remove(root: Path, names: Iterable[str]) -> None:
    """Remove files and empty folders below a folder of the host, in this order."""
    for name in names:
        if not name:
            continue
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            folder, last = _parent(stack, root, name)
            if stat.S_ISDIR(os.lstat(last, dir_fd=folder).st_mode):
                os.rmdir(last, dir_fd=folder)
            else:
                os.unlink(last, dir_fd=folder)


def _named(entry: tarfile.TarInfo, keys: Collection[str]) -> tuple[str, str]:
    """Mount and path of an entry. Raises SandboxError where that leads out."""
    key, _, name = entry.name.removeprefix("./").rstrip("/").partition("/")
    if key not in keys or (name and any(part in ("..", ".", "") for part in name.split("/"))):
        raise SandboxError(f"a pod sent a file named {entry.name!r}, which leads out of its mounts")
    return key, name


def _write(
    tar: tarfile.TarFile, entry: tarfile.TarInfo, root: Path, name: str, made: Mapping[str, tuple[Path, str]]
) -> None:
    """One entry; the kinds that no seat needs (devices, sockets) are left out."""
    with contextlib.ExitStack() as stack:
        try:
            folder, last = _parent(stack, root, name)
            if entry.isdir():
                with contextlib.suppress(FileExistsError):
                    os.mkdir(last, 0o700, dir_fd=folder)
                _opened(stack, last, _DIRECTORY, folder)  # a folder, and no link to one
                return
            fresh = f".{os.path.basename(last)[:200]}.collab-{os.getpid()}"
            if folder is None:
                fresh = os.path.join(os.path.dirname(last), fresh)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh, dir_fd=folder)
            if entry.issym():
                os.symlink(entry.linkname, fresh, dir_fd=folder)
            elif entry.isfifo():
                os.mkfifo(fresh, entry.mode & 0o777, dir_fd=folder)
            elif entry.isreg() or entry.islnk():
                source = tar.extractfile(entry) if entry.isreg() else _earlier(stack, entry.linkname, made)
                if source is None:
                    return
                with (
                    source,
                    open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder), "wb") as file,
                ):
                    shutil.copyfileobj(source, file, _CHUNK)
                    os.fchmod(file.fileno(), entry.mode & 0o777)
                    file.flush()
                    os.utime(file.fileno(), (entry.mtime, entry.mtime))
            else:
                return
            os.rename(fresh, last, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError as error:
            raise SandboxError(f"{root / name} cannot be written as the pod has it: {error.strerror}") from error


def _earlier(stack: contextlib.ExitStack, link: str, made: Mapping[str, tuple[Path, str]]) -> IO[bytes] | None:
    """The file that a hard link names, if it was in the same archive."""
    known = made.get(link.removeprefix("./"))
    if known is None:
        return None
    folder, last = _parent(stack, *known)
    return open(os.open(last, _FILE, dir_fd=folder), "rb")


def _parent(stack: contextlib.ExitStack, root: Path, name: str) -> tuple[int | None, str]:
    """The folder that a path lies in, opened step by step, and its last part; for the mount itself, its own path."""
    if not name:
        return None, os.fspath(root)
    *folders, last = name.split("/")
    folder = _opened(stack, os.fspath(root), _DIRECTORY, None)
    for part in folders:
        folder = _opened(stack, part, _DIRECTORY, folder)
    return folder, last


def _opened(stack: contextlib.ExitStack, name: str, flags: int, folder: int | None) -> int:
    descriptor = os.open(name, flags, dir_fd=folder)
    stack.callback(os.close, descriptor)
    return descriptor


def _stamp(status: os.stat_result) -> tuple[object, ...]:
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        return kind, status.st_mode
    return kind, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


class _Exactly(io.RawIOBase):
    """Exactly so many bytes of a file: cut off, or filled with zeros."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted)
        self._left -= wanted
        return data + bytes(wanted - len(data))


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """A file, piece by piece, from its beginning."""
    file.seek(0)
    while block := file.read(_CHUNK):
        yield block
