"""Features on one base: a change is carried to the base as `git cherry-pick` would, and cut into source and tests.

A change that only adds lines where the base lacks what stood beside them (tests at the end of a file, after
others that came in between) conflicts for git, and is yet clear: the added lines go where the conflict is.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_collab.families.coding.history.paths import kind_of
from pytest_collab.families.coding.history.walk import Change
from pytest_collab.families.coding.pool.pool import Language
from pytest_collab.families.coding.repository.git import MARKERS, Entries, GitError, Store
from pytest_collab.families.coding.repository.merge import Conflict, check_merge

_OURS, _BASE, _THEIRS, _END = (mark * MARKERS for mark in (b"<", b"|", b"=", b">"))
_CONFLICTS: Final = range(128)  # merge-file ends with how many there are


@dataclass(frozen=True, slots=True)
class Cut:
    """A change on the base.

    Attributes:
        tree: the base with the change's source.
        feature, tests: patches of the base.
    """

    change: Change
    tree: str
    feature: bytes
    tests: bytes


class Rebaser:
    """Carries changes to other trees, in a store that sees the repository's objects."""

    def __init__(self, store: Store, language: Language) -> None:
        self._store, self._language = store, language
        self._made: dict[str, tuple[str, str]] = {}

    def onto(self, tree: str, change: Change) -> str | None:
        """The tree that a change makes of `tree`; None where the two conflict."""
        return self._merged(tree, change)[0]

    def conflicts(self, tree: str, change: Change) -> str:
        """Where a change conflicts with `tree`, as a sentence."""
        files = self._merged(tree, change)[1]
        return f"it does not apply to the base: {', '.join(files[:3])}{' and more' * (len(files) > 3)}"

    def cut(self, base: str, change: Change) -> Cut | str:
        """Both patches of a change on the base; or why there are none."""
        whole = self.onto(base, change)
        if whole is None:
            return self.conflicts(base, change)
        before, after = self._store.entries(base), self._store.entries(whole)
        trees = {}
        for tests in (False, True):
            part = dict(before)
            for path in before.keys() | after.keys():
                if before.get(path) != after.get(path) and (kind_of(path, self._language) == "test") is tests:
                    _put(part, path, after.get(path))
            trees[tests] = self._store.write(part)
        feature, hidden = (self._store.patch(trees[tests], base) for tests in (False, True))
        if not feature or not hidden:
            return f"its {'tests are' if feature else 'source is'} in the base already"
        try:
            return Cut(change, trees[False], feature.encode(), hidden.encode())
        except UnicodeEncodeError:
            return "its patch is not UTF-8"

    def combined(self, base: str, changes: Sequence[Change]) -> bytes | None:
        """One patch with the source of all changes, carried over oldest first; None where they conflict."""
        tree: str | None = base
        for change in changes:
            tree = self.onto(tree, change) if tree else None
        if tree is None:
            return None
        before, after = self._store.entries(base), self._store.entries(tree)
        for path in before.keys() | after.keys():
            if kind_of(path, self._language) == "test":
                _put(after, path, before.get(path))
        return self._store.patch(self._store.write(after), base).encode(errors="surrogateescape")

    def _ends(self, change: Change) -> tuple[str, str]:
        """Commits of the change's parent, and of that parent with nothing but the change's source and tests."""
        if change.of.commit not in self._made:
            before, after = (self._store.entries(one) for one in (change.of.parent, change.of.commit))
            for path in (*change.source, *change.tests):
                _put(before, path, after.get(path))
            parent = self._store.commit(self._store.tree(change.of.parent))
            self._made[change.of.commit] = parent, self._store.commit(self._store.write(before), parent)
        return self._made[change.of.commit]

    def _merged(self, tree: str, change: Change) -> tuple[str | None, tuple[str, ...]]:
        try:
            parent, theirs = self._ends(change)
            check = check_merge(self._store, [self._store.commit(tree, parent), theirs], "plain")
            if check.clean:
                return check.tree, ()
            found = self._store.entries(check.tree) if check.tree else {}
            trees = [self._store.entries(one) for one in (tree, parent, theirs)]
            for conflict in check.conflicts:
                entry = self._added(conflict, trees)
                if entry is None:
                    return None, check.files
                found[conflict.path] = entry
            return (self._store.write(found), ()) if check.conflicts else (None, (check.message,))
        except GitError as error:
            return None, (str(error),)

    def _added(self, conflict: Conflict, trees: Sequence[Entries]) -> tuple[str, str] | None:
        sides = [tree.get(conflict.path) for tree in trees]
        if conflict.kind != "contents" or not all(side and side[0].startswith("100") for side in sides):
            return None
        with tempfile.TemporaryDirectory(prefix="collab-merge-") as folder:
            names = [os.path.join(folder, name) for name in ("ours", "base", "theirs")]
            for name, side in zip(names, sides, strict=True):
                Path(name).write_bytes(self._store.blob(side[1] if side else ""))
            words = ("merge-file", "-p", "--diff3", f"--marker-size={MARKERS}", *names)
            text = self._store.git(*words, accept=tuple(_CONFLICTS)).stdout
        resolved = with_additions(text)
        if resolved is None or sides[0] is None:
            return None
        done = self._store.git("hash-object", "-w", "--stdin", stdin=resolved)
        return sides[0][0], done.stdout.decode().strip()


def with_additions(text: bytes) -> bytes | None:
    """A merged file whose every conflict is resolved by what the other side adds before or after its own base.

    Args:
        text: as `git merge-file --diff3` with markers of `MARKERS` characters writes it.

    Returns:
        None where a conflict is of another kind.
    """
    result: list[bytes] = []
    parts: dict[bytes, list[bytes]] = {}
    at = b""
    for line in text.splitlines(keepends=True):
        mark = line[:MARKERS]
        if mark == _OURS and not at:
            at, parts = _OURS, {_OURS: [], _BASE: [], _THEIRS: []}
        elif (at, mark) in ((_OURS, _BASE), (_BASE, _THEIRS)):
            at = mark
        elif at == _THEIRS and mark == _END:
            ours, base, theirs = parts.values()
            more = len(theirs) - len(base)
            if more <= 0:
                return None
            if theirs[: len(base)] == base:
                result += [*ours, *theirs[len(base) :]]
            elif theirs[more:] == base:
                result += [*theirs[:more], *ours]
            else:
                return None
            at = b""
        else:
            (parts[at] if at else result).append(line)
    return None if at else b"".join(result)


def _put(entries: Entries, path: str, entry: tuple[str, str] | None) -> None:
    if entry is None:
        entries.pop(path, None)
    else:
        entries[path] = entry
