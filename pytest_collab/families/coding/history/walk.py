"""Looking through a history, newest first: what may be a feature, and why the rest is none."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.text import counted
from pytest_collab.families.coding.history.paths import kind_of
from pytest_collab.families.coding.pool.pool import Language
from pytest_collab.families.coding.repository.git import GitError, Store

if TYPE_CHECKING:
    from git import Commit, Repo

LIMIT_FILES: Final = 20
LIMIT_LINES: Final = 800
"""A feature changes at most so many files of source and tests, and so many lines of them."""

PREFIX: Final = re.compile(r"^(feat|fix|perf|refactor|chore|build|docs|ci|style|test)(\([^)]*\))?!?: (?=\S)")
"""Of a conventional commit: `feat(parser): ...`."""

_MERGED: Final = re.compile(r"^Merge (?:pull request|branch|remote-tracking branch|PR)\b.*", re.IGNORECASE)
_TRAILER: Final = re.compile(
    r"^(signed-off-by|co-authored-by|reviewed-by|acked-by|change-id|closes?|fix(es)?|resolves?|refs?)\b:? *[#\w].*$",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\s*\((?:#|gh-)\d+\)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Commits:
    """A commit, or a merged branch, of the first-parent line.

    Attributes:
        commit, parent: ids; what lies between them is what it changes.
        title: without numbers of pull requests.
    """

    commit: str
    parent: str
    day: str
    title: str
    body: str = ""

    @property
    def short(self) -> str:
        """The beginning of its id."""
        return self.commit[:9]


@dataclass(frozen=True, slots=True)
class Change:
    """What may be a feature.

    Attributes:
        source, tests: paths that make its two patches; docs: paths that tell about it.
        lines: how many lines of source and tests it adds and removes.
    """

    of: Commits
    source: tuple[str, ...]
    tests: tuple[str, ...]
    docs: tuple[str, ...]
    lines: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is no feature of the pool.

    Attributes:
        group: the reason without particulars; empty for a commit that looked like a feature.
    """

    of: Commits
    why: str
    group: str = ""


def walk(
    repository: Repo, store: Store, ref: str, since: str | None, paths: Sequence[str], language: Language, most: int
) -> Iterator[Change | LeftOut]:
    """What every commit of a history's first-parent line is, newest first.

    Args:
        store: sees the repository's objects.
        paths: files and folders; what lies elsewhere does not count. Empty for all.
        most: commits to look at.
    """
    more: dict[str, Any] = {"since": since} if since else {}
    for commit in repository.iter_commits(ref, paths=list(paths), first_parent=True, max_count=most, **more):
        yield _seen(repository, commit, store, paths, language)


def _seen(
    repository: Repo, commit: Commit, store: Store, paths: Sequence[str], language: Language
) -> Change | LeftOut:
    of = _told(repository, commit)
    if not of.parent:
        return LeftOut(of, "it is the first commit", "the first commit")
    if of.title.lower().startswith("revert"):
        return LeftOut(of, "it takes another commit back", "another taken back")
    try:
        changed = _numbers(store, of, paths)
    except GitError:
        return LeftOut(of, "its parent is not in this clone", "no parent in this (shallow?) clone")
    found: dict[str, list[str]] = {"test": [], "source": [], "docs": [], "setup": [], "other": []}
    for path in changed:
        found[kind_of(path, language)].append(path)
    if not found["source"]:
        return LeftOut(of, f"it changes no {language} source", f"no {language} source")
    if not found["test"]:
        return LeftOut(of, "it changes no tests", "no tests")
    tops = {path.split("/")[0] for path in found["source"] if "/" in path}
    beside = [path for path in found["other"] if path.split("/")[0] in tops]
    kept = [*found["source"], *beside, *found["test"]]
    lines = sum(sum(changed[path]) for path in kept)
    if len(kept) > LIMIT_FILES or lines > LIMIT_LINES:
        return LeftOut(of, f"it is too large: {counted(len(kept), 'file')}, {counted(lines, 'line')}", "too large")
    added, removed = (sum(changed[path][at] for path in found["test"]) for at in (0, 1))
    if added <= removed:
        return LeftOut(of, f"its tests expect nothing new (+{added} -{removed} lines)", "nothing new in tests")
    if not any(changed[path][0] for path in found["source"]):
        return LeftOut(of, "it only removes source", "source only removed")
    return Change(of, (*found["source"], *beside), tuple(found["test"]), tuple(found["docs"]), lines)


def _numbers(store: Store, of: Commits, paths: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Path to lines added and removed (0 and 0 for what has no lines)."""
    words = ("-r", "-z", "--numstat", "--no-renames", of.parent, of.commit)
    limits = ("--", *(f":(literal){posixpath.normpath(path)}" for path in paths)) if paths else ()
    found = {}
    for record in store.git("diff-tree", *words, *limits).stdout.decode(errors="surrogateescape").split("\0"):
        if record:
            added, removed, path = record.split("\t", 2)
            found[path] = (0, 0) if added == "-" else (int(added), int(removed))
    return found


def _told(repository: Repo, commit: Commit) -> Commits:
    lines = str(commit.message).strip().splitlines() or ["(no message)"]
    title, body = lines[0], lines[1:]
    parents = [parent.hexsha for parent in commit.parents]
    if len(parents) > 1 and _MERGED.match(title):
        said = [line for line in body if line.strip()]
        branch = repository.iter_commits(f"{parents[0]}..{parents[1]}", max_count=10, no_merges=True)
        own = [str(one.message).strip() for one in branch][::-1]
        title = said[0] if said else own[0].splitlines()[0] if own else title
        body = [*said[1:], "", *(line for text in own for line in [*text.splitlines(), ""] if line != title)]
    return Commits(
        commit.hexsha,
        parents[0] if parents else "",
        commit.committed_datetime.date().isoformat(),
        _NUMBER.sub("", title).strip(),
        "\n".join(line for line in body if not _TRAILER.match(line.strip())).strip(),
    )
