"""What counts as a seat's work: its working tree, read without trusting anything in it.

Committed, changed and untracked files all count, ignored ones do not. The tree is read file by file, links
are never followed, and git is fed their content: it never sees the seat's folder, its `.git`, its hooks,
filters or attributes.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from pytest_collab.episode.text import bounded
from pytest_collab.families.coding.repository.git import TIMEOUT, GitError, Store, git_environment

FILE_LIMIT = 16 * 1024 * 1024
TOTAL_LIMIT = 256 * 1024 * 1024
ENTRY_LIMIT = 200_000
DEPTH_LIMIT = 256
PATH_LIMIT = 3000
RULES_SECONDS = 60.0
_TOO_LARGE = f"larger than {FILE_LIMIT} bytes"
IGNORED = "ignored by a .gitignore"
_MOST_IGNORED = 20
_SOURCE = re.compile(
    r"(?!.*(?:^|/)(?:\..*|node_modules|site-packages|target|__pycache__)/).*\.(?:py|[cm]?[jt]sx?|go|rs)"
)
"""Names of code that someone wrote, not of what a package manager or compiler put there."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Work:
    """What a seat leaves.

    Attributes:
        commit: a commit whose only parent is the base.
        tree: its tree.
        skipped: path to why it is not part of it: a special file, too large, unreadable, a `.git`, ignored code.
        refused: why nothing of it counts, so that `tree` is the base's; empty where it does.
    """

    commit: str
    tree: str
    skipped: dict[str, str] = field(default_factory=dict)
    refused: str = ""


def collect_work(folder: Path, store: Store) -> Work:
    """Read a seat's working tree.

    - What is in the working tree counts, whether committed, staged or neither; what is committed but not in
      the working tree does not (the tree as it stands is what the seat leaves).
    - A file is ignored by the `.gitignore` files of the tree as it stands, unless the base has it. The
      exclude file and the configuration of the seat's repository do not matter. Code that is ignored is named.
    - A nested repository is a folder: its files count, its `.git` does not. Submodules of the base that are
      left as they are stay submodules.
    - Links stay links, whatever they point to. Modes are 100644, or 100755 with the owner's execute bit.
    - Files over 16 MiB, special files and what lies deeper than 256 folders are left out and named in `skipped`; a
      file of the base that has grown so large stays as it was. Content is taken byte for byte.
    - More than 256 MiB or 200,000 entries, or ignore rules that take git more than a minute, are `refused`: it is the
      seat that left them, and nothing counts.
    """
    base = store.entries(store.tree(store.base))
    reader = _Reader(_opened(str(folder), _DIRECTORY, None))
    try:
        reader.survey()
        ignored = _ignored(reader, set(base))
        kept = [path for path in reader.files if path not in ignored]
        reader.skipped.update(dict.fromkeys(sorted(filter(_source, ignored))[:_MOST_IGNORED], IGNORED))
        for path, (mode, oid) in base.items():
            if mode == "160000" and path in reader.empty:
                reader.submodules[path] = oid
        tree = _import(store, reader, kept)
        large = {path: base[path] for path, why in reader.skipped.items() if why == _TOO_LARGE and path in base}
        if large:
            tree = store.write({**store.entries(tree), **large})
    except _Refused as error:
        return Work(store.base, store.tree(store.base), reader.skipped, str(error))
    finally:
        os.close(reader.root)
    return Work(store.commit(tree), tree, reader.skipped)


def _source(path: str) -> bool:
    return _SOURCE.fullmatch(path) is not None


class _Refused(Exception):
    """The tree is beyond what is collected."""


class _Reader:
    """Names first, content later, both through descriptors that follow no link."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.files: dict[str, os.stat_result] = {}
        self.folders: list[str] = []
        self.empty: set[str] = set()
        self.submodules: dict[str, str] = {}
        self.skipped: dict[str, str] = {}

    def survey(self) -> None:
        waiting = [""]
        count = 0
        while waiting:
            place = waiting.pop()
            try:
                names = self._names(place)
            except OSError as error:
                self.skipped[place or "."] = error.strerror or str(error)
                continue
            if not names:
                self.empty.add(place)
            for name, status in names:
                path = f"{place}/{name}" if place else name
                count += 1
                if count > ENTRY_LIMIT:
                    raise _Refused(f"the working tree has more than {ENTRY_LIMIT:,} entries; none of it counts")
                if name.casefold() in (".git", "git~1"):
                    if place:
                        self.skipped[path] = "version control of a nested repository"
                elif name.casefold() == ".gitmodules" and stat.S_ISLNK(status.st_mode):
                    self.skipped[path] = "a link that git refuses"
                elif stat.S_ISDIR(status.st_mode) and (
                    path.count("/") >= DEPTH_LIMIT or len(os.fsencode(path)) > PATH_LIMIT
                ):
                    self.skipped[bounded(path, 200)] = f"deeper than {DEPTH_LIMIT} folders, or too long a path"
                elif stat.S_ISDIR(status.st_mode):
                    self.folders.append(path)
                    waiting.append(path)
                elif stat.S_ISLNK(status.st_mode) or stat.S_ISREG(status.st_mode):
                    self.files[path] = status
                else:
                    self.skipped[path] = "a special file"

    def _names(self, place: str) -> list[tuple[str, os.stat_result]]:
        descriptor = self._open(place, _DIRECTORY)
        try:
            with os.scandir(descriptor) as entries:
                return sorted((entry.name, entry.stat(follow_symlinks=False)) for entry in entries)
        finally:
            os.close(descriptor)

    def _open(self, place: str, flags: int) -> int:
        descriptor = os.dup(self.root)
        parts = place.split("/") if place else []
        for number, part in enumerate(parts):
            try:
                following = _opened(part, flags if number == len(parts) - 1 else _DIRECTORY, descriptor)
            finally:
                os.close(descriptor)
            descriptor = following
        return descriptor

    def link(self, path: str) -> bytes:
        folder, _, name = path.rpartition("/")
        descriptor = self._open(folder, _DIRECTORY)
        try:
            return os.fsencode(os.readlink(name, dir_fd=descriptor))
        finally:
            os.close(descriptor)

    def content(self, path: str) -> bytes | None:
        """None, with a reason in `skipped`, where there is none to take."""
        try:
            descriptor = self._open(path, _FILE)
        except OSError as error:
            self.skipped[path] = error.strerror or str(error)
            return None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                self.skipped[path] = "a special file"
                return None
            content = bytearray()
            while chunk := os.read(descriptor, _CHUNK):
                content += chunk
                if len(content) > FILE_LIMIT:
                    self.skipped[path] = _TOO_LARGE
                    return None
            return bytes(content)
        finally:
            os.close(descriptor)


def _opened(name: str, flags: int, folder: int | None) -> int:
    """Open a file or folder. Where its owner has taken the owner's permissions away, they are given back first."""
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except PermissionError:
        if not hasattr(os, "O_PATH"):
            raise
        found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            _permit(f"/proc/self/fd/{found}", os.fstat(found))
        finally:
            os.close(found)
        descriptor = os.open(name, flags, dir_fd=folder)
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode) and not status.st_mode & stat.S_IXUSR:
        with contextlib.suppress(PermissionError):  # another's folder
            _permit(descriptor, status)
    return descriptor


def _permit(itself: int | str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        os.chmod(itself, stat.S_IMODE(status.st_mode) | stat.S_IRUSR | stat.S_IXUSR)
    elif stat.S_ISREG(status.st_mode):
        os.chmod(itself, stat.S_IMODE(status.st_mode) | stat.S_IRUSR)


def _ignored(reader: _Reader, tracked: set[str]) -> set[str]:
    """Which files the tree's ignore rules leave out: asked of git, about a shadow with only those rules in it."""
    rules = [path for path in reader.files if path.rpartition("/")[2] == ".gitignore"]
    if not rules:
        return set()
    with tempfile.TemporaryDirectory(prefix="collab-ignore-") as scratch:
        shadow = Path(scratch, "tree")
        shadow.mkdir()
        for folder in reader.folders:
            (shadow / folder).mkdir(parents=True, exist_ok=True)
        for path in rules:
            content = None if stat.S_ISLNK(reader.files[path].st_mode) else reader.content(path)
            if content is not None:
                (shadow / path).write_bytes(content)
        env = {**git_environment(), "GIT_CEILING_DIRECTORIES": scratch}
        subprocess.run(["git", "init", "-q", "--template=", str(shadow)], env=env, check=True, timeout=TIMEOUT)
        asked = [*reader.folders, *(path for path in reader.files if path not in tracked)]
        try:
            done = subprocess.run(
                ["git", "-C", str(shadow), "check-ignore", "--no-index", "-z", "--stdin"],
                input=b"\0".join(os.fsencode(path) for path in asked),
                capture_output=True,
                env=env,
                timeout=RULES_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise _Refused(
                f"git takes more than {RULES_SECONDS:g} s to follow its .gitignore files; none of it counts"
            ) from None
        if done.returncode not in (0, 1):
            raise GitError(["check-ignore"], done.returncode, done.stderr.decode(errors="replace"))
        return {os.fsdecode(path) for path in done.stdout.split(b"\0")} - tracked - {""}


def _import(store: Store, reader: _Reader, paths: list[str]) -> str:
    """The tree of these paths, written into the store."""
    with tempfile.TemporaryFile() as marks:
        process = subprocess.Popen(
            ["git", "fast-import", "--quiet", "--date-format=raw", "--done"],
            stdin=subprocess.PIPE,
            stdout=marks,
            stderr=subprocess.PIPE,
            env={**git_environment(), "GIT_DIR": str(store.path)},
        )
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            with process.stdin as stream:
                for part in _stream(reader, paths):
                    stream.write(part)
        except BrokenPipeError:
            pass
        except BaseException:
            process.kill()
            process.wait()
            raise
        said = process.stderr.read().decode(errors="replace")
        process.stderr.close()
        code = process.wait(timeout=TIMEOUT)
        if code:
            raise GitError(["fast-import"], code, said)
        marks.seek(0)
        return store.tree(marks.read().decode().split()[0])


def _stream(reader: _Reader, paths: list[str]) -> Iterator[bytes]:
    total = 0
    blob: Callable[[bytes], bytes] = lambda data: f"data {len(data)}\n".encode() + data + b"\n"  # noqa: E731
    # The commit is only a carrier for the tree; its ref has a name of its own, as seats finish together.
    ref = f"refs/collab/{uuid4().hex}".encode()
    yield b"feature done\ncommit " + ref + b"\nmark :1\ncommitter collab <collab@localhost> 1700000000 +0000\n"
    yield b"data 0\n\n"
    yield b"deleteall\n"
    for path in paths:
        status = reader.files[path]
        try:
            link = stat.S_ISLNK(status.st_mode)
            content = reader.link(path) if link else reader.content(path)
        except OSError as error:
            reader.skipped[path] = error.strerror or str(error)
            continue
        if content is None:
            continue
        total += len(content)
        if total > TOTAL_LIMIT:
            raise _Refused(f"the working tree is larger than {TOTAL_LIMIT >> 20} MiB; none of it counts")
        mode = "120000" if link else "100755" if status.st_mode & stat.S_IXUSR else "100644"
        yield f"M {mode} inline ".encode() + _quoted(path) + b"\n" + blob(content)
    for path, oid in reader.submodules.items():
        yield f"M 160000 {oid} ".encode() + _quoted(path) + b"\n"
    yield b"get-mark :1\ndone\n"


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path)
    plain = bytes(byte for byte in raw if 32 <= byte < 127 and byte not in b'"\\')
    if plain == raw:
        return b'"' + raw + b'"'
    return b'"' + b"".join(bytes([b]) if b in plain else b"\\%03o" % b for b in raw) + b'"'
