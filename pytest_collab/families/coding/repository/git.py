"""Git on the host, hardened: what agents leave behind is data to it and never code.

A tree may carry hooks, filters, text conversions, a file system monitor, merge drivers, or attributes that
rewrite content. None of them is looked at here: every call has a git directory of our own, no system or user
configuration, no work tree, and attributes (`info/attributes` outranks what a tree says) that switch every
conversion off, so that what goes in comes out byte for byte.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_collab.errors import SetupError

Entries = dict[str, tuple[str, str]]
"""A tree written flat: path to (mode, object id). Paths are decoded with `surrogateescape`."""

_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "core.autocrlf": "false",
    "core.symlinks": "true",
    "core.fileMode": "true",
    # Names that other systems take for `.git` are names here.
    "core.protectNTFS": "false",
    "core.protectHFS": "false",
    "core.fsync": "none",
    "protocol.ext.allow": "never",
    "protocol.file.allow": "always",
    "safe.directory": "*",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "diff.external": "",
    "merge.renames": "true",
    "merge.directoryRenames": "conflict",
    "merge.conflictStyle": "merge",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "commit.gpgSign": "false",
    "init.defaultBranch": "main",
    "advice.detachedHead": "false",
}
_NEUTRAL = "* -text -eol !filter !ident !working-tree-encoding !diff !merge !export-ignore !export-subst\n"
MARKERS: Final = 47
"""Length of the conflict markers that are read back: nobody's headings are underlined so."""
_WHO = "pytest-collab"
_WHEN = "1700000000 +0000"
TIMEOUT = 120.0


class GitError(SetupError):
    """A git command on the host failed.

    Attributes:
        code: git's exit code; None after a time-out.
        stderr: what it said.
    """

    def __init__(self, words: Iterable[str], code: int | None, stderr: str) -> None:
        self.git_code = code
        self.stderr = stderr
        said = stderr.strip()[-2000:] or "it said nothing"
        super().__init__(f"git {' '.join(words)} ended with {'a time-out' if code is None else code}: {said}")


def git_environment() -> dict[str, str]:
    """The whole environment of a host git: fixed author and date, no configuration but ours."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_AUTHOR_NAME": _WHO,
        "GIT_AUTHOR_EMAIL": f"{_WHO}@localhost",
        "GIT_AUTHOR_DATE": _WHEN,
        "GIT_COMMITTER_NAME": _WHO,
        "GIT_COMMITTER_EMAIL": f"{_WHO}@localhost",
        "GIT_COMMITTER_DATE": _WHEN,
        "GIT_CONFIG_COUNT": str(len(_CONFIG)),
    }
    for index, (key, value) in enumerate(_CONFIG.items()):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def run_git(
    *words: str,
    git_dir: Path | None = None,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    accept: tuple[int, ...] = (0,),
    timeout: float = TIMEOUT,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run one git command.

    Args:
        git_dir: the repository; None for commands that need none.
        accept: exit codes that are answers, not errors.

    Raises:
        GitError: any other exit code, or no end within `timeout` seconds.
        SetupError: there is no git.
    """
    environment = git_environment()
    if git_dir is not None:
        environment["GIT_DIR"] = str(git_dir)
    environment.update(env or {})
    try:
        done = subprocess.run(
            ["git", *words],
            input=stdin,
            capture_output=True,
            env=environment,
            cwd=cwd or "/",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise SetupError("there is no `git` on PATH; install git 2.38 or newer") from None
    except subprocess.TimeoutExpired as error:
        raise GitError(words, None, (error.stderr or b"").decode(errors="replace")) from None
    if done.returncode not in accept:
        raise GitError(words, done.returncode, done.stderr.decode(errors="replace"))
    return done


@dataclass(frozen=True, slots=True)
class Store:
    """The host's own repository of one episode (or one validation): objects only, no refs, no work tree.

    It borrows the seed's objects, so that agents' objects never reach the seed that others are given.

    Attributes:
        path: the bare repository.
        base: id of the base commit.
        also: further stores whose objects can be read, not written.
    """

    path: Path
    base: str
    also: tuple[Path, ...] = ()

    @classmethod
    def create(cls, path: Path, seed: Path, base: str) -> Store:
        """Make one.

        Args:
            path: does not exist yet.
            seed: git directory whose objects are borrowed.
            base: a commit of the seed.
        """
        _git_dir(path, _NEUTRAL)
        (path / "objects" / "info" / "alternates").write_text(f"{(seed / 'objects').resolve()}\n")
        return cls(path, base)

    def seeing(self, other: Store) -> Store:
        """This store, with what is in `other` readable: what is then made stays out of `other`."""
        return dataclasses.replace(self, also=(other.path, *other.also))

    def ruled(self, name: str, rules: str) -> str:
        """A further set of attributes, on top of the neutral ones, for `git(attributes=...)`; its name."""
        git_dir = self.path / name
        if not git_dir.is_dir():
            # Whole or not at all: merges in other threads look for it as well.
            making = Path(tempfile.mkdtemp(dir=self.path, prefix="ruled-"))
            _git_dir(making, _NEUTRAL + rules)
            try:
                making.rename(git_dir)
            except OSError:  # another was quicker
                shutil.rmtree(making)
        return name

    def git(
        self,
        *words: str,
        stdin: bytes = b"",
        index: Path | None = None,
        attributes: str = "",
        accept: tuple[int, ...] = (0,),
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git in this repository; with other attributes than the neutral ones, see `ruled` (and `run_git`)."""
        env = {"GIT_OBJECT_DIRECTORY": str(self.path / "objects")}
        if self.also:
            # A store's own borrowing (from the seed) is followed from here as well.
            env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = os.pathsep.join(str(path / "objects") for path in self.also)
        if index is not None:
            env["GIT_INDEX_FILE"] = str(index)
        return run_git(*words, git_dir=self.path / attributes, stdin=stdin, env=env, accept=accept)

    def tree(self, commit: str) -> str:
        """The tree of a commit (or of a tree)."""
        return self.git("rev-parse", "--verify", f"{commit}^{{tree}}").stdout.decode().strip()

    def entries(self, tree: str) -> Entries:
        """Everything in a tree, submodules and links included."""
        found: Entries = {}
        for line in self.git("ls-tree", "-r", "-z", "--full-tree", tree).stdout.split(b"\0"):
            if line:
                head, _, path = line.partition(b"\t")
                mode, _, oid = head.decode().split()
                found[os.fsdecode(path)] = (mode, oid)
        return found

    def write(self, entries: Entries) -> str:
        """The id of the tree that holds exactly `entries`."""
        with tempfile.TemporaryDirectory(prefix="collab-index-") as folder:
            index = Path(folder, "index")
            self._stage(entries, index)
            return self.git("write-tree", index=index).stdout.decode().strip()

    def _stage(self, entries: Entries, index: Path) -> None:
        lines = [f"{mode} {oid}\t".encode() + os.fsencode(path) for path, (mode, oid) in entries.items()]
        self.git(
            "update-index", "-z", "--add", "--index-info", stdin=b"".join(b"%b\0" % one for one in lines), index=index
        )

    def blob(self, oid: str) -> bytes:
        """The content of a blob."""
        return self.git("cat-file", "blob", oid).stdout

    def commit(self, tree: str, *parents: str, message: str = "work") -> str:
        """The id of a commit of `tree` (the base commit is its parent unless others are named)."""
        words = [word for parent in parents or (self.base,) for word in ("-p", parent)]
        return self.git("commit-tree", tree, *words, stdin=message.encode()).stdout.decode().strip()

    def apply(self, tree: str, patch: bytes) -> str:
        """The tree that a patch makes of `tree`; nothing is written outside the object store.

        Raises:
            GitError: it does not apply, or names a path outside the tree or inside `.git`.
        """
        with tempfile.TemporaryDirectory(prefix="collab-index-") as folder:
            index = Path(folder, "index")
            self.git("read-tree", tree, index=index)
            try:
                self.git("apply", "--cached", "--whitespace=nowarn", "-", stdin=patch, index=index)
            except GitError:
                # Patches that went through editors or mail: blanks at line ends differ.
                self.git(
                    "apply", "--cached", "--whitespace=nowarn", "--ignore-whitespace", "-", stdin=patch, index=index
                )
            return self.git("write-tree", index=index).stdout.decode().strip()

    def patch(self, tree: str, since: str | None = None) -> str:
        """What `tree` changes with respect to `since` (the base commit): a patch with binary content."""
        words = ("--binary", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames")
        done = self.git("diff-tree", "-p", *words, since or self.tree(self.base), tree)
        return done.stdout.decode(errors="surrogateescape")

    def stat(self, tree: str) -> dict[str, dict[str, int]]:
        """Lines that `tree` adds to each file of the base commit, and removes (none of a binary file).

        A renamed file goes by its new name.
        """
        words = ("-r", "-z", "--numstat", "--no-ext-diff", "--no-textconv", "--find-renames")
        parts = iter(self.git("diff-tree", *words, self.tree(self.base), tree).stdout.split(b"\0"))
        found = {}
        for line in parts:
            added, removed, path = line.split(b"\t", 2) if line else (b"", b"", b"")
            if line and not path:  # old name and new name follow
                next(parts)
                path = next(parts)
            if path:
                figures = zip(("added", "removed"), (added, removed), strict=True)
                found[os.fsdecode(path)] = {what: int(count) if count.isdigit() else 0 for what, count in figures}
        return found

    def checkout(self, tree: str | Entries, folder: Path) -> None:
        """Write a tree (an id, or its entries) into `folder`, which is made.

        Links stay links, submodules become empty folders, content is written byte for byte.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="collab-index-") as scratch:
            index = Path(scratch, "index")
            if isinstance(tree, str):
                self.git("read-tree", tree, index=index)
            else:
                self._stage(tree, index)
            self.git(
                *("-c", "core.bare=false", f"--work-tree={folder}", "checkout-index", "-a", "-f"),
                f"--prefix={folder}/",
                index=index,
            )


def _git_dir(path: Path, attributes: str) -> None:
    for name in ("objects/info", "objects/pack", "refs", "info"):
        (path / name).mkdir(parents=True)
    (path / "HEAD").write_text("ref: refs/heads/none\n")
    (path / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    (path / "info" / "attributes").write_text(attributes)
